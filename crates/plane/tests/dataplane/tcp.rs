//! TCP connections: opened, followed into the main table, used.

use hitless_model::Counter::{
    ConnectionsCreated, ConnectionsEstablished, DropRealNoConnection, DropTtlExpired,
    ForwardedToClient, ForwardedToReal,
};
use hitless_model::abi::{
    CONN_MAC_KNOWN, CONN_REPLICATE, Conn, EVENT_ESTABLISHED, Real, VlanPort, map,
};
use hitless_model::tcp::{ACK, RST, SYN, seen};

use crate::support::case::Case;
use crate::support::frame::Frame;
use crate::support::scene::{
    CLIENT, CLIENT_MAC, CLIENT_VLAN, OWN_CLIENT_MAC, OWN_SERVER_MAC, SERVER_VLAN, TCP,
    VIRTUAL_CLIENT_MAC, VIRTUAL_SERVER_MAC, WEB, at_client, at_real, client_port, flow,
    from_client, from_real, raw, real, real_mac, seconds_from_now,
};
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
    for (table, entries) in
        [(map::CONN_FWD, 1), (map::CONN_REV, 1), (map::EMB_FWD, 0), (map::EMB_REV, 0)]
    {
        assert_eq!(world.connections(table), entries, "{table}");
    }
}

#[test]
fn both_entries_say_everything_about_the_connection() {
    let mut world = World::active();
    let start = seconds_from_now(0);
    world.establish();
    let forward = world.conn(map::CONN_FWD, flow(CLIENT, WEB, TCP)).expect("established");
    let reverse = world.conn(map::CONN_REV, flow(real(1), CLIENT, TCP)).expect("established");
    // The coarse clock may lag by a tick.
    let is_recent = |time: u64| time + 20_000_000 > start && time <= seconds_from_now(0);
    for conn in [forward, reverse] {
        assert!(
            is_recent(conn.created) && is_recent(conn.last_seen) && conn.last_seen >= conn.created
        );
    }
    let (rewrite_ip, rewrite_port) = raw(real(1));
    let seen = seen::REAL_ANSWERED | seen::CLIENT_CONFIRMED;
    let expected = Conn {
        last_seen: forward.last_seen,
        created: forward.created,
        packets: 2,
        bytes: 80,
        rewrite_ip,
        rewrite_port,
        seen,
        flags: CONN_REPLICATE,
        next_hop: 1,
        virtual_server: 1,
        out_ifindex: world.ports.server,
        in_vlan: CLIENT_VLAN,
        out_vlan: SERVER_VLAN,
        ..Conn::default()
    };
    assert_eq!(forward, expected);
    let (rewrite_ip, rewrite_port) = raw(WEB);
    let expected = Conn {
        last_seen: reverse.last_seen,
        created: reverse.created,
        packets: 1,
        bytes: 40,
        rewrite_ip,
        rewrite_port,
        seen,
        flags: CONN_REPLICATE | CONN_MAC_KNOWN,
        virtual_server: 1,
        out_ifindex: world.ports.client,
        in_vlan: SERVER_VLAN,
        out_vlan: CLIENT_VLAN,
        mac: CLIENT_MAC,
        ..Conn::default()
    };
    assert_eq!(reverse, expected);
}

#[test]
fn an_established_connection_is_told_of_once() {
    let mut world = World::active();
    world.establish();
    world.run(world.ports.client, &from_client(ACK).bytes());
    let events = world.events();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].kind, events[0].key), (EVENT_ESTABLISHED, flow(CLIENT, WEB, TCP)));
    let forward = world.conn(map::CONN_FWD, flow(CLIENT, WEB, TCP)).expect("established");
    // The segment after the event is in the entry only.
    let told = Conn { packets: 2, bytes: 80, last_seen: events[0].conn.last_seen, ..forward };
    assert_eq!(events[0].conn, told);
    let usage: hitless_model::abi::TableUse = world.element(map::USE_BPF, 0);
    assert_eq!((usage.made, usage.removed), (1, 0));
}

