//! TCP connections: opened, followed, moved into the main table, closed.

use hitless_model::Counter::{
    ConnectionsCreated, ConnectionsEstablished, ForwardedToClient, ForwardedToReal,
};
use hitless_model::abi::map;
use hitless_model::tcp::{ACK, SYN};

use crate::support::case::Case;
use crate::support::scene::{CLIENT, TCP, WEB, at_client, at_real, flow, from_client, from_real};
use crate::support::world::{Verdict, World};

#[test]
fn a_handshake_goes_both_ways_and_ends_in_the_main_table() {
    let mut world = World::active();
    let syn = from_client(SYN);
    world.check(Case {
        says: "SYN reaches the first real of the schedule",
        at: world.ports.client,
        frame: syn.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(at_real(1, &syn).bytes()),
        counts: &[ConnectionsCreated, ForwardedToReal],
    });
    let answer = from_real(1, SYN | ACK);
    world.check(Case {
        says: "the real's answer comes from the virtual server",
        at: world.ports.server,
        frame: answer.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(at_client(&answer).bytes()),
        counts: &[ForwardedToClient],
    });
    assert_eq!(world.connections(map::CONN_FWD), 0);
    let ack = from_client(ACK).with_payload(b"GET / HTTP/1.0\r\n\r\n");
    world.check(Case {
        says: "the client's acknowledgement establishes the connection",
        at: world.ports.client,
        frame: ack.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(at_real(1, &ack).bytes()),
        counts: &[ConnectionsEstablished, ForwardedToReal],
    });
    assert!(world.conn(map::CONN_FWD, flow(CLIENT, WEB, TCP)).is_some());
    assert_eq!(world.connections(map::CONN_REV), 1);
    assert_eq!(world.connections(map::EMB_FWD), 0);
    assert_eq!(world.connections(map::EMB_REV), 0);
}
