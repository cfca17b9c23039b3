//! Real network stacks on both sides of the program: partial checksums, segmentation left to the card,
//! neighbours that the kernel has to find, tags of other VLANs.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use hitless_model::Counter;
use hitless_model::abi::{CONN_MAC_KNOWN, Conn, NEXT_HOP_UNKNOWN, NextHop, map};
use hitless_model::tcp::SYN;

use crate::cable::{Cable, OUTSIDE, on};
use crate::support::frame::Frame;
use crate::support::kernel::ifindex;
use crate::support::scene::{
    CLIENT, CLIENT_MAC, DNS, OWN_CLIENT_MAC, UDP, WEB, flow, from_client, name_server, real,
};
use crate::support::world::World;

/// Long enough for address resolution on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);
const STREAM_LEN: usize = 8 << 20;

/// Bytes in which every shift and swap shows.
fn stream() -> Vec<u8> {
    let step = |state: &mut u32| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some(state.to_be_bytes()[0])
    };
    std::iter::repeat_n((), STREAM_LEN).scan(1_u32, |state, ()| step(state)).collect()
}

/// Sends the stream and reads it back.
fn exchange(mut connection: TcpStream) -> bool {
    connection.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut writer = connection.try_clone().expect("another handle");
    let writing = std::thread::spawn(move || writer.write_all(&stream()));
    let mut received = vec![0; STREAM_LEN];
    let is_read = connection.read_exact(&mut received).is_ok();
    writing.join().is_ok_and(|written| written.is_ok()) && is_read && received == stream()
}

/// Segments that the host of this thread refused for their checksum.
fn checksum_errors() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/net/snmp").expect("statistics");
    let mut lines = text.lines().filter(|line| line.starts_with("Tcp:"));
    let names = lines.next().expect("names").split(' ');
    let values = lines.next().expect("values").split(' ');
    let named = names.zip(values).find(|(name, _)| *name == "InCsumErrors");
    named.expect("the statistic").1.parse().expect("a number")
}

#[test]
fn streams_of_whole_segments_go_both_ways_unharmed() {
    let mut cable = Cable::plug();
    let (listening, listens) = std::sync::mpsc::channel();
    let server = on(&cable.real, move || {
        let listener = TcpListener::bind(real(1)).expect("the real listens");
        listening.send(()).expect("somebody waits");
        exchange(listener.accept().expect("a connection").0)
    });
    listens.recv().expect("the real listens");
    let client = on(&cable.client, || {
        exchange(TcpStream::connect_timeout(&WEB.into(), PATIENCE).expect("connected"))
    });
    assert!(client.join().expect("the client ends"), "the client got what was sent");
    assert!(server.join().expect("the server ends"), "the real got what was sent");
    for host in [&cable.client, &cable.real] {
        assert_eq!(on(host, checksum_errors).join().expect("statistics"), 0);
    }
    let counters = cable.world.counters();
    assert_eq!(counters.keys().filter(|counter| counter.is_drop()).count(), 0, "{counters:?}");
    let frames = counters[&Counter::ForwardedToReal];
    let segments = u64::try_from(STREAM_LEN / 1460).expect("a number");
    assert!(frames < segments, "{frames} frames for {segments} segments: they were not whole");
}

