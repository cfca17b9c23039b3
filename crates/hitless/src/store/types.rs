//! What the store takes and gives.

use std::sync::Arc;

use hitless_config::{Configuration, Diagnostic};
use serde::{Deserialize, Serialize};

/// A configuration in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Grows by one with every change, over restarts of the daemon too.
    pub revision: u64,
    /// The configuration.
    pub configuration: Arc<Configuration>,
    /// Who made it what it is.
    pub by: String,
    /// When, in milliseconds since 1970.
    pub at_unix_ms: u64,
}

/// A wanted change of the running configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// This text is the configuration from now on.
    Replace(String),
    /// These lines, context lines first, are applied to the running configuration.
    Merge(String),
    /// This typed configuration is the configuration from now on: what was made of the running one.
    Patch(Box<Configuration>),
}

/// What a change came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Applied {
    /// The revision that is in force now.
    pub revision: u64,
    /// Lines that went (`-`) and came (`+`), each below the lines that it stands in; keys hidden.
    pub difference: Vec<String>,
    /// What has no effect yet, and what a module had to do to take it.
    pub notices: Vec<String>,
}

/// What a change would come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Outlook {
    /// Lines that would go and come, as in [`Applied`].
    pub difference: Vec<String>,
    /// What would have no effect yet, and what modules would have to do.
    pub notices: Vec<String>,
}

/// Why a change was not made. Everything is as it was then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Somebody else changed it since.
    #[error("the configuration was changed since by {by}: it is revision {now} now")]
    Conflict {
        /// The revision in force.
        now: u64,
        /// Who made it.
        by: String,
        /// When, in milliseconds since 1970.
        at_unix_ms: u64,
    },
    /// Lines that are wrong, or do not fit together.
    #[error("{}", lines(.0))]
    Lines(Vec<Diagnostic>),
    /// Chassis, module or disk cannot have it.
    #[error("{why}")]
    Refused {
        /// For people.
        why: String,
        /// The line of the text that asks for it, from 1.
        line: Option<usize>,
    },
}

impl ChangeError {
    /// A refusal that no line is to blame for.
    pub(crate) fn refused(why: impl Into<String>) -> Self {
        Self::Refused { why: why.into(), line: None }
    }
}

fn lines(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A configuration of the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ArchiveEntry {
    /// Its revision: what [`super::Store::rollback`] takes.
    pub revision: u64,
    /// Who made it.
    pub by: String,
    /// When, in milliseconds since 1970.
    pub at_unix_ms: u64,
    /// It is the one in force.
    pub running: bool,
}

/// A change that rolls back by itself unless it is confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PendingRevert {
    /// The revision that would come back.
    pub revision: u64,
    /// Seconds that are left.
    pub left_s: u64,
    /// Who asked for it.
    pub by: String,
}
