//! What no compiler checks: sizes, layers, words, links, counters that nobody increments.
//!
//! Each rule looks at one file or at the tree and says what it found as `path:line: what`. The
//! limits are those of the house style; what is over a softer limit needs a reason in the file.

mod functions;
mod rules;

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::shell;

/// A file of the project.
pub(crate) struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Lines with their numbers, without an inline test module at the end.
    fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = if self.is_test() { 0 } else { self.text.lines().count() };
        let end = self.text.lines().position(|line| line == "#[cfg(test)]").unwrap_or(tests);
        (1..).zip(self.text.lines()).take(end.min(tests))
    }

    fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }

    fn is_markdown(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "md")
    }
}

/// Everything that was found.
pub(crate) type Findings = Vec<String>;

/// `cargo xtask tidy`.
pub(crate) fn run() -> Result<()> {
    let sources = read_all(shell::workspace());
    let mut findings = Findings::new();
    for source in &sources {
        rules::words(source, &mut findings);
        rules::links(source, &mut findings);
        if source.is_rust() {
            rules::size(source, &mut findings);
            functions::sizes(source, &mut findings);
        }
    }
    rules::layers(&sources, &mut findings);
    rules::counters(&sources, &mut findings);
    for finding in &findings {
        println!("{finding}");
    }
    ensure!(findings.is_empty(), "tidy found {} things", findings.len());
    println!("{} files are tidy", sources.len());
    Ok(())
}

/// Every text file that belongs to the project.
fn read_all(root: &Path) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                if !is_foreign(&path) {
                    folders.push(path);
                }
            } else if let Some(source) = read(root, &path) {
                sources.push(source);
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

fn is_foreign(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name == "target" || name == ".git")
}

fn read(root: &Path, path: &PathBuf) -> Option<Source> {
    const TEXT: &[&str] = &["rs", "md", "toml", "conf", "sh", "txt", "service"];
    let is_text = path.extension().is_none_or(|e| TEXT.iter().any(|text| e == *text));
    let text = std::fs::read_to_string(path).ok().filter(|_| is_text)?;
    Some(Source { path: path.strip_prefix(root).ok()?.to_str()?.to_owned(), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inline_test_module_is_not_counted() {
        let text = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n".to_owned();
        let source = Source { path: "crates/x/src/a.rs".to_owned(), text };
        assert_eq!(source.product_lines().count(), 2);
    }
}
