//! Where packets of connections leave: next hops, gateways, clients, and farms that do not translate.

use hitless_model::Counter::{DropNoNextHop, ForwardedToClient, ForwardedToReal};
use hitless_model::abi::{
    CONN_MAC_KNOWN, Conn, NEXT_HOP_UNKNOWN, NEXT_HOP_VALID, NextHop, Real, VlanPort, map,
};
use hitless_model::tcp::{ACK, SYN};

use crate::support::case::Case;
use crate::support::frame::Frame;
use crate::support::kernel::Hook;
use crate::support::scene::{
    CLIENT, FAR_CLIENT, GATEWAY_HOP, GATEWAY_IP, GATEWAY_MAC, OWN_CLIENT_MAC, OWN_SERVER_MAC,
    SERVER_VLAN, TCP, VIRTUAL_CLIENT_MAC, WEB, at_client, at_real, client_port, flow, from_client,
    from_real, raw, real, real_mac,
};
use crate::support::world::{Verdict, World};

/// The far client's SYN, which comes from the gateway.
fn from_far(flags: u8) -> Frame {
    Frame { macs: (GATEWAY_MAC, VIRTUAL_CLIENT_MAC), src: FAR_CLIENT, ..from_client(flags) }
}

fn reverse_of_far(world: &mut World) -> Conn {
    world.conn(map::EMB_REV, flow(real(1), FAR_CLIENT, TCP)).expect("embryonic")
}

/// The real's answer to the far client, leaving to this MAC.
fn answer_leaves_to(world: &mut World, mac: [u8; 6]) {
    let answer = Frame { dst: FAR_CLIENT, ..from_real(1, SYN | ACK) };
    let macs = (OWN_CLIENT_MAC, mac);
    let left = Frame { macs, src: WEB, ttl: answer.ttl - 1, ..answer.clone() };
    world.check(Case {
        says: "the answer to a far client",
        at: world.ports.server,
        frame: answer.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(left.bytes()),
        counts: &[ForwardedToClient],
    });
}

/// What the hook does with a frame whose next hop the kernel has to find.
fn left_to_find() -> Verdict {
    match crate::HOOK {
        Hook::Tc => Verdict::Redirect,
        Hook::Xdp => Verdict::Pass,
    }
}

/// The MACs that such a frame then has: at TC the kernel writes them after the program, and what XDP
/// leaves to the kernel to route has to be for this box.
fn macs_left_to_find(sent: &Frame, own: [u8; 6]) -> ([u8; 6], [u8; 6]) {
    match crate::HOOK {
        Hook::Tc => sent.macs,
        Hook::Xdp => (sent.macs.0, own),
    }
}

#[test]
fn a_far_client_is_answered_through_the_gateway() {
    let mut world = World::active();
    let ifindex = world.ports.client;
    world.set_port(VlanPort { ifindex, gateway_next_hop: GATEWAY_HOP, ..client_port() });
    let hop = NextHop {
        ifindex: world.ports.client,
        ip: GATEWAY_IP.octets(),
        mac: [0xa, 0, 0, 0, 2, 253],
        state: NEXT_HOP_VALID,
        own_mac: OWN_CLIENT_MAC,
        reserved: 0,
    };
    world.set_element(map::NEXT_HOPS, GATEWAY_HOP, hop);
    world.run(world.ports.client, &from_far(SYN).bytes());
    let reverse = reverse_of_far(&mut world);
    assert_eq!((reverse.next_hop, reverse.flags & CONN_MAC_KNOWN), (GATEWAY_HOP, 0));
    answer_leaves_to(&mut world, hop.mac);
    world.run(world.ports.client, &from_client(SYN).bytes());
    let near = world.conn(map::EMB_REV, flow(real(2), CLIENT, TCP)).expect("embryonic");
    assert_eq!(near.next_hop, 0, "a client on-link is answered directly");
}

#[test]
fn without_a_gateway_a_far_client_is_answered_where_its_packets_came_from() {
    let mut world = World::active();
    world.run(world.ports.client, &from_far(SYN).bytes());
    let reverse = reverse_of_far(&mut world);
    assert_eq!((reverse.next_hop, reverse.mac), (0, GATEWAY_MAC));
    answer_leaves_to(&mut world, GATEWAY_MAC);
}

#[test]
fn an_unresolved_next_hop_is_left_to_the_kernel_to_find() {
    let mut world = World::active();
    let hop: NextHop = world.element(map::NEXT_HOPS, 1);
    world.set_element(map::NEXT_HOPS, 1, NextHop { state: NEXT_HOP_UNKNOWN, ..hop });
    let syn = from_client(SYN);
    let outcome = world.run(world.ports.client, &syn.bytes());
    assert_eq!(outcome.verdict, left_to_find());
    let expected = Frame { macs: macs_left_to_find(&syn, OWN_CLIENT_MAC), ..at_real(1, &syn) };
    assert_eq!(outcome.frame, expected.bytes());
}

