//! Packets to floating addresses that no connection and no virtual server takes, packets of reals that
//! must not be routed, and what the kernel routes.

use std::net::SocketAddrV4;

use hitless_model::Counter::{
    DropFragment, DropNoConnection, DropNoReal, DropNoVirtualServer, DropOutOfService,
    DropRealNoConnection, RoutedByKernel,
};
use hitless_model::abi::{VS_REPLICATE, VirtualServer, map};
use hitless_model::tcp::{ACK, FIN, RST, SYN};

use crate::support::case::Case;
use crate::support::frame::{Carries, Frame};
use crate::support::scene::{
    CLIENT, CLIENT_ALIAS, CLIENT_MAC, DNS, DNS_FARM, OWN_CLIENT_MAC, OWN_SERVER_IP, OWN_SERVER_MAC,
    SERVER_ALIAS, TCP, VIP, VIRTUAL_CLIENT_MAC, VIRTUAL_SERVER_MAC, WEB, from_client, from_real,
    real, real_mac, service, virtual_server,
};
use crate::support::world::{Verdict, World};

/// Offset of flags and fragment offset.
const FRAGMENT: usize = 20;
const PROTOCOL: usize = 23;

#[test]
fn unknown_services_of_floating_addresses_are_dropped() {
    let mut world = World::active();
    let (client, server) = (world.ports.client, world.ports.server);
    let to = |dst: SocketAddrV4| Frame { dst, ..from_client(SYN) }.bytes();
    let elsewhere = SocketAddrV4::new(VIP, 81);
    world.check_dropped("another port", client, to(elsewhere), DropNoVirtualServer);
    world.check_dropped("TCP to a UDP service", client, to(DNS), DropNoVirtualServer);
    for alias in [CLIENT_ALIAS, SERVER_ALIAS] {
        let alias = SocketAddrV4::new(alias, 80);
        world.check_dropped("TCP to an alias", client, to(alias), DropNoVirtualServer);
    }
    let mut gre = from_client(SYN).bytes();
    gre[PROTOCOL] = 47;
    world.check_dropped("another protocol", client, gre, DropNoVirtualServer);
    let from_server_vlan = Frame {
        macs: (real_mac(1), VIRTUAL_SERVER_MAC),
        src: real(2),
        dst: elsewhere,
        ..from_client(SYN)
    };
    let frame = from_server_vlan.bytes();
    world.check_dropped("from the server VLAN", server, frame, DropNoVirtualServer);
    let to_own_mac =
        Frame { macs: (CLIENT_MAC, OWN_CLIENT_MAC), dst: elsewhere, ..from_client(SYN) };
    world.check_dropped("to the own MAC", client, to_own_mac.bytes(), DropNoVirtualServer);
}

#[test]
fn fragments_to_floating_addresses_are_dropped() {
    let mut world = World::active();
    let client = world.ports.client;
    for (says, bits) in [("the first", 0x2000_u16), ("the second", 0x2003), ("the last", 0x0003)] {
        for carries in [Carries::Tcp(SYN), Carries::Udp] {
            let mut frame = Frame { carries, ..from_client(SYN) }.bytes();
            frame[FRAGMENT..][..2].copy_from_slice(&bits.to_be_bytes());
            world.check_dropped(says, client, frame, DropFragment);
        }
    }
    let mut whole = from_client(SYN).bytes();
    whole[FRAGMENT..][..2].copy_from_slice(&0x4000_u16.to_be_bytes());
    let outcome = world.run(client, &whole);
    assert_eq!(outcome.verdict, Verdict::Redirect, "`don't fragment` is no fragment");
}

#[test]
fn a_virtual_server_out_of_service_takes_no_new_connections() {
    let mut world = World::active();
    let out = VirtualServer { flags: VS_REPLICATE, ..virtual_server(1, 1, (0, 4)) };
    world.set(map::VIRTUAL, service(WEB, TCP), out);
    let syn = from_client(SYN).bytes();
    world.check_dropped("out of service", world.ports.client, syn, DropOutOfService);
}

#[test]
fn a_virtual_server_without_a_real_in_service_takes_no_connections() {
    let mut world = World::active();
    world.set(map::VIRTUAL, service(WEB, TCP), virtual_server(1, DNS_FARM, (0, 0)));
    let syn = from_client(SYN).bytes();
    world.check_dropped("no real", world.ports.client, syn, DropNoReal);
    assert_eq!(world.connections(map::EMB_REV), 0);
}

#[test]
fn segments_that_belong_to_no_connection_are_dropped() {
    let mut world = World::active();
    let (client, server) = (world.ports.client, world.ports.server);
    for flags in [0, ACK, SYN | ACK, FIN | ACK, RST, SYN | RST] {
        let stray = from_client(flags).bytes();
        world.check_dropped("to a virtual server", client, stray, DropNoConnection);
    }
    for flags in [0, ACK, SYN | ACK, FIN | ACK, RST] {
        for mac in [VIRTUAL_SERVER_MAC, OWN_SERVER_MAC] {
            let stray = Frame { macs: (real_mac(1), mac), ..from_real(1, flags) }.bytes();
            world.check_dropped("from a real", server, stray, DropRealNoConnection);
        }
    }
}

#[test]
fn what_a_real_says_to_this_box_or_on_other_ports_is_the_kernels() {
    let mut world = World::active();
    let server = world.ports.server;
    let macs = (real_mac(1), OWN_SERVER_MAC);
    let own = SocketAddrV4::new(OWN_SERVER_IP, 50_000);
    let to_probe = Frame { macs, dst: own, ..from_real(1, SYN | ACK) };
    world.check_passed("the answer to a probe", server, to_probe.bytes());
    let opens = Frame { macs, ..from_real(1, SYN) };
    world.check_passed("a connection that the real opens", server, opens.bytes());
    let ssh = SocketAddrV4::new(*real(1).ip(), 22);
    let other = Frame { macs, src: ssh, ..from_real(1, ACK) };
    world.check_passed("another port of the real", server, other.bytes());
    let datagram = Frame { macs, carries: Carries::Udp, ..from_real(1, 0) };
    world.check_passed("a datagram", server, datagram.bytes());
}

#[test]
fn the_kernel_routes_what_comes_to_the_alias_mac() {
    let mut world = World::active();
    let outside = SocketAddrV4::new([203, 0, 113, 5].into(), 443);
    let sent = Frame { dst: outside, ..from_real(1, SYN) };
    world.check(Case {
        says: "a real talks to the world through its default gateway",
        at: world.ports.server,
        frame: sent.bytes(),
        verdict: Verdict::Pass,
        becomes: Some(Frame { macs: (real_mac(1), OWN_SERVER_MAC), ..sent }.bytes()),
        counts: &[RoutedByKernel],
    });
    let mut fragment = Frame { src: CLIENT, dst: outside, ..from_client(SYN) }.bytes();
    fragment[FRAGMENT..][..2].copy_from_slice(&0x2000_u16.to_be_bytes());
    let mut routed = fragment.clone();
    routed[..6].copy_from_slice(&OWN_CLIENT_MAC);
    assert_eq!(fragment[..6], VIRTUAL_CLIENT_MAC);
    world.check(Case {
        says: "a fragment to somewhere else",
        at: world.ports.client,
        frame: fragment,
        verdict: Verdict::Pass,
        becomes: Some(routed),
        counts: &[RoutedByKernel],
    });
}
