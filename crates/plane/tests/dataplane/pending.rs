//! Embryonic connections that nobody completes.

use hitless_model::Counter::{
    ConnectionsCreated, DropNoConnection, DropRealNoConnection, ForwardedToReal,
};
use hitless_model::abi::{Conn, map};
use hitless_model::tcp::{ACK, SYN, seen};

use crate::support::case::Case;
use crate::support::frame::{Carries, Frame};
use crate::support::scene::{
    CLIENT, DNS, PENDING_NS, TCP, UDP, WEB, at_real, flow, from_client, from_real, name_server,
    real, seconds_from_now,
};
use crate::support::world::{Verdict, World};

/// Makes the embryonic connection of the client look as old as this.
fn age(world: &mut World, conn: fn(Conn, u64) -> Conn, seconds: i64) {
    let key = flow(CLIENT, WEB, TCP);
    let forward = world.conn(map::EMB_FWD, key).expect("embryonic");
    world.set(map::EMB_FWD, key, conn(forward, seconds_from_now(-seconds)));
}

fn created(conn: Conn, at: u64) -> Conn {
    Conn { created: at, ..conn }
}

/// Past `pending`, in seconds.
const TOO_OLD: i64 = 5;
const OLD: i64 = 2;

#[test]
fn a_handshake_may_take_as_long_as_pending_says() {
    assert_eq!(PENDING_NS, 4_000_000_000);
    let mut world = World::active();
    world.run(world.ports.client, &from_client(SYN).bytes());
    age(&mut world, created, OLD);
    let answer = world.run(world.ports.server, &from_real(1, SYN | ACK).bytes());
    assert_eq!(answer.verdict, Verdict::Redirect);
    let ack = world.run(world.ports.client, &from_client(ACK).bytes());
    assert_eq!(ack.verdict, Verdict::Redirect);
    assert_eq!(world.connections(map::CONN_FWD), 1);
}

#[test]
fn a_handshake_that_took_too_long_counts_as_missing() {
    let mut world = World::active();
    let (client, server) = (world.ports.client, world.ports.server);
    world.run(client, &from_client(SYN).bytes());
    age(&mut world, created, TOO_OLD);
    let late = from_real(1, SYN | ACK).bytes();
    world.check_dropped("the real's late answer", server, late, DropRealNoConnection);
    let late = from_client(ACK).bytes();
    world.check_dropped("the client's late answer", client, late, DropNoConnection);
    let syn = from_client(SYN);
    world.check(Case {
        says: "the client begins again",
        at: client,
        frame: syn.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(at_real(2, &syn).bytes()),
        counts: &[ConnectionsCreated, ForwardedToReal],
    });
}

#[test]
fn what_is_established_in_the_small_table_does_not_age() {
    let mut world = World::active();
    world.run(world.ports.client, &from_client(SYN).bytes());
    age(
        &mut world,
        |conn, created| Conn {
            created,
            seen: seen::REAL_ANSWERED | seen::CLIENT_CONFIRMED,
            ..conn
        },
        TOO_OLD,
    );
    let data = world.run(world.ports.client, &from_client(ACK).bytes());
    assert_eq!(data.verdict, Verdict::Redirect);
}

#[test]
fn a_connection_whose_reverse_entry_was_evicted_counts_as_missing() {
    let mut world = World::active();
    world.run(world.ports.client, &from_client(SYN).bytes());
    world.remove::<_, Conn>(map::EMB_REV, flow(real(1), CLIENT, TCP));
    let syn = from_client(SYN);
    world.check(Case {
        says: "the repeated SYN makes it again",
        at: world.ports.client,
        frame: syn.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(at_real(2, &syn).bytes()),
        counts: &[ConnectionsCreated, ForwardedToReal],
    });
}

#[test]
fn a_connection_whose_forward_entry_was_evicted_counts_as_missing() {
    let mut world = World::active();
    world.run(world.ports.client, &from_client(SYN).bytes());
    world.remove::<_, Conn>(map::EMB_FWD, flow(CLIENT, WEB, TCP));
    let answer = from_real(1, SYN | ACK).bytes();
    world.check_dropped("an answer", world.ports.server, answer, DropRealNoConnection);
}

#[test]
fn datagrams_that_nobody_answers_keep_their_real_while_they_flow() {
    let mut world = World::active();
    let datagram = Frame { dst: DNS, carries: Carries::Udp, ..from_client(0) }.bytes();
    world.run(world.ports.client, &datagram);
    let key = flow(CLIENT, DNS, UDP);
    for (last_seen, is_new) in [(OLD, false), (TOO_OLD, true)] {
        let forward = world.conn(map::EMB_FWD, key).expect("embryonic");
        let created = seconds_from_now(-6);
        let aged = Conn { created, last_seen: seconds_from_now(-last_seen), ..forward };
        world.set(map::EMB_FWD, key, aged);
        world.run(world.ports.client, &datagram);
        let after = world.conn(map::EMB_FWD, key).expect("embryonic");
        assert_eq!(after.created != created, is_new, "last seen {last_seen} s ago");
    }
    assert!(world.conn(map::EMB_REV, flow(name_server(1), CLIENT, UDP)).is_some());
}

#[test]
fn a_reverse_entry_left_over_from_another_real_counts_as_missing() {
    let mut world = World::active();
    let (client, server) = (world.ports.client, world.ports.server);
    world.run(client, &from_client(SYN).bytes());
    age(&mut world, created, TOO_OLD);
    let syn = from_client(SYN);
    assert_eq!(world.run(client, &syn.bytes()).frame, at_real(2, &syn).bytes());
    let late = from_real(1, SYN | ACK).bytes();
    world.check_dropped("the first real's late answer", server, late, DropRealNoConnection);
    let answer = world.run(server, &from_real(2, SYN | ACK).bytes());
    assert_eq!(answer.verdict, Verdict::Redirect);
}

#[test]
fn a_forward_entry_whose_reverse_key_is_anothers_counts_as_missing() {
    let mut world = World::active();
    world.run(world.ports.client, &from_client(SYN).bytes());
    let key = flow(real(1), CLIENT, TCP);
    let reverse = world.conn(map::EMB_REV, key).expect("embryonic");
    let rewrite_port = 81_u16.to_be_bytes();
    world.set(map::EMB_REV, key, Conn { rewrite_port, ..reverse });
    let ack = from_client(ACK).bytes();
    world.check_dropped("a segment", world.ports.client, ack, DropNoConnection);
}
