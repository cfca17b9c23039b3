//! An address, port and protocol: what names a virtual server or a real to the other box.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

use hitless_model::abi::VirtualKey;
use hitless_model::{ConnKey, Protocol};
use serde::{Deserialize, Serialize};

/// An address, port and protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// Address and port.
    pub socket: SocketAddrV4,
    /// Transport protocol.
    pub protocol: Protocol,
}

impl Endpoint {
    /// An endpoint from its parts.
    pub const fn new(ip: Ipv4Addr, port: u16, protocol: Protocol) -> Self {
        Self { socket: SocketAddrV4::new(ip, port), protocol }
    }

    /// The virtual server of a connection.
    pub const fn virtual_server_of(key: &ConnKey) -> Self {
        Self { socket: key.virtual_server, protocol: key.protocol }
    }

    /// The key of the maps `VIRTUAL` and `REAL_ADDRS`.
    pub(crate) fn key(self) -> VirtualKey {
        VirtualKey {
            ip: self.socket.ip().octets(),
            port: self.socket.port().to_be_bytes(),
            protocol: self.protocol.number(),
            reserved: 0,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.socket, self.protocol)
    }
}

/// Address and port of the maps as one value.
pub(crate) fn socket(ip: [u8; 4], port: [u8; 2]) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::from(ip), u16::from_be_bytes(port))
}
