//! The shared libraries of programs that go into the guest.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::shell;

/// Every library that a program is loaded with, the loader included.
pub(super) fn of(program: &Path) -> Result<BTreeSet<PathBuf>> {
    let path = program.to_str().context("a program's name is not UTF-8")?;
    let text = shell::output(&["ldd", path]).with_context(|| format!("ldd cannot read {path}"))?;
    parse(&text).with_context(|| format!("libraries of {path}"))
}

/// Paths in the output of `ldd`. What the kernel itself provides has none.
fn parse(text: &str) -> Result<BTreeSet<PathBuf>> {
    let mut paths = BTreeSet::new();
    for line in text.lines() {
        if line.contains("=> not found") {
            bail!("missing: {}", line.trim());
        }
        paths.extend(line.split_whitespace().find(|word| word.starts_with('/')).map(PathBuf::from));
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_and_the_loader_are_found() {
        let text = "\tlinux-vdso.so.1 (0x00007ffc)\n\
                    \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let paths: Vec<_> = parse(text).unwrap().into_iter().collect();
        let expected = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(paths, expected.map(PathBuf::from));
        assert!(parse("\tstatically linked\n").unwrap().is_empty());
        assert!(parse("\tlibx.so => not found\n").is_err());
    }
}
