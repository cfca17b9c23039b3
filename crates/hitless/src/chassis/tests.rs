//! Plans compared as values, and real bridges, veths and namespaces.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use hitless_config::model::{Configuration, Interface, Module, PortName};
use hitless_model::{Slot, VlanId};

use super::desired::Desired;
use super::kernel::Kernel;
use super::plan::{Actual, Conflict, Operation, Plan, mark, plan};
use crate::names::Names;
use crate::netlink::testing::in_own_namespace;
use crate::netlink::{Link, LinkKind, Netlink, VethEnd, netns, sysctl};

fn vlan(number: u64) -> VlanId {
    VlanId::try_from(number).unwrap()
}

fn slot(number: u64) -> Slot {
    Slot::try_from(number).unwrap()
}

/// A state directory that goes with the test, and with it every name.
struct Place {
    folder: PathBuf,
    names: Names,
}

impl Place {
    fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("hitless-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let names = Names::new(&folder).unwrap();
        Self { folder, names }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for slot in super::kernel::slots() {
            let _gone_already = netns::remove(&self.names.namespace_path(slot));
        }
        let _gone_already = std::fs::remove_dir_all(&self.folder);
    }
}

/// Module 4 on VLANs 2, 3 and 9; eth0 is an access port of VLAN 2.
fn configuration() -> Configuration {
    let module =
        Module { ft_vlans: [2, 3, 9].into_iter().map(vlan).collect(), ..Module::default() };
    Configuration {
        interfaces: BTreeMap::from([(PortName::Device("eth0".into()), Interface::access(vlan(2)))]),
        modules: BTreeMap::from([(slot(4), module)]),
        ..Configuration::default()
    }
}

fn desired() -> Desired {
    Desired::new(&configuration())
}

fn link(index: u32, name: &str, kind: LinkKind) -> Link {
    Link { index, name: name.into(), kind, mac: None, up: true, master: None, alias: None }
}

/// What the chassis looks like when everything is done.
fn done(names: &Names) -> Actual {
    let mut actual = Actual::default();
    let mut inside = Vec::new();
    for (index, number) in [(2, 2), (3, 3), (9, 9)] {
        let mut bridge = link(index, &format!("vlan{number}"), LinkKind::Bridge);
        bridge.alias = Some(mark(names));
        let mut near = link(index + 20, &names.veth(slot(4), vlan(number)), LinkKind::Veth);
        near.alias = Some(mark(names));
        near.master = Some(index);
        let mut far = link(index, &format!("vlan{number}"), LinkKind::Veth);
        far.mac = Some(names.mac(slot(4), vlan(number)));
        actual.links.extend([bridge, near]);
        inside.push(far);
    }
    let mut port = link(40, "eth0", LinkKind::Other);
    port.master = Some(2);
    actual.links.push(port);
    actual.namespaces.insert(slot(4), inside);
    actual
}

#[test]
fn a_configuration_asks_for_every_vlan_that_anything_is_on() {
    let desired = desired();
    assert_eq!(desired.vlans, BTreeSet::from([vlan(2), vlan(3), vlan(9)]));
    assert_eq!(desired.modules[&slot(4)].len(), 3);
}

#[test]
fn nothing_is_planned_when_all_is_as_it_should_be() {
    let place = Place::new("plan-done");
    let Plan { operations, conflicts } = plan(&place.names, &desired(), &done(&place.names));
    assert_eq!((operations, conflicts), (vec![], vec![]));
}

#[test]
fn a_port_taken_off_its_bridge_is_put_back() {
    let place = Place::new("plan-port");
    let mut actual = done(&place.names);
    for link in &mut actual.links {
        link.master = None;
    }
    let operations = plan(&place.names, &desired(), &actual).operations;
    assert_eq!(operations.len(), 4, "{operations:?}");
    assert!(operations.iter().all(|one| matches!(one, Operation::Enslave(..))));
}

#[test]
fn a_veth_without_its_far_end_is_made_anew() {
    let place = Place::new("plan-veth");
    let mut actual = done(&place.names);
    actual.namespaces.get_mut(&slot(4)).unwrap().remove(0);
    let near = place.names.veth(slot(4), vlan(2));
    let expected = [
        Operation::DeleteLink(near.clone()),
        Operation::CreateVeth(slot(4), vlan(2)),
        Operation::Enslave(near.clone(), vlan(2)),
        Operation::SetUp(near),
    ];
    assert_eq!(plan(&place.names, &desired(), &actual).operations, expected);
}

#[test]
fn what_is_ours_and_not_wanted_goes() {
    let place = Place::new("plan-rest");
    let mut bridge = link(50, "vlan77", LinkKind::Bridge);
    bridge.alias = Some(mark(&place.names));
    let mut actual = done(&place.names);
    actual.links.push(bridge);
    actual.links.push(link(51, "vlan78", LinkKind::Bridge));
    actual.namespaces.insert(slot(7), Vec::new());
    let expected = [Operation::DeleteLink("vlan77".into()), Operation::DeleteNamespace(slot(7))];
    assert_eq!(plan(&place.names, &desired(), &actual).operations, expected);
}

