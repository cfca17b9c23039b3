//! The real daemon with a real module, in a network namespace of the test's own: what it makes, what
//! it repairs, what it refuses, and that it leaves nothing behind.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod place;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use hitless::netlink::{Netlink, netns, sysctl};
use hitless_model::Mac;
use place::{CONFIGURATION, Place, in_own_namespace, is_alive, send, slot};
use rustix::process::Signal;

#[test]
fn what_it_makes_is_complete_repaired_and_gone_at_the_end() {
    in_own_namespace("life", |mut place| {
        place.wire();
        let before = place.links();
        place.start();
        assert_eq!(place.bridge_of("eth2").as_deref(), Some("vlan2"));
        assert_eq!(place.left().len(), 6, "what is looked for at the end is there before");

        let module = place.module();
        place.delete("vlan2");
        place.wait_for("eth2 is back", || place.bridge_of("eth2").as_deref() == Some("vlan2"));
        assert_eq!(place.module(), module, "the module lived through it");

        assert!(place.end(Signal::TERM));
        assert_eq!(place.links(), before);
        assert_eq!(place.left(), Vec::<PathBuf>::new());
        assert!(!is_alive(module));
    });
}

#[test]
fn a_module_that_is_killed_is_started_again_at_once() {
    in_own_namespace("killed", |mut place| {
        place.wire();
        place.start();
        let first = place.module();
        let begun = Instant::now();
        send(first, Signal::KILL);
        place.wait_for("another process", || !is_alive(first));
        let second = place.module();
        assert_ne!(first, second);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert!(place.end(Signal::TERM));
    });
}

#[test]
fn a_module_outlives_its_supervisor_and_is_adopted_by_the_next() {
    in_own_namespace("adopted", |mut place| {
        place.wire();
        let before = place.links();
        place.start();
        let module = place.module();
        place.end(Signal::KILL);
        assert_eq!(place.module(), module, "it works on");
        place.start();
        assert_eq!(place.module(), module, "no second one was started");

        // Adopted or not, it is kept: the next one is a child again.
        send(module, Signal::KILL);
        place.wait_for("the adopted one is gone", || !is_alive(module));
        assert_ne!(place.module(), module);
        assert!(place.end(Signal::TERM));
        assert_eq!(place.links(), before);
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}

#[test]
fn what_a_crash_left_behind_is_taken_over_even_by_another_configuration() {
    in_own_namespace("crash", |mut place| {
        place.wire();
        let before = place.links();
        place.start();
        let module = place.module();
        place.end(Signal::KILL);
        send(module, Signal::KILL);
        place.wait_for("the module is gone", || !is_alive(module));
        place.configure(&CONFIGURATION.replace("vlan 3 server", "vlan 5 server"));
        place.start();
        assert!(!place.links().contains("vlan3"), "{:?}", place.links());
        assert!(place.links().contains("vlan5"));
        assert!(place.end(Signal::TERM));
        assert_eq!(place.links(), before);
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}

#[test]
fn an_adopted_module_changes_over_to_another_configuration_in_place() {
    in_own_namespace("changed", |mut place| {
        place.wire();
        place.start();
        let before = place.ready();
        place.end(Signal::KILL);
        place.configure(&CONFIGURATION.replace("real 10.5.0.11", "real 10.5.0.12"));
        place.start();
        let after = place.ready();
        assert_eq!(after.pid, before.pid);
        assert_ne!(after.life, before.life);
        assert!(place.exec("show module csm 4 real").1.contains("10.5.0.12"));
        assert!(place.end(Signal::TERM));
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}

#[test]
fn a_second_signal_does_not_wait_for_a_module_that_hangs() {
    in_own_namespace("hurry", |mut place| {
        place.wire();
        place.start();
        let module = place.module();
        send(module, Signal::STOP);
        let daemon = place.daemon.as_ref().unwrap().id();
        send(daemon, Signal::TERM);
        place.wait_for("it stops", || place.log().contains("stopping"));
        let begun = Instant::now();
        assert!(place.end(Signal::INT));
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert!(!is_alive(module));
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}

#[test]
fn a_namespace_removed_by_hand_is_made_again_with_a_module_in_it() {
    in_own_namespace("unmounted", |mut place| {
        place.wire();
        place.start();
        let module = place.module();
        netns::remove(&place.names.namespace_path(slot())).unwrap();
        place.wait_for("the old module leaves", || !is_alive(module));
        assert_ne!(place.module(), module);
        assert!(netns::exists(&place.names.namespace_path(slot())));
        assert!(place.end(Signal::TERM));
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}

/// A start that fails: the sentence it says, and nothing left behind.
fn refused(place: &Place, sentence: &str) {
    let before = place.links();
    let output = place.run();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stderr).unwrap().trim_end(), sentence);
    assert_eq!(place.links(), before);
    assert_eq!(place.left(), Vec::<PathBuf>::new());
}

#[test]
fn an_interface_that_does_not_exist_is_named_and_nothing_is_made() {
    in_own_namespace("missing", |place| {
        refused(&place, "hitlessd: interface eth2: there is no such network device");
    });
}

#[test]
fn a_module_that_cannot_start_takes_everything_back() {
    in_own_namespace("refuses", |place| {
        place.wire();
        let before = place.links();
        // Where a map belongs, there is a folder.
        std::fs::create_dir_all(place.names.module_pins(slot()).join("REAL_ADDRS")).unwrap();
        let output = place.run();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        let last = said.lines().last().unwrap();
        assert!(last.starts_with("hitlessd: module csm 4: "), "{said}");
        assert_eq!(place.links(), before);
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}

#[test]
fn a_bridge_of_somebody_else_is_left_alone() {
    in_own_namespace("foreign", |place| {
        place.wire();
        place.runtime.block_on(async {
            let mac = Mac([6, 0, 0, 0, 0, 7]);
            Netlink::connect().unwrap().create_bridge("vlan3", mac).await.unwrap();
        });
        refused(&place, "hitlessd: VLAN 3: a device vlan3 exists and is not ours");
    });
}

#[test]
fn two_daemons_do_not_share_a_vlan_or_a_state_directory() {
    in_own_namespace("first", |mut first| {
        first.wire();
        first.start();
        let pid = first.daemon.as_ref().unwrap().id();
        let output = first.run();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(&format!("another hitlessd (process {pid}) uses it")), "{said}");

        let second = Place::new("second");
        second.configure("vlan 3\n");
        let tag = first.names.tag();
        refused(&second, &format!("hitlessd: VLAN 3: vlan3 is used by another hitlessd ({tag})"));
        assert!(first.end(Signal::TERM));
    });
}

#[test]
fn without_ipv6_it_says_so() {
    in_own_namespace("ipv6", |place| {
        place.wire();
        sysctl::write("net/ipv6/conf/all/disable_ipv6", "1").unwrap();
        let output = place.run();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("hitlessd: IPv6 is disabled on this host"), "{said}");
        assert_eq!(said.lines().count(), 1);
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}

#[test]
fn a_bad_configuration_is_refused_before_anything_else() {
    in_own_namespace("bad", |place| {
        place.configure("vlan 2\nvlam 3\n");
        let output = place.run();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("chassis.conf:2:"), "{said}");
        assert_eq!(place.left(), Vec::<PathBuf>::new());
        let check = |place: &Place| place.command().arg("--check").stderr(Stdio::null()).status();
        assert_eq!(check(&place).unwrap().code(), Some(1));
        place.configure(CONFIGURATION);
        assert_eq!(check(&place).unwrap().code(), Some(0));
    });
}
