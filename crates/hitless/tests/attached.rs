//! Modules whose VLANs are network devices of their own, at both hooks: the pair works as ever, and the
//! chassis gets its devices back as they were.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod boxes;

use hitless::api::client;
use hitless::api::types::Dataplane;
use hitless::netlink::{Link, Netlink};
use hitless_model::Role;
use hitless_plane::HookKind;
use hyper::Method;
use rustix::process::{Pid, Signal, kill_process};

use boxes::{Pair, Wiring, in_own_namespace, slot};

/// The devices of a chassis: name, whether it is on, alias.
fn devices(pair: &Pair, which: usize) -> Vec<Link> {
    pair.runtime.block_on(async {
        let there = Netlink::connect_in(&pair.boxes[which].namespace.0).unwrap();
        let mut links = there.links().await.unwrap();
        links.retain(|link| ["eth2", "eth3"].contains(&link.name.as_str()));
        links
    })
}

/// The hooks of the module's interfaces that are devices of the chassis.
fn hooks(pair: &Pair, which: usize) -> Vec<HookKind> {
    let plane: Dataplane = pair.get(which, "/v1/dataplane").unwrap();
    let cards = plane.interfaces.iter().filter(|interface| interface.device.is_some());
    let hook = |index: u32| plane.plane.hooks.iter().find(|hook| hook.ifindex == index);
    cards.map(|card| hook(card.index).unwrap().kind).collect()
}

/// Has a box hand over, and waits until the other one is active and both are in step again.
fn hand_over(pair: &Pair, from: usize) {
    let socket = pair.boxes[from].names.module_socket(slot());
    let asked = client::call::<_, ()>(&socket, Method::POST, "/v1/handover", &());
    pair.runtime.block_on(asked).unwrap();
    pair.until("the other one is active", |pair| pair.role(1 - from) == Some(Role::Active));
    pair.until("both are in step", |pair| {
        pair.role(from) == Some(Role::Standby)
            && pair.ft(1 - from).is_some_and(|ft| ft.status.in_step)
    });
}

fn works(mut pair: Pair, kind: HookKind) {
    assert!(devices(&pair, 0).is_empty(), "the module has them");
    for which in [0, 1] {
        assert_eq!(hooks(&pair, which), [kind; 2]);
    }
    pair.while_talking(|pair| {
        hand_over(pair, 0);
        hand_over(pair, 1);
    });
    let before = pair.ready(0).unwrap();
    pair.under_traffic(|pair| {
        kill_process(Pid::from_raw(before.pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
        pair.until("another process is at work", |pair| {
            pair.ready(0).is_some_and(|ready| ready.configured && ready.pid != before.pid)
        });
        assert_eq!(hooks(pair, 0), [kind; 2]);
    });
    assert!(pair.ready(0).unwrap().beginning.resumed);
    let daemon = pair.boxes[0].daemon.take();
    let mut daemon = daemon.unwrap();
    pair.while_talking(|_| {
        kill_process(Pid::from_raw(daemon.id().cast_signed()).unwrap(), Signal::TERM).unwrap();
        daemon.wait().unwrap();
    });
    let back = devices(&pair, 0);
    assert_eq!(back.len(), 2, "{back:?}\n{}", pair.boxes[0].log());
    assert!(back.iter().all(|link| link.up && link.alias.is_none()), "{back:?}");
    assert!(!pair.boxes[0].names.pins().exists());
}

#[test]
fn attached_devices_work_at_traffic_control() {
    in_own_namespace("atc", Wiring::Attached("tc"), |pair| works(pair, HookKind::of_this_kernel()));
}

#[test]
fn attached_devices_work_in_their_drivers() {
    in_own_namespace("axdp", Wiring::Attached("xdp"), |pair| works(pair, HookKind::Xdp));
}

#[test]
fn a_device_that_is_a_kernels_own_stays_at_traffic_control_unless_told_otherwise() {
    in_own_namespace("aauto", Wiring::Attached("auto"), |pair| {
        assert_eq!(hooks(&pair, 0), [HookKind::of_this_kernel(); 2]);
    });
}
