//! When this box's heartbeats were sent: what the lease counts from.

use alloc::collections::VecDeque;
use core::time::Duration;

use hitless_model::Instant;
use serde::{Deserialize, Serialize};

use super::beat::Seq;

/// Heartbeats remembered. A confirmation comes back within a round trip, so that those of a few
/// intervals would do; answers and queries take numbers too.
const REMEMBERED: usize = 256;

/// One heartbeat of this box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub(super) struct Sent {
    pub(super) seq: Seq,
    pub(super) at: Instant,
    /// The failover time that it told: a peer that heard it waits at least as long.
    pub(super) failover: Duration,
}

/// A heartbeat as it is written down: hundreds of them belong to a record, so that names would be
/// most of it. The failover time is in nanoseconds.
type Written = (Seq, Instant, u64);

impl From<Written> for Sent {
    fn from((seq, at, failover): Written) -> Self {
        Self { seq, at, failover: Duration::from_nanos(failover) }
    }
}

impl From<Sent> for Written {
    fn from(sent: Sent) -> Self {
        let failover = u64::try_from(sent.failover.as_nanos()).unwrap_or(u64::MAX);
        (sent.seq, sent.at, failover)
    }
}

/// The newest heartbeats of this box, and the newest one that the peer says it heard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SentLog {
    log: VecDeque<Sent>,
    confirmed: Option<Sent>,
}

impl SentLog {
    /// Remembers one.
    pub(super) fn push(&mut self, sent: Sent) {
        debug_assert!(self.log.back().is_none_or(|last| last.seq < sent.seq), "numbers grow");
        if self.log.len() == REMEMBERED {
            self.log.pop_front();
        }
        self.log.push_back(sent);
    }

    /// When the newest one was sent.
    pub(super) fn newest(&self) -> Option<Instant> {
        self.log.back().map(|sent| sent.at)
    }

    /// The peer says that `seq` is the newest it heard. Numbers that were never sent, and those too
    /// old to be remembered, confirm nothing.
    pub(super) fn confirm(&mut self, seq: Seq) {
        let Ok(index) = self.log.binary_search_by_key(&seq, |sent| sent.seq) else { return };
        let Some(sent) = self.log.get(index) else { return };
        if self.confirmed.is_none_or(|confirmed| confirmed.seq < sent.seq) {
            self.confirmed = Some(*sent);
        }
    }

    /// The peer is another one now, or has begun a new life.
    pub(super) fn forget_confirmed(&mut self) {
        self.confirmed = None;
    }

    /// The newest one that the peer heard.
    pub(super) fn confirmed(&self) -> Option<Sent> {
        self.confirmed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(seq: u64) -> Sent {
        Sent {
            seq: Seq(seq),
            at: Instant::from_nanos(seq * 10),
            failover: Duration::from_nanos(30),
        }
    }

    #[test]
    fn only_what_was_sent_is_confirmed_and_never_an_older_one_after_a_newer_one() {
        let mut log = SentLog::default();
        for seq in [1, 2, 4] {
            log.push(sent(seq));
        }
        log.confirm(Seq(3));
        log.confirm(Seq(5));
        log.confirm(Seq(0));
        assert_eq!(log.confirmed(), None);
        log.confirm(Seq(4));
        log.confirm(Seq(1));
        assert_eq!(log.confirmed(), Some(sent(4)));
    }

    #[test]
    fn the_log_is_bounded() {
        let mut log = SentLog::default();
        for seq in 1..2_000 {
            log.push(sent(seq));
        }
        assert_eq!(log.log.len(), REMEMBERED);
        log.confirm(Seq(1));
        assert_eq!(log.confirmed(), None);
    }
}
