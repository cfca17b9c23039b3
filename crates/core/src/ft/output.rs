//! What comes out of the fault-tolerance machine.

use alloc::vec::Vec;

use hitless_model::{Epoch, Instant, Role};

use super::beat::Purpose;
use crate::node::{Decision, Event};

/// One output.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Seal this and send it over every path.
    Send {
        /// What it is for, to be counted.
        purpose: Purpose,
        /// The content.
        body: Vec<u8>,
    },
    /// The gate of the data plane, before anything that follows.
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
    /// Send gratuitous ARP.
    Announce,
    /// Ask every gateway whether it hears this box.
    AskGateways,
    /// Store this epoch.
    PersistEpoch(Epoch),
    /// A role change was decided.
    Decision(Decision),
    /// Something to log and count.
    Event(Event),
    /// A heartbeat's content does not add up.
    Malformed(Malformed),
}

/// A heartbeat whose seal is right and whose content is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Why the machine wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// To send a heartbeat.
    Beat,
    /// To fall silent: the lease ends.
    Lease,
    /// To judge that the peer is silent: the active goes on by itself.
    Silence,
    /// To judge that the peer is gone.
    Lost,
    /// To judge that a path is down.
    Path,
    /// To ask the peer over every path before taking over.
    Query,
    /// To stop listening after start, or waiting after a lapsed lease.
    Listen,
    /// To repeat gratuitous ARP.
    Announce,
    /// To go on with a handover, or to give it up.
    Handover,
    /// To begin, to give up or to end an absence.
    Absence,
    /// To say that preempting has waited long.
    Preempt,
    /// To ask the gateways.
    Ask,
}
