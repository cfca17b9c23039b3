use std::net::Ipv4Addr;

use hitless_model::Mac;
use hitless_model::abi::{self, map};

use super::sandbox::{CAPACITY, Sandbox};
use crate::apply::{self, Applied};
use crate::desired::{PortFacts, desired};
use crate::kernel_map::KernelMap;
use crate::maps::Maps;
use crate::testing::{SERVER_VLAN, farm, module, name, ports, real, virtual_server, vlan};

#[test]
fn applying_again_changes_nothing() {
    let sandbox = Sandbox::new();
    let plane = sandbox.open();
    let desired = desired(&module(), &ports());
    assert!(plane.apply(&desired).unwrap().written > 0);
    assert_eq!(plane.apply(&desired).unwrap(), Applied::default());
}

#[test]
fn the_next_process_finds_everything_in_place() {
    let sandbox = Sandbox::new();
    drop(sandbox.filled(CAPACITY));
    let applied = sandbox.open().apply(&desired(&module(), &ports())).unwrap();
    assert_eq!(applied, Applied::default());
}

#[test]
fn what_somebody_removed_comes_back_and_what_somebody_added_goes() {
    let sandbox = Sandbox::new();
    let plane = sandbox.filled(CAPACITY);
    let before = apply::read(&Maps::open(sandbox.pins()).unwrap()).unwrap();
    let ports_map: KernelMap<u32, abi::VlanPort> =
        KernelMap::open(sandbox.pins(), map::PORTS).unwrap();
    assert!(ports_map.remove(&3).unwrap());
    ports_map.put(&77, &abi::VlanPort::default()).unwrap();
    let applied = plane.apply(&desired(&module(), &ports())).unwrap();
    assert_eq!(applied, Applied { written: 1, removed: 1 });
    assert_eq!(apply::read(&Maps::open(sandbox.pins()).unwrap()).unwrap(), before);
}

#[test]
fn an_interface_made_anew_takes_its_slot() {
    let sandbox = Sandbox::new();
    let plane = sandbox.filled(CAPACITY);
    let mut moved = ports();
    let facts = PortFacts { ifindex: 4 + abi::PORT_SLOTS, mac: Mac([4; 6]) };
    moved.insert(vlan(SERVER_VLAN), facts);
    plane.apply(&desired(&module(), &moved)).unwrap();
    let now = apply::read(&Maps::open(sandbox.pins()).unwrap()).unwrap();
    assert_eq!(now.port_slots[&4], now.ports[&facts.ifindex]);
    assert_eq!(now.port_slots.len(), 2);
}

#[test]
fn an_empty_configuration_clears_what_programs_look_up() {
    let sandbox = Sandbox::new();
    let plane = sandbox.filled(CAPACITY);
    plane.apply(&crate::Desired::default()).unwrap();
    let left = apply::read(&Maps::open(sandbox.pins()).unwrap()).unwrap();
    assert!(
        left.ports.is_empty()
            && left.port_slots.is_empty()
            && left.floating.is_empty()
            && left.virtuals.is_empty()
    );
    assert!(left.real_addresses.is_empty());
    assert!(plane.next_hops().list().unwrap().is_empty());
}

#[test]
fn turns_are_kept_over_a_change() {
    let sandbox = Sandbox::new();
    let plane = sandbox.filled(CAPACITY);
    let turns: KernelMap<u32, u64> = KernelMap::open(sandbox.pins(), map::TURN).unwrap();
    turns.put(&0, &41).unwrap();
    let mut changed = module();
    changed.farms.insert(name("web"), farm(vec![real(13, 1)]));
    changed.farms.insert(name("a"), farm(vec![real(14, 1)]));
    let server = virtual_server("a", hitless_model::Protocol::Tcp, 81);
    changed.virtual_servers.insert(name("a"), server);
    plane.apply(&desired(&changed, &ports())).unwrap();
    assert_eq!(turns.get(&0).unwrap(), Some(41));
    let server = crate::Endpoint::new(crate::testing::VIP, 80, hitless_model::Protocol::Tcp);
    let entry = Maps::open(sandbox.pins()).unwrap().virtuals.get(&server.key()).unwrap().unwrap();
    assert_eq!(entry.farm, 0, "the farm keeps its place");
}

#[test]
fn neighbours_get_their_macs_and_keep_them_over_a_change() {
    let sandbox = Sandbox::new();
    let plane = sandbox.filled(CAPACITY);
    let hops = plane.next_hops();
    let wanted: Vec<_> = hops.list().unwrap().iter().map(|hop| (hop.vlan, hop.ip)).collect();
    let ip = |last| Ipv4Addr::new(10, 7, 0, last);
    let gateway = Ipv4Addr::new(10, 6, 0, 1);
    assert_eq!(wanted, [(vlan(272), gateway), (vlan(71), ip(11)), (vlan(71), ip(12))]);
    let mac = Mac([2, 0, 0, 0, 0, 11]);
    assert!(hops.set_mac(4, ip(11), Some(mac)).unwrap());
    assert!(!hops.set_mac(3, ip(11), Some(mac)).unwrap(), "another interface's neighbour");
    plane.apply(&desired(&module(), &ports())).unwrap();
    let macs = |hops: &crate::NextHops| -> Vec<_> {
        hops.list().unwrap().iter().map(|hop| hop.mac).collect()
    };
    assert_eq!(macs(&hops), [None, Some(mac), None]);
    assert!(hops.set_mac(4, ip(11), None).unwrap());
    assert_eq!(macs(&hops), [None, None, None]);
}

#[test]
fn a_change_writes_what_is_different_and_keeps_the_macs_learned_since() {
    let sandbox = Sandbox::new();
    let plane = sandbox.filled(CAPACITY);
    let (ip, mac) = (Ipv4Addr::new(10, 7, 0, 11), Mac([2, 0, 0, 0, 0, 11]));
    assert!(plane.next_hops().set_mac(4, ip, Some(mac)).unwrap());
    let mut changed = module();
    changed.farms.insert(name("web"), farm(vec![real(11, 1), real(13, 1)]));
    changed.virtual_servers.remove(&name("dns"));
    let wanted = desired(&changed, &ports());
    let layout = plane.lay_out(&wanted).unwrap();
    let done = plane.fill(&wanted, layout).unwrap();
    assert!(done.written > 0 && done.removed > 0, "{done:?}");
    let hops = plane.next_hops().list().unwrap();
    assert_eq!(hops.iter().find(|hop| hop.ip == ip).unwrap().mac, Some(mac));
    assert_eq!(plane.apply(&wanted).unwrap(), Applied::default(), "nothing was left to do");
    let layout = plane.lay_out(&wanted).unwrap();
    assert_eq!(plane.fill(&wanted, layout).unwrap(), Applied::default());
}

#[test]
fn a_layout_that_something_else_was_filled_after_is_not_used() {
    let sandbox = Sandbox::new();
    let plane = sandbox.filled(CAPACITY);
    let mut other = module();
    other.farms.insert(name("web"), farm(vec![real(14, 1)]));
    let (wanted, other) = (desired(&module(), &ports()), desired(&other, &ports()));
    let layout = plane.lay_out(&wanted).unwrap();
    plane.apply(&other).unwrap();
    plane.fill(&wanted, layout).unwrap();
    assert_eq!(plane.apply(&wanted).unwrap(), Applied::default());
}
