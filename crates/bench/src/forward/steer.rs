//! Which core does what: the box under test has one for itself, everybody else shares the other.
//!
//! Packets change cores where they enter the box. A virtual cable hands frames over in one of two ways, and each has
//! its own switch: frames in a ring are polled by a kernel thread that is pinned (threaded NAPI), socket buffers
//! go to the backlog of the core that receive packet steering names. From there on a packet
//! stays on its core until it leaves the box.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::AsFd;
use std::panic::resume_unwind;

use anyhow::{Context, Result, ensure};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, CpuSet, sched_setaffinity, setns, unshare};
use nix::unistd::Pid;

use super::sys;

/// The core of generators, sinks, end hosts and the peer.
pub(crate) const OTHERS: usize = 0;
/// The core of the box under test.
pub(crate) const BOX: usize = 1;

/// Keeps the calling thread, and what it starts from now on, on a core.
pub(crate) fn stay_on(core: usize) -> Result<()> {
    pin(Pid::from_raw(0), core)
}

/// Runs `work` with the calling thread on a core: processes started there stay there.
pub(crate) fn on_core<T>(core: usize, work: impl FnOnce() -> Result<T>) -> Result<T> {
    stay_on(core)?;
    let result = work();
    stay_on(OTHERS)?;
    result
}

fn pin(task: Pid, core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core)?;
    sched_setaffinity(task, &set).with_context(|| format!("cannot keep {task} on core {core}"))
}

/// Runs `work` in a network namespace with that namespace's `/sys`, unseen by everybody else.
pub(crate) fn with_sysfs<T: Send>(
    namespace: impl AsFd + Sync,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    const NONE: Option<&str> = None;
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNS).context("cannot leave the mount namespace")?;
            mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)?;
            setns(namespace.as_fd(), CloneFlags::CLONE_NEWNET)?;
            mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), NONE)?;
            work()
        });
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// The MAC of a device.
pub(crate) fn mac(namespace: impl AsFd + Sync, device: &str) -> Result<[u8; 6]> {
    let text = with_sysfs(namespace, || {
        let path = format!("/sys/class/net/{device}/address");
        fs::read_to_string(&path).with_context(|| path.clone())
    })?;
    parse_mac(text.trim()).with_context(|| format!("the MAC of {device}: {text}"))
}

fn parse_mac(text: &str) -> Option<[u8; 6]> {
    let octets: Vec<u8> =
        text.split(':').map(|octet| u8::from_str_radix(octet, 16).ok()).collect::<Option<_>>()?;
    octets.try_into().ok()
}

/// Sends socket buffers that arrive at a device to a core; `None` = wherever they are.
pub(crate) fn steer(namespace: impl AsFd + Sync, device: &str, core: Option<usize>) -> Result<()> {
    let mask = core.map_or(0, |core| 1_u32 << core);
    with_sysfs(namespace, || {
        let path = format!("/sys/class/net/{device}/queues/rx-0/rps_cpus");
        fs::write(&path, format!("{mask:x}")).with_context(|| path.clone())
    })
}

/// Lets frames that arrive in the ring of a device be polled by a thread of its own on a core. A `prompt`
/// one goes before everything else there. Gives the threads' numbers.
pub(crate) fn poll_on(
    namespace: impl AsFd + Sync,
    device: &str,
    (core, prompt): (usize, bool),
) -> Result<Vec<i32>> {
    let before = pollers(device);
    with_sysfs(namespace, || {
        let path = format!("/sys/class/net/{device}/threaded");
        // A thread that is there already was not pinned by us.
        fs::write(&path, "0").with_context(|| path.clone())?;
        fs::write(&path, "1").with_context(|| path.clone())
    })?;
    let after = pollers(device);
    let new: Vec<i32> = after.difference(&before).copied().collect();
    ensure!(!new.is_empty(), "{device} is polled by no thread of its own");
    for thread in &new {
        pin(Pid::from_raw(*thread), core)?;
        if prompt {
            sys::become_prompt(*thread).context("cannot raise a poller's priority")?;
        }
    }
    Ok(new)
}

/// Kernel threads that poll a device of this name, in whichever namespace.
fn pollers(device: &str) -> BTreeSet<i32> {
    let start = format!("napi/{device}-");
    let Ok(entries) = fs::read_dir("/proc") else { return BTreeSet::new() };
    let ours = entries.flatten().filter_map(|entry| {
        let thread: i32 = entry.file_name().to_str()?.parse().ok()?;
        let name = fs::read_to_string(entry.path().join("comm")).ok()?;
        name.starts_with(&start).then_some(thread)
    });
    ours.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mac_is_six_octets() {
        assert_eq!(parse_mac("0a:00:ff:01:02:03"), Some([10, 0, 255, 1, 2, 3]));
        for wrong in ["", "0a:00", "0a:00:ff:01:02:zz", "0:0:0:0:0:0:0"] {
            assert_eq!(parse_mac(wrong), None);
        }
    }
}
