//! Counts what was found to differ between the tables until it is alike again, and says so now and then.

use alloc::collections::VecDeque;
use core::time::Duration;

use hitless_model::Instant;

use super::output::Event;

/// Pause between two times that differences are told of: they may be found all the time, where one box
/// has no room for what the other holds.
const SAID_EVERY: Duration = Duration::from_secs(10);

/// The counts.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    diverged: u64,
    repaired: u64,
    /// When differences were told of last, and how much had been repaired by then.
    said: Option<(Instant, u64)>,
    /// They were told of and are not made good yet.
    is_open: bool,
    events: VecDeque<Event>,
}

impl Repairs {
    /// Connections that differ.
    pub(super) const fn diverged(&self) -> u64 {
        self.diverged
    }

    /// Connections that were made alike.
    pub(super) const fn repaired(&self) -> u64 {
        self.repaired
    }

    /// So many were found.
    pub(super) fn found(&mut self, now: Instant, connections: u64) {
        self.diverged += connections;
        let may = self.said.is_none_or(|(at, _)| now.saturating_since(at) >= SAID_EVERY);
        if may && !self.is_open && connections > 0 {
            self.said = Some((now, self.repaired));
            self.is_open = true;
            self.events.push_back(Event::Diverged { connections: self.diverged });
        }
    }

    /// So many were told, and are in the peer's table.
    pub(super) fn done(&mut self, connections: u64) {
        let connections = connections.min(self.diverged);
        self.repaired += connections;
        self.diverged -= connections;
        if self.diverged == 0 && core::mem::take(&mut self.is_open) {
            let before = self.said.map_or(0, |(_, repaired)| repaired);
            self.events.push_back(Event::Repaired { connections: self.repaired - before });
        }
    }

    /// The peer was told everything once more.
    pub(super) fn all_done(&mut self) {
        self.done(self.diverged);
    }

    /// Whoever tells from now on compares anew.
    pub(super) const fn forget(&mut self) {
        self.diverged = 0;
        self.is_open = false;
    }

    /// The next thing to say.
    pub(super) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}
