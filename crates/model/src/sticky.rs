//! Stickiness as the pair speaks of it: by addresses and numbers of groups, like connections
//! ([`crate::conn`]), so that the other box can go on with it.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use crate::ids::{Protocol, StickyGroup};

/// Who shares an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum StickyOwner {
    /// The virtual servers of a group.
    Group(StickyGroup),
    /// A virtual server that has no group, by what it listens on.
    Server {
        /// Address and port.
        listens: SocketAddrV4,
        /// Transport protocol.
        protocol: Protocol,
    },
}

/// Whom an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StickyClient {
    /// Who shares it.
    pub owner: StickyOwner,
    /// The client's address as far as the mask goes; 0.0.0.0 if it does not count.
    pub source: Ipv4Addr,
    /// The virtual address as far as the mask goes; 0.0.0.0 if it does not count.
    pub destination: Ipv4Addr,
}

/// Everything that the other box needs to go on with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StickyRecord {
    /// Whom it is about.
    pub client: StickyClient,
    /// The real that the client sticks to.
    pub real: SocketAddrV4,
    /// How long it had not been used when the record was made.
    pub idle: Duration,
}
