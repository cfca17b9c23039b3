//! Ping of floating addresses, and all other ICMP to them.

use hitless_model::Counter::{
    DropIcmp, DropLeaseExpired, DropMalformed, DropNotActive, PingAnswered,
};
use hitless_model::Role;

use crate::support::case::Case;
use crate::support::frame::echo;
use crate::support::scene::{
    CLIENT, CLIENT_ALIAS, CLIENT_MAC, OWN_CLIENT_IP, OWN_CLIENT_MAC, OWN_SERVER_MAC, SERVER_ALIAS,
    VIP, VIRTUAL_CLIENT_MAC, VIRTUAL_SERVER_MAC, real, real_mac, seconds_from_now,
};
use crate::support::world::{Verdict, World};

/// A ping of the virtual address.
fn ping() -> Vec<u8> {
    echo((CLIENT_MAC, VIRTUAL_CLIENT_MAC), *CLIENT.ip(), VIP, (61, false))
}

#[test]
fn the_active_answers_pings_of_its_floating_addresses() {
    let mut world = World::active();
    for address in [VIP, CLIENT_ALIAS, SERVER_ALIAS] {
        world.check(Case {
            says: "a client pings a floating address",
            at: world.ports.client,
            frame: echo((CLIENT_MAC, VIRTUAL_CLIENT_MAC), *CLIENT.ip(), address, (61, false)),
            verdict: Verdict::Redirect,
            becomes: Some(echo((OWN_CLIENT_MAC, CLIENT_MAC), address, *CLIENT.ip(), (64, true))),
            counts: &[PingAnswered],
        });
    }
    world.check(Case {
        says: "a real pings its default gateway",
        at: world.ports.server,
        frame: echo((real_mac(1), VIRTUAL_SERVER_MAC), *real(1).ip(), SERVER_ALIAS, (64, false)),
        verdict: Verdict::Redirect,
        becomes: Some(echo((OWN_SERVER_MAC, real_mac(1)), SERVER_ALIAS, *real(1).ip(), (64, true))),
        counts: &[PingAnswered],
    });
}

#[test]
fn icmp_to_other_addresses_is_the_kernels() {
    let mut world = World::active();
    let to_own = echo((CLIENT_MAC, OWN_CLIENT_MAC), *CLIENT.ip(), OWN_CLIENT_IP, (64, false));
    world.check_passed("a ping of the own address", world.ports.client, to_own);
}

#[test]
fn other_icmp_to_a_floating_address_is_dropped() {
    let mut world = World::active();
    let client = world.ports.client;
    let reply = echo((CLIENT_MAC, VIRTUAL_CLIENT_MAC), *CLIENT.ip(), VIP, (64, true));
    world.check_dropped("a reply that nobody asked for", client, reply, DropIcmp);
    let mut redirect = ping();
    redirect[34] = 5;
    world.check_dropped("a redirect", client, redirect, DropIcmp);
    let mut cut = ping();
    // The IPv4 packet ends within the ICMP header; what follows is padding.
    cut[16..18].copy_from_slice(&27_u16.to_be_bytes());
    world.check_dropped("cut short", client, cut, DropMalformed);
}

#[test]
fn who_is_not_active_answers_no_ping() {
    let mut world = World::active();
    let client = world.ports.client;
    for role in [Role::Initializing, Role::Standby, Role::Draining] {
        world.set_role(role, seconds_from_now(3600));
        world.check_dropped(&role.to_string(), client, ping(), DropNotActive);
    }
    world.set_role(Role::Active, seconds_from_now(-1));
    world.check_dropped("without a lease", client, ping(), DropLeaseExpired);
}