#[test]
fn data_goes_both_ways_with_right_checksums() {
    let mut world = World::active();
    world.establish();
    let payload: Vec<u8> = (0..1460_u32).map(|byte| byte.to_le_bytes()[0]).collect();
    for length in [0, 1, 2, 17, 536, 1459, 1460] {
        let sent = from_client(ACK).with_payload(&payload[..length]);
        world.check(Case {
            says: "data to the real",
            at: world.ports.client,
            frame: sent.bytes(),
            verdict: Verdict::Redirect,
            becomes: Some(at_real(1, &sent).bytes()),
            counts: &[ForwardedToReal],
        });
        let sent = from_real(1, ACK).with_payload(&payload[..length]);
        world.check(Case {
            says: "data to the client",
            at: world.ports.server,
            frame: sent.bytes(),
            verdict: Verdict::Redirect,
            becomes: Some(at_client(&sent).bytes()),
            counts: &[ForwardedToClient],
        });
    }
}

/// A frame with an option of IPv4 put in: four octets that say nothing.
fn with_option(frame: &[u8]) -> Vec<u8> {
    const HEADER: std::ops::Range<usize> = 14..38;
    let (start, rest) = frame.split_at(34);
    let mut frame = [start, &[1; 4], rest].concat();
    frame[14] = 0x46;
    let total_len = u16::from_be_bytes([frame[16], frame[17]]) + 4;
    frame[16..18].copy_from_slice(&total_len.to_be_bytes());
    frame[24..26].fill(0);
    let words = frame[HEADER].chunks(2).map(|word| u16::from_be_bytes([word[0], word[1]]));
    let sum: u32 = words.map(u32::from).sum();
    let folded = u16::try_from((sum & 0xffff) + (sum >> 16)).expect("few words");
    frame[24..26].copy_from_slice(&(!folded).to_be_bytes());
    frame
}

#[test]
fn a_packet_with_options_is_treated_like_any_other() {
    let mut world = World::active();
    world.establish();
    let (client, server) = (world.ports.client, world.ports.server);
    let (to_real, to_client) = (from_client(ACK), from_real(1, ACK));
    let received = (at_real(1, &to_real), at_client(&to_client));
    for (at, sent, received, counter) in [
        (client, to_real, received.0, ForwardedToReal),
        (server, to_client, received.1, ForwardedToClient),
    ] {
        world.check(Case {
            says: "data with an option",
            at,
            frame: with_option(&sent.bytes()),
            verdict: Verdict::Redirect,
            becomes: Some(with_option(&received.bytes())),
            counts: &[counter],
        });
    }
    let forward = world.conn(map::CONN_FWD, flow(CLIENT, WEB, TCP)).expect("established");
    assert_eq!((forward.packets, forward.bytes), (3, 124));
}

#[test]
fn only_its_own_entry_counts_a_packet() {
    let mut world = World::active();
    world.establish();
    let reverse = world.conn(map::CONN_REV, flow(real(1), CLIENT, TCP));
    let sent = from_client(ACK).with_payload(&[7; 100]);
    world.run(world.ports.client, &sent.bytes());
    let forward = world.conn(map::CONN_FWD, flow(CLIENT, WEB, TCP)).expect("established");
    assert_eq!((forward.packets, forward.bytes), (3, 220));
    assert_eq!(world.conn(map::CONN_REV, flow(real(1), CLIENT, TCP)), reverse);
}

#[test]
fn the_last_hop_is_not_forwarded() {
    let mut world = World::active();
    let (client, server) = (world.ports.client, world.ports.server);
    for ttl in [0, 1] {
        let first = Frame { ttl, ..from_client(SYN) }.bytes();
        let outcome = world.run(client, &first);
        assert_eq!(outcome.verdict, Verdict::Drop);
        assert_eq!(world.counters()[&DropTtlExpired], u64::from(ttl) + 1);
    }
    let mut world = World::active();
    world.establish();
    for ttl in [0, 1] {
        let forward = Frame { ttl, ..from_client(ACK) }.bytes();
        world.check_dropped("to the real", client, forward, DropTtlExpired);
        let reverse = Frame { ttl, ..from_real(1, ACK) }.bytes();
        world.check_dropped("to the client", server, reverse, DropTtlExpired);
    }
    let forward = world.conn(map::CONN_FWD, flow(CLIENT, WEB, TCP)).expect("established");
    assert_eq!(forward.packets, 2, "what is dropped is not counted as forwarded");
    let barely = Frame { ttl: 2, ..from_client(ACK) };
    world.check(Case {
        says: "the hop before",
        at: client,
        frame: barely.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(at_real(1, &barely).bytes()),
        counts: &[ForwardedToReal],
    });
}

