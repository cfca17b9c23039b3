//! The contract of every machine.

use core::fmt;

use hitless_model::Instant;
use serde::{Deserialize, Serialize};

#[cfg(test)]
pub(crate) mod laws;

/// When a machine wants to be woken, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline<T> {
    /// Not before this instant.
    pub at: Instant,
    /// The reason, for logs and for finding a busy loop's culprit.
    pub why: T,
}

/// Time as one machine sees it: it never goes backwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock(Instant);

impl Clock {
    /// Starts at `now`.
    pub const fn new(now: Instant) -> Self {
        Self(now)
    }

    /// Moves on to `now`; stands still if that lies in the past. Returns the time that counts.
    pub fn advance(&mut self, now: Instant) -> Instant {
        self.0 = self.0.max(now);
        self.0
    }

    /// The time that counts.
    pub const fn now(self) -> Instant {
        self.0
    }
}

/// A pure state machine.
///
/// Laws: an early `handle_deadline` changes nothing; after a due one the next deadline is strictly
/// later; same seed and inputs give equal outputs; time going backwards is treated as standing
/// still; no input makes it panic.
pub trait Machine {
    /// What goes in; borrows.
    type Input<'a>;
    /// What comes out; owns.
    type Output;
    /// Reasons for waking up.
    type Timer: Copy + fmt::Debug;

    /// Takes one input. Hostile or stale input becomes a counted rejection among the outputs.
    fn handle_input(&mut self, now: Instant, input: Self::Input<'_>);
    /// Does what is due at `now`; spurious calls do nothing.
    fn handle_deadline(&mut self, now: Instant);
    /// Next output; drain to `None` after every `handle_*`.
    fn poll_output(&mut self) -> Option<Self::Output>;
    /// A pure function of the state; nothing is armed or cancelled.
    fn next_deadline(&self) -> Option<Deadline<Self::Timer>>;
}
