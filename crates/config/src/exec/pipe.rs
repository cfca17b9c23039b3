//! What may stand behind the `|` of a `show`: which lines are printed, or JSON.

use std::fmt;

use regex::Regex;
use serde::{Deserialize, Serialize};

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

/// A regular expression that compiles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

/// Largest compiled pattern in octets: a pattern is typed by people, and anything may be typed.
const MOST_COMPILED: usize = 1 << 20;

fn compile(text: &str) -> Result<Regex, regex::Error> {
    regex::RegexBuilder::new(text).size_limit(MOST_COMPILED).build()
}

impl TryFrom<String> for Pattern {
    type Error = regex::Error;

    fn try_from(text: String) -> Result<Self, regex::Error> {
        compile(&text).map(|_| Self(text))
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which lines of the text are printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Filter {
    /// `| include X`: those that match.
    Include(Pattern),
    /// `| exclude X`: the others.
    Exclude(Pattern),
    /// `| begin X`: from the first that matches.
    Begin(Pattern),
    /// `| section X`: those that match, each with the lines below it that are indented deeper.
    Section(Pattern),
    /// `| count X`: how many match.
    Count(Pattern),
}

impl Filter {
    fn pattern(&self) -> &Pattern {
        match self {
            Self::Include(pattern)
            | Self::Exclude(pattern)
            | Self::Begin(pattern)
            | Self::Section(pattern)
            | Self::Count(pattern) => pattern,
        }
    }

    /// What of the text is printed.
    pub fn apply(&self, text: &str) -> String {
        // A pattern is only made from a text that compiles.
        let Ok(regex) = compile(&self.pattern().0) else { return String::new() };
        match self {
            Self::Include(_) => keep(text, |line| regex.is_match(line)),
            Self::Exclude(_) => keep(text, |line| !regex.is_match(line)),
            Self::Begin(_) => {
                let mut begun = false;
                keep(text, |line| {
                    begun = begun || regex.is_match(line);
                    begun
                })
            }
            Self::Section(_) => {
                let mut section: Option<usize> = None;
                keep(text, |line| {
                    let depth = line.len() - line.trim_start().len();
                    if section.is_none_or(|above| depth <= above) {
                        section = regex.is_match(line).then_some(depth);
                    }
                    section.is_some()
                })
            }
            Self::Count(_) => {
                let count = text.lines().filter(|line| regex.is_match(line)).count();
                format!("Number of lines which match regexp = {count}\n")
            }
        }
    }
}

fn keep(text: &str, mut passes: impl FnMut(&str) -> bool) -> String {
    let lines = text.lines().filter(|line| passes(line));
    lines.flat_map(|line| [line, "\n"]).collect()
}