#[test]
fn a_repeated_syn_goes_to_the_same_real() {
    let mut world = World::active();
    let syn = from_client(SYN);
    world.run(world.ports.client, &syn.bytes());
    world.check(Case {
        says: "the client repeats its SYN",
        at: world.ports.client,
        frame: syn.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(at_real(1, &syn).bytes()),
        counts: &[ForwardedToReal],
    });
}

#[test]
fn frames_to_the_own_mac_are_forwarded_too() {
    let world = World::active();
    let syn = Frame { macs: (CLIENT_MAC, OWN_CLIENT_MAC), ..from_client(SYN) };
    assert_eq!(world.run(world.ports.client, &syn.bytes()).frame, at_real(1, &syn).bytes());
    let answer = Frame { macs: (real_mac(1), OWN_SERVER_MAC), ..from_real(1, SYN | ACK) };
    assert_eq!(world.run(world.ports.server, &answer.bytes()).frame, at_client(&answer).bytes());
}

#[test]
fn a_client_on_the_server_vlan_is_balanced_as_well() {
    let world = World::active();
    let client = std::net::SocketAddrV4::new([192, 158, 39, 200].into(), 40_000);
    let mac = [0xa, 0, 0, 0, 3, 200];
    let syn = Frame { macs: (mac, VIRTUAL_SERVER_MAC), src: client, ..from_client(SYN) };
    let reached = at_real(1, &syn);
    assert_eq!(world.run(world.ports.server, &syn.bytes()).frame, reached.bytes());
    let answer = Frame { dst: client, ..from_real(1, SYN | ACK) };
    let back = Frame { macs: (OWN_SERVER_MAC, mac), src: WEB, ttl: 63, ..answer.clone() };
    assert_eq!(world.run(world.ports.server, &answer.bytes()).frame, back.bytes());
}

#[test]
fn a_real_on_the_clients_vlan_answers_there() {
    let mut world = World::active();
    let client = world.ports.client;
    world.set_port(VlanPort { ifindex: client, has_reals: 1, ..client_port() });
    let first: Real = world.element(map::REALS, 1);
    world.set_element(map::REALS, 1, Real { vlan: CLIENT_VLAN, ..first });
    let answers = |world: &mut World, flags| {
        let macs = (real_mac(1), VIRTUAL_CLIENT_MAC);
        let answer = Frame { macs, ..from_real(1, flags) };
        assert_eq!(world.run(client, &answer.bytes()).frame, at_client(&answer).bytes());
    };
    world.run(client, &from_client(SYN).bytes());
    answers(&mut world, SYN | ACK);
    world.run(client, &from_client(ACK).bytes());
    assert_eq!(world.connections(map::CONN_FWD), 1);
    answers(&mut world, ACK);
}

#[test]
fn a_client_cannot_answer_in_the_name_of_a_real() {
    // Also where other reals are on its VLAN.
    for has_reals in [0, 1] {
        let mut world = World::active();
        let client = world.ports.client;
        world.set_port(VlanPort { ifindex: client, has_reals, ..client_port() });
        world.run(client, &from_client(SYN).bytes());
        let macs = (CLIENT_MAC, VIRTUAL_CLIENT_MAC);
        let forged = Frame { macs, ..from_real(1, SYN | ACK) }.bytes();
        world.check_dropped("while embryonic", client, forged, DropRealNoConnection);
        world.run(client, &from_client(ACK).bytes());
        assert_eq!(world.connections(map::CONN_FWD), 0);
        world.run(world.ports.server, &from_real(1, SYN | ACK).bytes());
        world.run(client, &from_client(ACK).bytes());
        assert_eq!(world.connections(map::CONN_FWD), 1);
        let forged = Frame { macs, ..from_real(1, RST) }.bytes();
        world.check_dropped("once established", client, forged, DropRealNoConnection);
    }
}
