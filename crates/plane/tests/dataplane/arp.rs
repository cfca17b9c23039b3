//! ARP for floating addresses, and the ARP that is not ours.

use std::net::Ipv4Addr;

use etherparse::ArpOperation;
use hitless_model::Counter::{ArpAnswered, DropArpNotActive, DropLeaseExpired};
use hitless_model::Role;

use crate::support::case::Case;
use crate::support::frame::arp;
use crate::support::scene::{
    BROADCAST, CLIENT, CLIENT_ALIAS, CLIENT_MAC, OWN_CLIENT_IP, SERVER_ALIAS, VIP,
    VIRTUAL_CLIENT_MAC, VIRTUAL_SERVER_MAC, real, real_mac, seconds_from_now,
};
use crate::support::world::{Verdict, World};

/// The client asks who has an address.
fn question(target: Ipv4Addr) -> Vec<u8> {
    let sender = (CLIENT_MAC, *CLIENT.ip());
    arp((CLIENT_MAC, BROADCAST), ArpOperation::REQUEST, sender, ([0; 6], target))
}

/// The answer to [`question`].
fn answer(target: Ipv4Addr) -> Vec<u8> {
    let macs = (VIRTUAL_CLIENT_MAC, CLIENT_MAC);
    let asker = (CLIENT_MAC, *CLIENT.ip());
    arp(macs, ArpOperation::REPLY, (VIRTUAL_CLIENT_MAC, target), asker)
}

#[test]
fn the_active_answers_for_virtual_addresses_and_aliases_with_the_virtual_mac() {
    let mut world = World::active();
    for address in [VIP, CLIENT_ALIAS] {
        world.check(Case {
            says: "a client asks for a floating address",
            at: world.ports.client,
            frame: question(address),
            verdict: Verdict::Redirect,
            becomes: Some(answer(address)),
            counts: &[ArpAnswered],
        });
    }
    let (mac, ip) = (real_mac(1), *real(1).ip());
    let target = ([0; 6], SERVER_ALIAS);
    let reply = arp(
        (VIRTUAL_SERVER_MAC, mac),
        ArpOperation::REPLY,
        (VIRTUAL_SERVER_MAC, SERVER_ALIAS),
        (mac, ip),
    );
    world.check(Case {
        says: "a real asks for its default gateway",
        at: world.ports.server,
        frame: arp((mac, BROADCAST), ArpOperation::REQUEST, (mac, ip), target),
        verdict: Verdict::Redirect,
        becomes: Some(reply),
        counts: &[ArpAnswered],
    });
}

#[test]
fn a_unicast_refresh_and_a_probe_for_duplicates_are_answered_too() {
    let mut world = World::active();
    let sender = (CLIENT_MAC, *CLIENT.ip());
    let macs = (CLIENT_MAC, VIRTUAL_CLIENT_MAC);
    world.check(Case {
        says: "a neighbour refreshes its entry",
        at: world.ports.client,
        frame: arp(macs, ArpOperation::REQUEST, sender, (VIRTUAL_CLIENT_MAC, VIP)),
        verdict: Verdict::Redirect,
        becomes: Some(answer(VIP)),
        counts: &[ArpAnswered],
    });
    let prober = (CLIENT_MAC, Ipv4Addr::UNSPECIFIED);
    let probe = arp((CLIENT_MAC, BROADCAST), ArpOperation::REQUEST, prober, ([0; 6], VIP));
    let defence = arp(
        (VIRTUAL_CLIENT_MAC, CLIENT_MAC),
        ArpOperation::REPLY,
        (VIRTUAL_CLIENT_MAC, VIP),
        prober,
    );
    world.check(Case {
        says: "a host that wants the address for itself is told that it is taken",
        at: world.ports.client,
        frame: probe,
        verdict: Verdict::Redirect,
        becomes: Some(defence),
        counts: &[ArpAnswered],
    });
}

#[test]
fn other_arp_is_the_kernels() {
    let mut world = World::active();
    let (client, server) = (world.ports.client, world.ports.server);
    world.check_passed("for the interface's own address", client, question(OWN_CLIENT_IP));
    world.check_passed("for a floating address of another VLAN", server, question(VIP));
    let reply = arp(
        (CLIENT_MAC, VIRTUAL_CLIENT_MAC),
        ArpOperation::REPLY,
        (CLIENT_MAC, *CLIENT.ip()),
        (VIRTUAL_CLIENT_MAC, VIP),
    );
    world.check_passed("a reply", client, reply);
    let mut foreign = question(VIP);
    foreign[14..16].copy_from_slice(&[0, 6]);
    world.check_passed("for another kind of network", client, foreign);
    let mut short = question(VIP);
    short.truncate(41);
    world.check_passed("cut short", client, short);
}

#[test]
fn who_is_not_active_answers_for_nothing() {
    let mut world = World::active();
    let client = world.ports.client;
    for role in [Role::Initializing, Role::Standby, Role::Draining] {
        world.set_role(role, seconds_from_now(3600));
        world.check_dropped(&role.to_string(), client, question(VIP), DropArpNotActive);
        world.check_passed("the kernel's own", client, question(OWN_CLIENT_IP));
    }
    world.set_role(Role::Active, seconds_from_now(-1));
    world.check_dropped("without a lease", client, question(VIP), DropLeaseExpired);
}
