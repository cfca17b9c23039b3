//! Laws of the command language: what is rendered is read back, the two sides of a pair have one
//! digest, and no text makes it panic.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use hitless_config::model::{
    FtGroup, KeyString, Module, ModuleVlan, Name, Real, Route, ServerFarm, Side, SplitBrain,
    Subnet, VirtualAddress, VirtualServer,
};
use hitless_config::{
    Configuration, digest, parse, parse_exec, render, render_with_secrets, validate,
};
use hitless_model::{GroupId, Priority, Protocol, Slot, VlanId};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;

fn id<T: TryFrom<u64> + std::fmt::Debug>(min: u64, max: u64) -> impl Strategy<Value = T> {
    (min..=max).prop_filter_map("in range", |n| T::try_from(n).ok())
}

fn name() -> impl Strategy<Value = Name> {
    "[A-Z][A-Z0-9_-]{0,14}".prop_filter_map("a name", |text| Name::try_from(text).ok())
}

/// The subnet of VLAN 10 + `index` in a module.
fn host(index: u8, host: u8, prefix: u8) -> Subnet {
    Subnet { address: Ipv4Addr::new(10, index, 0, host), prefix }
}

fn route(vlans: u8) -> impl Strategy<Value = Route> {
    (any::<u32>(), 1..=32u8, 0..vlans).prop_map(|(bits, prefix, via)| {
        let mask = Subnet { address: Ipv4Addr::UNSPECIFIED, prefix }.mask();
        let address = Ipv4Addr::from(bits & u32::from(mask));
        Route { network: Subnet { address, prefix }, gateway: Ipv4Addr::new(10, via, 0, 2) }
    })
}

fn module_vlan(index: u8, vlans: u8) -> impl Strategy<Value = ModuleVlan> {
    let routes = btree_set(route(vlans), 0..3).prop_map(Vec::from_iter);
    let attach = any::<bool>();
    (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), 8..=24u8, routes, attach).prop_map(
        move |(client, alt, gateway, alias, prefix, routes, attach)| ModuleVlan {
            side: if client { Side::Client } else { Side::Server },
            address: Some(host(index, 10, prefix.max(16))),
            alt_address: alt.then(|| host(index, 11, prefix.max(16))),
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

fn farm() -> impl Strategy<Value = ServerFarm> {
    let real = (0..=100u8, any::<bool>());
    let reals = btree_map((1..=200u8, of(1..=u16::MAX)), real, 0..4);
    (any::<bool>(), reals).prop_map(|(nat_server, reals)| ServerFarm {
        nat_server,
        reals: reals
            .into_iter()
            .map(|((host, port), (weight, in_service))| Real {
                address: Ipv4Addr::new(10, 0, 1, host),
                port,
                weight,
                in_service,
            })
            .collect(),
        ..ServerFarm::default()
    })
}

fn virtual_server(farms: Vec<Name>) -> impl Strategy<Value = VirtualServer> {
    let farm = of(proptest::sample::select(farms)).prop_map(|farm| farm);
    let idle = prop_oneof![Just(0), 4..=13_500_000u64];
    let listens = of((any::<bool>(), 1..=u16::MAX));
    (farm, idle, 1..=65_535u64, any::<bool>(), any::<bool>(), listens).prop_map(
        |(farm, idle, pending, replicate_connections, in_service, listens)| VirtualServer {
            listens: listens.map(|(tcp, port)| VirtualAddress {
                address: Subnet { address: Ipv4Addr::new(10, 200, 0, 1), prefix: 32 },
                protocol: if tcp { Protocol::Tcp } else { Protocol::Udp },
                port,
            }),
            farm,
            idle: Duration::from_secs(idle),
            pending: Duration::from_secs(pending),
            replicate_connections,
            in_service,
        },
    )
}

fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (10..=60_000u64).prop_map(Duration::from_millis),
        (1..=65_000u64).prop_map(Duration::from_secs),
    ]
}

fn ft() -> impl Strategy<Value = FtGroup> {
    let key = of("[!-~]{1,64}").prop_map(|key| key.filter(|k| k != "******" && k != "!"));
    let times = (time(), 1..=500u64);
    (id::<GroupId>(1, 254), id(1, 254), of(id(1, 254)), times, any::<bool>(), key).prop_map(
        |(group, priority, alt_priority, (heartbeat, more), preempt, key)| FtGroup {
            group,
            vlan: VlanId::try_from(2000).expect("a VLAN"),
            priority,
            alt_priority,
            heartbeat,
            failover: heartbeat + Duration::from_secs(more),
            preempt,
            key: key.map(KeyString::new),
            split_brain: SplitBrain::BothActive,
        },
    )
}

