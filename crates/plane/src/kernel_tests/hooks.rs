use std::path::Path;

use aya::programs::{SchedClassifier, TcAttachType};
use hitless_model::abi::PROGRAM_TC;

use super::sandbox::Sandbox;
use crate::hook::{HookKind, Hooks, Wanted};
use crate::plane::Plane;
use crate::{Error, remove_pins};

/// The one interface that every namespace has.
const LOOPBACK: u32 = 1;

fn programs_on_loopback() -> Vec<u32> {
    let (_, programs) = SchedClassifier::query_tcx("lo", TcAttachType::Ingress).unwrap();
    programs.iter().map(aya::programs::ProgramInfo::id).collect()
}

fn program_id(plane: &mut Plane) -> u32 {
    plane.dataplane().unwrap().programs.iter().find(|one| one.name == PROGRAM_TC).unwrap().id
}

#[test]
fn a_hook_outlives_its_process_and_is_replaced_in_place() {
    if HookKind::of_this_kernel() != HookKind::Tcx {
        return;
    }
    let sandbox = Sandbox::new();
    let mut first = sandbox.open();
    let hook = first.attach(LOOPBACK).unwrap();
    assert_eq!((hook.kind, hook.replaced), (HookKind::Tcx, false));
    let old = program_id(&mut first);
    drop(first);
    assert_eq!(programs_on_loopback(), [old]);

    let mut second = sandbox.open();
    assert!(second.attach(LOOPBACK).unwrap().replaced);
    assert_ne!(program_id(&mut second), old);
    assert_eq!(programs_on_loopback(), [program_id(&mut second)]);
    assert_eq!(second.dataplane().unwrap().hooks.len(), 1);

    second.detach_all().unwrap();
    assert_eq!(programs_on_loopback(), [0_u32; 0]);
}

#[test]
fn removing_the_pins_takes_the_program_off() {
    if HookKind::of_this_kernel() != HookKind::Tcx {
        return;
    }
    let sandbox = Sandbox::new();
    let mut plane = sandbox.open();
    plane.attach(LOOPBACK).unwrap();
    drop(plane);
    remove_pins(sandbox.pins()).unwrap();
    assert_eq!(programs_on_loopback(), [0_u32; 0]);
}

#[test]
fn the_link_of_an_interface_that_is_gone_is_replaced_by_a_new_one() {
    if HookKind::of_this_kernel() != HookKind::Tcx {
        return;
    }
    let sandbox = Sandbox::new();
    let mut first = sandbox.open();
    first.attach(LOOPBACK).unwrap();
    drop(first);
    // Another namespace has another interface of the same number.
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
    wait_until_the_old_namespace_is_gone(sandbox.pins());
    let mut second = sandbox.open();
    assert!(!second.attach(LOOPBACK).unwrap().replaced);
    assert_eq!(programs_on_loopback(), [program_id(&mut second)]);
}

/// The kernel tears a namespace down some time after its last user has left it.
fn wait_until_the_old_namespace_is_gone(pins: &Path) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while std::time::Instant::now() < deadline {
        let link = aya::programs::links::PinnedLink::from_pin(pins.join("LINK_1")).unwrap();
        let text = std::fs::read_to_string(fdinfo(&link)).unwrap();
        if text.lines().any(|line| line.split_whitespace().eq(["ifindex:", "0"])) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the kernel keeps the namespace");
}

fn fdinfo(link: &aya::programs::links::PinnedLink) -> String {
    let text = format!("{link:?}");
    let digits = text.split(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty());
    format!("/proc/self/fdinfo/{}", digits.unwrap())
}

#[test]
fn before_tcx_a_filter_does_the_same() {
    let sandbox = Sandbox::new();
    let mut plane = sandbox.open();
    let mut hooks = Hooks::new(sandbox.pins(), HookKind::Clsact);
    let attach = |plane: &mut Plane, hooks: &mut Hooks| {
        hooks.attach(plane.program_for_tests(), LOOPBACK, Wanted::Tc).unwrap()
    };
    let first = attach(&mut plane, &mut hooks);
    assert_eq!((first.kind, first.replaced), (HookKind::Clsact, false));
    drop(plane);
    let mut plane = sandbox.open();
    assert!(attach(&mut plane, &mut hooks).replaced);
    hooks.detach_all().unwrap();
    assert!(!attach(&mut plane, &mut hooks).replaced, "the filter was gone");
    hooks.detach_all().unwrap();
}

#[test]
fn an_interface_that_does_not_exist_is_an_error_with_its_number() {
    let sandbox = Sandbox::new();
    let error = sandbox.open().attach(4711).unwrap_err();
    assert!(matches!(error, Error::Attach { ifindex: 4711, .. }), "{error}");
}
