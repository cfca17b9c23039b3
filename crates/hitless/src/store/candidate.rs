//! From a wanted change to the configuration that it asks for. Pure.

use hitless_config::{Configuration, Diagnostic, merge, render_with_secrets, validate};

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
        Change::Patch(configuration) => (checked(configuration)?, Vec::new()),
    };
    let after = render_with_secrets(&configuration);
    let difference = difference(text, &after);
    Ok(Candidate { configuration, text: after, difference, notices })
}

/// A typed configuration has to fit together as a text has to.
fn checked(configuration: &Configuration) -> Result<Configuration, ChangeError> {
    let problems = validate(configuration);
    if problems.is_empty() {
        return Ok(configuration.clone());
    }
    let diagnostic = |message: &str| Diagnostic {
        file: NAME.to_owned(),
        line: None,
        message: message.to_owned(),
        source: String::new(),
        column: 0,
        expected: Vec::new(),
    };
    Err(ChangeError::Lines(problems.iter().map(|p| diagnostic(&p.message)).collect()))
}

/// The newest line of a text that has all of these words.
pub(crate) fn line_with(text: &str, words: &[String]) -> Option<usize> {
    let has = |line: &str, word: &String| line.split_whitespace().any(|w| w.eq_ignore_ascii_case(word));
    let lines: Vec<&str> = text.lines().collect();
    let found = lines.iter().rposition(|line| words.iter().all(|word| has(line, word)))?;
    (!words.is_empty()).then_some(found + 1)
}

/// Applies lines on top of a configuration.
fn read(base: &Configuration, lines: &str) -> Result<(Configuration, Vec<String>), ChangeError> {
    let merged = merge(base, lines, NAME).map_err(ChangeError::Lines)?;
    let notices = merged.notices.iter().map(ToString::to_string);
    Ok((merged.configuration, notices.collect()))
}
