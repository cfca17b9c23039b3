//! What comes out of the replication machine.

use alloc::vec::Vec;
use core::time::Duration;

use super::input::{Mode, SessionId};
use crate::node::{Bulk, TableJob};

/// Why a message (or a record of it) had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rejected {
    /// It came while there was no session.
    NoSession,
    /// It belongs to another session.
    ForeignSession,
    /// It is longer than [`super::MAX_MESSAGE`].
    TooLong,
    /// The two releases have no version of this language in common.
    WrongVersion,
    /// Its fields do not add up.
    Malformed,
    /// It acknowledges what was never sent.
    AckBeyondSent,
    /// Its batch lies ahead of what the window allows.
    BeyondWindow,
    /// A record of it holds impossible values; the others were taken.
    BadRecord,
}

impl Rejected {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::NoSession,
        Self::ForeignSession,
        Self::TooLong,
        Self::WrongVersion,
        Self::Malformed,
        Self::AckBeyondSent,
        Self::BeyondWindow,
        Self::BadRecord,
    ];

    /// Stable name: a counter's label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoSession => "replica-no-session",
            Self::ForeignSession => "replica-foreign-session",
            Self::TooLong => "replica-too-long",
            Self::WrongVersion => "replica-wrong-version",
            Self::Malformed => "replica-malformed",
            Self::AckBeyondSent => "replica-ack-beyond-sent",
            Self::BeyondWindow => "replica-beyond-window",
            Self::BadRecord => "replica-bad-record",
        }
    }
}

/// Something to log and count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message or record was dropped.
    Rejected(Rejected),
    /// The queue was full: it was dropped, and a full dump tells what it held.
    Overflow {
        /// Changes that were waiting in it.
        dropped: u64,
    },
    /// The two tables differ.
    Diverged {
        /// Connections found so far.
        connections: u64,
    },
    /// What was found to differ is alike again.
    Repaired {
        /// Connections.
        connections: u64,
    },
}

/// One output.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Seal this and send it to the peer over the fault-tolerant VLAN; at most
    /// [`super::MAX_MESSAGE`] octets.
    Send(Vec<u8>),
    /// Work on the connection table.
    Table(TableJob),
    /// [`Status::in_step`] changed.
    InStep(bool),
    /// Something to log and count.
    Event(Event),
}

/// Why the machine wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// To acknowledge what was received.
    Acknowledge,
    /// To tell what has waited for company.
    Tell,
    /// To send again what was not acknowledged.
    Retransmit,
    /// To notice that the peer lags behind.
    Lag,
}

/// How replication does: a value, made on demand.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Status {
    /// Whether this box tells its connections.
    pub mode: Mode,
    /// The session, while the peer is up.
    pub session: Option<SessionId>,
    /// The version of this language that the two boxes speak, once the peer was heard in the session.
    pub version: Option<u8>,
    /// Changes that wait for a datagram.
    pub queued: u64,
    /// Datagrams that are not acknowledged.
    pub in_flight: u64,
    /// Datagrams that may be in flight at once.
    pub window: u64,
    /// Connections told or waiting to be told that the peer has not acknowledged: lost if this box
    /// dies now. A dump that is owed or being read holds more that cannot be counted yet; then
    /// `in_step` is false.
    pub at_risk: u64,
    /// Age of the oldest unacknowledged change in milliseconds.
    pub lag_ms: u64,
    /// Smoothed round trip, once measured.
    pub round_trip: Option<Duration>,
    /// Number of the newest dump of this box's table.
    pub generation: u64,
    /// The peer acknowledged a full dump and everything since, but for changes too young to be
    /// late.
    pub in_step: bool,
    /// This box's table holds everything that the peer's does, but for changes on their way.
    pub peer_complete: bool,
    /// Batches sent, first transmissions only.
    pub batches_sent: u64,
    /// Batches sent again.
    pub retransmissions: u64,
    /// Batches received for the first time.
    pub batches_received: u64,
    /// Batches received again.
    pub duplicates: u64,
    /// Records skipped: of kinds that this release does not know.
    pub skipped: u64,
    /// Connections found to differ between the tables and not repaired yet.
    pub diverged: u64,
    /// Connections found to differ and repaired, since the start.
    pub repaired: u64,
    /// How far a full dump has come, while one is under way.
    pub bulk: Option<Bulk>,
    /// Queue overflows.
    pub overflows: u64,
    /// Records that this box's table refused, in this session.
    pub refused_here: u64,
    /// Records that the peer's table refused, in this session.
    pub refused_by_peer: u64,
}
