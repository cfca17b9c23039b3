//! A network namespace to try things in: everything made in it is gone with the thread.

use std::panic::resume_unwind;
use std::thread;

use anyhow::{Context, Result};
use nix::sched::{CloneFlags, unshare};

/// Runs `work` on a thread of its own in a new network namespace. Processes that it starts are in
/// that namespace too.
pub(crate) fn within<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| {
        let inside = || {
            unshare(CloneFlags::CLONE_NEWNET).context("no network namespace can be made")?;
            work()
        };
        scope.spawn(inside).join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}
