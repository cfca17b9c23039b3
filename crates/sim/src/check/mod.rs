//! What must hold, and who watches it.
//!
//! The watchers see the world as it is, not as a box believes it to be. The first violation ends the
//! run.

mod excuse;
mod outputs;
mod roles;

use std::fmt;

use crate::time::Moment;

pub(crate) use excuse::Birth;
pub(crate) use outputs::{Cause, OutputWatch};
pub(crate) use roles::{Forwarders, RoleWatch};

macro_rules! invariants {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Everything that must hold.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Invariant {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Invariant {
            /// One sentence for people.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+),)+ }
            }
        }
    };
}

invariants! {
    /// Two data planes are never active at the same time, unless no heartbeat passed in either direction.
    OneActive,
    /// Where gateways decide, who reaches neither the peer nor a gateway is not active beyond its lease.
    CutOffIsSilent,
    /// A handover's two forwarders overlap for at most 100 ms.
    ShortOverlap,
    /// A connection that a box's table holds stays there, with its real, while it lives.
    ConnectionsStay,
    /// Whoever takes over in a planned handover knows every established connection.
    HandoverKeepsConnections,
    /// There is no instant without a forwarder when nothing has failed.
    NoGap,
    /// Bounded loss and short pauses change no role.
    NoNeedlessChange,
    /// A box may be away when nothing has failed.
    ReloadsAreGranted,
    /// Hostile frames have no effect.
    HostileFramesHaveNoEffect,
    /// One call makes a bounded number of outputs.
    BoundedOutputs,
    /// After a due deadline the next one is strictly later.
    LaterDeadline,
    /// An early deadline changes nothing.
    EarlyDeadlineIsNothing,
    /// Events are few.
    NoEventStorm,
    /// Epochs never decrease.
    EpochsGrow,
    /// A new active has a higher epoch than every one before it that it has heard of.
    NewActiveNewEpoch,
    /// The role that a node shows is the role that it gave to its gate.
    StatusIsGate,
    /// Every role change comes with its decision.
    ChangesAreExplained,
    /// A box that says that its peer holds everything is right.
    InStepIsTrue,
    /// A connection that the peer acknowledged is not lost by a takeover.
    ReplicatedSurvives,
    /// What waits to be told to the peer is bounded.
    BoundedQueues,
    /// No input makes a core panic.
    NoPanic,
    /// After the heal exactly one box becomes active.
    OneActiveAfterHeal,
    /// Once settled, nothing changes any more.
    NoFlapping,
    /// Once settled, the standby's table holds every connection of the active.
    InStepAfterHeal,
    /// Once settled, both tables hold the same connections, but for those that are closing.
    TablesConverge,
    /// Once settled, clients reach the active.
    ClientsReachTheActive,
    /// With preempt on both boxes, the higher priority ends up active.
    PreemptHappens,
}

impl Invariant {
    /// Whether it says that something good happens at last, not that something bad never does.
    pub const fn is_liveness(self) -> bool {
        matches!(
            self,
            Self::OneActiveAfterHeal
                | Self::NoFlapping
                | Self::InStepAfterHeal
                | Self::TablesConverge
                | Self::ClientsReachTheActive
                | Self::PreemptHappens
        )
    }
}

/// What did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When.
    pub at: Moment,
    /// Which invariant.
    pub invariant: Invariant,
    /// The particulars.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = self.invariant.sentence().trim();
        write!(f, "{:?} violated at {}: {}\n  ({sentence})", self.invariant, self.at, self.what)
    }
}
