//! VLANs, addresses and next hops of a module.

use std::net::Ipv4Addr;

use hitless_config::model::{Side, Subnet};
use hitless_model::{Mac, VlanId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A VLAN of the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VlanInfo {
    /// Number.
    pub vlan: VlanId,
    /// Client or server; `None` for a fault-tolerant VLAN.
    pub side: Option<Side>,
    /// The module's own address.
    pub address: Option<Subnet>,
    /// Gateways.
    pub gateways: Vec<Ipv4Addr>,
    /// Aliases.
    pub aliases: Vec<Subnet>,
    /// Routes as network and gateway.
    pub routes: Vec<(Subnet, Ipv4Addr)>,
    /// The module's own MAC.
    pub mac: Mac,
    /// MAC of the floating addresses.
    pub virtual_mac: Option<Mac>,
}

/// What an address in the ARP table belongs to (csm-spec 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ArpKind {
    /// A virtual server.
    #[serde(rename = "VSERVER")]
    VirtualServer,
    /// An alias.
    #[serde(rename = "ALIAS")]
    Alias,
    /// The module's own address.
    #[serde(rename = "--SLB--")]
    Own,
    /// A gateway.
    #[serde(rename = "GATEWAY")]
    Gateway,
    /// A real server.
    #[serde(rename = "REAL")]
    Real,
}

/// Whether an address answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ArpStatus {
    /// This box's own.
    Local,
    /// Resolved.
    Up,
    /// Not resolved.
    Down,
}

/// An entry of the ARP table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArpInfo {
    /// Address.
    pub address: Ipv4Addr,
    /// MAC, if known.
    pub mac: Option<Mac>,
    /// VLAN, if it lies on one of the module's.
    pub vlan: Option<VlanId>,
    /// What it belongs to.
    pub kind: ArpKind,
    /// Whether it answers.
    pub status: ArpStatus,
}
