//! Changes of the configuration, as they are asked for.

use hitless_config::Configuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Lines of the command language, to be applied on top of what runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lines {
    /// The lines that lead to where they belong, outermost first: `module csm 5`, `vserver WEB`.
    #[serde(default)]
    pub context: Vec<String>,
    /// The lines themselves.
    pub lines: Vec<String>,
}

impl Lines {
    /// As text: each context line a blank further in, like the lines below them.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let indented = self.context.iter().enumerate();
        let inner = self.lines.iter().map(|line| (self.context.len(), line));
        for (depth, line) in indented.chain(inner) {
            text.extend(std::iter::repeat_n(' ', depth));
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

/// A change that is only thought of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Proposal {
    /// This text instead of what runs.
    Replace(String),
    /// This text on top of what runs.
    Merge(String),
    /// These lines on top of what runs.
    Lines(Lines),
    /// This configuration instead of what runs.
    Configuration(Box<Configuration>),
}

/// A configuration that comes back by itself unless that is confirmed not to be wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevertTimer {
    /// Seconds to confirm in.
    #[schemars(range(min = 1, max = 86_400))]
    pub seconds: u32,
}

/// A configuration of the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArchivedText {
    /// Its revision.
    pub revision: u64,
    /// It, in the form of IOS; keys hidden.
    pub text: String,
    /// Lines that would go and come if it were rolled back to.
    pub difference: Vec<String>,
}
