//! The typed configuration: what the text means, with illegal states left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use hitless_model::{GroupId, Priority, Protocol, Slot, VlanId};
use serde::{Deserialize, Serialize};

/// The configuration of one chassis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// `hostname NAME`.
    pub hostname: Option<String>,
    /// `vlan LIST`, and every VLAN that is mentioned anywhere.
    pub vlans: BTreeSet<VlanId>,
    /// `interface NETDEV`.
    pub interfaces: BTreeMap<String, Interface>,
    /// `module csm N`.
    pub modules: BTreeMap<Slot, Module>,
}

/// A network device of the chassis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// `switchport access vlan N`.
    pub access_vlan: Option<VlanId>,
}

/// Name of a server farm or virtual server: 1-15 characters without white space, stored upper-case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// The upper-case text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        let plain = text.chars().all(|c| c.is_ascii_graphic());
        if text.is_empty() || text.len() > 15 || !plain {
            return Err(BadName);
        }
        Ok(Self(text.to_ascii_uppercase()))
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name of 1 to 15 characters without white space")]
pub struct BadName;

/// An address with the mask of its subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subnet {
    /// The address, host part included.
    pub address: Ipv4Addr,
    /// Length of the mask, 0-32.
    pub prefix: u8,
}

impl Subnet {
    /// The mask as an address.
    pub fn mask(self) -> Ipv4Addr {
        let bits = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
        Ipv4Addr::from(bits)
    }

    /// The subnet itself, host part zero.
    #[must_use]
    pub fn network(self) -> Self {
        let network = u32::from(self.address) & u32::from(self.mask());
        Self { address: Ipv4Addr::from(network), prefix: self.prefix }
    }

    /// Whether `address` lies in the same subnet.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        let mask = u32::from(self.mask());
        u32::from(self.address) & mask == u32::from(address) & mask
    }
}

/// A content switching module: the balancer in one slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// `vlan N {client | server}`.
    pub vlans: BTreeMap<VlanId, ModuleVlan>,
    /// `vlan N` without a type: declared as fault-tolerant VLANs.
    pub ft_vlans: BTreeSet<VlanId>,
    /// `serverfarm NAME`.
    pub farms: BTreeMap<Name, ServerFarm>,
    /// `vserver NAME`.
    pub virtual_servers: BTreeMap<Name, VirtualServer>,
    /// `variable NAME VALUE`, names upper-case, kept as written if they have no effect.
    pub variables: BTreeMap<String, String>,
    /// `ft group G vlan V`.
    pub ft: Option<FtGroup>,
}

/// `variable DATAPLANE_HOOK`: where the data plane meets the packets of an attached device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HookChoice {
    /// In the driver where that is of use, else at traffic control.
    #[default]
    Auto,
    /// At traffic control.
    Tc,
    /// In the driver.
    Xdp,
}

/// Which side of the module a VLAN is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Clients and their gateways.
    Client,
    /// Real servers.
    Server,
}

/// A client or server VLAN of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleVlan {
    /// `client` or `server`.
    pub side: Side,
    /// `ip address A M`.
    pub address: Option<Subnet>,
    /// `alt A M`: what the peer gets by config sync.
    pub alt_address: Option<Subnet>,
    /// `gateway A`, in the order given.
    pub gateways: Vec<Ipv4Addr>,
    /// `alias A M`.
    pub aliases: Vec<Subnet>,
    /// `route NET MASK gateway A`.
    pub routes: Vec<Route>,
    /// `attach NETDEV`: the network device that is the VLAN, in the place of a port of its bridge.
    #[serde(default)]
    pub attach: Option<String>,
}

/// A static route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Route {
    /// Destination network.
    pub network: Subnet,
    /// Next hop; may lie in the subnet of any of the module's VLANs (csm-spec trap 7).
    pub gateway: Ipv4Addr,
}

/// How a farm chooses a real.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Predictor {
    /// A real of weight n gets n consecutive new connections per cycle.
    #[default]
    RoundRobin,
}

/// A group of real servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFarm {
    /// `nat server` (the default); without it packets keep the virtual address.
    pub nat_server: bool,
    /// `predictor`.
    pub predictor: Predictor,
    /// `real IP [PORT]`, in the order given; no two with the same address and port.
    pub reals: Vec<Real>,
}

/// A real server in a farm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Real {
    /// Its address.
    pub address: Ipv4Addr,
    /// Its port, if not the virtual server's.
    pub port: Option<u16>,
    /// `weight`, 0-100; 0 = no new connections. Default 8.
    pub weight: u8,
    /// `inservice`.
    pub in_service: bool,
}

/// What a virtual server listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VirtualAddress {
    /// Address and mask; a mask shorter than /32 catches the whole network.
    pub address: Subnet,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Port; 0 = all.
    pub port: u16,
}

/// A virtual server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualServer {
    /// `virtual IP [MASK] PROTOCOL PORT`.
    pub listens: Option<VirtualAddress>,
    /// `serverfarm F`; without one the virtual server is out of service.
    pub farm: Option<Name>,
    /// `idle S`: seconds without a packet after which a connection is forgotten; zero = never.
    /// Default 3600 s.
    pub idle: Duration,
    /// `pending S`: time for the handshake. Default 30 s.
    pub pending: Duration,
    /// `replicate csrp connection`.
    pub replicate_connections: bool,
    /// `inservice`.
    pub in_service: bool,
}

/// The fault-tolerant group of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FtGroup {
    /// Group number.
    pub group: GroupId,
    /// Its VLAN.
    pub vlan: VlanId,
    /// `priority N`. Default 10.
    pub priority: Priority,
    /// `alt N`: what the peer gets by config sync.
    pub alt_priority: Option<Priority>,
    /// `heartbeat-time S | msec MS`. Default 1 s.
    pub heartbeat: Duration,
    /// `failover S | msec MS`. Default 3 s.
    pub failover: Duration,
    /// `preempt`.
    pub preempt: bool,
    /// `key-string`.
    pub key: Option<KeyString>,
    /// `split-brain`.
    #[serde(default)]
    pub split_brain: SplitBrain,
}

/// `split-brain`: what a box does that hears nothing of its peer, which may be dead, or alive and as
/// alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplitBrain {
    /// It is active, as in the original: both are, if both live.
    #[default]
    BothActive,
    /// It is active if one of its gateways hears it.
    Gateway,
}

/// A key that is printed only where the configuration itself is stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyString(String);

impl KeyString {
    /// Wraps a key.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The key itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyString(…)")
    }
}
