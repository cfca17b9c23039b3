//! Frames that are not what they say, and frames that are none of our business.

use std::net::SocketAddrV4;

use etherparse::PacketBuilder;
use hitless_model::Counter::{DropMalformed, DropNotForUs};
use hitless_model::abi::{PORT_SLOTS, VlanPort, map, slot_of};
use hitless_model::tcp::{ACK, SYN};

use crate::support::frame::{Carries, Frame};
use crate::support::scene::{
    BROADCAST, CLIENT_MAC, DNS, OWN_CLIENT_IP, OWN_CLIENT_MAC, VIRTUAL_SERVER_MAC, at_real,
    from_client,
};
use crate::support::world::World;

/// Offsets in a frame with an IPv4 header of 20 bytes.
const VERSION_AND_LENGTH: usize = 14;
const TOTAL_LEN: usize = 16;
const TCP_LENGTH: usize = 46;
const UDP_LENGTH: usize = 38;

fn datagram() -> Frame {
    Frame { dst: DNS, carries: Carries::Udp, ..from_client(0) }.with_payload(b"question")
}

/// A frame with some bytes replaced.
fn with(frame: &Frame, at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut frame = frame.bytes();
    frame[at..][..bytes.len()].copy_from_slice(bytes);
    frame
}

#[test]
fn malformed_headers_are_dropped() {
    let mut world = World::active();
    let client = world.ports.client;
    let syn = from_client(SYN);
    let length = |length: u16| with(&syn, TOTAL_LEN, &length.to_be_bytes());
    let datagram_of = |length: u16| with(&datagram(), TOTAL_LEN, &length.to_be_bytes());
    for (says, frame) in [
        ("version 6 in a frame of IPv4", with(&syn, VERSION_AND_LENGTH, &[0x65])),
        ("an IPv4 header of 16 bytes", with(&syn, VERSION_AND_LENGTH, &[0x44])),
        ("an IPv4 packet shorter than its header", length(19)),
        ("an IPv4 packet longer than its frame", length(41)),
        ("a TCP header that ends after the packet", length(39)),
        ("a TCP header of 16 bytes", with(&syn, TCP_LENGTH, &[0x40])),
        ("a UDP header that ends after the packet", datagram_of(27)),
        ("a UDP datagram shorter than its header", with(&datagram(), UDP_LENGTH, &[0, 7])),
        ("options that leave no room for TCP", with(&syn, VERSION_AND_LENGTH, &[0x4f])),
    ] {
        world.check_dropped(says, client, frame, DropMalformed);
    }
}

#[test]
fn frames_for_other_hosts_are_dropped() {
    let mut world = World::active();
    let client = world.ports.client;
    let stranger = [0xa, 9, 9, 9, 9, 9];
    for mac in [stranger, VIRTUAL_SERVER_MAC] {
        let frame = Frame { macs: (CLIENT_MAC, mac), ..from_client(SYN) };
        world.check_dropped("to a virtual address", client, frame.bytes(), DropNotForUs);
    }
}

#[test]
fn nothing_sent_to_many_reaches_a_virtual_server() {
    let mut world = World::active();
    let client = world.ports.client;
    for mac in [BROADCAST, [1, 0, 0x5e, 0, 0, 1]] {
        let to_many = |frame: Frame| Frame { macs: (CLIENT_MAC, mac), ..frame };
        let syn = to_many(from_client(SYN)).bytes();
        world.check_dropped("SYN", client, syn, DropNotForUs);
        let datagram = to_many(datagram()).bytes();
        world.check_dropped("datagram", client, datagram, DropNotForUs);
        let own = Frame { dst: SocketAddrV4::new(OWN_CLIENT_IP, 9), ..to_many(from_client(SYN)) };
        world.check_passed("anything else of it is the kernel's", client, own.bytes());
    }
}

#[test]
fn what_is_neither_ipv4_nor_arp_is_the_kernels() {
    let mut world = World::active();
    let client = world.ports.client;
    let mut ipv6 = Vec::new();
    PacketBuilder::ethernet2(CLIENT_MAC, [0x33, 0x33, 0, 0, 0, 1])
        .ipv6([0xfe; 16], [0xff; 16], 64)
        .udp(1, 2)
        .write(&mut ipv6, b"hello")
        .expect("it fits");
    world.check_passed("IPv6", client, ipv6);
    let mut other = from_client(SYN).bytes();
    other[12..14].copy_from_slice(&[0x88, 0xcc]);
    world.check_passed("LLDP", client, other);
}

#[test]
fn frames_at_an_unknown_interface_are_the_kernels() {
    let mut world = World::active();
    let client = world.ports.client;
    world.remove::<u32, VlanPort>(map::PORTS, client);
    world.set_element(map::PORT_SLOTS, slot_of(client), VlanPort::default());
    world.check_passed("SYN", client, from_client(SYN).bytes());
}

#[test]
fn an_interface_is_known_by_its_number_whoever_has_its_slot() {
    let mut world = World::active();
    let client = world.ports.client;
    let syn = from_client(SYN);
    let another = VlanPort { ifindex: client + PORT_SLOTS, ..VlanPort::default() };
    for holder in [VlanPort::default(), another] {
        world.set_element(map::PORT_SLOTS, slot_of(client), holder);
        assert_eq!(world.run(client, &syn.bytes()).frame, at_real(1, &syn).bytes());
    }
}

#[test]
fn what_is_for_the_box_itself_is_the_kernels() {
    let mut world = World::active();
    let client = world.ports.client;
    let dst = SocketAddrV4::new(OWN_CLIENT_IP, 22);
    for (says, flags) in [("SYN", SYN), ("data", ACK)] {
        let frame = Frame { macs: (CLIENT_MAC, OWN_CLIENT_MAC), dst, ..from_client(flags) };
        world.check_passed(says, client, frame.bytes());
    }
}
