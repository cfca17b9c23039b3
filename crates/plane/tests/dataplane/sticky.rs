//! Clients that stick to a real.

use std::net::{Ipv4Addr, SocketAddrV4};

use hitless_model::Counter::{
    ConnectionsCreated, ConnectionsEstablished, ForwardedToReal, StickyTableFull, StuckToReal,
};
use hitless_model::abi::{
    EVENT_STICKY, FarmRealKey, STICKY_REPLICATE, StickyEntry, StickyKey, VS_REPLICATE,
    VS_REPLICATE_STICKY, VS_STICKY_DESTINATION, VS_STICKY_SOURCE, VirtualServer, map,
};
use hitless_model::tcp::{ACK, SYN};

use crate::balance::{SHOP, add_shop, chosen};
use crate::support::case::Case;
use crate::support::frame::{Carries, Frame};
use crate::support::kernel::STICKY_CLIENTS;
use crate::support::scene::{
    CLIENT, CLIENT_MAC, DNS, DNS_FARM, TCP, UDP, VIRTUAL_CLIENT_MAC, WEB, WEB_FARM, at_real, flow,
    from_client, from_real, name_server, raw, real, real_mac, seconds_from_now, service,
    virtual_server,
};
use crate::support::world::{Verdict, World};

const WHOLE: [u8; 4] = [255; 4];
const NETWORK: [u8; 4] = [255, 255, 255, 0];
/// A farm of its own, so that its turn does not follow from the other one's.
const SHOP_FARM: u32 = WEB_FARM + 7;

/// Where a client of the client VLAN comes from.
fn client(host: u8, port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(192, 158, 38, host), port)
}

/// The web server of a group, whose clients stick by what the flags say.
fn web(flags: u16, sticky_mask: [u8; 4], sticky_group: u8) -> VirtualServer {
    let plain = virtual_server(1, WEB_FARM, (0, 4));
    VirtualServer { flags: plain.flags | flags, sticky_mask, sticky_group, ..plain }
}

/// The scene with this web server.
fn sticky(server: VirtualServer) -> World {
    let mut world = World::active();
    world.set(map::VIRTUAL, service(WEB, TCP), server);
    for index in 1..=3 {
        world.set(map::FARM_REALS, FarmRealKey::new(WEB_FARM, raw(real(index))), index);
    }
    world
}

/// The shop, with a farm of the same reals, which its configuration names by their addresses alone.
fn sticky_shop(world: &mut World, flags: u16, sticky_group: u8) {
    add_shop(world, (0, 4), SHOP_FARM);
    let plain = virtual_server(3, SHOP_FARM, (0, 4));
    let flags = plain.flags | flags;
    let shop = VirtualServer { flags, sticky_mask: WHOLE, sticky_group, ..plain };
    world.set(map::VIRTUAL, service(SHOP, TCP), shop);
    for index in 1..=3_u32 {
        let (ip, _) = raw(real(index));
        world.set(map::FARM_REALS, FarmRealKey::new(SHOP_FARM, (ip, [0; 2])), index);
    }
}

/// A client's handshake with the web server at the real that its SYN went to.
fn visit(world: &mut World, from: SocketAddrV4) -> u32 {
    let index = chosen(world, from, WEB).expect("a real");
    answer_and_confirm(world, from, index);
    index
}

fn answer_and_confirm(world: &mut World, from: SocketAddrV4, index: u32) {
    let answer = Frame { dst: from, ..from_real(index, SYN | ACK) };
    assert_eq!(world.run(world.ports.server, &answer.bytes()).verdict, Verdict::Redirect);
    let ack = Frame { src: from, ..from_client(ACK) };
    assert_eq!(world.run(world.ports.client, &ack.bytes()).verdict, Verdict::Redirect);
}

fn key(server: &VirtualServer, from: SocketAddrV4) -> StickyKey {
    StickyKey::of(&flow(from, WEB, TCP), server).expect("its clients stick")
}

