//! `cargo xtask docs`: writes the pages that programs of this project print about themselves.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::shell;

/// A page and the example that prints it: the package, the example's name.
const PAGES: &[(&str, &str, &str)] = &[("docs/operate/commands.md", "hitless-config", "commands")];

/// Writes every page anew, or only says whether one is stale.
pub(crate) fn run(check: bool) -> Result<()> {
    for (page, package, example) in PAGES {
        let words = ["cargo", "run", "--quiet", "--package", package, "--example", example];
        let printed = shell::output(&words).with_context(|| format!("{example} does not run"))?;
        ensure!(!printed.is_empty(), "{example} prints nothing");
        let is_same = fs::read_to_string(page).is_ok_and(|committed| committed == printed);
        if check {
            ensure!(is_same, "{page} is stale: `cargo xtask docs` writes it anew");
        } else if !is_same {
            fs::write(page, &printed).with_context(|| format!("cannot write {page}"))?;
            println!("{page} is written anew");
        }
    }
    Ok(())
}
