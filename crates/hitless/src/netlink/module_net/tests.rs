use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, IntoRawFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hitless_config::model::{Module, ModuleVlan, Route as ConfiguredRoute, Side, Subnet};
use hitless_model::{Mac, VlanId};
use tokio::sync::{mpsc, watch};

use super::*;
use crate::netlink::testing::in_own_namespace;
use crate::netlink::{Address, Link, LinkKind, Neighbour, Netlink, Route, VethEnd, netns, sysctl};

const OWN: Mac = Mac([6, 0, 0, 0, 0, 1]);
const PEER: Mac = Mac([6, 0, 0, 0, 0, 2]);

fn vlan(number: u64) -> VlanId {
    VlanId::try_from(number).unwrap()
}

fn subnet(text: &str) -> Subnet {
    let (address, prefix) = text.split_once('/').unwrap();
    Subnet { address: address.parse().unwrap(), prefix: prefix.parse().unwrap() }
}

fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn module_vlan(side: Side, address: &str) -> ModuleVlan {
    let address = Some(subnet(address));
    ModuleVlan {
        description: None,
        side,
        address,
        alt_address: None,
        gateways: Vec::new(),
        aliases: Vec::new(),
        routes: Vec::new(),
        attach: None,
    }
}

/// Client VLAN 2 with a gateway, server VLAN 3 with a route, fault-tolerant VLAN 9.
fn module() -> Module {
    let mut client = module_vlan(Side::Client, "10.6.0.245/24");
    client.gateways = vec![ip("10.6.0.1"), ip("10.6.0.2")];
    let mut server = module_vlan(Side::Server, "10.5.0.245/24");
    let network = subnet("192.168.7.9/24");
    server.routes = vec![ConfiguredRoute { network, gateway: ip("10.5.0.9") }];
    Module {
        vlans: BTreeMap::from([(vlan(2), client), (vlan(3), server)]),
        ft_vlans: BTreeSet::from([vlan(9)]),
        ..Module::default()
    }
}

fn link(index: u32, name: &str) -> Link {
    let name = name.to_owned();
    Link { index, name, kind: LinkKind::Veth, mac: Some(OWN), up: true, master: None, alias: None }
}

fn neighbour(index: u32, address: &str, mac: Option<Mac>) -> Neighbour {
    let address = address.parse().unwrap();
    Neighbour { index, address, mac, permanent: false, managed: true }
}

/// What the kernel looks like when everything of [`module`] is done.
fn done() -> Actual {
    let default = Route { network: subnet("0.0.0.0/0"), gateway: ip("10.6.0.1"), index: 2 };
    let fixed = Route { network: subnet("192.168.7.0/24"), gateway: ip("10.5.0.9"), index: 3 };
    Actual {
        links: vec![link(2, "vlan2"), link(3, "vlan3"), link(9, "vlan9")],
        addresses: vec![
            Address { index: 2, subnet: subnet("10.6.0.245/24") },
            Address { index: 3, subnet: subnet("10.5.0.245/24") },
        ],
        link_locals: [2, 3, 9].map(|index| (index, OWN.link_local().into())).to_vec(),
        routes: vec![default, fixed],
        neighbours: vec![
            neighbour(2, "10.6.0.1", Some(PEER)),
            neighbour(2, "10.6.0.2", None),
            neighbour(3, "10.5.0.9", None),
        ],
    }
}

#[test]
fn nothing_is_done_when_all_is_as_it_should_be() {
    assert_eq!(diff(&Desired::from_module(&module()), &done()), []);
}

#[test]
fn the_first_gateway_of_a_client_vlan_is_the_default_route() {
    let desired = Desired::from_module(&module());
    let defaults: Vec<_> =
        desired.routes.iter().filter(|route| route.network.prefix == 0).collect();
    assert_eq!(defaults.len(), 1);
    assert_eq!((defaults[0].gateway, defaults[0].vlan), (ip("10.6.0.1"), vlan(2)));
}

#[test]
fn an_empty_namespace_gets_addresses_before_routes() {
    let mut actual = Actual { links: done().links, ..Actual::default() };
    actual.link_locals = done().link_locals;
    let operations = diff(&Desired::from_module(&module()), &actual);
    let position = |wanted: fn(&Operation) -> bool| operations.iter().position(wanted).unwrap();
    let address = position(|operation| matches!(operation, Operation::AddAddress(_)));
    let route = position(|operation| matches!(operation, Operation::AddRoute(_)));
    assert!(address < route);
    assert_eq!(operations.len(), 2 + 2 + 3, "{operations:?}");
}

