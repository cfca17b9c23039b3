//! Two real daemons as a pair: connections go on through everything that can happen to processes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod boxes;

use rustix::process::{Pid, Signal, kill_process};

use boxes::{Wiring, configuration, in_own_namespace};

#[test]
fn the_active_box_is_reloaded_with_and_without_a_change() {
    in_own_namespace("reload", Wiring::Bridged, |mut pair| {
        let before = pair.ready(0).unwrap();
        pair.under_traffic(|pair| {
            let said = pair.boxes[0].reload();
            assert!(said.contains("went on as active"), "{said}\n{}", pair.boxes[0].log());
            let file = pair.boxes[0].folder.join("chassis.conf");
            std::fs::write(
                file,
                configuration(1, Wiring::Bridged).replace("priority 20", "priority 25"),
            )
            .unwrap();
            let said = pair.boxes[0].reload();
            assert!(said.contains("went on as active"), "{said}\n{}", pair.boxes[0].log());
            pair.boxes[1].reload();
            pair.until("both are in step", |pair| pair.ft(0).is_some_and(|ft| ft.status.in_step));
        });
        assert_eq!(pair.ready(0).unwrap().pid, before.pid);
        assert_eq!(pair.ft(0).unwrap().priority.to_string(), "25");
    });
}

#[test]
fn a_killed_active_module_goes_on_as_active() {
    in_own_namespace("kill", Wiring::Bridged, |mut pair| {
        let before = pair.ready(0).unwrap();
        pair.under_traffic(|pair| {
            let pid = Pid::from_raw(before.pid.cast_signed()).unwrap();
            kill_process(pid, Signal::KILL).unwrap();
            pair.until("another process is at work", |pair| {
                pair.ready(0).is_some_and(|ready| ready.configured && ready.pid != before.pid)
            });
        });
        assert!(pair.ready(0).unwrap().beginning.resumed);
    });
}

#[test]
fn a_killed_supervisor_is_followed_by_one_that_changes_nothing() {
    in_own_namespace("adopt", Wiring::Bridged, |mut pair| {
        let before = pair.ready(0).unwrap();
        pair.under_traffic(|pair| {
            pair.boxes[0].kill_daemon();
            let ready = pair.boxes[0].log().matches(": ready on ").count();
            pair.boxes[0].start();
            pair.until("the next one is ready", |pair| {
                pair.boxes[0].log().matches(": ready on ").count() > ready
            });
        });
        let after = pair.ready(0).unwrap();
        assert_eq!((after.pid, after.life), (before.pid, before.life));
        assert!(!pair.boxes[0].log().contains("repaired: "), "{}", pair.boxes[0].log());
    });
}
