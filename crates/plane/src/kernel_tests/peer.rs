//! What the peer tells, in every order that replication may bring it.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use hitless_model::ConnRecord;
use hitless_model::abi::{CONN_FROM_PEER, Conn, FlowKey};

use super::sandbox::{CAPACITY, Sandbox, at, dumped, in_use};
use crate::conn::entry::{forward_key, reverse_key};
use crate::conn::{ConnTable, PeerWord, Refusal, Which};
use crate::kernel_map::KernelMap;
use crate::testing::{ESTABLISHED, module, name, ports, record, virtual_server};

fn upserted(table: &mut ConnTable, records: &[ConnRecord]) {
    assert_eq!(table.upsert(records, at(1000)).unwrap().total(), 0);
}

#[test]
fn a_connection_moves_to_the_main_table_when_it_is_established() {
    let sandbox = Sandbox::new();
    let mut table = sandbox.filled(CAPACITY).connections();
    let told = record(1);
    let begun = ConnRecord { seen: 0, ..told };
    upserted(&mut table, &[begun]);
    assert_eq!(dumped(&table, Which::Embryonic, 10), [begun]);
    assert_eq!(in_use(&table), 0);
    upserted(&mut table, &[told]);
    assert_eq!(dumped(&table, Which::Embryonic, 10), []);
    assert!(table.table(Which::Embryonic).reverse.entries().unwrap().is_empty());
    assert_eq!(dumped(&table, Which::Main, 10), [told]);
    assert_eq!(in_use(&table), 1);
    upserted(&mut table, &[begun]);
    assert_eq!(dumped(&table, Which::Main, 10), [told], "an old word does not put it back");
    assert_eq!(table.remove(&[told.key]).unwrap(), 1);
    assert_eq!(in_use(&table), 0);
}

#[test]
fn a_connection_opened_anew_at_another_real_leaves_nothing_behind() {
    let sandbox = Sandbox::new();
    let mut table = sandbox.filled(CAPACITY).connections();
    let first = record(0);
    let anew = ConnRecord { real: record(1).real, ..first };
    assert_ne!(first.real, anew.real);
    upserted(&mut table, &[first]);
    upserted(&mut table, &[anew]);
    assert_eq!(dumped(&table, Which::Main, 10), [anew]);
    assert_eq!(in_use(&table), 1);
}

#[test]
fn of_two_connections_with_one_reverse_key_the_one_told_last_stays() {
    let sandbox = Sandbox::new();
    let plane = sandbox.filled(CAPACITY);
    let mut with_second = module();
    let second = virtual_server("web", hitless_model::Protocol::Tcp, 8080);
    with_second.virtual_servers.insert(name("second"), second);
    plane.apply(&crate::desired(&with_second, &ports())).unwrap();
    let mut table = plane.connections();
    let old = record(0);
    let mut rival = old;
    rival.key.virtual_server.set_port(8080);
    upserted(&mut table, &[old]);
    upserted(&mut table, &[rival]);
    assert_eq!(dumped(&table, Which::Main, 10), [rival]);
    assert_eq!(in_use(&table), 1);
    upserted(&mut table, &[old]);
    assert_eq!(dumped(&table, Which::Main, 10), [old]);
    assert_eq!(in_use(&table), 1);
}

#[test]
fn what_cannot_be_carried_on_is_refused_by_reason_and_the_rest_applied() {
    let sandbox = Sandbox::new();
    let mut table = sandbox.filled(CAPACITY).connections();
    let mut records: Vec<_> = (0..4).map(record).collect();
    records[1].key.virtual_server.set_port(1);
    records[2].real = SocketAddrV4::new(Ipv4Addr::new(10, 7, 0, 99), 80);
    let refused = table.upsert(&records, at(1000)).unwrap();
    assert_eq!(refused.total(), 2);
    assert_eq!(refused.0.get(&Refusal::UnknownVirtualServer), Some(&1));
    assert_eq!(refused.0.get(&Refusal::UnknownReal), Some(&1));
    assert_eq!(in_use(&table), 2);
}

#[test]
fn nothing_is_known_before_a_configuration_is_applied() {
    let sandbox = Sandbox::new();
    let mut table = sandbox.open().connections();
    let refused = table.upsert(&[record(1)], at(1000)).unwrap();
    assert_eq!(refused.0.get(&Refusal::UnknownVirtualServer), Some(&1));
}

