//! Interfaces of a chassis: network devices, ports by their place, port-channels and the chassis'
//! own interfaces on VLANs.

use std::collections::{BTreeMap, BTreeSet};

use hitless_model::{ChannelGroup, HsrpGroup, VlanId};
use serde::{Deserialize, Serialize};

use super::{Description, Hsrp, Subnet};

/// `interface NETDEV` or `interface FastEthernet3/6`: a port of the chassis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Interface {
    /// `description`.
    pub description: Option<Description>,
    /// What the port is.
    pub layer: Layer,
    /// `channel-group N mode on`: the port-channel that it is one of.
    pub channel_group: Option<ChannelGroup>,
    /// `shutdown`.
    pub shutdown: bool,
}

impl Interface {
    /// A port of one VLAN.
    pub fn access(vlan: VlanId) -> Self {
        let port = SwitchPort { access_vlan: Some(vlan), ..SwitchPort::default() };
        Self { layer: Layer::Switched(port), ..Self::default() }
    }

    /// The VLAN that it is a port of.
    pub fn access_vlan(&self) -> Option<VlanId> {
        match &self.layer {
            Layer::Switched(port) => port.access_vlan,
            Layer::Unsaid | Layer::Routed(_) => None,
        }
    }
}

/// `interface Port-channel N`: several ports as one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PortChannel {
    /// `description`.
    pub description: Option<Description>,
    /// What the port-channel is.
    pub layer: Layer,
    /// `shutdown`.
    pub shutdown: bool,
}

/// `interface vlan N`: the chassis' own interface on a VLAN.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VlanInterface {
    /// `description`.
    pub description: Option<Description>,
    /// Its addresses.
    pub routed: Routed,
    /// `shutdown`.
    pub shutdown: bool,
}

/// Whether a port carries VLANs or has an address of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Layer {
    /// Nothing was said.
    #[default]
    Unsaid,
    /// `switchport`.
    Switched(SwitchPort),
    /// `no switchport`, or an address.
    Routed(Routed),
}

/// `switchport ...`. What a port is as a trunk is kept while it is none, as in the original.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SwitchPort {
    /// `switchport mode`.
    pub mode: Option<PortMode>,
    /// `switchport access vlan N`.
    pub access_vlan: Option<VlanId>,
    /// `switchport trunk encapsulation`.
    pub encapsulation: Option<Encapsulation>,
    /// `switchport trunk native vlan N`.
    pub native_vlan: Option<VlanId>,
    /// `switchport trunk allowed vlan`; without it all are.
    pub allowed_vlans: Option<BTreeSet<VlanId>>,
}

/// `switchport mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum PortMode {
    /// One VLAN without a tag.
    Access,
    /// Many VLANs with tags.
    Trunk,
}

/// `switchport trunk encapsulation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Encapsulation {
    /// IEEE 802.1Q.
    Dot1q,
}

/// An interface with addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Routed {
    /// `ip address A M`.
    pub address: Option<Subnet>,
    /// `standby version`.
    pub hsrp_version: HsrpVersion,
    /// `standby use-bia`: the virtual routers use the interface's own MAC.
    pub hsrp_uses_own_mac: bool,
    /// `standby G ...`.
    pub hsrp: BTreeMap<HsrpGroup, Hsrp>,
}

/// `standby version`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum HsrpVersion {
    /// RFC 2281: groups 0-255.
    #[default]
    #[serde(rename = "1")]
    One,
    /// Groups 0-4095.
    #[serde(rename = "2")]
    Two,
}
