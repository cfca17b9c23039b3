//! Role and lease: what each lets through, and that no late clock stretches a lease.

use std::net::SocketAddrV4;

use etherparse::ArpOperation;
use hitless_model::Counter::{
    ConnectionsCreated, DropLeaseExpired, DropNotActive, ForwardedToClient, ForwardedToReal,
    RoutedByKernel,
};
use hitless_model::abi::{
    CONN_REPLICATE, EVENT_EMBRYONIC, RoleWord, VS_IN_SERVICE, VirtualServer, map,
};
use hitless_model::tcp::{ACK, FIN, SYN};
use hitless_model::{Counter, Role};

use crate::support::case::Case;
use crate::support::frame::{Frame, arp, echo};
use crate::support::scene::{
    BROADCAST, CLIENT, CLIENT_MAC, OWN_CLIENT_IP, OWN_CLIENT_MAC, OWN_SERVER_MAC, TCP, VIP,
    VIRTUAL_CLIENT_MAC, WEB, WEB_FARM, at_client, at_real, flow, from_client, from_real,
    nanoseconds_from_now, real_mac, seconds_from_now, service, virtual_server,
};
use crate::support::world::{Verdict, World};

/// A segment that the kernel of an active box routes.
fn to_the_world() -> Frame {
    let outside = SocketAddrV4::new([203, 0, 113, 5].into(), 443);
    Frame { dst: outside, ..from_real(1, SYN) }
}

/// Nothing floating is forwarded; the kernel's own goes on.
fn is_silent(world: &mut World, says: &str, reason: Counter) {
    let (client, server) = (world.ports.client, world.ports.server);
    let other = SocketAddrV4::new(*CLIENT.ip(), 40_001);
    let opening = Frame { src: other, ..from_client(SYN) };
    for (at, frame) in [
        (client, from_client(ACK)),
        (client, opening),
        (client, Frame { macs: (CLIENT_MAC, OWN_CLIENT_MAC), ..from_client(ACK) }),
        (server, from_real(1, ACK)),
        (server, to_the_world()),
    ] {
        world.check_dropped(says, at, frame.bytes(), reason);
    }
    let macs = (CLIENT_MAC, OWN_CLIENT_MAC);
    let ssh = Frame { macs, dst: SocketAddrV4::new(OWN_CLIENT_IP, 22), ..from_client(SYN) };
    world.check_passed(says, client, ssh.bytes());
}

/// A connection goes on in both directions.
fn goes_on(world: &mut World, says: &str) {
    for (at, sent, received, counter) in [
        (world.ports.client, from_client(ACK), at_real(1, &from_client(ACK)), ForwardedToReal),
        (world.ports.server, from_real(1, ACK), at_client(&from_real(1, ACK)), ForwardedToClient),
    ] {
        world.check(Case {
            says,
            at,
            frame: sent.bytes(),
            verdict: Verdict::Redirect,
            becomes: Some(received.bytes()),
            counts: &[counter],
        });
    }
}

#[test]
fn a_standby_is_silent_and_carries_the_connection_on_once_it_is_active() {
    let mut world = World::active();
    world.establish();
    for role in [Role::Standby, Role::Initializing] {
        world.set_role(role, seconds_from_now(3600));
        is_silent(&mut world, &role.to_string(), DropNotActive);
        world.set_role(Role::Active, seconds_from_now(3600));
        goes_on(&mut world, "active again");
    }
    let lease_until = seconds_from_now(3600);
    world.set_element(map::ROLE, 0, RoleWord { role: 77, lease_until, ..RoleWord::default() });
    is_silent(&mut world, "a role that no release knows", DropNotActive);
}

#[test]
fn an_active_without_a_lease_is_silent() {
    let mut world = World::active();
    world.establish();
    for role in [Role::Active, Role::Draining] {
        for ago in [0, 1, 3600] {
            world.set_role(role, seconds_from_now(-ago));
            is_silent(&mut world, "the lease is over", DropLeaseExpired);
        }
    }
    world.set_role(Role::Active, seconds_from_now(3600));
    goes_on(&mut world, "renewed");
}