fn module() -> impl Strategy<Value = Module> {
    let farms = btree_map(name(), farm(), 1..4);
    let variables = prop_oneof![
        Just(BTreeMap::new()),
        (1024..=4_194_304u32).prop_map(|n| [("MAX_CONNECTIONS".to_owned(), n.to_string())].into()),
        Just([("DATAPLANE_HOOK".to_owned(), "xdp".to_owned())].into()),
    ];
    (module_vlans(), farms, of(ft()), variables).prop_flat_map(|(vlans, farms, ft, variables)| {
        let names: Vec<Name> = farms.keys().cloned().collect();
        btree_map(name(), virtual_server(names), 0..4).prop_map(move |virtual_servers| Module {
            vlans: vlans.clone(),
            ft_vlans: BTreeSet::from([VlanId::try_from(2000).expect("a VLAN")]),
            farms: farms.clone(),
            virtual_servers: distinct(virtual_servers),
            variables: variables.clone(),
            ft: ft.clone(),
        })
    })
}

/// With gateways to ask, and a group that has them asked.
fn asking(module: &Module) -> Option<Module> {
    let mut module = module.clone();
    let has_gateway = module.vlans.values().any(|vlan| !vlan.gateways.is_empty());
    let ft = module.ft.as_mut().filter(|_| has_gateway)?;
    ft.split_brain = SplitBrain::Gateway;
    Some(module)
}

/// Gives every virtual server an address of its own.
fn distinct(servers: BTreeMap<Name, VirtualServer>) -> BTreeMap<Name, VirtualServer> {
    let numbered = (1u8..).zip(servers);
    let moved = numbered.map(|(number, (name, mut server))| {
        if let Some(listens) = &mut server.listens {
            listens.address.address = Ipv4Addr::new(10, 200, 0, number);
        }
        (name, server)
    });
    moved.collect()
}

fn configuration() -> impl Strategy<Value = Configuration> {
    let interfaces = btree_map("[a-z][a-z0-9.-]{0,14}", of(id::<VlanId>(2, 4094)), 0..4);
    let hostname = of("[a-z][a-z0-9]{0,20}");
    let extra = btree_set(id::<VlanId>(2, 4094), 0..6);
    let modules = (of(id::<Slot>(1, 13)), module());
    (hostname, extra, interfaces, modules).prop_map(|(hostname, extra, interfaces, modules)| {
        let interfaces = interfaces.into_iter().map(|(device, access_vlan)| {
            (device, hitless_config::model::Interface { access_vlan })
        });
        let (slot, module) = modules;
        let mut configuration = Configuration {
            hostname,
            vlans: extra,
            interfaces: interfaces.filter(|(device, _)| !device.starts_with("vlan")).collect(),
            modules: slot.map(|slot| (slot, module)).into_iter().collect(),
        };
        mention_vlans(&mut configuration);
        configuration
    })
}

/// Every VLAN that is mentioned anywhere is among the chassis' VLANs.
fn mention_vlans(configuration: &mut Configuration) {
    let access = configuration.interfaces.values().filter_map(|i| i.access_vlan);
    configuration.vlans.extend(access);
    for module in configuration.modules.values() {
        configuration.vlans.extend(module.vlans.keys());
        configuration.vlans.extend(&module.ft_vlans);
    }
}

/// What the other box of the pair is configured with.
fn swapped(module: &Module) -> Module {
    let mut other = module.clone();
    for vlan in other.vlans.values_mut().filter(|vlan| vlan.alt_address.is_some()) {
        std::mem::swap(&mut vlan.address, &mut vlan.alt_address);
        vlan.aliases.reverse();
        vlan.routes.reverse();
    }
    // The other box has devices of its own.
    for vlan in other.vlans.values_mut() {
        vlan.attach = vlan.attach.is_none().then(|| "eth7".to_owned());
    }
    other.variables.retain(|name, _| name != "DATAPLANE_HOOK");
    for farm in other.farms.values_mut() {
        farm.reals.reverse();
    }
    if let Some(ft) = &mut other.ft
        && let Some(alt) = &mut ft.alt_priority
    {
        std::mem::swap(&mut ft.priority, alt);
    }
    other
}

