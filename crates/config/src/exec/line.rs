//! A line with an exec command: the command itself and what is behind its `|`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::pipe::{Filter, OutputFormat, Pattern};
use super::{ExecCommand, command};
use crate::grammar::{Mismatch, Mode, Verdict};
use crate::line::{LONGEST_LINE, Word, words};
use crate::locate::locate;
use crate::parse::sentence;

/// A line understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecLine {
    /// What to do.
    pub command: ExecCommand,
    /// How to print it.
    pub format: OutputFormat,
    /// Which lines of it.
    pub filter: Option<Filter>,
}

/// A line not understood, in the form of IOS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadLine {
    /// The line.
    pub line: String,
    /// Column of the caret, if a word is to blame.
    pub column: Option<usize>,
    /// The sentence behind the `%`.
    pub message: String,
    /// What would have been right, if that can be listed.
    pub expected: Vec<String>,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(column) = self.column {
            let line: String =
                self.line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            writeln!(f, "{line}\n{:column$}^", "")?;
        }
        write!(f, "% {}", self.message)?;
        if !self.expected.is_empty() {
            write!(f, "\nexpected: {}", self.expected.join(", "))?;
        }
        Ok(())
    }
}

impl std::error::Error for BadLine {}

impl BadLine {
    /// As IOS prints it below a line that was typed behind a prompt of `width` characters.
    pub fn under_prompt(&self, width: usize) -> String {
        let caret = self.column.map(|column| format!("{:1$}^\n", "", width + column));
        format!("{}% {}\n", caret.unwrap_or_default(), self.message)
    }

    pub(crate) fn new(line: &str, column: Option<usize>, message: impl Into<String>) -> Self {
        Self { line: line.to_owned(), column, message: message.into(), expected: Vec::new() }
    }

    /// A word that fits nothing.
    pub(crate) fn invalid(line: &str, column: usize, expected: &[&str]) -> Self {
        let expected = expected.iter().map(|&word| word.to_owned()).collect();
        Self { expected, ..Self::new(line, Some(column), "Invalid input detected at '^' marker.") }
    }

    /// A line that ends too early.
    pub(crate) fn incomplete(line: &str, expected: &[&str]) -> Self {
        let expected = expected.iter().map(|&word| word.to_owned()).collect();
        Self { expected, ..Self::new(line, None, "Incomplete command.") }
    }

    /// A line longer than anybody types.
    pub(crate) fn too_long() -> Self {
        let text = format!("A line has at most {LONGEST_LINE} octets.");
        Self::new("", None, text)
    }
}

/// Reads a line with an exec command.
///
/// # Errors
/// What is wrong with it, as IOS says it.
pub fn parse_exec(line: &str) -> Result<ExecLine, BadLine> {
    if line.len() > LONGEST_LINE {
        return Err(BadLine::too_long());
    }
    let (left, piped) = match line.split_once('|') {
        Some((left, piped)) => (left, Some(piped)),
        None => (line, None),
    };
    let command = read_command(line, &words(left, 0))?;
    let Some(piped) = piped else {
        return Ok(ExecLine { command, format: OutputFormat::Text, filter: None });
    };
    let bar = left.chars().count();
    if !command.is_show() {
        return Err(BadLine::invalid(line, bar, &["the end of the line"]));
    }
    let (format, filter) = read_pipe(line, piped, bar + 1)?;
    Ok(ExecLine { command, format, filter })
}

fn read_command(line: &str, words: &[Word<'_>]) -> Result<ExecCommand, BadLine> {
    let texts: Vec<&str> = words.iter().map(|word| word.text).collect();
    let column = |word: usize| words.get(word).map(|word| word.place.column);
    let found = locate(&[Mode::Exec], &texts).map_err(|failure| {
        let (message, expected) = failure.mismatch.message(texts.iter().copied());
        let column = match &failure.mismatch {
            Mismatch::Invalid { at, .. } => column(failure.skipped + at),
            Mismatch::Incomplete { .. } | Mismatch::Ambiguous { .. } => None,
        };
        BadLine { line: line.to_owned(), column, message, expected }
    })?;
    if let Verdict::Unavailable(element) = found.verdict {
        let blamed = found.skipped + element;
        let word = texts.get(blamed).copied().unwrap_or_default();
        let message = format!("\"{word}\" is not available in this release.");
        return Err(BadLine::new(line, column(blamed), message));
    }
    let matched = &found.matched;
    command(matched.command, found.form, &matched.args).map_err(|refusal| {
        let place = refusal.argument.and_then(|argument| matched.places.get(argument));
        let blamed = place.and_then(|place| column(found.skipped + place));
        BadLine::new(line, blamed, sentence(&refusal.message))
    })
}

/// What may stand behind `|`, and what it does.
pub(crate) const PIPES: [(&str, &str); 6] = [
    ("begin", "Begin with the first line that matches"),
    ("count", "Count the lines that match"),
    ("exclude", "Leave out lines that match"),
    ("include", "Only lines that match"),
    ("json", "As a JSON document"),
    ("section", "Lines that match, each with what is indented below it"),
];

/// Reads what is behind the `|`; `start` is its first column.
fn read_pipe(
    line: &str,
    piped: &str,
    start: usize,
) -> Result<(OutputFormat, Option<Filter>), BadLine> {
    let verbs = PIPES.map(|(verb, _)| verb);
    let behind_blanks = piped.trim_start();
    let column = |rest: &str| start + piped.chars().count() - rest.chars().count();
    let (word, rest) = behind_blanks.split_once(char::is_whitespace).unwrap_or((behind_blanks, ""));
    let what = rest.trim();
    let verb = word.to_ascii_lowercase();
    if verb.is_empty() {
        return Err(BadLine::incomplete(line, &verbs));
    }
    let Some(verb) = verbs.iter().find(|full| full.starts_with(&verb)) else {
        return Err(BadLine::invalid(line, column(behind_blanks), &verbs));
    };
    if *verb == "json" {
        return if what.is_empty() {
            Ok((OutputFormat::Json, None))
        } else {
            Err(BadLine::invalid(line, column(rest.trim_start()), &["the end of the line"]))
        };
    }
    if what.is_empty() {
        return Err(BadLine::incomplete(line, &["a regular expression"]));
    }
    let pattern = Pattern::try_from(what.to_owned()).map_err(|_| {
        let column = column(rest.trim_start());
        BadLine::new(line, Some(column), "Failed to compile regular expression.")
    })?;
    let filter = match *verb {
        "begin" => Filter::Begin(pattern),
        "count" => Filter::Count(pattern),
        "exclude" => Filter::Exclude(pattern),
        "section" => Filter::Section(pattern),
        _ => Filter::Include(pattern),
    };
    Ok((OutputFormat::Text, Some(filter)))
}
