//! Going on where another life of this box was interrupted.
//!
//! The gate tells how far the lease of that life reaches. Until the peer confirms a heartbeat of this
//! one, that is all there is: the peer counts from what it heard of the other life.

use hitless_model::Instant;
use serde::{Deserialize, Serialize};

use super::config::Config;
use super::machine::Ft;
use super::state::{Announcing, Contest, State};
use crate::node::Resume;

/// A life that goes on with the lease of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Returned {
    /// That one had no peer.
    pub(super) alone: bool,
    /// The peer has met this life.
    pub(super) met: bool,
}

impl State {
    /// The state that a life begins with.
    pub(super) fn first(now: Instant, config: &Config, resume: Option<Resume>) -> Self {
        let Some(Resume { lease_until, .. }) = resume else {
            return Self::Initializing { until: now + config.listens() };
        };
        // The other life may have been interrupted before its first announcements.
        let announcing = Announcing::new(now);
        Self::Active { lease_until, announcing, contest: Contest::None }
    }
}

impl Ft {
    /// Whether there may be a peer that knows this box by another life only: silence is no sign of
    /// its death then, for it hears nothing of this life either.
    pub(super) fn is_unmet(&self) -> bool {
        self.returned.is_some_and(|returned| !returned.met && !returned.alone)
    }
}
