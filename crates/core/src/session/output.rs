//! What comes out of a session.

use alloc::string::String;
use alloc::vec::Vec;

use hitless_model::{Mac, UnitId};

use super::error::Rejected;
use super::frame::Kind;
use super::keyring::{KeyInUse, KeyTrouble};
use crate::node::PathId;

/// One output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this frame over the fault-tolerant VLAN.
    Send(Vec<u8>),
    /// A peer on the fault-tolerant VLAN knows this life of this box: it lives and hears us, though
    /// there is no session with it yet.
    Sighted,
    /// A session with a peer (or with a new life of it) begins.
    Established {
        /// Names the session: both boxes give the same number.
        id: u64,
        /// The peer.
        unit: UnitId,
        /// Its release.
        software: String,
    },
    /// The session goes on under another key: nothing else of it begins anew.
    Rekeyed {
        /// The peer.
        unit: UnitId,
        /// Which of this box's keys.
        key: KeyInUse,
    },
    /// A box of this pair has tried to make contact for a while, and its keys are none of this box's.
    /// Said once for each box, until the keys are changed here or the two come to terms.
    KeyDiffers {
        /// What it calls itself.
        unit: UnitId,
        /// In what.
        trouble: KeyTrouble,
    },
    /// The peer's MACs.
    Macs(Vec<(PathId, Mac)>),
    /// The content of a frame of the current session: authentic, fresh and whole.
    Opened {
        /// The VLAN it came over.
        path: PathId,
        /// What it is for.
        kind: Kind,
        /// The content.
        body: Vec<u8>,
    },
    /// A frame was dropped.
    Rejected(Rejected),
    /// First frame of this stranger on the fault-tolerant VLAN.
    Foreign {
        /// Its group number, perhaps one that no group can have.
        group: u8,
        /// Its sender.
        unit: UnitId,
    },
}

/// Why a session wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// To say hello.
    Hello,
}

/// What a session counts by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Hellos and greetings sent.
    pub sent: u64,
    /// Hellos and greetings received and understood.
    pub received: u64,
}