#[test]
fn a_replicated_client_is_left_to_the_kernel_to_find() {
    let mut world = World::active();
    world.establish();
    let key = flow(real(1), CLIENT, TCP);
    let reverse = world.conn(map::CONN_REV, key).expect("established");
    let from_peer = Conn { flags: reverse.flags & !CONN_MAC_KNOWN, mac: [0; 6], ..reverse };
    world.set(map::CONN_REV, key, from_peer);
    let sent = from_real(1, ACK);
    world.check(Case {
        says: "an answer to a client that this box has not seen yet",
        at: world.ports.server,
        frame: sent.bytes(),
        verdict: left_to_find(),
        becomes: Some(
            Frame { macs: macs_left_to_find(&sent, OWN_SERVER_MAC), ..at_client(&sent) }.bytes(),
        ),
        counts: &[ForwardedToClient],
    });
}

#[test]
fn without_a_next_hop_packets_are_dropped() {
    let mut world = World::active();
    world.establish();
    let (client, server) = (world.ports.client, world.ports.server);
    let hop: NextHop = world.element(map::NEXT_HOPS, 1);
    world.set_element(map::NEXT_HOPS, 1, NextHop { ifindex: 0, ..hop });
    let data = from_client(ACK).bytes();
    world.check_dropped("a next hop without interface", client, data.clone(), DropNoNextHop);
    let key = flow(CLIENT, WEB, TCP);
    let forward = world.conn(map::CONN_FWD, key).expect("established");
    for (says, next_hop, out_ifindex) in
        [("no next hop", 0, 0), ("a next hop that does not exist", 1 << 20, server)]
    {
        world.set(map::CONN_FWD, key, Conn { next_hop, out_ifindex, ..forward });
        world.check_dropped(says, client, data.clone(), DropNoNextHop);
    }
    let key = flow(real(1), CLIENT, TCP);
    let reverse = world.conn(map::CONN_REV, key).expect("established");
    world.set(map::CONN_REV, key, Conn { out_ifindex: 4_000_000, ..reverse });
    let answer = from_real(1, ACK).bytes();
    world.check_dropped("an interface that is none of ours", server, answer, DropNoNextHop);
}

#[test]
fn a_farm_that_does_not_translate_changes_macs_only() {
    let mut world = World::active();
    let (ip, port) = raw(WEB);
    let untranslated = Real { ip, port, vlan: SERVER_VLAN, next_hop: 3, reserved: 0 };
    world.set_element(map::REALS, 1, untranslated);
    let syn = from_client(SYN);
    let macs = (OWN_SERVER_MAC, real_mac(3));
    let outcome = world.run(world.ports.client, &syn.bytes());
    assert_eq!(outcome.frame, Frame { macs, ttl: syn.ttl - 1, ..syn.clone() }.bytes());
    let answer = Frame { src: WEB, ..from_real(3, SYN | ACK) };
    let outcome = world.run(world.ports.server, &answer.bytes());
    assert_eq!(outcome.frame, at_client(&answer).bytes());
    let ack = from_client(ACK);
    world.check(Case {
        says: "established",
        at: world.ports.client,
        frame: ack.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(Frame { macs, ttl: ack.ttl - 1, ..ack.clone() }.bytes()),
        counts: &[hitless_model::Counter::ConnectionsEstablished, ForwardedToReal],
    });
}

#[test]
fn ip_options_are_no_obstacle() {
    let mut world = World::active();
    world.establish();
    let with_options = |frame: &Frame| {
        let ip = etherparse::Ipv4Header::new(
            24,
            frame.ttl,
            etherparse::IpNumber::TCP,
            frame.src.ip().octets(),
            frame.dst.ip().octets(),
        );
        let mut ip = ip.expect("it fits");
        ip.options = [1, 1, 1, 0].into();
        let builder = etherparse::PacketBuilder::ethernet2(frame.macs.0, frame.macs.1)
            .ip(etherparse::IpHeaders::Ipv4(ip, etherparse::Ipv4Extensions::default()))
            .tcp(frame.src.port(), frame.dst.port(), 1, 2)
            .ack(3);
        let mut bytes = Vec::new();
        builder.write(&mut bytes, b"data").expect("it fits");
        bytes
    };
    let sent = from_client(ACK);
    world.check(Case {
        says: "a segment after IPv4 options",
        at: world.ports.client,
        frame: with_options(&sent),
        verdict: Verdict::Redirect,
        becomes: Some(with_options(&at_real(1, &sent))),
        counts: &[ForwardedToReal],
    });
}
