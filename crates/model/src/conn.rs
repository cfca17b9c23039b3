//! A connection as the pair speaks of it: by addresses and VLAN numbers, never by local index,
//! interface number or MAC, so that a differently ordered configuration or another release on the
//! other side can take it over.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use crate::ids::{Protocol, VlanId};

/// What identifies a connection: client, virtual server and protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConnKey {
    /// The client's address and port.
    pub client: SocketAddrV4,
    /// The virtual server's address and port.
    pub virtual_server: SocketAddrV4,
    /// Transport protocol.
    pub protocol: Protocol,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ConnStage {
    /// The handshake is under way (TCP), or no answer has been seen (others).
    Embryonic,
    /// Both sides talk.
    Established,
    /// Both sides have said good-bye, or one reset it.
    Closing,
}

/// Everything that the other box needs to carry a connection on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConnRecord {
    /// Which connection.
    pub key: ConnKey,
    /// The real server that carries it.
    pub real: SocketAddrV4,
    /// The VLAN that the client's packets arrive on.
    pub client_vlan: VlanId,
    /// The VLAN that the real is reached on.
    pub server_vlan: VlanId,
    /// Bits of [`crate::tcp::seen`]; the stage follows from them.
    pub seen: u8,
    /// How long no packet had been seen when the record was made.
    pub idle: Duration,
}

impl ConnRecord {
    /// How far the connection has come.
    pub fn stage(&self) -> ConnStage {
        if crate::tcp::seen::is_closing(self.seen) {
            ConnStage::Closing
        } else if crate::tcp::seen::is_established(self.seen) {
            ConnStage::Established
        } else {
            ConnStage::Embryonic
        }
    }

    /// The client's IPv4 address.
    pub fn client_ip(&self) -> Ipv4Addr {
        *self.key.client.ip()
    }
}
