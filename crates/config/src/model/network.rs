//! Addresses, subnets and routes, and the VLANs of a module that have them.

use std::net::Ipv4Addr;

use hitless_model::{Mac, VlanId};
use serde::{Deserialize, Serialize};

use super::Description;

/// An address with the mask of its subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Subnet {
    /// The address, host part included.
    pub address: Ipv4Addr,
    /// Length of the mask, 0-32.
    pub prefix: u8,
}

impl Subnet {
    /// The mask as an address.
    pub fn mask(self) -> Ipv4Addr {
        let bits = u32::MAX.checked_shl(32u32.saturating_sub(self.prefix.into())).unwrap_or(0);
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

/// A static route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Route {
    /// Destination network.
    pub network: Subnet,
    /// Next hop; may lie in the subnet of any of the module's VLANs (csm-spec trap 7).
    pub gateway: Ipv4Addr,
}

/// `arp IP MAC vlan N`: a neighbour that is not asked for its MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StaticArp {
    /// Its MAC.
    pub mac: Mac,
    /// The VLAN that it is on.
    pub vlan: VlanId,
}

/// Which side of the module a VLAN is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Side {
    /// Clients and their gateways.
    Client,
    /// Real servers.
    Server,
}

impl Side {
    /// The keyword.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

/// A client or server VLAN of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModuleVlan {
    /// `client` or `server`.
    pub side: Side,
    /// `description`.
    #[serde(default)]
    pub description: Option<Description>,
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
