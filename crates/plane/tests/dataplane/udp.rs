//! UDP: the first datagram opens, the first answer establishes.

use hitless_model::Counter::{
    ConnectionsCreated, ConnectionsEstablished, ForwardedToClient, ForwardedToReal,
};
use hitless_model::abi::{EVENT_ESTABLISHED, map};
use hitless_model::tcp::seen;

use crate::support::case::Case;
use crate::support::frame::{Carries, Frame};
use crate::support::scene::{
    CLIENT, CLIENT_MAC, DNS, OWN_CLIENT_MAC, UDP, at_real, flow, from_client, from_real,
    name_server,
};
use crate::support::world::{Verdict, World};

fn question(carries: Carries) -> Frame {
    Frame { dst: DNS, carries, ..from_client(0) }.with_payload(b"what is the address?")
}

fn question_at_real(sent: &Frame) -> Frame {
    Frame { dst: name_server(1), ..at_real(1, sent) }
}

fn answer(carries: Carries) -> Frame {
    Frame { src: name_server(1), carries, ..from_real(1, 0) }.with_payload(b"this one")
}

fn answer_at_client(sent: &Frame) -> Frame {
    Frame { macs: (OWN_CLIENT_MAC, CLIENT_MAC), src: DNS, ttl: sent.ttl - 1, ..sent.clone() }
}

#[test]
fn the_first_answer_establishes() {
    let mut world = World::active();
    let asked = question(Carries::Udp);
    for counts in [&[ConnectionsCreated, ForwardedToReal][..], &[ForwardedToReal]] {
        world.check(Case {
            says: "a question",
            at: world.ports.client,
            frame: asked.bytes(),
            verdict: Verdict::Redirect,
            becomes: Some(question_at_real(&asked).bytes()),
            counts,
        });
    }
    assert_eq!(world.events(), []);
    let answered = answer(Carries::Udp);
    for counts in [&[ConnectionsEstablished, ForwardedToClient][..], &[ForwardedToClient]] {
        world.check(Case {
            says: "its answer",
            at: world.ports.server,
            frame: answered.bytes(),
            verdict: Verdict::Redirect,
            becomes: Some(answer_at_client(&answered).bytes()),
            counts,
        });
    }
    let events = world.events();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].kind, events[0].key), (EVENT_ESTABLISHED, flow(CLIENT, DNS, UDP)));
    assert!(seen::is_established(events[0].conn.seen));
    assert_eq!(events[0].conn.packets, 2);
    assert_eq!(world.connections(map::EMB_FWD), 0);
}

#[test]
fn a_datagram_without_a_checksum_stays_without_one() {
    let mut world = World::active();
    let asked = question(Carries::UdpWithoutChecksum);
    world.check(Case {
        says: "to the real",
        at: world.ports.client,
        frame: asked.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(question_at_real(&asked).bytes()),
        counts: &[ConnectionsCreated, ForwardedToReal],
    });
    let answered = answer(Carries::UdpWithoutChecksum);
    world.check(Case {
        says: "to the client",
        at: world.ports.server,
        frame: answered.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(answer_at_client(&answered).bytes()),
        counts: &[ConnectionsEstablished, ForwardedToClient],
    });
}

#[test]
fn a_checksum_that_becomes_zero_is_written_as_all_ones() {
    let mut world = World::active();
    let with = |number: u16| question(Carries::Udp).with_payload(&number.to_be_bytes());
    let sum = |frame: &Frame| frame.bytes()[40..42].to_vec();
    let sent = (0..=u16::MAX)
        .map(with)
        .find(|sent| sum(&question_at_real(sent)) == [0xff, 0xff])
        .expect("one of all payloads gives it");
    assert_ne!(sum(&sent), [0xff, 0xff]);
    world.check(Case {
        says: "the sum over the rewritten datagram is zero",
        at: world.ports.client,
        frame: sent.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(question_at_real(&sent).bytes()),
        counts: &[ConnectionsCreated, ForwardedToReal],
    });
}

#[test]
fn an_empty_datagram_is_a_datagram() {
    let mut world = World::active();
    let empty = question(Carries::Udp).with_payload(&[]);
    // Ethernet pads it, as every short frame.
    let padded = |frame: &Frame| {
        let mut bytes = frame.bytes();
        bytes.resize(60, 0);
        bytes
    };
    world.check(Case {
        says: "nothing but headers and padding",
        at: world.ports.client,
        frame: padded(&empty),
        verdict: Verdict::Redirect,
        becomes: Some(padded(&question_at_real(&empty))),
        counts: &[ConnectionsCreated, ForwardedToReal],
    });
    let forward = world.conn(map::EMB_FWD, flow(CLIENT, DNS, UDP)).expect("embryonic");
    assert_eq!(forward.bytes, 28, "padding is not counted");
}

#[test]
fn an_answer_completes_a_connection_that_user_space_has_half_made() {
    let mut world = World::active();
    world.run(world.ports.client, &question(Carries::Udp).bytes());
    let key = flow(CLIENT, DNS, UDP);
    let forward = world.conn(map::EMB_FWD, key).expect("embryonic");
    world.set(map::CONN_FWD, key, forward);
    world.run(world.ports.server, &answer(Carries::Udp).bytes());
    assert!(world.conn(map::CONN_REV, flow(name_server(1), CLIENT, UDP)).is_some());
}
