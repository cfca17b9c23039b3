//! From text to a configuration: all of it, or every line that is wrong.
//!
//! A whole file is merged onto an empty configuration; a line that somebody types is merged onto
//! the one in force, behind the lines that lead to its mode.

mod reader;
mod report;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;
use crate::line::commands;
use crate::model::Configuration;
use reader::Reader;

/// Reads a configuration.
///
/// # Errors
/// Every wrong line and everything that does not fit together. Nothing of a bad text is applied.
pub fn parse(text: &str, file_name: &str) -> Result<Configuration, Vec<Diagnostic>> {
    merge(&Configuration::default(), text, file_name).map(|merged| merged.configuration)
}

/// Applies lines on top of a configuration.
///
/// # Errors
/// As of [`parse`].
pub fn merge(base: &Configuration, text: &str, file_name: &str) -> Result<Merged, Vec<Diagnostic>> {
    let mut reader = Reader::new(base, text, file_name);
    for line in commands(text) {
        reader.read(&line);
    }
    reader.finish()
}

/// What lines made of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The result.
    pub configuration: Configuration,
    /// What was accepted and has no effect yet.
    pub notices: Vec<Notice>,
}

/// A line that is kept in the configuration and not carried out by this release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Line number from 1.
    pub line: usize,
    /// What it asks for.
    pub what: String,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "% {} has no effect yet.", self.what)
    }
}

/// With a capital and a period, as IOS speaks.
pub(crate) fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).chain(['.']).collect()
}