fn lasting(world: &mut World, key: StickyKey) -> Option<SocketAddrV4> {
    let entry: Option<StickyEntry> = world.get(map::STICKY, key);
    entry.map(|entry| SocketAddrV4::new(entry.real_ip.into(), u16::from_be_bytes(entry.real_port)))
}

#[test]
fn a_client_keeps_its_real_and_takes_nobodys_turn() {
    let mut world = sticky(web(VS_STICKY_SOURCE, WHOLE, 0));
    assert_eq!(visit(&mut world, client(100, 1)), 1);
    assert_eq!(visit(&mut world, client(101, 1)), 2);
    let again: Vec<_> = (2..6).map(|port| visit(&mut world, client(101, port))).collect();
    assert_eq!(again, [2; 4]);
    assert_eq!(visit(&mut world, client(100, 2)), 1);
    assert_eq!(world.element::<u64>(map::TURN, WEB_FARM), 2, "two clients, two turns");
    assert_eq!(world.counters()[&StuckToReal], 5);
}

#[test]
fn a_connection_by_an_entry_is_one_like_any_other() {
    let mut world = sticky(web(VS_STICKY_SOURCE, WHOLE, 0));
    visit(&mut world, CLIENT);
    visit(&mut world, client(101, 1));
    let syn = Frame { src: client(100, 2), ..from_client(SYN) };
    world.check(Case {
        says: "the second connection of a client",
        at: world.ports.client,
        frame: syn.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(at_real(1, &syn).bytes()),
        counts: &[ConnectionsCreated, ForwardedToReal, StuckToReal],
    });
}

#[test]
fn clients_of_one_network_are_one_client_if_the_mask_says_so() {
    let server = web(VS_STICKY_SOURCE, NETWORK, 0);
    let mut world = sticky(server);
    let order: Vec<_> = (1..5).map(|host| visit(&mut world, client(host, 1))).collect();
    assert_eq!(order, [1; 4]);
    assert_eq!(world.clients(map::STICKY), 1);
    assert_eq!(key(&server, client(9, 9)).source, [192, 158, 38, 0]);
}

#[test]
fn by_destination_everybody_goes_where_the_first_went() {
    let mut world = sticky(web(VS_STICKY_DESTINATION, WHOLE, 0));
    let order: Vec<_> = (1..5).map(|host| visit(&mut world, client(host, 1))).collect();
    assert_eq!(order, [1; 4]);
}

#[test]
fn by_both_a_client_has_a_real_at_each_address_of_a_group() {
    let both = VS_STICKY_SOURCE | VS_STICKY_DESTINATION;
    let mut world = sticky(web(both, WHOLE, 7));
    sticky_shop(&mut world, both, 7);
    assert_eq!(visit(&mut world, client(100, 1)), 1);
    assert_eq!(visit(&mut world, client(101, 1)), 2);
    assert_eq!(
        chosen(&mut world, client(101, 2), SHOP),
        Some(1),
        "another address, the shop's turn"
    );
    assert_eq!(visit(&mut world, client(101, 3)), 2);
}

#[test]
fn virtual_servers_of_a_group_share_what_sticks_and_others_do_not() {
    let mut world = sticky(web(VS_STICKY_SOURCE, WHOLE, 7));
    sticky_shop(&mut world, VS_STICKY_SOURCE, 7);
    visit(&mut world, client(100, 1));
    assert_eq!(visit(&mut world, client(101, 1)), 2);
    assert_eq!(chosen(&mut world, client(101, 2), SHOP), Some(2));
    for group in [0, 8] {
        let mut world = sticky(web(VS_STICKY_SOURCE, WHOLE, group));
        sticky_shop(&mut world, VS_STICKY_SOURCE, 0);
        visit(&mut world, client(100, 1));
        assert_eq!(visit(&mut world, client(101, 1)), 2);
        assert_eq!(chosen(&mut world, client(101, 2), SHOP), Some(1), "its own turn");
    }
}

