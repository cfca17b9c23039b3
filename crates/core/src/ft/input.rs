//! What goes into the fault-tolerance machine.

use alloc::string::String;
use core::time::Duration;

use hitless_model::UnitId;

use super::config::Config;
use crate::node::{HandoverCause, PathId};

/// One input.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// A session with a peer, or with a new life of it, begins: its numbers start anew.
    Established {
        /// The peer.
        unit: UnitId,
        /// Its release.
        software: String,
    },
    /// A peer lives and knows of this life of this box, though there is no session with it yet.
    Sighted,
    /// A heartbeat of the peer, opened by the session.
    Beat {
        /// The path it came over.
        path: PathId,
        /// Its content.
        body: &'a [u8],
    },
    /// Somebody asks this box to hand the active role over.
    Handover(HandoverCause),
    /// This process is about to be replaced, and away for at most this long.
    Absence(Duration),
    /// How replication stands.
    Replication {
        /// The peer holds every connection of this box.
        in_step: bool,
        /// While draining: nothing is left to tell, and all of it is acknowledged.
        drained: bool,
    },
    /// The configuration changed; unit and epoch stay as they were.
    Configure(&'a Config),
    /// The clock of this thread stood still; everything received meanwhile has been read.
    CaughtUp,
    /// A gateway answered a question of [`super::Output::AskGateways`] just now.
    GatewayHeard,
}