/// The client asks, the real answers; whether the answer came.
fn ask(cable: &Cable) -> bool {
    let server = on(&cable.real, || {
        let socket = UdpSocket::bind(name_server(1)).expect("the real listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut question = [0; 64];
        let (length, from) = socket.recv_from(&mut question).expect("a question");
        assert_eq!((&question[..length], from), (&b"question"[..], CLIENT.into()));
        socket.send_to(b"answer", from).expect("it is sent");
    });
    let client = on(&cable.client, || {
        let socket = UdpSocket::bind(CLIENT).expect("a port");
        socket.set_read_timeout(Some(PATIENCE / 20)).expect("a timeout");
        let start = Instant::now();
        let mut answer = [0; 64];
        loop {
            // The first may come before the real listens.
            socket.send_to(b"question", DNS).expect("it is sent");
            match socket.recv_from(&mut answer) {
                Ok((length, from)) => break (&answer[..length], from) == (b"answer", DNS.into()),
                Err(_) if start.elapsed() < PATIENCE => {}
                Err(_) => break false,
            }
        }
    });
    client.join().expect("the client ends") & server.join().is_ok()
}

#[test]
fn the_kernel_finds_next_hops_and_clients_that_nobody_has_resolved() {
    let mut cable = Cable::plug();
    let world = &mut cable.world;
    let hop: NextHop = world.element(map::NEXT_HOPS, 1);
    world.set_element(map::NEXT_HOPS, 1, NextHop { state: NEXT_HOP_UNKNOWN, mac: [0; 6], ..hop });
    assert!(ask(&cable), "with the real's MAC unknown");
    let key = flow(name_server(1), CLIENT, UDP);
    let world = &mut cable.world;
    let reverse = world.conn(map::CONN_REV, key).expect("established");
    let from_peer = Conn { flags: reverse.flags & !CONN_MAC_KNOWN, mac: [0; 6], ..reverse };
    world.set(map::CONN_REV, key, from_peer);
    assert!(ask(&cable), "with the client's MAC unknown");
}

#[test]
fn frames_of_another_vlan_are_not_taken_for_ours() {
    let mut cable = Cable::plug();
    let syn = from_client(SYN).bytes();
    let tagged = |vlan: u16| {
        let tag = [&[0x81, 0x00][..], &vlan.to_be_bytes()].concat();
        [&syn[..12], &tag, &syn[12..]].concat()
    };
    send(&cable, tagged(7));
    // One of ours after it: when that has arrived, the other one has too.
    send(&cable, tagged(0));
    let created = wait_for(&mut cable.world, Counter::ConnectionsCreated);
    assert_eq!(created, 1, "a priority tag without a VLAN is ours, another VLAN's is not");
    send(&cable, syn[..24].to_vec());
    assert_eq!(wait_for(&mut cable.world, Counter::DropMalformed), 1, "half an IPv4 header");
}

/// IPv4 packets that the kernel of this thread's host took.
fn packets_taken() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/net/snmp").expect("statistics");
    let mut lines = text.lines().filter(|line| line.starts_with("Ip:"));
    let names = lines.next().expect("names").split(' ');
    let values = lines.next().expect("values").split(' ');
    let named = names.zip(values).find(|(name, _)| *name == "InReceives");
    named.expect("the statistic").1.parse().expect("a number")
}

#[test]
fn a_tag_within_a_tag_does_not_get_past_the_program() {
    let mut cable = Cable::plug();
    let macs = (CLIENT_MAC, OWN_CLIENT_MAC);
    let syn = Frame { macs, ..from_client(SYN) }.bytes();
    let tag = [0x81, 0x00, 0, 0];
    let before = packets_taken();
    send(&cable, [&syn[..12], &tag, &tag, &syn[12..]].concat());
    // One of ours after it: when that has arrived, the other one has too.
    let macs = (CLIENT_MAC, CLIENT_MAC);
    send(&cable, Frame { macs, ..from_client(SYN) }.bytes());
    assert_eq!(wait_for(&mut cable.world, Counter::DropNotForUs), 1);
    assert_eq!(cable.world.counters().get(&Counter::DropMalformed), Some(&1));
    assert_eq!(packets_taken(), before, "the kernel takes no packet to a virtual address");
}

/// The counter as soon as it is not zero.
fn wait_for(world: &mut World, counter: Counter) -> u64 {
    let start = Instant::now();
    loop {
        match world.counters().get(&counter) {
            Some(count) => break *count,
            None if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(1)),
            None => break 0,
        }
    }
}

/// Sends a frame as it is from the client.
fn send(cable: &Cable, frame: Vec<u8>) {
    on(&cable.client, move || send_from(ifindex(OUTSIDE), &frame)).join().expect("it is sent");
}

#[expect(unsafe_code, reason = "no safe wrapper at hand knows the addresses of packet sockets")]
fn send_from(ifindex: u32, frame: &[u8]) {
    let address = libc::sockaddr_ll {
        sll_family: u16::try_from(libc::AF_PACKET).expect("a small number"),
        sll_protocol: 0,
        sll_ifindex: ifindex.cast_signed(),
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: [0; 8],
    };
    let length = u32::try_from(size_of_val(&address)).expect("a small structure");
    // SAFETY: a new descriptor that nobody else owns; the frame and the address outlive the call and
    // are passed with their own lengths.
    let sent = unsafe {
        let socket = libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0);
        let socket = OwnedFd::from_raw_fd(socket);
        libc::sendto(
            socket.as_raw_fd(),
            frame.as_ptr().cast(),
            frame.len(),
            0,
            (&raw const address).cast(),
            length,
        )
    };
    assert_eq!(usize::try_from(sent).expect("it is sent"), frame.len());
}
