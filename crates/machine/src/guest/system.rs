//! What a distribution's start-up does and this guest needs of it: mounts, modules, loopback.

use std::fs::{self, File};

use anyhow::{Context, Result};
use nix::mount::{MsFlags, mount};
use rustix::system::finit_module;

use crate::netlink;

/// Type and place of each file system.
const MOUNTS: &[(&str, &str)] = &[
    ("devtmpfs", "/dev"),
    ("proc", "/proc"),
    ("sysfs", "/sys"),
    ("tmpfs", "/run"),
    ("tmpfs", "/tmp"),
    ("cgroup2", "/sys/fs/cgroup"),
    ("bpf", "/sys/fs/bpf"),
];

/// Mounts everything.
pub(super) fn mount_all() -> Result<()> {
    for (kind, place) in MOUNTS {
        // Folders below /sys are the kernel's own; those in the initial file system may be missing.
        let _ = fs::create_dir_all(place);
        mount(Some(*kind), *place, Some(*kind), MsFlags::empty(), None::<&str>)
            .with_context(|| format!("cannot mount {kind} on {place}"))?;
    }
    Ok(())
}

/// Loads one module; those that it needs are loaded already.
pub(super) fn load_module(file: &str) -> Result<()> {
    let opened = File::open(file).with_context(|| format!("cannot open {file}"))?;
    finit_module(&opened, c"", 0).with_context(|| format!("cannot load {file}"))
}

/// The loopback interface is number 1 of every namespace.
pub(super) fn bring_up_loopback() -> Result<()> {
    netlink::set_up(1, true).context("cannot bring up the loopback interface")
}
