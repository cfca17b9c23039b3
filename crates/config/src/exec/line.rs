//! A line with an exec command: the command itself and what is behind its `|`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ExecCommand, command};
use crate::grammar::{Mismatch, Mode, Verdict};
use crate::locate::locate;

/// How a value is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// `| json`.
    Json,
}

/// Which lines of the text are printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Filter {
    /// `| include X`: those with X in them.
    Include(String),
    /// `| exclude X`: the others.
    Exclude(String),
    /// `| begin X`: from the first with X in it.
    Begin(String),
}

impl Filter {
    /// The lines that pass.
    pub fn apply(&self, text: &str) -> String {
        let mut begun = false;
        let lines = text.lines().filter(|line| match self {
            Self::Include(what) => line.contains(what),
            Self::Exclude(what) => !line.contains(what),
            Self::Begin(what) => {
                begun |= line.contains(what);
                begun
            }
        });
        lines.flat_map(|line| [line, "\n"]).collect()
    }
}

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

/// A word and its column.
type Word<'a> = (&'a str, usize);

/// Reads a line with an exec command.
///
/// # Errors
/// What is wrong with it, as IOS says it.
pub fn parse_exec(line: &str) -> Result<ExecLine, BadLine> {
    let words = words(line);
    let bar = words.iter().position(|(word, _)| word.starts_with('|')).unwrap_or(words.len());
    let (left, right) = words.split_at(bar);
    let command = read_command(line, left)?;
    let (format, filter) = read_pipe(line, right)?;
    Ok(ExecLine { command, format, filter })
}

/// Words with their columns in characters; a `|` is one by itself.
fn words(line: &str) -> Vec<Word<'_>> {
    let mut words: Vec<Word<'_>> = Vec::new();
    let mut start: Option<(usize, usize)> = None;
    for (column, (byte, c)) in line.char_indices().enumerate() {
        let ends = c.is_whitespace() || c == '|';
        if ends && let Some((from, at)) = start.take() {
            words.push((&line[from..byte], at));
        }
        if c == '|' {
            words.push((&line[byte..=byte], column));
        } else if !ends && start.is_none() {
            start = Some((byte, column));
        }
    }
    words.extend(start.map(|(from, at)| (&line[from..], at)));
    words
}

fn read_command(line: &str, words: &[Word<'_>]) -> Result<ExecCommand, BadLine> {
    let texts: Vec<&str> = words.iter().map(|(text, _)| *text).collect();
    let found = locate(&[Mode::Exec], &texts).map_err(|failure| {
        let (message, expected) = failure.mismatch.message(texts.iter().copied());
        let column = match &failure.mismatch {
            Mismatch::Invalid { at, .. } => words.get(failure.skipped + at).map(|(_, at)| *at),
            Mismatch::Incomplete { .. } | Mismatch::Ambiguous { .. } => None,
        };
        BadLine { line: line.to_owned(), column, message, expected }
    })?;
    if let Verdict::Unavailable(element) = found.verdict {
        let (word, column) = words.get(element).copied().unwrap_or(("", 0));
        let message = format!("\"{word}\" is not available in this release.");
        return Err(bad(line, Some(column), message));
    }
    command(found.matched.command, &found.matched.args)
        .ok_or_else(|| bad(line, None, "Incomplete command.".to_owned()))
}

fn bad(line: &str, column: Option<usize>, message: String) -> BadLine {
    BadLine { line: line.to_owned(), column, message, expected: Vec::new() }
}

/// What may stand behind `|`.
const PIPES: [&str; 4] = ["begin", "exclude", "include", "json"];

fn read_pipe(line: &str, words: &[Word<'_>]) -> Result<(OutputFormat, Option<Filter>), BadLine> {
    let Some((_, words)) = words.split_first() else { return Ok((OutputFormat::Text, None)) };
    let Some(((verb, column), rest)) = words.split_first() else {
        let expected = PIPES.map(str::to_owned).to_vec();
        return Err(BadLine { expected, ..bad(line, None, "Incomplete command.".to_owned()) });
    };
    let verb = verb.to_ascii_lowercase();
    let pipe = PIPES.iter().find(|pipe| pipe.starts_with(&verb));
    let what: Vec<&str> = rest.iter().map(|(text, _)| *text).collect();
    let what = what.join(" ");
    match (pipe.copied(), rest.first()) {
        (Some("json"), None) => Ok((OutputFormat::Json, None)),
        (Some("json"), Some((_, column))) => Err(invalid(line, *column, &["the end of the line"])),
        (Some("include"), Some(_)) => Ok((OutputFormat::Text, Some(Filter::Include(what)))),
        (Some("exclude"), Some(_)) => Ok((OutputFormat::Text, Some(Filter::Exclude(what)))),
        (Some("begin"), Some(_)) => Ok((OutputFormat::Text, Some(Filter::Begin(what)))),
        (Some(_), None) => Err(bad(line, None, "Incomplete command.".to_owned())),
        (_, _) => Err(invalid(line, *column, &PIPES)),
    }
}

fn invalid(line: &str, column: usize, expected: &[&str]) -> BadLine {
    let message = "Invalid input detected at '^' marker.".to_owned();
    let expected = expected.iter().map(|&word| word.to_owned()).collect();
    BadLine { expected, ..bad(line, Some(column), message) }
}
