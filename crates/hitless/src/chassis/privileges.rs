//! The capabilities that the daemons need, and giving up all others; and their place in the queue for
//! a processor.
//!
//! Capabilities belong to threads, so this happens before the second one starts. The bounding set
//! goes too: modules, which are started again and again, can never have more.

use caps::{CapSet, Capability, CapsHashSet};

/// What is kept, and why.
const NEEDED: [(Capability, &str); 8] = [
    (Capability::CAP_NET_ADMIN, "interfaces, addresses, routes, attaching programs"),
    (Capability::CAP_NET_RAW, "gratuitous ARP"),
    (Capability::CAP_BPF, "maps and programs"),
    (Capability::CAP_PERFMON, "programs that read packets by pointers"),
    (Capability::CAP_SYS_NICE, "the core thread's real-time class"),
    (Capability::CAP_IPC_LOCK, "the core thread's memory"),
    // setns and the mounts that keep namespaces need it, and a module's namespace has to be made
    // anew whenever somebody removes it, so it cannot be given up after the start.
    (Capability::CAP_SYS_ADMIN, "namespaces"),
    // The state directory and the sockets may lie in the home of the one who called sudo.
    (Capability::CAP_DAC_OVERRIDE, "files of the user that called sudo"),
];

/// Ahead of ordinary work: a module that was killed has to be back before its lease ends, and only what
/// runs in the real-time class is as urgent as that.
const NICE: i32 = -10;

/// Puts this process, and the modules that it starts, ahead of ordinary work. Only before the second
/// thread starts.
pub fn go_ahead() {
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::warn!("no priority over other work ({error}): restarts take longer under load");
    }
}

/// The names of needed capabilities that this thread lacks.
pub fn missing() -> Vec<String> {
    let has = |needed| caps::has_cap(None, CapSet::Effective, needed).unwrap_or(false);
    let lacking = NEEDED.iter().filter(|(needed, _)| !has(*needed));
    lacking.map(|(needed, _)| needed.to_string()).collect()
}

/// Gives up everything that is not needed, for this thread and all that it makes.
///
/// # Errors
/// When the kernel refuses.
pub fn drop_others() -> Result<(), caps::errors::CapsError> {
    let needed: CapsHashSet = NEEDED.iter().map(|(needed, _)| *needed).collect();
    // The bounding set comes first: narrowing it is a privilege of its own.
    for other in caps::read(None, CapSet::Bounding)?.difference(&needed) {
        caps::drop(None, CapSet::Bounding, *other)?;
    }
    caps::clear(None, CapSet::Inheritable)?;
    caps::set(None, CapSet::Effective, &needed)?;
    caps::set(None, CapSet::Permitted, &needed)
}