#[test]
fn an_entry_whose_real_takes_no_connections_is_made_again() {
    let server = web(VS_STICKY_SOURCE, WHOLE, 0);
    let mut world = sticky(server);
    assert_eq!(visit(&mut world, client(100, 1)), 1);
    let entry = key(&server, client(100, 1));
    assert_eq!(lasting(&mut world, entry), Some(real(1)));
    world.remove::<_, u32>(map::FARM_REALS, FarmRealKey::new(WEB_FARM, raw(real(1))));
    let index = chosen(&mut world, client(100, 2), WEB).expect("a real");
    assert_eq!(index, 2);
    assert_eq!(chosen(&mut world, client(100, 3), WEB), Some(2), "before the first is established");
    assert_eq!(lasting(&mut world, entry), Some(real(1)), "until one is established");
    answer_and_confirm(&mut world, client(100, 2), index);
    assert_eq!(lasting(&mut world, entry), Some(real(2)));
    let back = FarmRealKey::new(WEB_FARM, raw(real(1)));
    world.set(map::FARM_REALS, back, 1_u32);
    assert_eq!(visit(&mut world, client(100, 4)), 2, "and stays when the other is back");
}

#[test]
fn a_flood_of_first_segments_makes_nothing_that_lasts() {
    let server = web(VS_STICKY_SOURCE, WHOLE, 0);
    let mut world = sticky(server);
    for host in 1..50 {
        chosen(&mut world, client(host, 1), WEB).expect("a real");
    }
    assert_eq!(world.clients(map::STICKY), 0);
    assert_eq!(world.clients(map::STICKY_NEW), 49);
    let first = chosen(&mut world, client(60, 1), WEB).expect("a real");
    assert_eq!(chosen(&mut world, client(60, 2), WEB), Some(first), "both of one page");
    answer_and_confirm(&mut world, client(60, 1), first);
    assert_eq!(world.clients(map::STICKY), 1);
    assert_eq!(world.clients(map::STICKY_NEW), 49);
}

#[test]
fn who_never_completed_a_handshake_is_a_new_client_after_a_while() {
    let server = web(VS_STICKY_SOURCE, WHOLE, 0);
    let mut world = sticky(server);
    assert_eq!(chosen(&mut world, client(100, 1), WEB), Some(1));
    let provisional = key(&server, client(100, 1));
    let entry: StickyEntry = world.get(map::STICKY_NEW, provisional).expect("provisional");
    let old = StickyEntry { last_used: seconds_from_now(-5), ..entry };
    world.set(map::STICKY_NEW, provisional, old);
    assert_eq!(chosen(&mut world, client(100, 2), WEB), Some(2));
}

#[test]
fn a_full_table_lets_old_clients_stick_and_counts_new_ones() {
    let server = web(VS_STICKY_SOURCE, WHOLE, 0);
    let mut world = sticky(server);
    let hosts = 1..=u8::try_from(STICKY_CLIENTS).expect("a small table");
    let before: Vec<_> = hosts.clone().map(|host| visit(&mut world, client(host, 1))).collect();
    let full = usize::try_from(STICKY_CLIENTS).expect("a small table");
    assert_eq!(world.clients(map::STICKY), full);
    assert_eq!(world.counters().get(&StickyTableFull), None);
    visit(&mut world, client(200, 1));
    assert_eq!(world.counters()[&StickyTableFull], 1);
    assert_eq!(world.counters()[&ConnectionsEstablished], u64::from(STICKY_CLIENTS) + 1);
    assert_eq!(lasting(&mut world, key(&server, client(200, 1))), None);
    assert_eq!(world.clients(map::STICKY), full);
    let after: Vec<_> = hosts.map(|host| visit(&mut world, client(host, 2))).collect();
    assert_eq!(after, before);
}

