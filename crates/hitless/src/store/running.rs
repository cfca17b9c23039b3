//! What the store remembers between changes.

use std::sync::Arc;
use std::time::Duration;

use hitless_model::Instant;

use super::document::{Label, Revert};
use super::types::Running;

/// Lines that the same one adds within this time belong to one entry of the archive: a pasted
/// configuration must not push out everything that ran before it.
const SITTING: Duration = Duration::from_mins(1);

/// Where a change came from, as far as the archive cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Single lines.
    Lines,
    /// A whole configuration.
    Whole,
}

/// What is in force, and how it came about.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) running: Arc<Running>,
    /// Rendered, with keys.
    pub(super) text: Arc<str>,
    pub(super) startup: Option<String>,
    pub(super) revert: Option<Revert>,
    /// When lines were added last, if they were.
    pub(super) lines_at: Option<Instant>,
}

impl State {
    /// What is written above the checkpoint.
    pub(super) fn label(&self) -> Label {
        Label {
            revision: self.running.revision,
            by: self.running.by.clone(),
            at_unix_ms: self.running.at_unix_ms,
            startup: self.startup.clone(),
            revert: self.revert.clone(),
        }
    }

    /// The revision whose place in the archive the next one takes, if it goes on with the same
    /// sitting.
    pub(super) fn continues(&self, kind: Kind, by: &str, now: Instant) -> Option<u64> {
        let is_same = self.running.by == by && kind == Kind::Lines;
        let is_recent = |at: Instant| now.saturating_since(at) < SITTING;
        (is_same && self.lines_at.is_some_and(is_recent)).then_some(self.running.revision)
    }
}
