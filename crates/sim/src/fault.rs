//! What can go wrong, as data.

use std::time::Duration;

use crate::pair::Side;

/// How one direction of one path treats datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Nothing gets through.
    pub cut: bool,
    /// Datagrams lost of a thousand.
    pub loss: u64,
    /// Datagrams delivered twice of a thousand.
    pub duplicates: u64,
    /// Every datagram takes this long.
    pub delay: Duration,
    /// Up to this much longer: more than the distance of two datagrams reorders them.
    pub jitter: Duration,
}

impl Weather {
    /// A good Ethernet.
    pub const FAIR: Self = Self {
        cut: false,
        loss: 0,
        duplicates: 0,
        delay: Duration::from_micros(50),
        jitter: Duration::from_micros(100),
    };

    /// A cable that is out.
    pub const CUT: Self = Self { cut: true, ..Self::FAIR };
}

/// Which paths a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paths {
    /// One, by its position: 0 is the fault-tolerant VLAN.
    One(usize),
    /// All of them.
    All,
}

/// How a box dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Power loss: data plane and connection table are gone; the disk may be too.
    Power {
        /// The stored epoch survives.
        disk_survives: bool,
    },
    /// The process is killed: gate, lease and connection table stay as they are.
    Kill,
}

/// Something that happens to the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A path behaves differently for a while, in the direction from `from` to the other box.
    Weather {
        /// The sender.
        from: Side,
        /// Over which paths.
        paths: Paths,
        /// How they behave.
        weather: Weather,
        /// For how long.
        lasts: Duration,
    },
    /// A process is stopped and goes on later, from the very output that it was about to execute.
    Pause {
        /// Whose.
        on: Side,
        /// After this many more outputs; 0 = at once.
        after_outputs: u32,
        /// For how long.
        lasts: Duration,
    },
    /// A box dies and comes back.
    Crash {
        /// Which.
        on: Side,
        /// After this many more outputs; 0 = at once.
        after_outputs: u32,
        /// How.
        death: Death,
        /// When it comes back.
        back_after: Duration,
    },
    /// An operator asks the active for a handover.
    Handover,
    /// The daemon is told to stop: hands over, leaves, and comes back.
    Stop {
        /// Whose.
        on: Side,
        /// When it comes back.
        back_after: Duration,
    },
    /// A process is replaced by a new one: it says so first, and goes when it may. Its data plane
    /// stays.
    Reload {
        /// Whose.
        on: Side,
        /// What the peer is asked to wait.
        asks: Duration,
        /// When the new process starts, from the end of the old one.
        back_after: Duration,
    },
    /// The data plane's reports get lost for a while.
    LoseCaptures {
        /// Whose.
        on: Side,
        /// For how long.
        lasts: Duration,
    },
    /// A box and its gateways do not hear each other for a while.
    LoseGateways {
        /// Which.
        on: Side,
        /// For how long.
        lasts: Duration,
    },
    /// An operator changes the priority.
    Priority {
        /// Whose.
        on: Side,
        /// To what.
        to: u8,
    },
}

impl Fault {
    /// Whether it can cost anything beyond what a pair promises to bear without a role change.
    pub const fn is_disturbance(&self) -> bool {
        match self {
            Self::Weather { .. }
            | Self::Pause { .. }
            | Self::Crash { .. }
            | Self::LoseCaptures { .. }
            | Self::LoseGateways { .. } => true,
            Self::Handover | Self::Stop { .. } | Self::Reload { .. } | Self::Priority { .. } => {
                false
            }
        }
    }
}