#[test]
fn what_is_not_desired_goes() {
    let mut actual = done();
    let stray = Address { index: 2, subnet: subnet("172.16.0.1/24") };
    let route = Route { network: subnet("172.17.0.0/16"), gateway: ip("10.6.0.7"), index: 2 };
    actual.addresses.push(stray);
    actual.routes.push(route);
    actual.neighbours.push(neighbour(2, "10.6.0.99", None));
    let expected = [
        Operation::RemoveAddress(stray),
        Operation::RemoveRoute(route),
        Operation::RemoveNeighbour(2, ip("10.6.0.99").into()),
    ];
    assert_eq!(diff(&Desired::from_module(&module()), &actual), expected);
}

#[test]
fn an_interface_has_its_link_local_address_as_soon_as_it_is_on() {
    let mut actual = done();
    actual.link_locals.retain(|(index, _)| *index != 9);
    let expected = Operation::AddLinkLocal(9, OWN.link_local().into());
    assert_eq!(diff(&Desired::from_module(&module()), &actual), [expected]);
    actual.links[2].up = false;
    let expected = [Operation::SetUp(9), expected];
    assert_eq!(diff(&Desired::from_module(&module()), &actual), expected);
}

#[test]
fn neighbours_that_the_kernel_learned_by_itself_stay() {
    let mut actual = done();
    let learned = Neighbour { managed: false, ..neighbour(2, "10.6.0.50", Some(PEER)) };
    actual.neighbours.push(learned);
    assert_eq!(diff(&Desired::from_module(&module()), &actual), []);
}

#[test]
fn another_gateway_takes_the_place_of_the_old_one() {
    let mut module = module();
    module.vlans.get_mut(&vlan(2)).unwrap().gateways.reverse();
    let expected = Route { network: subnet("0.0.0.0/0"), gateway: ip("10.6.0.2"), index: 2 };
    let operations = diff(&Desired::from_module(&module), &done());
    assert_eq!(operations, [Operation::ReplaceRoute(expected)]);
}

#[test]
fn a_peer_is_entered_once_and_goes_when_it_is_another_one() {
    let mut desired = Desired::from_module(&module());
    assert!(desired.set_peer(vlan(9), PEER));
    assert!(!desired.set_peer(vlan(9), PEER));
    let address = std::net::Ipv6Addr::from(PEER.link_local());
    let mut actual = done();
    assert_eq!(diff(&desired, &actual), [Operation::SetPeer(9, address, PEER)]);
    actual.neighbours.push(Neighbour {
        index: 9,
        address: address.into(),
        mac: Some(PEER),
        permanent: true,
        managed: false,
    });
    assert_eq!(diff(&desired, &actual), []);
    desired.set_peer(vlan(9), OWN);
    let operations = diff(&desired, &actual);
    assert!(operations.contains(&Operation::RemoveNeighbour(9, address.into())));
    assert_eq!(operations.len(), 2);
}

#[test]
fn each_change_is_told_once() {
    let mut known = super::known::Known::default();
    let found = neighbour(2, "10.6.0.1", Some(PEER));
    assert_eq!(known.all_neighbours(&[found]).len(), 1);
    assert_eq!(known.all_neighbours(&[found]), []);
    assert_eq!(known.neighbour(&found, Some(PEER)), None);
    let gone = Change::Neighbour { index: 2, address: found.address, mac: None };
    assert_eq!(known.all_neighbours(&[]), [gone]);

    let vlans = || [vlan(2)].into_iter();
    assert_eq!(known.all_interfaces(vlans(), &[link(2, "vlan2")]).len(), 1);
    assert_eq!(known.all_interfaces(vlans(), &[link(2, "vlan2")]), []);
    let replaced = InterfaceState { index: 7, mac: OWN };
    let expected = Change::Interface { vlan: vlan(2), state: Some(replaced) };
    assert_eq!(known.all_interfaces(vlans(), &[link(7, "vlan2")]), [expected]);
    let expected = Change::Interface { vlan: vlan(2), state: None };
    assert_eq!(known.all_interfaces(vlans(), &[]), [expected]);
}

/// The interfaces of [`module`], their far ends in the same namespace.
async fn wire() -> Netlink {
    wire_to(Path::new("/proc/thread-self/ns/net")).await
}

/// The interfaces of [`module`], their far ends in another namespace, switched on.
async fn wire_to(other: &Path) -> Netlink {
    for name in ["accept_dad", "dad_transmits"] {
        sysctl::write(&format!("net/ipv6/conf/default/{name}"), "0").unwrap();
    }
    let netlink = Netlink::connect().unwrap();
    let far_side = Netlink::connect_in(other).unwrap();
    let there = File::open(other).unwrap();
    for number in [2, 3, 9] {
        let mac = Mac([6, 0, 0, 0, 1, number]);
        let far = format!("far{number}");
        let end = VethEnd { name: &far, mac, namespace: there.as_fd() };
        netlink.create_veth(&format!("vlan{number}"), end).await.unwrap();
        let link = far_side.link(&far).await.unwrap().unwrap();
        far_side.set_up(link.index).await.unwrap();
    }
    netlink
}