/// Lines made of words that mean something, so that the walk gets deep.
fn plausible() -> impl Strategy<Value = String> {
    let words = [
        "module",
        "csm",
        "5",
        "vlan",
        "2",
        "client",
        "server",
        "ip",
        "address",
        "10.0.0.1",
        "255.255.255.0",
        "alt",
        "gateway",
        "alias",
        "route",
        "serverfarm",
        "F",
        "real",
        "weight",
        "inservice",
        "vserver",
        "virtual",
        "tcp",
        "www",
        "no",
        "exit",
        "end",
        "ft",
        "group",
        "priority",
        "heartbeat-time",
        "msec",
        "100",
        "failover",
        "key-string",
        "replicate",
        "csrp",
        "connection",
        "interface",
        "eth0",
        "switchport",
        "access",
        "show",
        "detail",
        "|",
        "json",
        "!",
        "é",
        "\u{0}",
        "Router(config)#",
        "variable",
        "hostname",
        "clear",
        "all",
        "\u{feff}",
    ];
    let line = vec(proptest::sample::select(words.to_vec()), 0..8).prop_map(|w| w.join(" "));
    vec(line, 0..30).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn what_is_rendered_is_read_back(configuration in configuration()) {
        prop_assert_eq!(validate(&configuration), vec![]);
        let text = render_with_secrets(&configuration);
        let read = parse(&text, "rendered");
        prop_assert!(read.is_ok(), "{:?}\n{}", read, text);
        prop_assert_eq!(read.unwrap(), configuration, "{}", text);
    }

    #[test]
    fn keys_are_rendered_only_where_they_are_asked_for(ft in ft()) {
        let slot = Slot::try_from(5).unwrap();
        let key = ft.key.as_ref().map(|key| format!("key-string {}\n", key.expose()));
        let module = Module { ft: Some(ft), ..Module::default() };
        let configuration =
            Configuration { modules: [(slot, module)].into(), ..Configuration::default() };
        if let Some(line) = key {
            prop_assert!(!render(&configuration).contains(&line));
            prop_assert!(render_with_secrets(&configuration).contains(&line));
        }
    }

    #[test]
    fn both_boxes_of_a_pair_have_one_digest(module in module()) {
        prop_assert_eq!(digest(&module), digest(&swapped(&module)));
    }

    #[test]
    fn a_difference_changes_the_digest(module in module(), priority in id::<Priority>(1, 254)) {
        let before = digest(&module);
        let mut other = module.clone();
        other.variables.insert("ARP_RATE".to_owned(), "1".to_owned());
        prop_assert_ne!(digest(&other), before);
        if let Some(ft) = &module.ft && ft.priority != priority && ft.alt_priority != Some(priority) {
            let mut other = module.clone();
            other.ft = Some(FtGroup { priority, ..ft.clone() });
            let is_told = ft.alt_priority.is_some();
            prop_assert_eq!(digest(&other) != before, is_told, "without alt nobody knows the peer's");
        }
        if let Some(other) = asking(&module) {
            prop_assert_ne!(digest(&other), before);
            prop_assert_eq!(digest(&other), digest(&swapped(&other)));
        }
        if let Some(ft) = &module.ft {
            let mut other = module.clone();
            let key = Some(KeyString::new("another key".to_owned()));
            other.ft = Some(FtGroup { key, ..ft.clone() });
            prop_assert_ne!(digest(&other), before);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = parse(&text, "any");
        let _ = parse_exec(&text);
    }

    #[test]
    fn no_octets_make_it_panic(octets in vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&octets);
        let _ = parse(&text, "any");
        let _ = parse_exec(&text);
    }

    #[test]
    fn no_line_of_known_words_makes_it_panic(text in plausible()) {
        match parse(&text, "any") {
            Ok(configuration) => {
                let text = render_with_secrets(&configuration);
                prop_assert_eq!(parse(&text, "again"), Ok(configuration), "{}", text);
            }
            Err(diagnostics) => {
                prop_assert!(!diagnostics.is_empty());
                for diagnostic in diagnostics {
                    prop_assert!(diagnostic.to_string().starts_with("any"));
                }
            }
        }
        let _ = text.lines().map(parse_exec).collect::<Vec<_>>();
    }
}
