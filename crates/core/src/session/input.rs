//! What goes into a session.

use super::config::Config;
use crate::node::PathId;

/// One input.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// A datagram came in.
    Datagram {
        /// The VLAN it came over.
        path: PathId,
        /// Its content; hostile.
        bytes: &'a [u8],
    },
    /// The configuration changed. Pair, unit and seed stay as they were; a changed key counts from
    /// the next session on, so that the two boxes can be changed one after the other.
    Configure(&'a Config),
}
