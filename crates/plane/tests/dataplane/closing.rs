//! The end of TCP connections: FIN, RST, and opening again what is over.

use hitless_model::Counter::{ConnectionsCreated, ForwardedToClient, ForwardedToReal};
use hitless_model::abi::{EVENT_CHANGED, EVENT_REMOVED, TableUse, map};
use hitless_model::tcp::{ACK, FIN, RST, SYN, seen};

use crate::support::case::Case;
use crate::support::scene::{
    CLIENT, TCP, WEB, at_client, at_real, flow, from_client, from_real, real,
};
use crate::support::world::{Verdict, World};

const ESTABLISHED: u8 = seen::REAL_ANSWERED | seen::CLIENT_CONFIRMED;

/// What both entries have seen; they agree.
fn seen_of(world: &mut World) -> u8 {
    let forward = world.conn(map::CONN_FWD, flow(CLIENT, WEB, TCP)).expect("established");
    let reverse = world.conn(map::CONN_REV, flow(real(1), CLIENT, TCP)).expect("established");
    assert_eq!(forward.seen, reverse.seen);
    forward.seen
}

/// The kinds of events since the last time, with what the connection had seen.
fn told(world: &mut World) -> Vec<(u32, u8)> {
    world.events().iter().map(|event| (event.kind, event.conn.seen)).collect()
}

#[test]
fn both_farewells_are_followed_in_both_entries() {
    let mut world = World::active();
    world.establish();
    world.events();
    let (client, server) = (world.ports.client, world.ports.server);
    world.run(client, &from_client(FIN | ACK).bytes());
    assert_eq!(seen_of(&mut world), ESTABLISHED | seen::FIN_CLIENT);
    world.run(client, &from_client(FIN | ACK).bytes());
    world.run(server, &from_real(1, FIN | ACK).bytes());
    let closed = ESTABLISHED | seen::FIN_CLIENT | seen::FIN_REAL;
    assert_eq!(seen_of(&mut world), closed);
    let half = ESTABLISHED | seen::FIN_CLIENT;
    assert_eq!(told(&mut world), [(EVENT_CHANGED, half), (EVENT_CHANGED, closed)]);
    for (at, sent, received, counter) in [
        (client, from_client(ACK), at_real(1, &from_client(ACK)), ForwardedToReal),
        (server, from_real(1, ACK), at_client(&from_real(1, ACK)), ForwardedToClient),
    ] {
        world.check(Case {
            says: "the last acknowledgements still go through",
            at,
            frame: sent.bytes(),
            verdict: Verdict::Redirect,
            becomes: Some(received.bytes()),
            counts: &[counter],
        });
    }
}

#[test]
fn a_reset_from_either_side_is_followed() {
    for from_the_client in [true, false] {
        let mut world = World::active();
        world.establish();
        world.events();
        let outcome = if from_the_client {
            world.run(world.ports.client, &from_client(RST).bytes())
        } else {
            world.run(world.ports.server, &from_real(1, RST | ACK).bytes())
        };
        assert_eq!(outcome.verdict, Verdict::Redirect);
        assert_eq!(seen_of(&mut world), ESTABLISHED | seen::RESET);
        assert_eq!(told(&mut world), [(EVENT_CHANGED, ESTABLISHED | seen::RESET)]);
    }
}

#[test]
fn a_side_that_goes_on_after_a_reset_has_not_sent_it() {
    let mut world = World::active();
    world.establish();
    world.events();
    let (client, server) = (world.ports.client, world.ports.server);
    world.run(client, &from_client(RST).bytes());
    world.run(server, &from_real(1, ACK).bytes());
    assert_eq!(seen_of(&mut world), ESTABLISHED | seen::RESET, "the other side proves nothing");
    let data = from_client(ACK);
    world.check(Case {
        says: "the client, in whose name somebody sent the RST",
        at: client,
        frame: data.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(at_real(1, &data).bytes()),
        counts: &[ForwardedToReal],
    });
    assert_eq!(seen_of(&mut world), ESTABLISHED);
    let told_of = [ESTABLISHED | seen::RESET, ESTABLISHED].map(|seen| (EVENT_CHANGED, seen));
    assert_eq!(told(&mut world), told_of);
}

#[test]
fn after_a_reset_from_both_sides_both_have_to_go_on() {
    let mut world = World::active();
    world.establish();
    let (client, server) = (world.ports.client, world.ports.server);
    world.run(client, &from_client(RST).bytes());
    world.run(server, &from_real(1, RST).bytes());
    world.run(client, &from_client(ACK).bytes());
    assert_eq!(seen_of(&mut world), ESTABLISHED | seen::RESET);
    world.run(server, &from_real(1, ACK).bytes());
    assert_eq!(seen_of(&mut world), ESTABLISHED);
}

#[test]
fn a_syn_opens_again_what_is_over() {
    let mut world = World::active();
    world.establish();
    world.run(world.ports.client, &from_client(RST).bytes());
    world.events();
    let syn = from_client(SYN);
    world.check(Case {
        says: "the client uses its port again",
        at: world.ports.client,
        frame: syn.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(at_real(2, &syn).bytes()),
        counts: &[ConnectionsCreated, ForwardedToReal],
    });
    assert_eq!(told(&mut world), [(EVENT_REMOVED, ESTABLISHED | seen::RESET)]);
    assert_eq!(world.connections(map::CONN_FWD), 0);
    assert_eq!(world.connections(map::CONN_REV), 0);
    let usage: TableUse = world.element(map::USE_BPF, 0);
    assert_eq!((usage.made, usage.removed), (1, 1));
}

#[test]
fn a_syn_in_the_middle_of_a_connection_is_the_reals_to_judge() {
    let mut world = World::active();
    world.establish();
    let syn = from_client(SYN);
    world.check(Case {
        says: "SYN on an open connection",
        at: world.ports.client,
        frame: syn.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(at_real(1, &syn).bytes()),
        counts: &[ForwardedToReal],
    });
    world.run(world.ports.client, &from_client(FIN | ACK).bytes());
    world.run(world.ports.client, &syn.bytes());
    assert_eq!(world.connections(map::CONN_FWD), 1, "half closed is not over");
}

#[test]
fn a_connection_that_the_real_refused_can_be_opened_again() {
    let mut world = World::active();
    let (client, server) = (world.ports.client, world.ports.server);
    world.run(client, &from_client(SYN).bytes());
    let refusal = from_real(1, RST | ACK);
    world.check(Case {
        says: "the real refuses",
        at: server,
        frame: refusal.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(at_client(&refusal).bytes()),
        counts: &[ForwardedToClient],
    });
    let syn = from_client(SYN);
    world.check(Case {
        says: "the client tries again",
        at: client,
        frame: syn.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(at_real(2, &syn).bytes()),
        counts: &[ConnectionsCreated, ForwardedToReal],
    });
    assert_eq!(world.connections(map::EMB_FWD), 1);
    assert_eq!(world.connections(map::EMB_REV), 1);
    assert_eq!(world.events(), []);
}

#[test]
fn with_one_entry_missing_the_other_still_forwards() {
    let mut world = World::active();
    world.establish();
    world.remove::<_, hitless_model::abi::Conn>(map::CONN_REV, flow(real(1), CLIENT, TCP));
    let fin = from_client(FIN | ACK);
    world.check(Case {
        says: "user space is just removing the connection",
        at: world.ports.client,
        frame: fin.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(at_real(1, &fin).bytes()),
        counts: &[ForwardedToReal],
    });
}
