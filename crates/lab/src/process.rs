//! Processes that the laboratory started, and their children: found, ended, reaped.
//!
//! Only by process id, and only below a process of its own: nothing is ever ended by its name.

use std::collections::BTreeMap;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// A killed process is gone after this, or the kernel is in trouble.
const REAPING: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(2);

/// `root` and everything below it, parents first.
pub fn family(root: Pid) -> Vec<Pid> {
    let mut children: BTreeMap<Pid, Vec<Pid>> = BTreeMap::new();
    for (process, parent) in all() {
        children.entry(parent).or_default().push(process);
    }
    let mut family = vec![root];
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        family.extend(children.remove(&parent).unwrap_or_default());
        next += 1;
    }
    family
}

/// Kills at once, in this order.
pub fn kill_all(processes: &[Pid]) {
    for process in processes {
        // One that is gone already is what is wanted.
        let _ = kill(*process, Signal::SIGKILL);
    }
}

/// Waits until none of these processes is left; they must be ending.
pub fn reap(processes: &[Pid]) {
    let start = std::time::Instant::now();
    for process in processes {
        while !is_over(*process) && start.elapsed() < REAPING {
            std::thread::sleep(PAUSE);
        }
    }
}

/// Whether a process is gone; collects it if it is a child (or an orphan that came to be one).
fn is_over(process: Pid) -> bool {
    match waitpid(process, Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::StillAlive) => false,
        Ok(_) => true,
        // Somebody else's child.
        Err(_) => kill(process, None) == Err(Errno::ESRCH),
    }
}

/// Every process with its parent.
fn all() -> Vec<(Pid, Pid)> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let process = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            Some((Pid::from_raw(process), parent(&stat)?))
        })
        .collect()
}

/// The parent in a line of `/proc/PID/stat`. The name before it may hold anything, also brackets.
fn parent(stat: &str) -> Option<Pid> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let parent = after_name.split(' ').nth(1)?;
    parent.parse().ok().map(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_parent_is_found_behind_any_name() {
        assert_eq!(parent("12 (a) b (c) S 7 12 12"), Some(Pid::from_raw(7)));
        assert_eq!(parent("12 (sh"), None);
    }

    #[test]
    fn a_family_is_found_killed_and_reaped() {
        let mut shell = Command::new("sh").args(["-c", "sleep 60 & wait"]).spawn().unwrap();
        let root = Pid::from_raw(i32::try_from(shell.id()).unwrap());
        let start = std::time::Instant::now();
        while family(root).len() < 2 {
            assert!(start.elapsed() < Duration::from_secs(5));
            std::thread::sleep(PAUSE);
        }
        let all = family(root);
        kill_all(&all);
        shell.wait().unwrap();
        reap(&all);
        assert!(all.iter().all(|process| kill(*process, None) == Err(Errno::ESRCH)));
    }
}
