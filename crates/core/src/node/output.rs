//! What comes out of a node.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use hitless_model::{ConnKey, ConnRecord, Epoch, Instant, Mac, Priority, Role, UnitId};
use serde::{Deserialize, Serialize};

use super::input::{HandoverCause, PathId};
use super::record::Story;
use crate::audit::{Bucket, Digest, Fingerprint, Listing, Task};
use crate::session::{KeyInUse, KeyTrouble};

/// Where a datagram goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Destination {
    /// The pair's multicast group on the fault-tolerant VLAN.
    Multicast,
    /// The peer's link-local address on that path.
    Peer([u8; 16]),
}

/// Which of the two sockets of a path a datagram uses, so that a flood of replication never stands
/// in front of a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lane {
    /// Heartbeats and everything else about roles.
    Heartbeat,
    /// Replication.
    Replication,
}

/// A datagram to send, at most 1,452 octets (an Ethernet MTU less IPv6 and UDP headers).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transmit {
    /// The VLAN to send over.
    pub path: PathId,
    /// Which socket.
    pub lane: Lane,
    /// To whom.
    pub to: Destination,
    /// The content.
    pub bytes: Vec<u8>,
}

/// Number of a batch of records received from the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BatchId(pub u64);

/// A change of this box's connection table that the peer asked for.
///
/// To an active box its peer can only add: it ignores removals, and upserts that give a connection
/// to another real unless it is closing, because they may be of an earlier reign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// Make or update; the real may be another one than before.
    Upsert(ConnRecord),
    /// Remove.
    Remove(ConnKey),
    /// A full dump from the peer begins: from now on remember which connections are told.
    DumpBegins,
    /// The dump is complete: remove the connections that it did not tell.
    DumpEnds,
    /// The peer has no such connection: remove it, if it is here.
    Surplus(Fingerprint),
    /// What the peer's table holds, after all changes before: compare.
    Digests(Vec<(Bucket, Digest)>),
}

/// Work for the thread that keeps the kernel's connection table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TableJob {
    /// Apply these in order, then say [`super::Input::Applied`].
    Apply {
        /// Which batch.
        batch: BatchId,
        /// What to change.
        changes: Vec<Change>,
    },
    /// Begin a dump of the table and deliver its first part ([`super::Input::Snapshot`]). A newer
    /// request ends an older one.
    Dump {
        /// To be given back in every part.
        generation: u64,
        /// Also connections that are not established.
        embryonic: bool,
    },
    /// Read and deliver the next part of the dump. One request, one part; nothing is read ahead of
    /// its request, or a connection removed meanwhile would come back to life at the peer.
    DumpMore {
        /// Which dump.
        generation: u64,
    },
    /// Compare the table with the peer's from now on, in this part, or do so no more.
    Audit(Task),
    /// Compare a part of a bucket, and answer with [`super::Input::Compared`].
    Compare(Listing),
}

/// A role change (or its refusal), with what it was decided on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Decision {
    /// When, on the monotonic time line.
    pub at: Instant,
    /// Role before.
    pub from: Role,
    /// Role after; equal to `from` for a refusal.
    pub to: Role,
    /// Epoch after.
    pub epoch: Epoch,
    /// One sentence of why.
    pub reason: String,
    /// The facts it was decided on, as name and value.
    pub inputs: Vec<(String, String)>,
}

/// Something that people or counters should hear of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// First contact with this peer, or contact again.
    PeerFound {
        /// Who.
        unit: UnitId,
        /// Its release.
        software: String,
    },
    /// Nothing was heard of the peer on any path for the failover time.
    PeerLost,
    /// The peer can be heard, or cannot any more, over a path.
    PathState {
        /// Which.
        path: PathId,
        /// Heard within the failover time.
        up: bool,
    },
    /// The lease ran out: this box fell silent.
    LeaseExpired,
    /// This box was called later than it had asked for, by more than half of a lease: its machine or
    /// its process stood still.
    Delayed {
        /// How much later.
        by: Duration,
        /// How long a lease lasts.
        lease: Duration,
    },
    /// The fault-tolerant VLAN is trusted as it is, because no key is configured. Said once.
    Unauthenticated,
    /// The session with the peer goes on under another key.
    Rekeyed {
        /// Who.
        unit: UnitId,
        /// Which of this box's keys.
        key: KeyInUse,
    },
    /// A box of this pair makes contact, and its keys are none of this box's. Said once for each.
    KeyDiffers {
        /// What it calls itself.
        unit: UnitId,
        /// In what.
        trouble: KeyTrouble,
    },
    /// The peer's configuration differs (`true`), or agrees again.
    ConfigDiffers(bool),
    /// The peer's heartbeat interval or failover time differs.
    TimersDiffer,
    /// A frame of another group or pair on the fault-tolerant VLAN. Said once per sender.
    ForeignPair {
        /// Its group number.
        group: u8,
        /// Its sender.
        unit: UnitId,
    },
    /// The peer holds every connection of this box, or does not any more.
    InStep(bool),
    /// Connections were found that the two tables do not hold alike. Said now and then, not for each.
    Diverged {
        /// How many, so far.
        connections: u64,
    },
    /// What was found to differ is alike again.
    Repaired {
        /// How many connections.
        connections: u64,
    },
    /// A handover was asked for and is not possible.
    HandoverRefused {
        /// Why it was asked for.
        cause: HandoverCause,
        /// Why not.
        why: String,
    },
    /// This process may be replaced now: the gate holds, and the peer waits.
    AbsenceGranted {
        /// By then the next life has to have gone on.
        until: Instant,
    },
    /// This process cannot be replaced without a pause, or not now.
    AbsenceRefused {
        /// Why.
        why: String,
    },
    /// Without the peer a gateway is heard, so that this box is active alone, or none is, so that it
    /// is not.
    Gateway {
        /// Whether one is.
        heard: bool,
    },
    /// A frame was dropped; the reason is a counter's name.
    Rejected {
        /// Stable name of the reason.
        reason: String,
    },
}

