//! What goes into the replication machine.

use alloc::vec::Vec;

use crate::audit::{Bucket, Digest, Listing};
use crate::node::{BatchId, Captured, Snapshot};

/// Names a session: both boxes give the same number, and a different one for every session.
///
/// Sequence numbers begin anew exactly when it changes, on both sides.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct SessionId(pub u64);

/// Whether this box tells its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It does not: its table mirrors the peer's (initializing, standby). What was captured before
    /// is still told.
    #[default]
    Silent,
    /// It tells established connections (active). Entering it from silence owes a full dump, unless
    /// the peer told all of its table in this session: then the tables are equal already.
    Telling,
    /// It tells everything, embryonic connections included (draining).
    Draining,
}

/// Whether datagrams may leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sending {
    /// The fault-tolerant VLAN carries them.
    #[default]
    Open,
    /// It does not: everything waits, and goes on where it stopped when it does again.
    Paused,
    /// The peer is active too: everything waits, and the one that stays active owes a full dump, for what
    /// either told the other meanwhile may have met a table that knew better.
    Contested,
}

/// One input.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// The peer can be talked to. With another session than before, everything begins anew; with
    /// the same one it goes on where it stopped.
    PeerUp(SessionId),
    /// The peer is gone; the session is kept in case it comes back with it.
    PeerDown,
    /// A message of the peer, opened by the session; still hostile.
    Message(&'a [u8]),
    /// This box's table changed.
    Captured(&'a [Captured]),
    /// Reports of changes were lost.
    CapturesLost,
    /// The part of a dump that was asked for last.
    Snapshot(Snapshot),
    /// A batch is in the kernel's table.
    Applied {
        /// Which one.
        batch: BatchId,
        /// Records of it that the table refused.
        refused: u32,
    },
    /// Digests of this box's table, as of the changes captured so far.
    Digests(Vec<(Bucket, Digest)>),
    /// What this box's table holds of a bucket that differs from the peer's.
    Listing(Listing),
    /// What makes differences between the tables good.
    Compared(&'a [Captured]),
    /// This box's role changed.
    SetMode(Mode),
    /// The fault-tolerant VLAN went down or came back.
    SetSending(Sending),
}
