//! A daemon that is replaced in place: what goes on, what changes, what is refused, and what the
//! service manager is told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod place;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use place::{CONFIGURATION, Place, in_own_namespace, is_alive, send, slot};
use rustix::process::Signal;

/// Reloads and insists that it went well.
fn reload(place: &Place) -> String {
    let (is_well, said) = place.exec("reload daemon");
    assert!(is_well, "{said}\n{}", place.log());
    said
}

/// Reloads, insists that it was refused with this sentence, and that nothing has changed.
fn refused(place: &Place, sentence: &str) {
    let before = place.ready();
    let (is_well, said) = place.exec("reload daemon");
    assert!(!is_well, "{said}");
    assert!(said.contains(sentence), "{said}");
    let after = place.ready();
    assert_eq!((after.pid, after.life), (before.pid, before.life));
}

#[test]
fn supervisor_and_module_are_replaced_in_their_own_processes() {
    in_own_namespace("reload", |mut place| {
        place.wire();
        let links = place.links();
        place.start();
        let daemon = place.daemon.as_ref().unwrap().id();
        for _ in 0..2 {
            let before = place.ready();
            let said = reload(&place);
            assert!(said.starts_with("Reloaded in "), "{said}");
            assert!(said.contains("module csm 4: replaced in place: "), "{said}");
            let after = place.ready();
            assert_eq!(after.pid, before.pid);
            assert_ne!(after.life, before.life);
            assert!(is_alive(daemon));
        }
        // Still a child, still locked, still kept.
        let module = place.module();
        let second = String::from_utf8(place.run().stderr).unwrap();
        assert!(
            second.contains(&format!("another hitlessd (process {daemon}) uses it")),
            "{second}"
        );
        send(module, Signal::KILL);
        place.wait_for("another process", || !is_alive(module));
        assert_ne!(place.module(), module);
        assert!(place.end(Signal::TERM));
        assert_eq!(place.links(), links);
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}

#[test]
fn a_changed_configuration_is_in_force_afterwards() {
    in_own_namespace("change", |mut place| {
        place.wire();
        let links = place.links();
        place.start();
        let before = place.ready();
        place.configure(
            &CONFIGURATION
                .replace("real 10.5.0.11", "real 10.5.0.12")
                .replace("vlan 3 server", "vlan 5 server")
                .replace("hostname chasA", "hostname chasB"),
        );
        reload(&place);
        assert_eq!(place.module(), before.pid);
        assert!(place.exec("show module csm 4 real").1.contains("10.5.0.12"));
        assert!(place.exec("show running-config").1.contains("hostname chasB"));
        assert!(place.links().contains("vlan5"));
        place.wait_for("vlan3 is gone", || !place.links().contains("vlan3"));
        assert_eq!(place.module(), before.pid, "losing a VLAN that it left does not end it");

        let larger = format!("{CONFIGURATION} variable MAX_CONNECTIONS 65536\n");
        place.configure(&larger);
        let said = reload(&place);
        assert!(said.contains("module csm 4: started: "), "{said}");
        assert!(!is_alive(before.pid));
        place.configure("vlan 2\n");
        reload(&place);
        assert!(!place.names.namespace_path(slot()).exists());
        assert!(place.end(Signal::TERM));
        assert_eq!(place.links(), links);
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}

#[test]
fn what_cannot_be_had_is_refused_and_everything_goes_on() {
    in_own_namespace("refuse", |mut place| {
        let program = place.folder.join("hitlessd");
        std::fs::copy(&place.program, &program).unwrap();
        place.program.clone_from(&program);
        place.wire();
        place.start();
        place.configure(&CONFIGURATION.replace("gateway", "gatewax"));
        refused(&place, "chassis.conf:7:");
        place.configure(&CONFIGURATION.replace("interface eth2", "interface eth7"));
        refused(&place, "interface eth7: there is no such network device");
        place.configure(CONFIGURATION);

        let hidden = place.folder.join("hidden");
        std::fs::rename(&program, &hidden).unwrap();
        refused(&place, &format!("there is no program {} any more", program.display()));
        std::fs::write(&program, "#!/bin/false\n").unwrap();
        refused(&place, "is not executable");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        refused(&place, "cannot take over");
        std::fs::rename(&hidden, &program).unwrap();
        reload(&place);
        assert!(place.end(Signal::TERM));
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}

#[test]
fn the_service_manager_hears_of_every_turn() {
    in_own_namespace("notify", |mut place| {
        place.wire();
        let socket = UnixDatagram::bind(place.folder.join("notify")).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let next = |wanted: &str| {
            let mut buffer = [0; 4_096];
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(20) {
                let length = socket.recv(&mut buffer).unwrap();
                let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if message.lines().any(|line| line == wanted) {
                    return message;
                }
            }
            panic!("not heard: {wanted}")
        };
        place.notify = Some(place.folder.join("notify"));
        place.start();
        assert!(next("READY=1").contains("STATUS=module csm 4"));
        next("WATCHDOG=1");
        let daemon = place.daemon.as_ref().unwrap().id();
        let before = place.ready();
        send(daemon, Signal::HUP);
        assert!(next("RELOADING=1").contains("MONOTONIC_USEC="));
        next("READY=1");
        next("WATCHDOG=1");
        assert_ne!(place.ready().life, before.life);

        // One that is refused ends all the same.
        place.configure("vlam 3\n");
        send(daemon, Signal::HUP);
        next("RELOADING=1");
        assert!(next("READY=1").contains("STATUS=not reloaded"));
        assert!(place.end(Signal::TERM));
        next("STOPPING=1");
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}

#[test]
fn a_module_that_stands_still_is_killed_and_started_again() {
    in_own_namespace("stuck", |mut place| {
        place.wire();
        place.start();
        let module = place.module();
        send(module, Signal::STOP);
        place.wait_for("it is killed", || !is_alive(module));
        assert_ne!(place.module(), module);
        assert!(place.log().contains("it does not answer, for "), "{}", place.log());
        assert!(place.end(Signal::TERM));
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}

#[test]
fn a_module_whose_supervisor_died_before_it_was_told_anything_is_adopted() {
    in_own_namespace("orphan", |mut place| {
        place.wire();
        place.start();
        let module = place.module();
        place.end(Signal::KILL);
        send(module, Signal::KILL);
        place.wait_for("the module is gone", || !is_alive(module));
        let mut orphan = Command::new(&place.program);
        orphan.args(["module", "--slot", "4", "--state-dir"]).arg(place.names.state_dir());
        let mut orphan = orphan.spawn().unwrap();
        let pid = orphan.id().to_string();
        let file = place.names.module_pid(slot());
        place.wait_for("the orphan has the slot", || {
            std::fs::read_to_string(&file).is_ok_and(|text| text.trim() == pid)
        });
        place.start();
        assert_eq!(place.module(), orphan.id(), "no second one was started");
        assert!(place.end(Signal::TERM));
        assert!(orphan.wait().unwrap().success());
        assert_eq!(place.left(), Vec::<PathBuf>::new());
    });
}
