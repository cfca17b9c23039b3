//! What the fault-tolerance machine has to know before it starts.

use alloc::vec::Vec;
use core::time::Duration;

use hitless_model::{Epoch, Instant, Priority, UnitId};
use serde::{Deserialize, Serialize};

use super::absence::{LONGEST, LONGEST_ALONE};
use crate::node::{PathId, Resume, SplitBrain};

/// Shortest interval that the machine keeps, whatever it is told: deadlines must move on.
const MIN_HEARTBEAT: Duration = Duration::from_millis(1);
/// What the failover time has to be longer than a heartbeat interval by.
const FAILOVER_ABOVE_HEARTBEAT: Duration = Duration::from_millis(20);

/// Everything that the machine has to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Identity of this box; the higher one wins a tie.
    pub unit: UnitId,
    /// Configured priority.
    pub priority: Priority,
    /// Whether `preempt` is configured.
    pub preempt: bool,
    /// Time between heartbeats.
    pub heartbeat: Duration,
    /// Time since the last heartbeat after which the peer counts as gone.
    pub failover: Duration,
    /// Safety margin between the end of the lease and the peer's failover time.
    pub margin: Duration,
    /// All paths to the peer; the first is the fault-tolerant VLAN.
    pub paths: Vec<PathId>,
    /// Newest epoch found on stable storage.
    pub epoch: Epoch,
    /// Digest of the configuration, the same on both boxes when they agree.
    pub config_digest: u64,
    /// The data plane holds connections already.
    pub warm: bool,
    /// What a former life left behind, if that was active.
    pub resume: Option<Resume>,
    /// A former life has promised not to take over before.
    pub held_until: Option<Instant>,
    /// What silence of the peer is enough for.
    #[serde(default)]
    pub split_brain: SplitBrain,
}

impl Config {
    /// Kept to what the machine can live with, whatever it was told; the configuration's own rules
    /// are no weaker.
    pub(super) fn bounded(mut self) -> Self {
        self.heartbeat = self.heartbeat.max(MIN_HEARTBEAT);
        self.failover = self.failover.max(self.heartbeat + FAILOVER_ABOVE_HEARTBEAT);
        self.margin = self.margin.min(FAILOVER_ABOVE_HEARTBEAT / 2);
        self
    }

    /// What a former life left behind, if this one may go on with it: its lease runs, is one that a
    /// peer waits for, and belongs to the newest epoch known.
    pub(super) fn resumes(&self, now: Instant) -> Option<Resume> {
        let longest = now + self.failover.max(LONGEST);
        self.resume.filter(|resume| {
            resume.lease_until > now && resume.lease_until <= longest && resume.epoch >= self.epoch
        })
    }

    /// How long a box listens after start: a peer that is being replaced, and knows of nobody, says
    /// nothing for so long. One that was active until just now was somebody itself.
    pub(super) fn listens(&self) -> Duration {
        if self.resume.is_some() { self.failover } else { self.failover.max(LONGEST_ALONE) }
    }

    /// The interval to send heartbeats at.
    pub(super) fn interval(&self) -> Duration {
        self.heartbeat
    }

    /// How long a lease lasts from the moment that the peer counts from.
    pub(super) fn lease(&self) -> Duration {
        self.failover.saturating_sub(self.margin)
    }

    /// How long an active goes on beside a standby that, by its own word, has not heard it lately: it
    /// may just have woken up, and answers within a round trip.
    pub(super) fn grace(&self) -> Duration {
        (self.heartbeat / 4).min(LONGEST_GRACE)
    }

    /// How long a standby says nothing before it takes over, so that the grace which its last word
    /// gives is over by then. But shorter than the silence in which the active would go on alone.
    pub(super) fn hush(&self) -> Duration {
        (self.grace() + LAST_WORD_DELAY).min(self.heartbeat + self.heartbeat / 5)
    }

    /// How long the peer has to be silent on every path until the active renews its lease on its
    /// own account. The last thing heard may confirm a heartbeat that is an interval old, so that
    /// an interval less than the lease is left, and some of it has to be kept for being late; but
    /// an interval and a half at least, because a heartbeat is not missing before that: renewing
    /// next to a peer that lives and only cannot hear this box would outlast its patience.
    pub(super) fn silence(&self) -> Duration {
        let interval = self.interval();
        let before_the_end = self.lease().saturating_sub(interval + interval / 8);
        let late = interval + interval / 2;
        let latest = self.lease().saturating_sub(LAST_MOMENT);
        before_the_end.max(late).min(latest)
    }
}

/// Longest time that a standby is given to say that it hears this box after all. A round trip on a
/// fault-tolerant VLAN takes a fraction of it.
const LONGEST_GRACE: Duration = Duration::from_millis(10);
/// How long a standby's last word may be on its way and still come before the end of its grace,
/// where heartbeats are not more frequent than that.
const LAST_WORD_DELAY: Duration = Duration::from_millis(40);
/// What is left of a lease at the very last moment to renew it: time to write the gate.
const LAST_MOMENT: Duration = Duration::from_millis(2);