#[test]
fn everything_in_the_way_is_said_in_one_sentence_each() {
    let place = Place::new("plan-conflicts");
    let mut other = link(3, "vlan3", LinkKind::Bridge);
    other.alias = Some("hitless 123abc".into());
    let links = vec![link(2, "vlan2", LinkKind::Other), other];
    let actual = Actual { links, ..Actual::default() };
    let conflicts = plan(&place.names, &desired(), &actual).conflicts;
    let sentences: Vec<_> = conflicts.iter().map(ToString::to_string).collect();
    let expected = [
        "VLAN 2: a device vlan2 exists and is not ours",
        "VLAN 3: vlan3 is used by another hitlessd (123abc)",
        "interface eth0: there is no such network device",
    ];
    assert_eq!(sentences, expected);
}

#[test]
fn a_port_of_somebody_elses_bridge_is_left_alone() {
    let place = Place::new("plan-taken");
    let mut actual = done(&place.names);
    actual.links.push(link(60, "br0", LinkKind::Bridge));
    let port = actual.links.iter_mut().find(|link| link.name == "eth0").unwrap();
    port.master = Some(60);
    let plan = plan(&place.names, &desired(), &actual);
    assert_eq!(plan.operations, []);
    assert_eq!(plan.conflicts, [Conflict::Taken("eth0".into(), "br0".into())]);
}

/// A wire whose one end is eth0.
async fn wire(netlink: &Netlink) {
    let here = std::fs::File::open("/proc/thread-self/ns/net").unwrap();
    let mac = hitless_model::Mac([6, 0, 0, 0, 0, 9]);
    let end = VethEnd { name: "wire", mac, namespace: std::os::fd::AsFd::as_fd(&here) };
    netlink.create_veth("eth0", end).await.unwrap();
}

async fn names_of(netlink: &Netlink) -> BTreeSet<String> {
    let links = netlink.links().await.unwrap();
    links.into_iter().map(|link| link.name).collect()
}

#[test]
fn a_chassis_is_built_rebuilt_and_removed_without_a_trace() {
    let place = Place::new("build");
    in_own_namespace(async || {
        let netlink = Netlink::connect().unwrap();
        wire(&netlink).await;
        let before = names_of(&netlink).await;
        let kernel = Kernel::connect(&place.names).unwrap();
        reconcile(&kernel, &place.names).await;
        let Plan { operations, conflicts } =
            plan(&place.names, &desired(), &kernel.dump().await.unwrap());
        assert_eq!((operations, conflicts), (vec![], vec![]));
        check_inside(&place.names);

        // A bridge and a veth removed by hand come back with everything that hung on them.
        for name in ["vlan2", &place.names.veth(slot(4), vlan(3))] {
            let link = netlink.link(name).await.unwrap().unwrap();
            netlink.delete_link(link.index).await.unwrap();
        }
        reconcile(&kernel, &place.names).await;
        let eth0 = netlink.link("eth0").await.unwrap().unwrap();
        let bridge = netlink.link("vlan2").await.unwrap().unwrap();
        assert_eq!(eth0.master, Some(bridge.index));
        assert_eq!(bridge.mac, Some(place.names.bridge_mac(vlan(2))));

        kernel.remove_all().await.unwrap();
        assert_eq!(names_of(&netlink).await, before);
        assert!(!place.names.namespace_path(slot(4)).exists());
        assert_eq!(netlink.link("eth0").await.unwrap().unwrap().master, None);
    });
}

async fn reconcile(kernel: &Kernel, names: &Names) {
    let plan = plan(names, &desired(), &kernel.dump().await.unwrap());
    assert_eq!(plan.conflicts, []);
    kernel.apply_all(&plan.operations).await.unwrap();
}

fn check_inside(names: &Names) {
    let path = names.namespace_path(slot(4));
    let read = |name: &'static str| netns::run_in(&path, || sysctl::read(name)).unwrap().unwrap();
    assert_eq!(read("net/ipv4/ip_forward"), "1");
    assert_eq!(read("net/ipv4/conf/vlan2/arp_ignore"), "1");
    assert_eq!(read("net/ipv4/conf/vlan9/rp_filter"), "0");
    assert_eq!(read("net/ipv6/conf/vlan9/accept_dad"), "0");
}

#[test]
fn an_operation_that_fails_undoes_those_before_it() {
    let place = Place::new("undo");
    in_own_namespace(async || {
        let netlink = Netlink::connect().unwrap();
        wire(&netlink).await;
        let before = names_of(&netlink).await;
        let kernel = Kernel::connect(&place.names).unwrap();
        let mut operations =
            plan(&place.names, &desired(), &kernel.dump().await.unwrap()).operations;
        operations.push(Operation::SetUp("nowhere".into()));
        let error = kernel.apply_all(&operations).await.unwrap_err();
        assert!(error.to_string().contains("nowhere"), "{error}");
        assert_eq!(names_of(&netlink).await, before);
        assert!(!place.names.namespace_path(slot(4)).exists());
        assert_eq!(netlink.link("eth0").await.unwrap().unwrap().master, None);
    });
}