#[test]
fn the_end_of_a_dump_removes_what_the_peer_has_no_more() {
    let sandbox = Sandbox::new();
    let mut table = sandbox.filled(CAPACITY).connections();
    let records: Vec<_> = (0..10).map(record).collect();
    upserted(&mut table, &records);
    // One that this box's own program made.
    let forward = table.table(Which::Main).forward.clone();
    let own = super::super::conn::entry::forward_key(&records[9].key);
    let mut conn = forward.get(&own).unwrap().unwrap();
    conn.flags &= !CONN_FROM_PEER;
    forward.put(&own, &conn).unwrap();

    table.begin_peer_dump();
    upserted(&mut table, &records[..4]);
    table.remove(&[records[0].key]).unwrap();
    assert_eq!(table.end_peer_dump(true).unwrap(), 5);
    let mut expected = [records[1], records[2], records[3], records[9]];
    expected.sort_by_key(|record| record.key);
    assert_eq!(dumped(&table, Which::Main, 3), expected);
    assert_eq!(in_use(&table), 4);
    assert_eq!(table.end_peer_dump(true).unwrap(), 0, "an end without a beginning removes nothing");
    assert_eq!(in_use(&table), 4);

    // A box that does not forward has no connections but the peer's.
    table.begin_peer_dump();
    upserted(&mut table, &records[1..3]);
    assert_eq!(table.end_peer_dump(false).unwrap(), 2);
    assert_eq!(in_use(&table), 2);
}

#[test]
fn to_an_active_box_its_peer_can_only_add() {
    let sandbox = Sandbox::new();
    let mut table = sandbox.filled(CAPACITY).connections();
    let (mut moved, mut closed) = (record(0), record(0));
    moved.real = record(1).real;
    closed.seen |= hitless_model::tcp::seen::FIN_CLIENT;
    assert_ne!(moved.real, record(0).real);
    upserted(&mut table, &[record(0)]);

    table.take(PeerWord::Additions);
    upserted(&mut table, &[moved, record(2)]);
    assert_eq!(table.remove(&[record(0).key]).unwrap(), 0);
    assert_eq!(dumped(&table, Which::Main, 10).len(), 2);
    assert!(dumped(&table, Which::Main, 10).contains(&record(0)), "it stays with its real");
    upserted(&mut table, &[closed]);
    assert!(dumped(&table, Which::Main, 10).contains(&closed), "the same one goes on");
    closed.seen |= hitless_model::tcp::seen::FIN_REAL;
    upserted(&mut table, &[closed, moved]);
    assert!(dumped(&table, Which::Main, 10).contains(&moved), "what is over makes room");

    table.take(PeerWord::Everything);
    upserted(&mut table, &[moved]);
    assert!(dumped(&table, Which::Main, 10).contains(&moved));
    assert_eq!(table.remove(&[moved.key]).unwrap(), 1);
}

#[test]
fn a_box_that_forwards_keeps_what_carried_packets_here() {
    let sandbox = Sandbox::new();
    let mut table = sandbox.filled(CAPACITY).connections();
    upserted(&mut table, &[record(0), record(1), record(2)]);
    let used = |which: &KernelMap<FlowKey, Conn>, key: FlowKey| {
        let mut conn = which.get(&key).unwrap().unwrap();
        conn.packets = 1;
        which.put(&key, &conn).unwrap();
    };
    let main = table.table(Which::Main);
    let (first, second) = (forward_key(&record(0).key), forward_key(&record(1).key));
    used(&main.forward, first);
    let conn = main.forward.get(&second).unwrap().unwrap();
    used(&main.reverse, reverse_key(&second, &conn));
    table.begin_peer_dump();
    assert_eq!(table.end_peer_dump(true).unwrap(), 1);
    assert_eq!(in_use(&table), 2);
}

#[test]
fn an_update_keeps_the_newer_time_and_the_counts() {
    let sandbox = Sandbox::new();
    let mut table = sandbox.filled(CAPACITY).connections();
    upserted(&mut table, &[record(1)]);
    let forward = table.table(Which::Main).forward.clone();
    let (key, mut conn) = forward.entries().unwrap()[0];
    conn.packets = 5;
    conn.mac = [1; 6];
    forward.put(&key, &conn).unwrap();
    let late = ConnRecord {
        idle: Duration::from_mins(1),
        seen: ESTABLISHED | hitless_model::tcp::seen::FIN_REAL,
        ..record(1)
    };
    upserted(&mut table, &[late]);
    let (_, merged) = forward.entries().unwrap()[0];
    assert_eq!(merged.last_seen, at(1000).as_nanos());
    assert_eq!((merged.packets, merged.mac, merged.seen), (5, [1; 6], late.seen));
}