#[test]
fn clients_of_datagrams_stick_from_the_first_answer_on() {
    let mut world = World::active();
    let plain = virtual_server(2, DNS_FARM, (8, 1));
    let server =
        VirtualServer { flags: plain.flags | VS_STICKY_SOURCE, sticky_mask: WHOLE, ..plain };
    world.set(map::VIRTUAL, service(DNS, UDP), server);
    let (ip, _) = raw(name_server(1));
    world.set(map::FARM_REALS, FarmRealKey::new(DNS_FARM, (ip, [0; 2])), 11_u32);
    let question = Frame { dst: DNS, carries: Carries::Udp, ..from_client(0) };
    world.run(world.ports.client, &question.bytes());
    assert_eq!(world.clients(map::STICKY), 0);
    let answer = Frame {
        macs: (real_mac(1), from_real(1, 0).macs.1),
        src: name_server(1),
        dst: CLIENT,
        carries: Carries::Udp,
        ..question.clone()
    };
    assert_eq!(world.run(world.ports.server, &answer.bytes()).verdict, Verdict::Redirect);
    let key = StickyKey::of(&flow(CLIENT, DNS, UDP), &server).expect("they stick");
    assert_eq!(lasting(&mut world, key), Some(name_server(1)));
    assert_eq!(question.macs, (CLIENT_MAC, VIRTUAL_CLIENT_MAC));
}

#[test]
fn where_the_reverse_key_is_taken_a_connection_goes_elsewhere_and_the_entry_stays() {
    let server = web(VS_STICKY_SOURCE, WHOLE, 7);
    let mut world = sticky(server);
    sticky_shop(&mut world, VS_STICKY_SOURCE, 7);
    assert_eq!(visit(&mut world, CLIENT), 1);
    let entry = key(&server, CLIENT);
    let elsewhere = chosen(&mut world, CLIENT, SHOP).expect("another real");
    assert_ne!(elsewhere, 1);
    let answer = from_real(elsewhere, SYN | ACK);
    world.run(world.ports.server, &answer.bytes());
    let ack = Frame { dst: SHOP, ..from_client(ACK) };
    assert_eq!(world.run(world.ports.client, &ack.bytes()).verdict, Verdict::Redirect);
    assert_eq!(lasting(&mut world, entry), Some(real(1)));
}

#[test]
fn user_space_is_told_once_of_what_the_peer_is_to_know_and_never_of_the_rest() {
    let quiet = web(VS_STICKY_SOURCE, WHOLE, 7);
    let mut world = sticky(quiet);
    visit(&mut world, client(100, 1));
    visit(&mut world, client(100, 2));
    assert_eq!(world.sticky_events(), [], "not even by a server that replicates connections");
    assert_ne!(quiet.flags & VS_REPLICATE, 0);
    // The same entry, used by a virtual server of the group that replicates.
    let flags = VS_STICKY_SOURCE | VS_REPLICATE_STICKY;
    world.set(map::VIRTUAL, service(WEB, TCP), web(flags, WHOLE, 7));
    visit(&mut world, client(100, 3));
    visit(&mut world, client(100, 4));
    visit(&mut world, client(101, 1));
    let told = world.sticky_events();
    let clients: Vec<_> = told.iter().map(|event| event.key.source).collect();
    assert_eq!(clients, [[192, 158, 38, 100], [192, 158, 38, 101]]);
    for event in told {
        assert_eq!((event.kind, event.entry.flags), (EVENT_STICKY, STICKY_REPLICATE));
    }
}

#[test]
fn an_entry_for_a_real_that_this_box_does_not_have_is_as_none() {
    // The peer told an entry whose real this box does not have: as if there were none.
    let server = web(VS_STICKY_SOURCE, WHOLE, 0);
    let mut world = sticky(server);
    let stranger = StickyEntry {
        last_used: seconds_from_now(0),
        real_ip: [192, 158, 39, 200],
        real_port: [0, 80],
        flags: 0,
    };
    let entry = key(&server, client(100, 1));
    world.set(map::STICKY, entry, stranger);
    assert_eq!(visit(&mut world, client(100, 1)), 1);
    assert_eq!(lasting(&mut world, entry), Some(real(1)));
    assert_eq!(world.counters().get(&StuckToReal), None);
}