#[test]
fn a_namespace_is_filled_and_a_second_pass_finds_nothing_to_do() {
    in_own_namespace(async || {
        let netlink = wire().await;
        let mut desired = Desired::from_module(&module());
        desired.set_peer(vlan(9), PEER);
        let mut reconciler = Reconciler::open().unwrap();
        let (report, changes) = reconciler.reconcile(&desired).await.unwrap();
        assert_eq!(report.failed, BTreeSet::new());
        assert_eq!(report.missing, []);
        let interfaces = changes.iter().filter(|one| matches!(one, Change::Interface { .. }));
        assert_eq!(interfaces.count(), 3);
        let told = |change: &Change| matches!(change, Change::Neighbour { mac: Some(mac), .. } if *mac == PEER);
        assert!(changes.iter().any(told), "the permanent peer is told: {changes:?}");

        let (again, changes) = reconciler.reconcile(&desired).await.unwrap();
        assert_eq!((again.done, again.failed), (Vec::new(), BTreeSet::new()));
        assert_eq!(changes, []);
        assert_eq!(netlink.routes().await.unwrap().len(), 2);
        let managed = netlink.neighbours().await.unwrap();
        assert_eq!(managed.iter().filter(|one| one.managed).count(), 3);
    });
}

#[test]
fn addresses_and_routes_removed_by_hand_come_back() {
    in_own_namespace(async || {
        let netlink = wire().await;
        let (_desired, desired) = watch::channel(Desired::from_module(&module()));
        let (changes, mut told) = mpsc::channel(64);
        let worker = tokio::spawn(Reconciler::open().unwrap().watch(desired, changes));
        wait_for(async || netlink.routes().await.unwrap().len() == 2).await;
        let before = addresses(&netlink).await;
        assert_eq!(before.len(), 2);
        for &address in &before {
            netlink.remove_address(address).await.unwrap();
        }
        wait_for(async || addresses(&netlink).await == before).await;
        let flush = ["-6", "address", "flush", "dev", "vlan9"];
        assert!(std::process::Command::new("ip").args(flush).status().unwrap().success());
        let index = netlink.link("vlan9").await.unwrap().unwrap().index;
        let is_back = async || {
            let found = netlink.link_locals().await.unwrap();
            found.iter().any(|(interface, _)| *interface == index)
        };
        wait_for(is_back).await;
        wait_for(async || netlink.routes().await.unwrap().len() == 2).await;
        assert!(told.recv().await.is_some());
        worker.abort();
    });
}

#[test]
fn a_gateway_that_answers_is_told_with_its_mac_and_untold_when_it_falls_silent() {
    in_own_namespace(async || {
        let other = netns::run_in_new(|| File::open("/proc/thread-self/ns/net")).unwrap().unwrap();
        let other = PathBuf::from(format!("/proc/self/fd/{}", other.into_raw_fd()));
        let far = Netlink::connect_in(&other).unwrap();
        let netlink = wire_to(&other).await;
        let link = far.link("far2").await.unwrap().unwrap();
        far.add_address(Address { index: link.index, subnet: subnet("10.6.0.1/24") })
            .await
            .unwrap();

        let (_keep, wanted) = watch::channel(Desired::from_module(&module()));
        let (changes, mut told) = mpsc::channel(64);
        let worker = tokio::spawn(Reconciler::open().unwrap().watch(wanted, changes));
        let index = netlink.link("vlan2").await.unwrap().unwrap().index;
        let address = ip("10.6.0.1").into();
        let expected = Change::Neighbour { index, address, mac: link.mac };
        until(&mut told, expected).await;
        far.set_down(link.index).await.unwrap();
        netlink.set_down(index).await.unwrap();
        until(&mut told, Change::Neighbour { index, address, mac: None }).await;
        worker.abort();
    });
}

async fn until(told: &mut mpsc::Receiver<Change>, expected: Change) {
    let wait = async { while told.recv().await.unwrap() != expected {} };
    tokio::time::timeout(Duration::from_secs(3), wait).await.unwrap();
}

/// All addresses but the loopback's, which is interface 1 everywhere.
async fn addresses(netlink: &Netlink) -> BTreeSet<Address> {
    let all = netlink.addresses().await.unwrap();
    all.into_iter().filter(|address| address.index != 1).collect()
}

async fn wait_for(condition: impl AsyncFn() -> bool) {
    for _ in 0..200 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing came of it in two seconds");
}
