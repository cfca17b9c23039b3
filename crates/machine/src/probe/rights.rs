//! What this process may do: capabilities, real-time class, locked memory, raw packets.

use caps::{CapSet, Capability};
use rustix::mm::{MlockAllFlags, mlockall, munlockall};
use rustix::net::{AddressFamily, SocketType, socket};
use rustix::process::{Resource, getrlimit};

use super::Finding;
use crate::system;

const SUDO: &str = "run as root or through sudo; a container has to be given the capabilities";

/// What `hitlessd` keeps, and without which it ends at once.
const NEEDED: [Capability; 8] = [
    Capability::CAP_NET_ADMIN,
    Capability::CAP_NET_RAW,
    Capability::CAP_BPF,
    Capability::CAP_PERFMON,
    Capability::CAP_SYS_NICE,
    Capability::CAP_IPC_LOCK,
    Capability::CAP_SYS_ADMIN,
    Capability::CAP_DAC_OVERRIDE,
];

/// Whether the other probes can be tried at all.
pub(super) fn may_go_on() -> bool {
    missing().is_empty()
}

pub(super) fn all() -> Vec<Finding> {
    vec![capabilities(), realtime(), locked_memory(), raw_packets(), open_files()]
}

fn missing() -> Vec<String> {
    let has = |one| caps::has_cap(None, CapSet::Effective, one).unwrap_or(false);
    NEEDED.into_iter().filter(|one| !has(*one)).map(|one| one.to_string()).collect()
}

fn capabilities() -> Finding {
    let missing = missing();
    if missing.is_empty() {
        return Finding::ok("capabilities", format!("all {} that the daemons use", NEEDED.len()));
    }
    Finding::lacks("capabilities", format!("without {}", missing.join(", ")), SUDO)
}

fn realtime() -> Finding {
    // On a thread of its own, which ends with its class.
    let tried = std::thread::spawn(system::become_realtime).join();
    match tried {
        Ok(Ok(())) => Finding::ok("SCHED_FIFO", "permitted"),
        Ok(Err(error)) => Finding::warn(
            "SCHED_FIFO",
            error,
            "give CAP_SYS_NICE, or real-time run time to this control group: without it a busy \
             machine may hold up heartbeats",
        ),
        Err(_) => Finding::warn("SCHED_FIFO", "the probe's thread died", SUDO),
    }
}

fn locked_memory() -> Finding {
    match mlockall(MlockAllFlags::CURRENT) {
        Ok(()) => {
            // It was only a test.
            let _ = munlockall();
            let limit = getrlimit(Resource::Memlock).current;
            let limit = limit.map_or_else(|| "no limit".to_owned(), |bytes| format!("{bytes} B"));
            Finding::ok(
                "locked memory",
                format!("permitted; limit without the capability: {limit}"),
            )
        }
        Err(error) => Finding::warn(
            "locked memory",
            error,
            "give CAP_IPC_LOCK or raise `ulimit -l`: without it the core thread may wait for pages",
        ),
    }
}

fn raw_packets() -> Finding {
    match socket(AddressFamily::PACKET, SocketType::RAW, None) {
        Ok(_) => Finding::ok("packet sockets", "can be opened"),
        Err(error) => {
            Finding::lacks("packet sockets", error, "a kernel with CONFIG_PACKET, and CAP_NET_RAW")
        }
    }
}

fn open_files() -> Finding {
    // 8000 connections, the most that the laboratory opens, and some to spare.
    const WANTED: u64 = 20_000;
    match getrlimit(Resource::Nofile).maximum {
        Some(most) if most < WANTED => Finding::warn(
            "open files",
            format!("at most {most}"),
            "raise the hard limit (`ulimit -Hn`): the laboratory opens two per connection",
        ),
        Some(most) => Finding::ok("open files", format!("up to {most}")),
        None => Finding::ok("open files", "no limit"),
    }
}
