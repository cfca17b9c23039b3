//! What goes into a node.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use hitless_model::{ConnKey, ConnRecord, Epoch, GroupId, Instant, Mac, Priority, UnitId, VlanId};

use super::output::BatchId;
use crate::audit::{Bucket, Digest, Fingerprint, Listing};

/// A way between the two boxes: the VLAN that it runs over.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PathId(pub VlanId);

/// A key that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Wraps the octets of a configured `key-string`.
    pub fn new(octets: Vec<u8>) -> Self {
        Self(octets)
    }

    /// The octets, for key derivation only.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Everything that a node has to know before it starts.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Number of the fault-tolerant group.
    pub group: GroupId,
    /// VLAN of the fault-tolerant group; group and VLAN together name the pair.
    pub ft_vlan: VlanId,
    /// Identity of this box.
    pub unit: UnitId,
    /// Configured priority.
    pub priority: Priority,
    /// Whether `preempt` is configured.
    pub preempt: bool,
    /// Time between heartbeats.
    pub heartbeat: Duration,
    /// Time since the last heartbeat after which the peer counts as gone; at least heartbeat + 20 ms.
    pub failover: Duration,
    /// Safety margin between the end of the lease and the peer's failover time.
    pub margin: Duration,
    /// `key-string`, if configured.
    pub key: Option<Secret>,
    /// `key-string … accept`, if configured: taken besides, while keys are changed.
    pub accepted_key: Option<Secret>,
    /// VLANs of the second paths, in the order of preference.
    pub second_paths: Vec<PathId>,
    /// This box's own MAC on each path, told to the peer: it sends there by unicast.
    pub own_macs: Vec<(PathId, Mac)>,
    /// Random octets for this life of the box: session nonce and everything that has to be unguessable.
    pub seed: [u8; 32],
    /// Newest epoch found on stable storage.
    pub epoch: Epoch,
    /// Digest of the configuration, the same on both boxes when they agree.
    pub config_digest: u64,
    /// This software's version, told to the peer.
    pub software: String,
    /// Whether any virtual server replicates connections: without one a peer is always in step.
    pub replicates: bool,
    /// The data plane was adopted and holds connections already.
    pub warm: bool,
    /// What a former life of this box left behind, if that was active.
    pub resume: Option<Resume>,
    /// The end of the lease in the gate that a former life of this box left behind, if its role was
    /// one that does not forward: it had promised its peer not to take over before.
    pub held_until: Option<Instant>,
    /// What silence of the peer is enough for.
    pub split_brain: SplitBrain,
}

/// What a box does that hears nothing of its peer, which may be dead, or alive and as alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplitBrain {
    /// It is active: both are, if both live.
    #[default]
    BothActive,
    /// It is active if a gateway hears it.
    Gateway,
}

/// A life of this box before this one was active, and its data plane forwards on: this one goes on
/// as active if the lease still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Resume {
    /// Epoch of the gate.
    pub epoch: Epoch,
    /// End of the lease that the gate holds.
    pub lease_until: Instant,
    /// The lease was renewed without a peer.
    pub alone: bool,
}

/// Why a handover was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HandoverCause {
    /// `clear module csm N ft active`.
    Operator,
    /// The daemon stops.
    Stop,
    /// The peer has the higher priority, and preempt is on.
    Preempted,
}

/// What an operator or the supervisor asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Command {
    /// Hand the active role to the peer.
    Handover(HandoverCause),
    /// This process is about to be replaced by another, and is away for at most this long: the peer
    /// is told to wait. Answered by [`super::Event::AbsenceGranted`] or
    /// [`super::Event::AbsenceRefused`]. An absence of no length takes one back.
    Absence(Duration),
}

/// A change in this box's own connection table.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Captured {
    /// Made or changed here.
    Upsert(ConnRecord),
    /// Gone here.
    Remove(ConnKey),
    /// Here all the time, and in use: the peer's times of it are old.
    Refresh(ConnRecord),
    /// Never here, but in the peer's table.
    Surplus(Fingerprint),
}

/// A part of a dump of this box's connection table that [`super::TableJob::Dump`] asked for.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Snapshot {
    /// The number that the request carried; parts of older dumps are ignored.
    pub generation: u64,
    /// Some connections of the table, about 1,024: all of them, whoever made them.
    pub records: Vec<ConnRecord>,
    /// No more parts follow.
    pub last: bool,
    /// Connections in the table by now, replicated or not.
    pub of: u64,
}

/// One input.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// A datagram came in.
    Datagram {
        /// The VLAN it came over.
        path: PathId,
        /// Its IPv6 source address.
        from: [u8; 16],
        /// Its content; hostile.
        bytes: &'a [u8],
    },
    /// Somebody asked for something.
    Command(Command),
    /// The data plane reported changes of its connection table.
    Captured(&'a [Captured]),
    /// The data plane lost reports: only a new dump tells what happened.
    CapturesLost,
    /// A part of a dump.
    Snapshot(Snapshot),
    /// A batch of [`super::TableJob::Apply`] is in the kernel's table.
    Applied {
        /// Which batch.
        batch: BatchId,
        /// Records of it that could not be applied (unknown virtual server, full table).
        refused: u32,
    },
    /// Digests of this box's table, as of the changes captured so far.
    Digests(Vec<(Bucket, Digest)>),
    /// What this box's table holds of a bucket that differs from the peer's.
    Listing(Listing),
    /// Differences between the tables: what the peer has to be told. One for each
    /// [`super::TableJob::Compare`], and whenever the table was found to be another than reported.
    Compared(&'a [Captured]),
    /// The configuration changed.
    Configure(&'a NodeConfig),
    /// The clock of this thread stood still (the process was stopped, or not scheduled): everything
    /// that had arrived meanwhile has been delivered just before this input.
    CaughtUp,
    /// A gateway answered a question of [`super::Output::AskGateways`] just now.
    GatewayHeard,
}
