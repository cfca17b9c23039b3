//! The command reference: every command of every mode, from the tree itself.
//!
//! `docs/operate/commands.md` is what [`reference`] returns; `cargo xtask docs` writes it there, and a
//! test wants the two to be the same.

use std::fmt::Write as _;

use crate::commands::trees;
use crate::exec::{EXEC, PIPES, Privilege, privilege};
use crate::grammar::{Element, Entry, Mode, Trees, Verdict};

const HEAD: &str = "\
# Commands

Written by `cargo xtask docs` from the command tree. `?` at the prompt says the same, at any place of a line.

A keyword may be shortened as long as no other one fits. `<1-13>` is a number of that range, `A.B.C.D` an address or a mask, a
word in capitals a name. `no` in front undoes a line. A line of an outer mode may be typed further in: it leaves the inner mode. An exec
command may be typed in every mode, with `do` in front or without. `!` begins a comment. What is pasted may have prompts in front and
output of the terminal in between.

";

/// The page, in Markdown.
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    for mode in Mode::ALL {
        // Writing to a String does not fail.
        let _ = write!(page, "## {}: `Router{mode}#`\n\n", mode.title());
        let trees = trees(*mode);
        page += &if *mode == Mode::Exec { exec() } else { commands(trees) };
        page += &refused(trees);
    }
    page
}

/// Exec commands, with who may give them.
fn exec() -> String {
    let mut rows: Vec<_> =
        EXEC.entries().into_iter().enumerate().filter(|(_, e)| is_offered(e)).collect();
    rows.sort_by_key(|(_, entry)| syntax(&entry.path));
    let mut text = "| command | meaning | for |\n|---|---|---|\n".to_owned();
    let mut above: Vec<Element> = Vec::new();
    for (index, entry) in rows {
        let who = match privilege(index) {
            Some(Privilege::Administrator) => "administrators",
            Some(Privilege::Reader) | None => "all",
        };
        let meaning = meaning(&above, &entry.path);
        let _ = writeln!(text, "| `{}` | {meaning} | {who} |", syntax(&entry.path));
        above = entry.path;
    }
    text += "\nBehind a `show` and a `|`:\n\n| | |\n|---|---|\n";
    for (verb, help) in PIPES {
        let pattern = if verb == "json" { "" } else { " LINE" };
        let _ = writeln!(text, "| `{verb}{pattern}` | {help} |");
    }
    text + "\n"
}

/// Commands of the configuration, with their `no` form and what holds without them.
fn commands(trees: &dyn Trees) -> String {
    let mut text = "| command | meaning | undone by | by default |\n|---|---|---|---|\n".to_owned();
    let mut above: Vec<Element> = Vec::new();
    for entry in trees.entries().into_iter().filter(is_offered) {
        let path = &entry.path;
        let mut meaning = meaning(&above, path);
        if let Some(Verdict::Enter(mode)) = entry.plain {
            let _ = write!(meaning, ". Enters `{mode}`");
        }
        if entry.lacks.is_some() {
            meaning += ". **Has no effect yet**";
        }
        let plain = match entry.plain {
            Some(verdict) if !is_lacking(verdict) => format!("`{}`", syntax(path)),
            Some(_) | None => String::new(),
        };
        let no = entry.no.filter(|(_, verdict)| !is_lacking(*verdict));
        let no = no.map(|(least, _)| format!("`no {}`", syntax(path.get(..least).unwrap_or(path))));
        let default = entry.default.map(|line| format!("`{line}`"));
        let (no, default) = (no.unwrap_or_default(), default.unwrap_or_default());
        let _ = writeln!(text, "| {plain} | {meaning} | {no} | {default} |");
        above.clone_from(path);
    }
    text + "\n"
}

/// What of the original is known and refused.
fn refused(trees: &dyn Trees) -> String {
    let refused = |entry: &Entry| {
        let is_refused = [entry.plain, entry.no.map(|(_, verdict)| verdict)];
        is_refused.into_iter().flatten().all(is_lacking)
    };
    let mut lines: Vec<String> =
        trees.entries().iter().filter(|entry| refused(entry)).map(|e| syntax(&e.path)).collect();
    lines.sort();
    lines.dedup();
    if lines.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = lines.iter().map(|line| format!("`{line}`")).collect();
    format!("Known from the original and refused by this release: {}.\n\n", lines.join(", "))
}

fn is_lacking(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Unavailable(_))
}

fn is_offered(entry: &Entry) -> bool {
    let forms = [entry.plain, entry.no.map(|(_, verdict)| verdict)];
    forms.into_iter().flatten().any(|verdict| !is_lacking(verdict))
}

fn syntax(path: &[Element]) -> String {
    let words: Vec<String> =
        path.iter().filter(|element| **element != Element::Rest).map(Element::label).collect();
    words.join(" ")
}

/// What the words say that the command above does not have.
fn meaning(above: &[Element], path: &[Element]) -> String {
    let known = above.iter().zip(path).take_while(|(a, b)| a == b).count();
    // A command that is the beginning of the one above says again what its last word is.
    let known = known.min(path.len().saturating_sub(1));
    let said = |element: &Element| match element {
        Element::Keyword { help, .. } => (*help).to_owned(),
        Element::Argument { kind, help } => format!("{}: {help}", kind.label().replace('<', "\\<")),
        Element::Rest => String::new(),
    };
    let parts: Vec<String> = path.iter().skip(known).map(said).collect();
    parts.join("; ").replace('|', "\\|")
}

#[cfg(test)]
mod tests;
