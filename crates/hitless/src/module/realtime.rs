//! What keeps the core thread on time: a real-time class and locked memory, where permitted.

use rustix::mm::{MlockAllFlags, mlockall};

/// Above ordinary real-time work, below the kernel's own watchdogs and migration threads.
const PRIORITY: libc::c_int = 50;

/// Asks for SCHED_FIFO for the calling thread and locks the process's memory.
///
/// A refusal costs accuracy under load, not function: it is said once, and the way out with it.
pub(crate) fn enter() {
    if let Err(error) = mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE) {
        tracing::warn!(
            "memory cannot be locked ({error}); allow CAP_IPC_LOCK or raise LimitMEMLOCK"
        );
    }
    if let Err(error) = fifo() {
        tracing::warn!(
            "no real-time priority ({error}); heartbeats may be late under load; allow CAP_SYS_NICE"
        );
    }
}

/// Puts the calling thread before all ordinary work, and with it the program that it becomes or
/// starts, until that has said what cannot wait. A refusal is told by [`enter`].
pub(crate) fn hurry() {
    if let Err(error) = schedule(libc::SCHED_FIFO, PRIORITY) {
        tracing::debug!("no real-time priority for the start: {error}");
    }
}

/// Makes the calling thread an ordinary one.
pub(crate) fn relax() {
    if let Err(error) = schedule(libc::SCHED_OTHER, 0) {
        tracing::warn!("a thread keeps its real-time priority: {error}");
    }
}

fn fifo() -> std::io::Result<()> {
    // Threads made by this one are ordinary again.
    schedule(libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, PRIORITY)
}

fn schedule(policy: libc::c_int, priority: libc::c_int) -> std::io::Result<()> {
    let parameters = libc::sched_param { sched_priority: priority };
    #[expect(unsafe_code, reason = "no safe wrapper sets a thread's scheduling class")]
    // SAFETY: `parameters` lives for the call, and 0 names the calling thread.
    let result = unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}
