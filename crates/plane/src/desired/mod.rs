//! What the data plane should hold, compiled from the typed configuration.
//!
//! Pure: no map, no kernel. Entries refer to each other by position in [`Desired`]'s own lists;
//! which index an entry gets in a map is decided when it is applied ([`crate::Plane::apply`]),
//! because open connections keep using the indices that were given before. Start at [`desired`].

mod compile;
mod paths;
mod sticky;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use hitless_config::model::{Name, Side, StickyAddress, Subnet};
use hitless_model::{Mac, StickyGroup, VlanId};
use serde::{Deserialize, Serialize};

pub use compile::desired;

use crate::endpoint::Endpoint;

/// What the kernel says about the interface of one of the module's VLANs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortFacts {
    /// Its number.
    pub ifindex: u32,
    /// Its own MAC.
    pub mac: Mac,
}

/// The contents of all maps that come from the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// Client and server VLANs.
    pub ports: BTreeMap<VlanId, Port>,
    /// Floating addresses by VLAN; `None` = wherever a packet for it arrives.
    pub floating: BTreeMap<(Ipv4Addr, Option<VlanId>), FloatingKind>,
    /// Virtual servers in the order of their names.
    pub virtual_servers: Vec<VirtualServer>,
    /// Server farms in the order of their names.
    pub farms: Vec<Farm>,
    /// Distinct reals of all farms, in service or not.
    pub reals: Vec<Real>,
    /// Addresses and ports whose stray TCP segments must not reach the kernel.
    pub real_addresses: BTreeSet<Endpoint>,
    /// Gateways, gateways of routes and reals on connected VLANs.
    pub next_hops: Vec<NextHop>,
    /// Parts of the configuration that the data plane does not carry out.
    pub unsupported: Vec<Unsupported>,
}

/// A client or server VLAN of the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its interface.
    pub facts: PortFacts,
    /// Which side it is on.
    pub side: Side,
    /// Address and mask, if it has one.
    pub address: Option<Subnet>,
    /// MAC of the floating addresses on it.
    pub virtual_mac: Mac,
    /// Position in [`Desired::next_hops`] of the way to clients that are not on-link.
    pub gateway: Option<usize>,
}

/// Whom a floating address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatingKind {
    /// An alias: what comes to its MAC is routed.
    Alias,
    /// A virtual address: nothing to it reaches the kernel.
    Virtual,
}

/// A virtual server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualServer {
    /// Its name.
    pub name: Name,
    /// What it listens on.
    pub endpoint: Endpoint,
    /// Takes connections: in service and with a farm.
    pub in_service: bool,
    /// `replicate csrp connection`.
    pub replicate: bool,
    /// Position in [`Desired::farms`].
    pub farm: Option<usize>,
    /// Time without a packet after which a connection is forgotten; zero = never.
    pub idle: Duration,
    /// Time for the handshake.
    pub pending: Duration,
    /// Its clients stick to their reals.
    pub sticky: Option<Sticky>,
}

/// How the clients of a virtual server stick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sticky {
    /// Who shares what sticks; none = this virtual server for itself.
    pub group: Option<StickyGroup>,
    /// How much of an address tells clients apart.
    pub prefix: u8,
    /// Which address.
    pub by: StickyAddress,
    /// How long an entry lasts; zero = until it is cleared.
    pub lasts: Duration,
    /// Since when that counts.
    pub since: StickySince,
    /// `replicate csrp sticky`.
    pub replicate: bool,
}

/// What the time of an entry counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StickySince {
    /// The beginning of the client's newest connection.
    LastBegin,
    /// The end of the client's last connection.
    LastEnd,
}

/// A server farm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Farm {
    /// Its name.
    pub name: Name,
    /// Positions in [`Desired::reals`] in the order that new connections get them.
    pub schedule: Vec<usize>,
    /// Positions of reals that an address alone stands for: it has the virtual server's port, or no
    /// other one of the farm has its address.
    pub by_address: BTreeMap<Ipv4Addr, usize>,
}

/// A real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Real {
    /// Its address.
    pub ip: Ipv4Addr,
    /// Its port, if not the virtual server's.
    pub port: Option<u16>,
    /// The VLAN it is reached on.
    pub vlan: VlanId,
    /// Position in [`Desired::next_hops`].
    pub next_hop: usize,
}

/// A neighbour that frames are sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NextHop {
    /// Its VLAN.
    pub vlan: VlanId,
    /// Its address.
    pub ip: Ipv4Addr,
}

/// A part of the configuration that the data plane does not carry out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// A virtual server for a whole network.
    #[error("vserver {0}: a virtual address with a mask shorter than /32 is not supported")]
    VirtualNetwork(Name),
    /// A virtual server for all ports.
    #[error("vserver {0}: a virtual server without a port is not supported")]
    AnyPort(Name),
    /// A virtual server for another protocol than TCP and UDP.
    #[error("vserver {0}: only TCP and UDP are supported")]
    OtherProtocol(Name),
    /// Two virtual servers listen on the same address, port and protocol.
    #[error("vserver {second}: {endpoint} belongs to vserver {first} already")]
    SameEndpoint {
        /// The one that has it.
        first: Name,
        /// The one that is left out.
        second: Name,
        /// What both listen on.
        endpoint: Endpoint,
    },
    /// A virtual server names a farm that does not exist.
    #[error("vserver {vserver}: serverfarm {farm} does not exist")]
    NoFarm {
        /// The virtual server.
        vserver: Name,
        /// The farm that it names.
        farm: Name,
    },
    /// The clients of a group are told apart by what is in their connections.
    #[error("vserver {vserver}: sticky group {group} is not by addresses, which is not supported")]
    StickyContent {
        /// The virtual server.
        vserver: Name,
        /// Its group.
        group: StickyGroup,
    },
    /// A farm without address translation.
    #[error("serverfarm {0}: a farm without nat server is not supported")]
    NoTranslation(Name),
    /// No way leads to a real.
    #[error(
        "serverfarm {farm}: real {real} lies in no VLAN's subnet and behind no route or gateway"
    )]
    NoWay {
        /// Its farm.
        farm: Name,
        /// Its address.
        real: Ipv4Addr,
    },
    /// A gateway lies in no VLAN's subnet.
    #[error("vlan {vlan}: gateway {gateway} lies in no VLAN's subnet")]
    StrayGateway {
        /// Where it is configured.
        vlan: VlanId,
        /// The gateway.
        gateway: Ipv4Addr,
    },
    /// A VLAN's interface does not exist.
    #[error("vlan {0}: its interface does not exist")]
    NoInterface(VlanId),
    /// More than a map holds.
    #[error("the data plane holds {limit} {what}, the configuration has {found}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        limit: u32,
        /// How many there are.
        found: usize,
    },
}
