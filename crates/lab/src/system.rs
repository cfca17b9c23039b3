//! The laboratory's own standing with the kernel: real-time threads, locked memory, descriptors,
//! orphans. All `unsafe` of the crate is here.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

/// Real-time priority of measuring threads: below the daemons' own core threads, which must never
/// wait for those who measure them.
const PRIORITY: i32 = 3;
/// Two descriptors per connection (both ends live in this process), and some to spare.
const DESCRIPTORS: u64 = 65_536;

/// Says what is missing when the caller is not root.
pub fn require_root() -> Result<()> {
    anyhow::ensure!(
        rustix::process::geteuid().is_root(),
        "this makes network namespaces and needs root: use `cargo xtask`, which goes through sudo"
    );
    Ok(())
}

/// Prepares this process: memory locked, descriptors allowed, orphaned grandchildren its own.
pub fn prepare_process() -> Result<()> {
    // Without the permission the measuring threads may wait for pages, and the baseline shows it.
    let _ = mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE);
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = maximum.map_or(DESCRIPTORS, |most| most.min(DESCRIPTORS));
    setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum })
        .context("cannot raise the limit of open files")?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .context("cannot adopt orphaned processes")
}

/// Puts the calling thread under SCHED_FIFO.
#[expect(unsafe_code, reason = "no crate in use wraps sched_setscheduler")]
pub fn become_realtime() -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: PRIORITY };
    // SAFETY: `parameters` is a valid structure that outlives the call; 0 means the calling thread.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Makes the kernel send SIGTERM to the child when the thread that starts it ends: a killed
/// laboratory leaves no daemon behind.
#[expect(unsafe_code, reason = "only a hook between fork and exec can ask for this")]
pub fn die_with_parent(command: &mut Command) {
    // SAFETY: the hook makes one system call, allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(|| {
            rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
            Ok(())
        });
    }
}
