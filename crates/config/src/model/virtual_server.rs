//! Virtual servers: what clients connect to.

use std::collections::BTreeSet;
use std::time::Duration;

use hitless_model::{Protocol, StickyGroup, VlanId};
use serde::{Deserialize, Serialize};

use super::{Description, InService, Label, Name, StickyAddress, Subnet};

/// A virtual server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VirtualServer {
    /// `description`.
    pub description: Option<Description>,
    /// `owner`.
    pub owner: Option<Label>,
    /// `domain`.
    pub domain: Option<Label>,
    /// `virtual IP [MASK] PROTOCOL PORT`.
    pub listens: Option<VirtualAddress>,
    /// `vlan N`: only clients that come from there.
    pub vlan: Option<VlanId>,
    /// `client IP [MASK] [exclude]`: only these clients, or all but these.
    pub clients: BTreeSet<ClientNetwork>,
    /// `serverfarm F`; without one the virtual server is out of service.
    pub farm: Option<Name>,
    /// `serverfarm F backup B`: serves while no real of the farm does.
    pub backup: Option<Backup>,
    /// `slb-policy P`, in the order given: the first that fits goes before the farm.
    pub policies: Vec<Name>,
    /// `sticky MINUTES ...`.
    pub sticky: Option<ClientSticky>,
    /// `reverse-sticky G`: connections from a real stick, too.
    pub reverse_sticky: Option<StickyGroup>,
    /// `idle S`: seconds without a packet after which a connection is forgotten; zero = never.
    /// Default 3600 s.
    pub idle: Duration,
    /// `pending S`: time for the handshake. Default 30 s.
    pub pending: Duration,
    /// `max-conns N`: most connections; none = no limit.
    pub max_conns: Option<u32>,
    /// `replicate csrp sticky`.
    pub replicate_sticky: bool,
    /// `replicate csrp connection`.
    pub replicate_connections: bool,
    /// `unidirectional`: packets of one direction keep a connection alive.
    pub unidirectional: bool,
    /// `advertise`: the address is announced as a route.
    pub advertise: Option<Advertise>,
    /// `status-tracking V`: out of service while that one is.
    pub status_tracking: Option<Name>,
    /// What is read of requests, if something decides by them.
    pub requests: RequestReading,
    /// `inservice`.
    pub in_service: InService,
}

/// What a virtual server listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VirtualAddress {
    /// Address and mask; a mask shorter than /32 catches the whole network.
    pub address: Subnet,
    /// Transport protocol.
    pub protocol: VirtualProtocol,
    /// Port; 0 = all.
    pub port: u16,
    /// `service`: which connections belong together.
    #[serde(default)]
    pub service: Option<Service>,
}

/// Protocol of a virtual server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum VirtualProtocol {
    /// `tcp`.
    Tcp,
    /// `udp`.
    Udp,
    /// `any`.
    Any,
    /// Another by its number in the IP header.
    Number(u8),
}

impl VirtualProtocol {
    /// The protocol with this number.
    pub const fn from_number(number: u8) -> Self {
        match Protocol::from_number(number) {
            Some(Protocol::Tcp) => Self::Tcp,
            Some(Protocol::Udp) => Self::Udp,
            None => Self::Number(number),
        }
    }

    /// The protocol, if it is one that is balanced.
    pub const fn transport(self) -> Option<Protocol> {
        match self {
            Self::Tcp => Some(Protocol::Tcp),
            Self::Udp => Some(Protocol::Udp),
            Self::Any | Self::Number(_) => None,
        }
    }
}

impl From<Protocol> for VirtualProtocol {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Tcp => Self::Tcp,
            Protocol::Udp => Self::Udp,
        }
    }
}

/// `virtual ... service`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Service {
    /// Control and data connections of FTP.
    Ftp,
    /// Control and data connections of RTSP.
    Rtsp,
}

/// `backup B [sticky]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Backup {
    /// The other farm.
    pub farm: Name,
    /// Whether its connections stick.
    pub is_sticky: bool,
}

/// `sticky MINUTES [group G] [netmask M] [source | destination | both]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientSticky {
    /// From the end of a client's last connection, 1-65535 minutes.
    pub minutes: u16,
    /// Virtual servers of one group share what sticks; none = this one for itself.
    pub group: Option<StickyGroup>,
    /// Length of the mask of what counts as one client.
    pub prefix: u8,
    /// By which address.
    pub by: StickyAddress,
}

/// `client IP [MASK] [exclude]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientNetwork {
    /// Where the clients are.
    pub network: Subnet,
    /// Whether they are let in.
    pub admission: Admission,
}

/// Whether clients are let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Admission {
    /// They are.
    Include,
    /// `exclude`.
    Exclude,
}

/// `advertise [active]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Advertise {
    /// Whenever it is configured.
    Always,
    /// While it serves.
    Active,
}

/// What is read of requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RequestReading {
    /// `persistent rebalance`: every request of a connection is balanced. The default.
    pub persistent_rebalance: bool,
    /// `parse-length N`: octets of a request that are read, 1-4000. Default 2000.
    pub parse_length: u16,
    /// `ssl-sticky offset O length L`.
    pub ssl_sticky: SslSticky,
    /// `url-hash begin-pattern`: where the hashed part of a URL begins.
    pub url_hash_begin: Option<Label>,
    /// `url-hash end-pattern`: where it ends.
    pub url_hash_end: Option<Label>,
}

/// The part of an SSL session's identity that sticks. Default 0 and 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SslSticky {
    /// Its first octet, 0-127.
    pub offset: u8,
    /// Its length, 1-128.
    pub length: u8,
}
