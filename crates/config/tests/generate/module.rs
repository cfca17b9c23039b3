//! A module: its VLANs, its pair, and what they balance.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use hitless_config::model::{
    FtGroup, Module, ModuleVlan, Name, Route, Side, SplitBrain, StaticArp, StickyAddress, StickyBy,
    StickyGroupConfig, Subnet, TrackMode, Tracking, VirtualServer,
};
use hitless_model::{GroupId, StickyGroup, VlanId};
use proptest::collection::{btree_map, btree_set};
use proptest::option::of;
use proptest::prelude::*;

use super::servers::{farm, nat_pool, policy, probe, virtual_server};
use super::{address, description, id, interface_name, key, label, mac, name};

/// The subnet of VLAN 10 + `index` in a module.
fn host(index: u8, host: u8, prefix: u8) -> Subnet {
    Subnet { address: Ipv4Addr::new(10, index, 0, host), prefix }
}

fn route(vlans: u8) -> impl Strategy<Value = Route> {
    (any::<u32>(), 1..=32u8, 0..vlans).prop_map(|(bits, prefix, via)| {
        let network = Subnet { address: Ipv4Addr::from(bits), prefix }.network();
        Route { network, gateway: Ipv4Addr::new(10, via, 0, 2) }
    })
}

fn module_vlan(index: u8, vlans: u8) -> impl Strategy<Value = ModuleVlan> {
    let routes = btree_set(route(vlans), 0..3).prop_map(Vec::from_iter);
    let flags = any::<[bool; 5]>();
    (flags, 16..=24u8, routes, description()).prop_map(
        move |([client, alt, gateway, alias, attach], prefix, routes, description)| ModuleVlan {
            side: if client { Side::Client } else { Side::Server },
            description,
            address: Some(host(index, 10, prefix)),
            alt_address: alt.then(|| host(index, 11, prefix)),
            gateways: if gateway { vec![host(index, 3, 32).address] } else { Vec::new() },
            aliases: if alias { vec![host(index, 20, prefix)] } else { Vec::new() },
            routes,
            attach: attach.then(|| format!("Nic{index}")),
        },
    )
}

fn module_vlans() -> impl Strategy<Value = BTreeMap<VlanId, ModuleVlan>> {
    (1..=3u8).prop_flat_map(|vlans| {
        let each: Vec<_> = (0..vlans).map(|index| module_vlan(index, vlans)).collect();
        each.prop_map(|each| {
            let ids = (10u64..).filter_map(|n| VlanId::try_from(n).ok());
            ids.zip(each).collect()
        })
    })
}

fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (10..=60_000u64).prop_map(Duration::from_millis),
        (1..=65_000u64).prop_map(Duration::from_secs),
    ]
}

pub(crate) fn ft() -> impl Strategy<Value = FtGroup> {
    let times = (time(), 1..=500u64);
    let group = (id::<GroupId>(1, 254), id(1, 254), of(id(1, 254)));
    (group, times, any::<bool>(), (of(key()), of(key())), tracking()).prop_map(
        |(
            (group, priority, alt_priority),
            (heartbeat, more),
            preempt,
            (key, accepted_key),
            tracking,
        )| FtGroup {
            priority,
            alt_priority,
            heartbeat,
            failover: heartbeat + Duration::from_secs(more),
            preempt,
            key,
            accepted_key,
            split_brain: SplitBrain::BothActive,
            tracking,
            ..FtGroup::new(group, VlanId::try_from(2000).expect("a VLAN"))
        },
    )
}

fn tracking() -> impl Strategy<Value = Tracking> {
    let groups = btree_set(id(0, 4095), 0..3);
    let gateways = btree_set(address(), 0..3);
    let interfaces = btree_set(interface_name(), 0..3);
    (groups, gateways, interfaces, any::<bool>()).prop_map(|(groups, gateways, interfaces, all)| {
        Tracking {
            groups,
            gateways,
            interfaces,
            mode: if all { TrackMode::All } else { TrackMode::Any },
        }
    })
}

fn sticky_group() -> impl Strategy<Value = StickyGroupConfig> {
    let of_address = proptest::sample::select(vec![
        StickyAddress::Source,
        StickyAddress::Destination,
        StickyAddress::Both,
    ]);
    let by = prop_oneof![
        (0..=32u8, of_address).prop_map(|(prefix, of)| StickyBy::Address { prefix, of }),
        (label(), any::<bool>())
            .prop_map(|(name, is_inserted)| StickyBy::Cookie { name, is_inserted }),
        Just(StickyBy::Ssl),
        label().prop_map(|name| StickyBy::Header { name }),
    ];
    (by, any::<u16>()).prop_map(|(by, timeout_min)| StickyGroupConfig { by, timeout_min })
}

fn variables() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop_oneof![
        Just(BTreeMap::new()),
        (1024..=4_194_304u32).prop_map(|n| [("MAX_CONNECTIONS".to_owned(), n.to_string())].into()),
        Just([("DATAPLANE_HOOK".to_owned(), "xdp".to_owned())].into()),
        Just([("ARP_RATE".to_owned(), "20".to_owned())].into()),
    ]
}

pub(crate) fn module() -> impl Strategy<Value = Module> {
    let arp = (mac(), id(2, 4094)).prop_map(|(mac, vlan)| StaticArp { mac, vlan });
    let network = (module_vlans(), btree_map(address(), arp, 0..3), of(ft()), variables());
    let groups: proptest::collection::BTreeMapStrategy<_, _> =
        btree_map(id::<StickyGroup>(1, 255), sticky_group(), 0..3);
    let named = (
        btree_map(name(), nat_pool(), 0..3),
        btree_map(name(), probe(), 0..3),
        btree_map(name(), farm(), 0..4),
        btree_map(name(), policy(), 0..3),
        btree_map(name(), virtual_server(), 0..4),
    );
    (network, groups, named).prop_map(|(network, sticky_groups, named)| {
        let (vlans, static_arp, ft, variables) = network;
        let (nat_pools, probes, farms, policies, virtual_servers) = named;
        Module {
            vlans,
            ft_vlans: BTreeSet::from([VlanId::try_from(2000).expect("a VLAN")]),
            static_arp,
            nat_pools,
            probes,
            farms,
            sticky_groups,
            policies,
            virtual_servers: distinct(virtual_servers),
            variables,
            ft,
        }
    })
}

/// Gives every virtual server an address of its own.
fn distinct(servers: BTreeMap<Name, VirtualServer>) -> BTreeMap<Name, VirtualServer> {
    let numbered = (1u8..).zip(servers);
    let moved = numbered.map(|(number, (name, mut server))| {
        if let Some(listens) = &mut server.listens {
            let address = Subnet {
                address: Ipv4Addr::new(10, 200, number, 255),
                prefix: listens.address.prefix,
            };
            listens.address = address.network();
        }
        (name, server)
    });
    moved.collect()
}