/// One output.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send this.
    Transmit(Transmit),
    /// The gate of the data plane: write it before anything that follows.
    Gate {
        /// Role to act by.
        role: Role,
        /// Its epoch.
        epoch: Epoch,
        /// Until when, for roles that forward.
        lease_until: Instant,
        /// The lease is renewed without a peer.
        alone: bool,
    },
    /// Ask every gateway whether it hears this box; the first answer is
    /// [`super::Input::GatewayHeard`].
    AskGateways,
    /// Send gratuitous ARP for every floating address: one frame per VLAN first, then all.
    Announce,
    /// The peer's link-local address on a path: let the kernel know its MAC for good.
    Neighbour {
        /// Over which VLAN.
        path: PathId,
        /// Its MAC there.
        mac: Mac,
    },
    /// Work on the connection table.
    Table(TableJob),
    /// Store this epoch.
    PersistEpoch(Epoch),
    /// A role change was decided.
    Decision(Decision),
    /// The record of a decision that was said before: keep it.
    Story(Box<Story>),
    /// Something to log and count.
    Event(Event),
}

/// What `show module csm N ft detail` shows of a node: a value, made on demand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Status {
    /// Role now.
    pub role: Role,
    /// Epoch now.
    pub epoch: Epoch,
    /// Time left of the lease in nanoseconds, for roles that forward.
    pub lease_left_ns: Option<u64>,
    /// Priority in force.
    pub priority: Priority,
    /// When the role last changed.
    pub since: Instant,
    /// Number of role changes.
    pub role_changes: u64,
    /// Number of leases that ran out while active.
    pub lease_expiries: u64,
    /// The longest time in nanoseconds by which this box was late itself since its process began: a
    /// lease cannot outlive more than that.
    #[serde(default)]
    pub longest_delay_ns: u64,
    /// How often it was late by more than half of a lease.
    #[serde(default)]
    pub delays: u64,
    /// What keeps this box from taking the role that its priority gives it.
    pub waiting: Option<String>,
    /// What gateways say, if a box needs one to be active alone.
    #[serde(default)]
    pub gateways: Option<Gateways>,
    /// The peer, if heard within the failover time.
    pub peer: Option<PeerStatus>,
    /// What the key of the session with the peer is to this box; none without a session.
    #[serde(default)]
    pub key: Option<KeyInUse>,
    /// Each path: whether the peer is heard over it.
    pub paths: Vec<(PathId, bool)>,
    /// Whether the peer holds every connection of this box.
    pub in_step: bool,
    /// Replicated connections that the peer has not acknowledged: lost if this box dies now.
    pub at_risk: u64,
    /// Changes that wait for a datagram to the peer.
    #[serde(default)]
    pub queued: u64,
    /// Age in milliseconds of the oldest change that the peer has not acknowledged.
    #[serde(default)]
    pub lag_ms: u64,
    /// Connections that were found to differ between the two tables and are not repaired yet.
    #[serde(default)]
    pub diverged: u64,
    /// Connections that were found to differ and have been repaired, since this process began.
    #[serde(default)]
    pub repaired: u64,
    /// How far the peer has been told the whole table, while that is under way.
    #[serde(default)]
    pub bulk: Option<Bulk>,
    /// Frames and messages by name, sent.
    pub sent: Vec<(String, u64)>,
    /// Frames and messages by name, received.
    pub received: Vec<(String, u64)>,
    /// Dropped frames by reason.
    pub rejected: Vec<(String, u64)>,
}

/// How far a full dump of the table has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Bulk {
    /// Connections told.
    pub told: u64,
    /// Connections in the table when it was looked at last.
    pub of: u64,
}

/// Whether a gateway hears this box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Gateways {
    /// Nobody asks while the peer is heard.
    NotAsked,
    /// One does.
    Heard,
    /// None does.
    Silent,
}

/// What is known of the peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PeerStatus {
    /// Who.
    pub unit: UnitId,
    /// Its role.
    pub role: Role,
    /// Its epoch.
    pub epoch: Epoch,
    /// Its priority.
    pub priority: Priority,
    /// Whether `preempt` is configured there.
    pub preempt: bool,
    /// Its release.
    pub software: String,
    /// Whether its configuration equals ours.
    pub config_agrees: bool,
}
