//! The one system call that no crate in use wraps.

use std::io;

/// A real-time priority like the core thread's.
const PRIORITY: i32 = 5;

/// Puts the calling thread under SCHED_FIFO.
#[expect(unsafe_code, reason = "no crate in use wraps sched_setscheduler")]
pub(crate) fn become_realtime() -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: PRIORITY };
    // SAFETY: `parameters` is a valid structure that outlives the call; 0 means the calling thread.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
