//! A network namespace and a pin folder that go with the test.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hitless_model::{ConnRecord, Instant};
use nix::sched::CloneFlags;

use crate::conn::{ConnTable, DumpCursor, Scope, SweepCursor, SweepPolicy, Swept, Which};
use crate::desired::desired;
use crate::testing::{module, ports};
use crate::{Plane, remove_pins};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Connections that a sandbox's table holds unless the test says otherwise.
pub(super) const CAPACITY: u32 = 1000;

pub(super) struct Sandbox {
    pins: PathBuf,
}

impl Sandbox {
    /// Moves the calling thread into a network namespace of its own.
    pub(super) fn new() -> Self {
        assert!(nix::unistd::geteuid().is_root(), "this test loads eBPF programs: run it as root");
        nix::sched::unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace");
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let abi = hitless_model::abi::ABI_VERSION;
        let pins = format!("/sys/fs/bpf/hitless-test-{}-{number}-abi{abi}", std::process::id());
        Self { pins: pins.into() }
    }

    pub(super) fn pins(&self) -> &Path {
        &self.pins
    }

    pub(super) fn open(&self) -> Plane {
        Plane::open(&self.pins, CAPACITY).expect("a data plane")
    }

    /// A data plane that carries out [`module`].
    pub(super) fn filled(&self, connections: u32) -> Plane {
        let plane = Plane::open(&self.pins, connections).expect("a data plane");
        plane.apply(&desired(&module(), &ports())).expect("applied");
        plane
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        remove_pins(&self.pins).expect("pins removed");
    }
}

pub(super) fn at(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

/// All records of a table, sorted, read in parts of `part`.
pub(super) fn dumped(table: &ConnTable, which: Which, part: usize) -> Vec<ConnRecord> {
    let mut cursor = DumpCursor::default();
    let mut all = Vec::new();
    while !cursor.is_done() {
        all.append(&mut table.dump((which, Scope::All), part, &mut cursor, at(1000)).unwrap());
    }
    all.sort_by_key(|record| record.key);
    all
}

/// The number in use as accounted, checked against what is really in both maps.
pub(super) fn in_use(table: &ConnTable) -> u64 {
    let forward = table.table(Which::Main).forward.entries().unwrap().len();
    let reverse = table.table(Which::Main).reverse.entries().unwrap().len();
    assert_eq!(forward, reverse, "every connection has both entries");
    let usage = table.usage().unwrap();
    assert_eq!(usage.in_use, forward as u64, "the account equals the table");
    usage.in_use
}

/// What a whole sweep removes, done in small parts.
pub(super) fn sweep_all(table: &ConnTable, now: Instant, policy: &SweepPolicy) -> Swept {
    let (mut cursor, mut sum) = (SweepCursor::default(), Swept::default());
    loop {
        let (part, finished) = table.sweep(&mut cursor, 3, now, policy).unwrap();
        sum.replicated.extend(part.replicated);
        sum.stuck.extend(part.stuck);
        sum.established += part.established;
        sum.embryonic += part.embryonic;
        if finished {
            return sum;
        }
    }
}
