//! How a request is refused.

use hitless_config::Diagnostic;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::store::ChangeError;

/// Why a request was not carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// For people: one sentence, or a line with its caret for each that is wrong.
    pub error: String,
    /// Each wrong line by itself, where lines were sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<WrongLine>,
    /// Who came first, where two changed the same thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict: Option<Conflict>,
}

impl Problem {
    /// One that is told in a sentence.
    pub fn new(error: impl Into<String>) -> Self {
        Self { error: error.into(), ..Self::default() }
    }
}

/// A line that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WrongLine {
    /// Its number, from 1; none if no line is to blame.
    pub line: Option<usize>,
    /// Column of the word that is to blame, in characters from 0.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What would have been right, if that can be listed.
    pub expected: Vec<String>,
}

impl WrongLine {
    fn new(diagnostic: &Diagnostic) -> Self {
        let Diagnostic { line, column, message, expected, .. } = diagnostic.clone();
        Self { line, column, message, expected }
    }
}

/// Somebody else changed the configuration since it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conflict {
    /// The revision in force.
    pub revision: u64,
    /// Who made it.
    pub by: String,
    /// When, in milliseconds since 1970.
    pub at_unix_ms: u64,
}

impl From<&ChangeError> for Problem {
    fn from(error: &ChangeError) -> Self {
        let problem = Self::new(error.to_string());
        match error {
            ChangeError::Conflict { now, by, at_unix_ms } => {
                let conflict = Conflict { revision: *now, by: by.clone(), at_unix_ms: *at_unix_ms };
                Self { conflict: Some(conflict), ..problem }
            }
            ChangeError::Lines(lines) => {
                Self { lines: lines.iter().map(WrongLine::new).collect(), ..problem }
            }
            ChangeError::Refused { why, line } => {
                let wrong = |line| WrongLine {
                    line: Some(line),
                    column: 0,
                    message: why.clone(),
                    expected: Vec::new(),
                };
                Self { lines: line.map(wrong).into_iter().collect(), ..problem }
            }
        }
    }
}
