//! What follows from a module's configuration for its threads. Pure.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use hitless_config::model::{self, FtGroup, KeyString, Module, Subnet};
use hitless_core::node::{NodeConfig, PathId, Secret, SplitBrain};
use hitless_model::{Epoch, UnitId, VlanId, abi};
use hitless_plane::Desired;

use super::announce::Announcement;
use super::gateways::Segment;
use crate::netlink::module_net::InterfaceState;

/// Time between the end of the lease and the peer's failover time. The program asks the precise
/// clock near the end of a lease, so this covers only what may pass between its check and the wire.
const MARGIN: Duration = Duration::from_millis(4);

/// What a node needs beside its configuration.
pub(crate) struct Identity {
    /// Identity of this box.
    pub(crate) unit: UnitId,
    /// Random octets of this life.
    pub(crate) seed: [u8; 32],
    /// Epoch on stable storage.
    pub(crate) epoch: Epoch,
    /// Digest of the configuration.
    pub(crate) digest: u64,
}

/// The node's configuration for a member of a group.
pub(crate) fn node_config(
    module: &Module,
    ft: &FtGroup,
    interfaces: &BTreeMap<VlanId, InterfaceState>,
    identity: &Identity,
) -> NodeConfig {
    let second_paths: Vec<_> = module.vlans.keys().map(|vlan| PathId(*vlan)).collect();
    let all_paths = second_paths.iter().copied().chain([PathId(ft.vlan)]);
    let own_macs =
        all_paths.filter_map(|path| Some((path, interfaces.get(&path.0)?.mac))).collect();
    NodeConfig {
        group: ft.group,
        ft_vlan: ft.vlan,
        unit: identity.unit,
        priority: ft.priority,
        preempt: ft.preempt,
        heartbeat: ft.heartbeat,
        failover: ft.failover,
        margin: MARGIN,
        key: ft.key.as_ref().map(secret),
        accepted_key: ft.accepted_key.as_ref().map(secret),
        second_paths,
        own_macs,
        seed: identity.seed,
        epoch: identity.epoch,
        config_digest: identity.digest,
        software: env!("CARGO_PKG_VERSION").to_owned(),
        replicates: replicates(module),
        warm: false,
        resume: None,
        held_until: None,
        split_brain: match ft.split_brain {
            model::SplitBrain::BothActive => SplitBrain::BothActive,
            model::SplitBrain::Gateway => SplitBrain::Gateway,
        },
    }
}

/// A configured key as the node takes it.
pub(crate) fn secret(key: &KeyString) -> Secret {
    Secret::new(key.expose().as_bytes().to_vec())
}

/// The interfaces that the pair talks over: the fault-tolerant VLAN and the second paths.
pub(crate) fn pair_ports(
    config: &NodeConfig,
    interfaces: &BTreeMap<VlanId, InterfaceState>,
) -> BTreeMap<VlanId, u32> {
    let second = config.second_paths.iter().map(|path| path.0);
    second
        .chain([config.ft_vlan])
        .filter_map(|vlan| Some((vlan, interfaces.get(&vlan)?.index)))
        .collect()
}

/// Every floating address with the interface and MAC that it is announced with.
pub(crate) fn announcements(desired: &Desired) -> Vec<Announcement> {
    desired
        .floating
        .keys()
        .filter_map(|&(ip, vlan): &(Ipv4Addr, Option<VlanId>)| {
            let port = desired.ports.get(&vlan?)?;
            Some(Announcement { ifindex: port.facts.ifindex, ip, mac: port.virtual_mac })
        })
        .collect()
}

/// Whom to ask whether this box is heard, if that decides anything: a gateway is asked over the VLAN
/// that it has an address of.
pub(crate) fn gateways(
    module: &Module,
    interfaces: &BTreeMap<VlanId, InterfaceState>,
) -> Vec<Segment> {
    let asks = |ft: &FtGroup| ft.split_brain == model::SplitBrain::Gateway;
    if !module.ft.as_ref().is_some_and(asks) {
        return Vec::new();
    }
    let mut segments: BTreeMap<VlanId, Vec<Ipv4Addr>> = BTreeMap::new();
    for (own, vlan) in &module.vlans {
        for gateway in &vlan.gateways {
            let via = module.vlans.iter().find(|(_, vlan)| {
                let subnets = vlan.address.iter().chain(&vlan.aliases);
                subnets.copied().any(|subnet: Subnet| subnet.contains(*gateway))
            });
            segments.entry(via.map_or(*own, |(vlan, _)| *vlan)).or_default().push(*gateway);
        }
    }
    let segment = |(vlan, gateways)| {
        let InterfaceState { index, mac } = *interfaces.get(&vlan)?;
        let own = module.vlans.get(&vlan)?.address.map(|own| own.address);
        let own = own.unwrap_or(Ipv4Addr::UNSPECIFIED);
        Some(Segment { ifindex: index, mac, own, gateways })
    };
    segments.into_iter().filter_map(segment).collect()
}

/// Whether any virtual server's connections are replicated.
pub(crate) fn replicates(module: &Module) -> bool {
    module.virtual_servers.values().any(|server| server.replicate_connections)
}

/// Size of the connection table: `variable MAX_CONNECTIONS`, or the default.
pub(crate) fn connections(module: &Module) -> u32 {
    module
        .variables
        .get("MAX_CONNECTIONS")
        .and_then(|text| text.parse().ok())
        .unwrap_or(abi::DEFAULT_CONNECTIONS)
}
