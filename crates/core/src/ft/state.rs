//! The states. Each carries what only it needs, so that leaving it forgets that.

use core::time::Duration;

use hitless_model::{Instant, Role};
use serde::{Deserialize, Serialize};

use super::beat::Seq;
use crate::node::HandoverCause;

/// Gratuitous ARP is repeated so long after becoming active: a switch or a host may lose the first.
const ANNOUNCE_AFTER: [Duration; 4] = [
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_secs(1),
];
/// And then so often: switches forget a MAC that they do not see (300 s is usual, less exists).
const ANNOUNCE_EVERY: Duration = Duration::from_secs(15);

/// The plan of gratuitous ARP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Announcing {
    since: Instant,
    step: usize,
    pub(super) due: Instant,
}

impl Announcing {
    /// From now on; the first one was just sent.
    pub(super) fn new(now: Instant) -> Self {
        let mut plan = Self { since: now, step: 0, due: now };
        plan.advance(now);
        plan
    }

    /// Plans the next one.
    pub(super) fn advance(&mut self, now: Instant) {
        let left = ANNOUNCE_AFTER.iter().skip(self.step);
        self.step += left.take_while(|after| self.since + **after <= now).count();
        let repeat = now + ANNOUNCE_EVERY;
        self.due = ANNOUNCE_AFTER.get(self.step).map_or(repeat, |after| self.since + *after);
    }
}

/// Whether the peer is active too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Contest {
    /// It is not.
    None,
    /// It said so.
    Open,
    /// It said so, and this box comes first: it has a new epoch and announced itself again.
    Won,
}

/// How far a handover has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Replication tells everything that is left.
    Emptying {
        /// When to stop waiting for it.
        until: Instant,
    },
    /// The peer may take the role at any moment.
    Offered {
        /// When to stop waiting for it.
        until: Instant,
    },
    /// The offer is withdrawn; the peer may not know yet.
    Withdrawing {
        /// First heartbeat without the offer: the peer has to confirm it.
        from: Seq,
    },
}

/// The state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    /// Listens after start.
    Initializing {
        /// Nobody heard by then: active.
        until: Instant,
    },
    /// The peer is active, or is about to be.
    Standby {
        /// Since when this box wants the role and waits to be in step.
        waiting_since: Option<Instant>,
        /// It was said that the wait is long.
        told: bool,
    },
    /// Was active; the lease ran out.
    Lapsed {
        /// First heartbeat sent since: only a peer that heard it knows.
        from: Seq,
        /// Silence counts from here at the earliest.
        floor: Instant,
    },
    /// Answers and forwards.
    Active {
        /// Until when.
        lease_until: Instant,
        announcing: Announcing,
        contest: Contest,
    },
    /// Hands over.
    Draining { lease_until: Instant, cause: HandoverCause, stage: Stage },
    /// Handed over: forwards what still arrives.
    Leaving {
        /// Lease and end of this state in one: it needs no renewal.
        until: Instant,
    },
}

impl State {
    /// The role that the data plane acts by.
    pub(super) fn role(&self) -> Role {
        match self {
            Self::Initializing { .. } => Role::Initializing,
            Self::Standby { .. } | Self::Lapsed { .. } => Role::Standby,
            Self::Active { .. } => Role::Active,
            Self::Draining { .. } | Self::Leaving { .. } => Role::Draining,
        }
    }

    /// Until when the data plane may forward.
    pub(super) fn lease_until(&self) -> Option<Instant> {
        match self {
            Self::Initializing { .. } | Self::Standby { .. } | Self::Lapsed { .. } => None,
            Self::Active { lease_until, .. } | Self::Draining { lease_until, .. } => {
                Some(*lease_until)
            }
            Self::Leaving { until } => Some(*until),
        }
    }

    /// Moves the end of the lease; `false` where there is none to move.
    pub(super) fn set_lease(&mut self, to: Instant) -> bool {
        match self {
            Self::Active { lease_until, .. } | Self::Draining { lease_until, .. } => {
                *lease_until = to;
                true
            }
            Self::Initializing { .. }
            | Self::Standby { .. }
            | Self::Lapsed { .. }
            | Self::Leaving { .. } => false,
        }
    }

    /// Whether the lease may be renewed without the peer's confirmation, once the peer is silent.
    pub(super) fn renews_alone(&self) -> bool {
        match self {
            Self::Active { .. } => true,
            Self::Draining { stage, .. } => matches!(stage, Stage::Emptying { .. }),
            Self::Initializing { .. }
            | Self::Standby { .. }
            | Self::Lapsed { .. }
            | Self::Leaving { .. } => false,
        }
    }
}