/// Runs a frame at the end of leases that end at every phase of the tick: the verdicts after it.
fn after_leases_end(world: &mut World, frame: &[u8], rounds: u32) -> Vec<Verdict> {
    let at_the_end = |round: u32| {
        let until = nanoseconds_from_now(1_000_000 + i64::from(round) * 37_000);
        world.set_role(Role::Active, until);
        let early = world.run(world.ports.client, frame);
        let was_in_time = nanoseconds_from_now(0) < until;
        assert!(!was_in_time || early.verdict == Verdict::Redirect, "round {round}: in time");
        while nanoseconds_from_now(0) < until {
            std::hint::spin_loop();
        }
        world.run(world.ports.client, frame).verdict
    };
    (0..rounds).map(at_the_end).collect()
}

#[test]
fn nothing_is_answered_or_begun_after_the_leases_end_however_late_the_coarse_clock_is() {
    let mut world = World::active();
    let sender = (CLIENT_MAC, *CLIENT.ip());
    let question = arp((CLIENT_MAC, BROADCAST), ArpOperation::REQUEST, sender, ([0; 6], VIP));
    let ping = echo((CLIENT_MAC, VIRTUAL_CLIENT_MAC), *CLIENT.ip(), VIP, (64, false));
    for frame in [question, ping] {
        let late = after_leases_end(&mut world, &frame, 100);
        assert!(late.iter().all(|verdict| *verdict == Verdict::Drop));
    }
    for port in 0..100 {
        let src = SocketAddrV4::new(*CLIENT.ip(), 50_000 + port);
        world.set_role(Role::Active, nanoseconds_from_now(0));
        let syn = Frame { src, ..from_client(SYN) }.bytes();
        world.check_dropped("a new connection", world.ports.client, syn, DropLeaseExpired);
    }
}

#[test]
fn an_established_connection_stops_at_the_leases_end_while_the_clock_ticks() {
    let mut world = World::active();
    world.establish();
    let late = after_leases_end(&mut world, &from_client(ACK).bytes(), 200);
    // A processor that the host has put aside can stop the coarse clock for a while.
    let stopped = late.iter().filter(|verdict| **verdict == Verdict::Drop).count();
    assert!(stopped >= 150, "stopped at the end of {stopped} of 200 leases");
}

#[test]
fn draining_forwards_what_is_known_and_what_is_new_and_tells_of_it() {
    let mut world = World::active();
    world.establish();
    world.events();
    world.set_role(Role::Draining, seconds_from_now(3600));
    goes_on(&mut world, "draining");
    assert_eq!(world.events(), []);
    let src = SocketAddrV4::new(*CLIENT.ip(), 40_001);
    let syn = Frame { src, ..from_client(SYN) };
    world.check(Case {
        says: "a new connection while draining",
        at: world.ports.client,
        frame: syn.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(at_real(2, &syn).bytes()),
        counts: &[ConnectionsCreated, ForwardedToReal],
    });
    let events = world.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].kind, EVENT_EMBRYONIC);
    assert_eq!(events[0].key, flow(src, WEB, TCP));
    assert_eq!(events[0].conn.rewrite_ip[3], 102);
    assert_eq!(events[0].conn.flags & CONN_REPLICATE, CONN_REPLICATE);
    world.check(Case {
        says: "the kernel routes on while draining",
        at: world.ports.server,
        frame: to_the_world().bytes(),
        verdict: Verdict::Pass,
        becomes: Some(Frame { macs: (real_mac(1), OWN_SERVER_MAC), ..to_the_world() }.bytes()),
        counts: &[RoutedByKernel],
    });
}

#[test]
fn what_is_not_replicated_is_not_told_of() {
    let mut world = World::active();
    let quiet = VirtualServer { flags: VS_IN_SERVICE, ..virtual_server(1, WEB_FARM, (0, 4)) };
    world.set(map::VIRTUAL, service(WEB, TCP), quiet);
    world.set_role(Role::Draining, seconds_from_now(3600));
    world.establish();
    world.run(world.ports.client, &from_client(FIN | ACK).bytes());
    assert_eq!(world.events(), []);
}

#[test]
fn a_handshake_that_another_box_saw_half_of_is_followed_to_its_end() {
    let mut world = World::active();
    world.run(world.ports.client, &from_client(SYN).bytes());
    // The SYN+ACK passed the box that drains; both sides go on here.
    for (at, frame) in [
        (world.ports.client, from_client(ACK)),
        (world.ports.server, from_real(1, ACK)),
        (world.ports.client, from_client(ACK)),
    ] {
        assert_eq!(world.run(at, &frame.bytes()).verdict, Verdict::Redirect);
    }
    assert!(world.conn(map::CONN_FWD, flow(CLIENT, WEB, TCP)).is_some());
}
