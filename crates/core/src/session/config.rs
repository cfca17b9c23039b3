//! What a session has to know before it starts.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use hitless_model::{GroupId, Mac, UnitId, VlanId};

use crate::node::{PathId, Secret};

/// What names a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Number of the fault-tolerant group.
    pub group: GroupId,
    /// The fault-tolerant VLAN.
    pub ft_vlan: VlanId,
}

/// Everything that a session has to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which pair this box belongs to.
    pub pair: Pair,
    /// Identity of this box.
    pub unit: UnitId,
    /// `key-string`, if configured: what this box seals with.
    pub key: Option<Secret>,
    /// `key-string … accept`, if configured: what it opens besides, while keys are changed.
    pub accepted_key: Option<Secret>,
    /// Random octets for this life of the box.
    pub seed: [u8; 32],
    /// This software's version, told to the peer.
    pub software: String,
    /// This box's own MAC on each path, told to the peer.
    pub macs: Vec<(PathId, Mac)>,
    /// Time between heartbeats: the pace of a search for the peer.
    pub heartbeat: Duration,
    /// How long a peer may be silent before another unit may take its place.
    pub peer_timeout: Duration,
}
