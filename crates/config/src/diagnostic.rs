//! What is wrong with a line, as the reader of a terminal expects to be told.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One wrong line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The file, as it was called when it was read.
    pub file: String,
    /// Line number from 1; none if no line is to blame.
    pub line: Option<usize>,
    /// The sentence behind the `%`.
    pub message: String,
    /// The line itself.
    pub source: String,
    /// Column of the caret in characters from 0.
    pub column: usize,
    /// What would have been right, if that can be listed.
    pub expected: Vec<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": % {}", self.message)?;
        if self.line.is_some() {
            let line = without_key(&printable(&self.source));
            write!(f, "\n{line}\n{}^", indent(&self.source, self.column))?;
        }
        if !self.expected.is_empty() {
            write!(f, "\nexpected: {}", self.expected.join(", "))?;
        }
        Ok(())
    }
}

/// A configuration may come from anywhere: nothing in it may steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// The line with every character of a key hidden: diagnostics end up in logs. Whatever may
/// abbreviate a word that a key follows is taken for it.
fn without_key(line: &str) -> String {
    let is_key = |word: &&str| {
        let word = word.to_ascii_lowercase();
        ["key-string", "credentials"].iter().any(|secret| secret.starts_with(&word))
    };
    let Some(word) = line.split_whitespace().find(is_key) else { return line.to_owned() };
    let Some((before, after)) = line.split_once(word) else { return line.to_owned() };
    let hidden: String = after.chars().map(|c| if c.is_whitespace() { c } else { '*' }).collect();
    format!("{before}{word}{hidden}")
}

/// Blanks up to a column, tabs kept so that the caret stays under its word.
fn indent(source: &str, column: usize) -> String {
    let mut chars = source.chars();
    (0..column).map(|_| if chars.next() == Some('\t') { '\t' } else { ' ' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown() {
        assert_eq!(without_key("  key-string open sesame extra"), "  key-string **** ****** *****");
        assert_eq!(without_key(" key s3cret x"), " key ****** *");
        assert_eq!(without_key(" cred me s3cret"), " cred ** ******");
        assert_eq!(without_key(" real 10.0.0.1 x"), " real 10.0.0.1 x");
    }

    #[test]
    fn the_caret_stands_under_the_word_behind_tabs() {
        let diagnostic = Diagnostic {
            file: "a.conf".to_owned(),
            line: Some(3),
            message: "Invalid input detected at '^' marker.".to_owned(),
            source: "\tvlan x\u{1b}".to_owned(),
            column: 6,
            expected: vec!["a VLAN".to_owned()],
        };
        let text = "a.conf:3: % Invalid input detected at '^' marker.\n\
                    \tvlan x\u{fffd}\n\t     ^\nexpected: a VLAN";
        assert_eq!(diagnostic.to_string(), text);
    }
}
