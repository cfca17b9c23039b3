//! A full main table: new flows are refused, old ones go on.

use std::net::SocketAddrV4;

use hitless_model::Counter::{
    ConnectionsEstablished, DropTableFull, EstablishedInSmallTable, ForwardedToClient,
    ForwardedToReal,
};
use hitless_model::abi::{TableUse, map};
use hitless_model::tcp::{ACK, SYN, seen};

use crate::support::case::Case;
use crate::support::frame::{Carries, Frame};
use crate::support::scene::{
    CLIENT, CONNECTIONS, DNS, TCP, WEB, at_client, at_real, flow, from_client, from_real,
};
use crate::support::world::{Verdict, World};

/// Lets user space's part of the table look as full as this.
fn fill(world: &mut World, made: u64) {
    let capacity = u64::from(CONNECTIONS);
    world.set_element(map::USE_USER, 0, TableUse { made, removed: 0, capacity });
}

#[test]
fn a_full_table_refuses_new_flows_and_leaves_old_ones_alone() {
    let mut world = World::active();
    let (client, server) = (world.ports.client, world.ports.server);
    world.establish();
    fill(&mut world, u64::from(CONNECTIONS) - 1);
    let src = SocketAddrV4::new(*CLIENT.ip(), 40_001);
    let syn = Frame { src, ..from_client(SYN) };
    world.check_dropped("SYN", client, syn.bytes(), DropTableFull);
    let datagram = Frame { dst: DNS, carries: Carries::Udp, ..syn.clone() };
    world.check_dropped("datagram", client, datagram.bytes(), DropTableFull);
    for (at, sent, received, counter) in [
        (client, from_client(ACK), at_real(1, &from_client(ACK)), ForwardedToReal),
        (server, from_real(1, ACK), at_client(&from_real(1, ACK)), ForwardedToClient),
    ] {
        world.check(Case {
            says: "an old flow",
            at,
            frame: sent.bytes(),
            verdict: Verdict::Redirect,
            becomes: Some(received.bytes()),
            counts: &[counter],
        });
    }
    fill(&mut world, u64::from(CONNECTIONS) - 2);
    assert_eq!(world.run(client, &syn.bytes()).verdict, Verdict::Redirect, "room for one");
}

#[test]
fn what_user_space_removes_makes_room() {
    let mut world = World::active();
    let full = u64::from(CONNECTIONS);
    let usage = TableUse { made: full + 7, removed: 7, capacity: full };
    world.set_element(map::USE_USER, 0, usage);
    let syn = from_client(SYN).bytes();
    world.check_dropped("full", world.ports.client, syn.clone(), DropTableFull);
    world.set_element(map::USE_USER, 0, TableUse { removed: 8, ..usage });
    assert_eq!(world.run(world.ports.client, &syn).verdict, Verdict::Redirect);
}

#[test]
fn a_table_without_a_capacity_takes_nothing() {
    let mut world = World::active();
    world.set_element(map::USE_USER, 0, TableUse::default());
    let syn = from_client(SYN).bytes();
    world.check_dropped("not set up", world.ports.client, syn, DropTableFull);
}

#[test]
fn a_handshake_that_ends_after_the_table_filled_up_lives_in_the_small_table() {
    let mut world = World::active();
    let (client, server) = (world.ports.client, world.ports.server);
    world.run(client, &from_client(SYN).bytes());
    world.run(server, &from_real(1, SYN | ACK).bytes());
    fill(&mut world, u64::from(CONNECTIONS));
    let ack = from_client(ACK);
    let check = |world: &mut World, says, counts: &[_]| {
        world.check(Case {
            says,
            at: client,
            frame: ack.bytes(),
            verdict: Verdict::Redirect,
            becomes: Some(at_real(1, &ack).bytes()),
            counts,
        });
    };
    let first = [ConnectionsEstablished, EstablishedInSmallTable, ForwardedToReal];
    check(&mut world, "established without room", &first);
    check(&mut world, "counted once", &[ForwardedToReal]);
    let key = flow(CLIENT, WEB, TCP);
    let small = world.conn(map::EMB_FWD, key).expect("in the small table");
    assert!(seen::is_established(small.seen));
    assert_eq!(world.connections(map::CONN_FWD), 0);
    assert_eq!(world.events(), []);
    fill(&mut world, 0);
    check(&mut world, "it moves as soon as there is room", &[ForwardedToReal]);
    assert_eq!(world.conn(map::CONN_FWD, key).expect("moved").packets, 4);
    assert_eq!(world.connections(map::EMB_FWD), 0);
    assert_eq!(world.events().len(), 1);
}

#[test]
fn the_table_takes_as_many_as_it_has_entries() {
    let mut world = World::active();
    for index in 0..u16::try_from(CONNECTIONS).expect("a small table") {
        let client = SocketAddrV4::new(*CLIENT.ip(), 41_000 + index);
        world.handshake(client, [1, 2, 1, 3][usize::from(index) % 4]);
    }
    let all = usize::try_from(CONNECTIONS).expect("a small table");
    assert_eq!(world.connections(map::CONN_FWD), all);
    assert_eq!(world.connections(map::CONN_REV), all);
    assert_eq!(world.events().len(), all);
    let next = from_client(SYN).bytes();
    world.check_dropped("one more", world.ports.client, next, DropTableFull);
}

#[test]
fn a_removal_that_is_counted_early_does_not_fill_the_table() {
    let mut world = World::active();
    let usage = TableUse { made: 0, removed: 1, capacity: u64::from(CONNECTIONS) };
    world.set_element(map::USE_USER, 0, usage);
    let outcome = world.run(world.ports.client, &from_client(SYN).bytes());
    assert_eq!(outcome.verdict, Verdict::Redirect);
}
