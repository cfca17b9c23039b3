//! The typed configuration: what the text means, with illegal states left out.
//!
//! Defaults are in [`crate::MAX_CONNECTIONS`]'s neighbourhood, the `defaults` module; what the parts
//! must agree on is in [`crate::validate`]. What hitless does not carry out yet is here as well: it
//! is kept, shown and compared like the rest.

mod clock;
mod farm;
mod ft;
mod hsrp;
mod interface;
mod interface_name;
mod network;
mod policy;
mod probe;
mod sticky;
mod virtual_server;
mod word;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use hitless_model::{ChannelGroup, Slot, StickyGroup, VlanId};
use serde::{Deserialize, Serialize};

pub use clock::{BadOffset, Clock, TimeZone, UtcOffset};
pub use farm::{
    FailAction, HashedAddress, InService, InbandHealth, NatPool, Predictor, Real, ServerFarm,
};
pub use ft::{FtGroup, SplitBrain, TrackMode, Tracking};
pub use hsrp::{
    BadPassword, Hsrp, HsrpAddress, HsrpAuthentication, HsrpPassword, HsrpTime, HsrpTimers,
    PreemptDelay,
};
pub use interface::{
    Encapsulation, HsrpVersion, Interface, Layer, PortChannel, PortMode, Routed, SwitchPort,
    VlanInterface,
};
pub(crate) use interface_name::is_device;
pub use interface_name::{BadInterface, InterfaceName, LogicalKind, PortKind, PortName, PortPlace};
pub use network::{ModuleVlan, Route, Side, StaticArp, Subnet};
pub use policy::Policy;
pub use probe::{
    Credentials, DnsCheck, HttpCheck, HttpMethod, Probe, ProbeAddress, ProbeCheck, ProbeKind,
    StatusRanges,
};
pub use sticky::{StickyAddress, StickyBy, StickyGroupConfig};
pub use virtual_server::{
    Admission, Advertise, Backup, ClientNetwork, ClientSticky, RequestReading, Service, SslSticky,
    VirtualAddress, VirtualProtocol, VirtualServer,
};
pub use word::{BadDescription, BadLabel, BadName, Description, KeyString, Label, Name};

/// The configuration of one chassis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Configuration {
    /// `hostname NAME`.
    pub hostname: Option<String>,
    /// `clock ...`.
    pub clock: Clock,
    /// `no ip igmp snooping`: multicast reaches every port of its VLAN.
    pub floods_multicast: bool,
    /// `logging host A.B.C.D`.
    pub logging_hosts: BTreeSet<Ipv4Addr>,
    /// `vlan LIST`, and every VLAN that is mentioned anywhere.
    pub vlans: BTreeSet<VlanId>,
    /// `interface NETDEV` and `interface FastEthernet3/6`.
    pub interfaces: BTreeMap<PortName, Interface>,
    /// `interface Port-channel N`, and every one that a port is of.
    pub port_channels: BTreeMap<ChannelGroup, PortChannel>,
    /// `interface vlan N`.
    pub vlan_interfaces: BTreeMap<VlanId, VlanInterface>,
    /// `module csm N`.
    pub modules: BTreeMap<Slot, Module>,
}

/// A content switching module: the balancer in one slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Module {
    /// `vlan N {client | server}`.
    pub vlans: BTreeMap<VlanId, ModuleVlan>,
    /// `vlan N` without a type: declared as fault-tolerant VLANs.
    pub ft_vlans: BTreeSet<VlanId>,
    /// `arp IP MAC vlan N`.
    pub static_arp: BTreeMap<Ipv4Addr, StaticArp>,
    /// `natpool NAME ...`.
    pub nat_pools: BTreeMap<Name, NatPool>,
    /// `probe NAME KIND`.
    pub probes: BTreeMap<Name, Probe>,
    /// `serverfarm NAME`.
    pub farms: BTreeMap<Name, ServerFarm>,
    /// `sticky ID ...`.
    pub sticky_groups: BTreeMap<StickyGroup, StickyGroupConfig>,
    /// `policy NAME`.
    pub policies: BTreeMap<Name, Policy>,
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum HookChoice {
    /// In the driver where that is of use, else at traffic control.
    #[default]
    Auto,
    /// At traffic control.
    Tc,
    /// In the driver.
    Xdp,
}
