//! Which real a connection goes to.

use std::net::SocketAddrV4;

use hitless_model::Counter::{ConnectionsCreated, DropReverseOccupied, ForwardedToReal};
use hitless_model::abi::{FLOATING_VIRTUAL, Floating, FloatingKey, map};
use hitless_model::tcp::SYN;

use crate::support::case::Case;
use crate::support::frame::{Carries, Frame};
use crate::support::scene::{
    CLIENT, DNS, TCP, WEB, WEB_FARM, at_real, flow, from_client, real, seconds_from_now, service,
    virtual_server,
};
use crate::support::world::{Verdict, World};

/// Another virtual server of the web farm.
pub(crate) const SHOP: SocketAddrV4 =
    SocketAddrV4::new(std::net::Ipv4Addr::new(192, 158, 38, 31), 80);

/// The real that a client's SYN goes to.
pub(crate) fn chosen(world: &mut World, src: SocketAddrV4, dst: SocketAddrV4) -> Option<u32> {
    let syn = Frame { src, dst, ..from_client(SYN) };
    let outcome = world.run(world.ports.client, &syn.bytes());
    (1..=3).find(|index| at_real(*index, &syn).bytes() == outcome.frame)
}

fn client(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(*CLIENT.ip(), port)
}

pub(crate) fn add_shop(world: &mut World, schedule: (u32, u32), farm: u32) {
    let key = FloatingKey { ip: SHOP.ip().octets(), vlan: 0, reserved: 0 };
    world.set(map::FLOATING, key, Floating { kind: FLOATING_VIRTUAL });
    world.set(map::VIRTUAL, service(SHOP, TCP), virtual_server(3, farm, schedule));
}

#[test]
fn connections_go_round_the_schedule_by_weight() {
    let mut world = World::active();
    let order: Vec<_> =
        (1..=9).map(|port| chosen(&mut world, client(port), WEB).expect("a real")).collect();
    assert_eq!(order, [1, 2, 1, 3, 1, 2, 1, 3, 1]);
    assert_eq!(world.element::<u64>(map::TURN, WEB_FARM), 9);
}

#[test]
fn a_farm_has_one_turn_for_all_its_virtual_servers() {
    let mut world = World::active();
    add_shop(&mut world, (0, 4), WEB_FARM);
    assert_eq!(chosen(&mut world, client(1), WEB), Some(1));
    assert_eq!(chosen(&mut world, client(2), SHOP), Some(2));
    assert_eq!(chosen(&mut world, client(3), WEB), Some(1));
    let datagram = Frame { dst: DNS, carries: Carries::Udp, ..from_client(0) };
    world.run(world.ports.client, &datagram.bytes());
    assert_eq!(chosen(&mut world, client(4), SHOP), Some(3), "other farms do not count");
}

#[test]
fn the_turn_goes_on_where_the_schedule_changes() {
    let mut world = World::active();
    chosen(&mut world, client(1), WEB);
    // The other half of the schedule: the second real is out of service.
    world.set_element(map::SCHEDULE, 100, 1_u32);
    world.set_element(map::SCHEDULE, 101, 3_u32);
    world.set(map::VIRTUAL, service(WEB, TCP), virtual_server(1, WEB_FARM, (100, 2)));
    assert_eq!(chosen(&mut world, client(2), WEB), Some(3));
    assert_eq!(chosen(&mut world, client(3), WEB), Some(1));
}

#[test]
fn an_occupied_reverse_key_leaves_the_connection_to_the_next_real() {
    let mut world = World::active();
    // A turn of its own: both virtual servers begin with the first real.
    add_shop(&mut world, (0, 4), WEB_FARM + 7);
    assert_eq!(chosen(&mut world, CLIENT, WEB), Some(1));
    assert_eq!(chosen(&mut world, CLIENT, SHOP), Some(2), "embryonic");
    let mut world = World::active();
    add_shop(&mut world, (0, 4), WEB_FARM + 7);
    world.establish();
    assert_eq!(chosen(&mut world, CLIENT, SHOP), Some(2), "established");
    let first = world.conn(map::CONN_REV, flow(real(1), CLIENT, TCP)).expect("established");
    assert_eq!(first.rewrite_ip, WEB.ip().octets(), "the first one's entry is untouched");
}

#[test]
fn no_real_with_a_free_reverse_key_drops_the_packet() {
    let mut world = World::active();
    world.set_element(map::SCHEDULE, 200, 1_u32);
    add_shop(&mut world, (200, 1), WEB_FARM + 7);
    world.establish();
    let syn = Frame { dst: SHOP, ..from_client(SYN) };
    world.check_dropped("established", world.ports.client, syn.bytes(), DropReverseOccupied);
    let mut world = World::active();
    world.set_element(map::SCHEDULE, 200, 1_u32);
    add_shop(&mut world, (200, 1), WEB_FARM + 7);
    chosen(&mut world, CLIENT, WEB);
    world.check_dropped("embryonic", world.ports.client, syn.bytes(), DropReverseOccupied);
    assert_eq!(world.connections(map::EMB_FWD), 1);
}

#[test]
fn a_reverse_key_whose_holder_is_too_old_is_free() {
    let mut world = World::active();
    world.set_element(map::SCHEDULE, 200, 1_u32);
    add_shop(&mut world, (200, 1), WEB_FARM + 7);
    chosen(&mut world, CLIENT, WEB);
    let holder = world.conn(map::EMB_FWD, flow(CLIENT, WEB, TCP)).expect("embryonic");
    let created = seconds_from_now(-5);
    let aged = hitless_model::abi::Conn { created, ..holder };
    world.set(map::EMB_FWD, flow(CLIENT, WEB, TCP), aged);
    assert_eq!(chosen(&mut world, CLIENT, SHOP), Some(1));
}

#[test]
fn a_reverse_key_that_is_the_connections_own_is_free() {
    let mut world = World::active();
    // One real only, and the forward entry was evicted.
    world.set(map::VIRTUAL, service(WEB, TCP), virtual_server(1, WEB_FARM, (0, 1)));
    chosen(&mut world, CLIENT, WEB);
    world.remove::<_, hitless_model::abi::Conn>(map::EMB_FWD, flow(CLIENT, WEB, TCP));
    let syn = from_client(SYN);
    world.check(Case {
        says: "the repeated SYN takes its own entry",
        at: world.ports.client,
        frame: syn.bytes(),
        verdict: Verdict::Redirect,
        becomes: Some(at_real(1, &syn).bytes()),
        counts: &[ConnectionsCreated, ForwardedToReal],
    });
}

#[test]
fn the_next_real_is_another_one_however_great_the_weights() {
    let mut world = World::active();
    // The usual weight, 8: a real has as many places in a row.
    for (place, index) in (200..).zip([[1_u32; 8], [2; 8], [3; 8]].concat()) {
        world.set_element(map::SCHEDULE, place, index);
    }
    add_shop(&mut world, (200, 24), WEB_FARM + 7);
    world.establish();
    assert_eq!(chosen(&mut world, CLIENT, SHOP), Some(2));
}
