use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hitless_model::abi::RoleWord;
use hitless_model::{Counter, Role};

use super::sandbox::{CAPACITY, Sandbox, at, dumped, in_use};
use crate::conn::Which;
use crate::testing::record;
use crate::{Error, Plane, RoleHandle, pinned_capacity, remove_pins};

#[test]
fn the_first_process_makes_the_pins_and_the_next_adopts_them() {
    let sandbox = Sandbox::new();
    assert_eq!(pinned_capacity(sandbox.pins()), None);
    let plane = sandbox.filled(CAPACITY);
    assert!(!plane.adopted());
    let mode = std::fs::metadata(sandbox.pins()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let records: Vec<_> = (0..100).map(record).collect();
    let mut table = plane.connections();
    assert_eq!(table.upsert(&records, at(1000)).unwrap().total(), 0);
    drop((plane, table));

    let plane = sandbox.open();
    assert!(plane.adopted());
    assert_eq!(pinned_capacity(sandbox.pins()), Some(CAPACITY));
    let table = plane.connections();
    assert_eq!(dumped(&table, Which::Main, 7), records);
    assert_eq!(in_use(&table), 100);
    assert_eq!(table.usage().unwrap().capacity, u64::from(CAPACITY));
}

#[test]
fn an_interrupted_start_is_completed() {
    let sandbox = Sandbox::new();
    drop(sandbox.open());
    std::fs::remove_file(sandbox.pins().join("CONN_REV")).unwrap();
    assert!(!sandbox.open().adopted());
    assert!(sandbox.open().adopted());
}

#[test]
fn maps_of_another_size_are_not_adopted() {
    let sandbox = Sandbox::new();
    drop(sandbox.open());
    let error = Plane::open(sandbox.pins(), CAPACITY + 1).unwrap_err();
    assert_eq!(error.to_string(), "pinned map CONN_FWD has room for 1000 where 1001 is needed");
}

#[test]
fn maps_with_other_values_are_not_adopted() {
    let sandbox = Sandbox::new();
    drop(sandbox.open());
    let role = sandbox.pins().join("ROLE");
    std::fs::remove_file(&role).unwrap();
    std::fs::rename(sandbox.pins().join("USE_BPF"), &role).unwrap();
    let error = Plane::open(sandbox.pins(), CAPACITY).unwrap_err();
    assert_eq!(error.to_string(), "pinned map ROLE has value size 24 where 32 is needed");
    let error = RoleHandle::open_pinned(sandbox.pins()).unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
}

#[test]
fn a_folder_of_another_abi_or_outside_bpffs_is_refused() {
    let error = Plane::open(Path::new("/sys/fs/bpf/hitless-test-m1-abi999"), 10).unwrap_err();
    assert!(matches!(error, Error::OtherAbi { .. }), "{error}");
    let folder = std::env::temp_dir().join("hitless-test-pins");
    let error = Plane::open(&folder, 10).unwrap_err();
    assert!(matches!(error, Error::NotBpffs { .. }), "{error}");
    assert!(!folder.exists());
}

#[test]
fn removing_pins_leaves_nothing_and_may_be_repeated() {
    let sandbox = Sandbox::new();
    drop(sandbox.open());
    remove_pins(sandbox.pins()).unwrap();
    assert!(!sandbox.pins().exists());
    remove_pins(sandbox.pins()).unwrap();
}

#[test]
fn the_role_word_is_the_same_for_every_reader() {
    let sandbox = Sandbox::new();
    let plane = sandbox.open();
    let core = plane.role().unwrap();
    assert_eq!(core.read().unwrap(), RoleWord::default());
    let word = RoleWord {
        role: Role::Active as u32,
        epoch: 7,
        lease_until: 8,
        active_since: 9,
        ..RoleWord::default()
    };
    core.clone().write(word).unwrap();
    assert_eq!(RoleHandle::open_pinned(sandbox.pins()).unwrap().read().unwrap(), word);
}

#[test]
fn counters_start_at_zero() {
    let sandbox = Sandbox::new();
    let counters = sandbox.open().counters().unwrap().all().unwrap();
    assert_eq!(counters.len(), Counter::ALL.len());
    assert!(counters.values().all(|value| *value == 0));
}

#[test]
fn a_start_that_fails_leaves_no_pins() {
    let sandbox = Sandbox::new();
    // More entries than the kernel makes a table for.
    let error = Plane::open(sandbox.pins(), u32::MAX).unwrap_err();
    assert!(matches!(error, Error::NoMemory { .. }), "{error}");
    assert!(!sandbox.pins().exists());
}

#[test]
fn handles_may_go_to_other_threads() {
    fn goes<T: Send>() {}
    goes::<Plane>();
    goes::<RoleHandle>();
    goes::<crate::ConnTable>();
    goes::<crate::NextHops>();
    goes::<crate::EventReader>();
    goes::<crate::CounterReader>();
}
