//! What a packet costs, printed: `cargo test -p hitless-plane --test dataplane -- --ignored --nocapture`.
//!
//! The kernel does not restore a frame between the repeats of a test run. So each frame is rewritten
//! there and back: a connection from the client to the virtual server, and one from the client to the
//! real. Time to live bounds the repeats of one run.

use hitless_model::Counter;
use hitless_model::abi::{Conn, FlowKey, NEXT_HOP_VALID, NextHop, VlanPort, map};
use hitless_model::tcp::{ACK, seen};

use crate::support::frame::{Carries, Frame};
use crate::support::scene::{
    CLIENT, CLIENT_MAC, DNS, OWN_CLIENT_IP, OWN_CLIENT_MAC, OWN_SERVER_MAC, TCP, UDP, WEB, flow,
    from_client, raw, real,
};
use crate::support::world::World;

const REPEATS: u32 = 250;
const ROUNDS: usize = 400;

/// Median and least of the nanoseconds that a frame takes.
#[expect(clippy::print_stdout, reason = "printing is its purpose")]
fn print(world: &World, says: &str, frame: &Frame) {
    let frame = Frame { ttl: 255, ..frame.clone() }.bytes();
    let mut rounds: Vec<_> =
        (0..ROUNDS).map(|_| world.time(world.ports.client, &frame, REPEATS)).collect();
    rounds.sort_unstable();
    println!("{says}: {} ns, at best {}", rounds[ROUNDS / 2], rounds[0]);
}

/// Two connections that rewrite each other's frames, leaving to the MAC that they arrived at.
fn there_and_back(world: &mut World, protocol: u8) {
    let service = if protocol == TCP { WEB } else { DNS };
    for (key, to) in
        [(flow(CLIENT, service, protocol), real(1)), (flow(CLIENT, real(1), protocol), service)]
    {
        let (rewrite_ip, rewrite_port) = raw(to);
        let conn = Conn {
            rewrite_ip,
            rewrite_port,
            seen: seen::REAL_ANSWERED | seen::CLIENT_CONFIRMED,
            next_hop: 1,
            ..Conn::default()
        };
        world.set::<FlowKey, Conn>(map::CONN_FWD, key, conn);
    }
    let hop = NextHop {
        ifindex: world.ports.client,
        ip: OWN_CLIENT_IP.octets(),
        mac: OWN_CLIENT_MAC,
        state: NEXT_HOP_VALID,
        own_mac: OWN_SERVER_MAC,
        reserved: 0,
    };
    world.set_element(map::NEXT_HOPS, 1, hop);
}

#[test]
#[ignore = "prints figures, judges nothing"]
fn what_a_packet_costs() {
    let mut world = World::active();
    there_and_back(&mut world, TCP);
    there_and_back(&mut world, UDP);
    let segment =
        Frame { macs: (CLIENT_MAC, OWN_CLIENT_MAC), ..from_client(ACK) }.with_payload(&[0; 100]);
    print(&world, "segment of an established connection", &segment);
    let datagram = Frame { dst: DNS, carries: Carries::Udp, ..segment.clone() };
    print(&world, "datagram of an established connection", &datagram);
    let forwarded = u64::from(REPEATS) * 2 * u64::try_from(ROUNDS).expect("few");
    assert_eq!(world.counters()[&Counter::ForwardedToReal], forwarded, "all were rewritten");
    let foreign = Frame { macs: (CLIENT_MAC, CLIENT_MAC), ..segment.clone() };
    print(&world, "frame for another host", &foreign);
    let own = Frame { dst: std::net::SocketAddrV4::new(OWN_CLIENT_IP, 22), ..segment.clone() };
    print(&world, "segment for the kernel", &own);
    world.remove::<u32, VlanPort>(map::PORTS, world.ports.client);
    print(&world, "frame at an unknown interface", &segment);
}
