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
    /// The configuration changed. Pair, unit and seed stay as they were. A session goes on with the
    /// key that it was made with until both boxes have another one in common.
    Configure(&'a Config),
}
