//! The programs themselves, run by the kernel on made-up frames: what they tell is what is read.

use std::net::Ipv4Addr;

use aya::programs::{TestRun, TestRunOptions};
use etherparse::PacketBuilder;
use hitless_config::model::{Module, Side};
use hitless_model::abi::RoleWord;
use hitless_model::tcp::seen;
use hitless_model::{ConnRecord, Counter, Instant, Mac, Role};

use super::sandbox::{CAPACITY, Sandbox, at, in_use, sweep_all};
use crate::conn::{SweepPolicy, Which};
use crate::desired::{Desired, PortFacts, desired};
use crate::load::classifier;
use crate::plane::Plane;
use crate::testing::{CLIENT_VLAN, ESTABLISHED, VIP, module, ports, vlan};
use crate::{ConnEvent, DumpCursor, Scope};

pub(super) const CLIENT: ([u8; 4], u16) = ([172, 16, 0, 1], 40_000);
pub(super) const REAL: [u8; 4] = [10, 7, 0, 11];
const PORT_MAC: Mac = Mac([6, 0, 0, 0, 0, 1]);

/// The kernel lets test runs arrive on the loopback interface: it is the client VLAN, of the servers'
/// side, because the reals' answers arrive there too.
fn active(sandbox: &Sandbox) -> Plane {
    active_with(sandbox, module())
}

/// What the data plane should hold for `module` in test runs.
pub(super) fn wanted(mut module: Module) -> Desired {
    let mut ports = ports();
    ports.insert(vlan(CLIENT_VLAN), PortFacts { ifindex: 1, mac: PORT_MAC });
    module.vlans.get_mut(&vlan(CLIENT_VLAN)).unwrap().side = Side::Server;
    desired(&module, &ports)
}

/// The same as [`active`] with another configuration.
pub(super) fn active_with(sandbox: &Sandbox, module: Module) -> Plane {
    let plane = Plane::open(sandbox.pins(), CAPACITY).unwrap();
    plane.apply(&wanted(module)).unwrap();
    let hops = plane.next_hops();
    for hop in hops.list().unwrap() {
        hops.set_mac(hop.ifindex, hop.ip, Some(Mac([2, 0, 0, 0, 0, 9]))).unwrap();
    }
    let word = RoleWord {
        role: Role::Active as u32,
        lease_until: Instant::FAR_FUTURE.as_nanos(),
        ..RoleWord::default()
    };
    plane.role().unwrap().write(word).unwrap();
    plane
}

#[derive(Clone, Copy)]
pub(super) enum From {
    Client,
    Real,
}

pub(super) fn send(plane: &mut Plane, from: From, flags: &str) {
    let client = (Ipv4Addr::from(CLIENT.0), CLIENT.1);
    let (source, destination) = match from {
        From::Client => (client, (VIP, 80)),
        From::Real => ((Ipv4Addr::from(REAL), 80), client),
    };
    let virtual_mac = Mac::virtual_for(90.try_into().unwrap(), vlan(9), vlan(CLIENT_VLAN));
    let to = match from {
        From::Client => virtual_mac,
        From::Real => PORT_MAC,
    };
    let mut tcp = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 7], to.0)
        .ipv4(source.0.octets(), destination.0.octets(), 64)
        .tcp(source.1, destination.1, 1000, 1000);
    for flag in flags.chars() {
        tcp = match flag {
            'S' => tcp.syn(),
            'A' => tcp.ack(1),
            'F' => tcp.fin(),
            'R' => tcp.rst(),
            other => panic!("no flag {other}"),
        };
    }
    let mut frame = Vec::new();
    tcp.write(&mut frame, &[0; 20]).unwrap();
    let program = classifier(plane.program_for_tests()).unwrap();
    program.test_run(TestRunOptions { data_in: Some(&frame), ..TestRunOptions::new() }).unwrap();
}

pub(super) fn open_connection(plane: &mut Plane) {
    send(plane, From::Client, "S");
    send(plane, From::Real, "SA");
    send(plane, From::Client, "A");
}

fn main_records(plane: &Plane) -> Vec<ConnRecord> {
    let mut cursor = DumpCursor::default();
    plane
        .connections()
        .dump((Which::Main, Scope::Replicated), 100, &mut cursor, Instant::ZERO)
        .unwrap()
}

#[test]
fn a_handshake_is_told_and_the_record_leads_to_the_same_entries() {
    let sandbox = Sandbox::new();
    let mut plane = active(&sandbox);
    let mut events = plane.events().unwrap();
    open_connection(&mut plane);
    let Some(ConnEvent::Established(record)) = events.next() else {
        panic!("the handshake was not told: {:?}", plane.counters().unwrap().all())
    };
    assert_eq!(record.key.virtual_server.ip(), &VIP);
    assert_eq!(record.real.ip(), &Ipv4Addr::from(REAL));
    assert_eq!(record.seen, ESTABLISHED);
    assert_eq!(record.client_vlan, vlan(CLIENT_VLAN));
    assert!(events.next().is_none());
    let kept = main_records(&plane);
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0], record);
    let counters = plane.counters().unwrap();
    assert_eq!(counters.get(Counter::ConnectionsEstablished).unwrap(), 1);

    // The peer's way of writing it down is the program's.
    let mut table = plane.connections();
    assert_eq!(in_use(&table), 1);
    let by_program = table.table(Which::Main).forward.entries().unwrap()[0];
    assert_eq!(table.upsert(&[record], Instant::ZERO).unwrap().total(), 0);
    let by_peer = table.table(Which::Main).forward.entries().unwrap()[0];
    assert_eq!(by_program.0, by_peer.0);
    let numbers = |conn: &hitless_model::abi::Conn| {
        (conn.next_hop, conn.virtual_server, conn.in_vlan, conn.out_vlan, conn.rewrite_ip)
    };
    assert_eq!(numbers(&by_program.1), numbers(&by_peer.1));
    assert_eq!(in_use(&table), 1);
}

#[test]
fn programs_and_user_space_keep_one_account() {
    let sandbox = Sandbox::new();
    let mut plane = active(&sandbox);
    open_connection(&mut plane);
    let table = plane.connections();
    assert_eq!(in_use(&table), 1);
    let far = at(1_000_000_000);
    let swept = sweep_all(&table, far, &SweepPolicy::since(Instant::ZERO));
    assert_eq!(swept.established, 1);
    assert_eq!(in_use(&table), 0);
    open_connection(&mut plane);
    assert_eq!(in_use(&table), 1);
}

#[test]
fn good_byes_and_a_new_beginning_are_told() {
    let sandbox = Sandbox::new();
    let mut plane = active(&sandbox);
    open_connection(&mut plane);
    let mut events = plane.events().unwrap();
    assert!(matches!(events.next(), Some(ConnEvent::Established(_))));
    send(&mut plane, From::Client, "RA");
    let Some(ConnEvent::Changed(record)) = events.next() else { panic!("no change") };
    assert_eq!(record.seen, ESTABLISHED | seen::RESET);
    send(&mut plane, From::Client, "S");
    assert!(matches!(events.next(), Some(ConnEvent::Removed(_))));
    assert_eq!(in_use(&plane.connections()), 0);
}

#[test]
fn events_wait_for_the_next_reader() {
    let sandbox = Sandbox::new();
    let mut plane = active(&sandbox);
    open_connection(&mut plane);
    drop(plane);
    let plane = sandbox.open();
    assert!(matches!(plane.events().unwrap().next(), Some(ConnEvent::Established(_))));
}
