//! From a wanted change to the configuration that it asks for. Pure.

use hitless_config::{Configuration, Merged, admit, merge, render_with_secrets};

use super::difference::difference;
use super::types::{Change, ChangeError};

/// What the text of a change is called in diagnostics.
const NAME: &str = "change";

/// A configuration that could be.
pub(crate) struct Candidate {
    pub(crate) configuration: Configuration,
    /// Rendered, with keys.
    pub(crate) text: String,
    pub(crate) difference: Vec<String>,
    pub(crate) notices: Vec<String>,
}

/// What `change` makes of a configuration whose text is `text`.
pub(crate) fn candidate(
    base: &Configuration,
    text: &str,
    change: &Change,
) -> Result<Candidate, ChangeError> {
    let (configuration, notices) = match change {
        Change::Replace(wanted) => read(&Configuration::default(), wanted)?,
        Change::Merge(lines) => read(base, lines)?,
        Change::Patch(configuration) => {
            told(admit(configuration, NAME).map_err(ChangeError::Lines)?)
        }
    };
    let after = render_with_secrets(&configuration);
    let difference = difference(text, &after);
    Ok(Candidate { configuration, text: after, difference, notices })
}

/// The newest line of a text that has all of these words.
pub(crate) fn line_with(text: &str, words: &[String]) -> Option<usize> {
    let has =
        |line: &str, word: &String| line.split_whitespace().any(|w| w.eq_ignore_ascii_case(word));
    let lines: Vec<&str> = text.lines().collect();
    let found = lines.iter().rposition(|line| words.iter().all(|word| has(line, word)))?;
    (!words.is_empty()).then_some(found + 1)
}

/// Applies lines on top of a configuration.
fn read(base: &Configuration, lines: &str) -> Result<(Configuration, Vec<String>), ChangeError> {
    merge(base, lines, NAME).map(told).map_err(ChangeError::Lines)
}

/// The result, and what of it is only kept.
fn told(merged: Merged) -> (Configuration, Vec<String>) {
    let notices = merged.notices.iter().map(ToString::to_string).collect();
    (merged.configuration, notices)
}
