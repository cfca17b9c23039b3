//! What the kernel says about itself, and switches that somebody may have turned.

use std::fs;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};

use super::Finding;

const BPFFS: &str = "/sys/fs/bpf";
/// The oldest that is tested.
const OLDEST: (u32, u32) = (6, 1);

pub(super) fn kernel() -> Finding {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    match version(&release) {
        Some(version) if version >= OLDEST => Finding::ok("kernel", release),
        Some(_) | None => Finding::lacks("kernel", release, "Linux 6.1 or newer"),
    }
}

/// Major and minor number of `6.1.0-50-cloud-amd64`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Whether the BPF file system is mounted; if not, mounts it for this process.
pub(super) fn bpffs() -> Finding {
    if statfs(BPFFS).is_ok_and(|found| found.filesystem_type() == BPF_FS_MAGIC) {
        return Finding::ok("BPF file system", format!("mounted on {BPFFS}"));
    }
    match mount_for_this_process() {
        Ok(()) => Finding::ok("BPF file system", "not mounted; hitlessd can and will mount it"),
        Err(error) => Finding::lacks("BPF file system", error, "mount -t bpf bpf /sys/fs/bpf"),
    }
}

/// Mounts it where nobody else sees it.
fn mount_for_this_process() -> nix::Result<()> {
    let none = None::<&str>;
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(none, "/", none, MsFlags::MS_PRIVATE | MsFlags::MS_REC, none)?;
    mount(Some("bpf"), BPFFS, Some("bpf"), MsFlags::empty(), none)
}

pub(super) fn all() -> Vec<Finding> {
    vec![ipv6(), jit(), realtime_share(), clock_source(), unprivileged_bpf(), type_information()]
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn ipv6() -> Finding {
    const REMEDY: &str = "sysctl -w net.ipv6.conf.all.disable_ipv6=0, and no ipv6.disable=1 on the \
                          kernel's command line: the pair talks over link-local addresses";
    match read("/proc/sys/net/ipv6/conf/all/disable_ipv6").as_deref() {
        Some("0") => Finding::ok("IPv6", "enabled"),
        Some(_) => Finding::lacks("IPv6", "disabled by sysctl", REMEDY),
        None => Finding::lacks("IPv6", "not in this kernel, or turned off at boot", REMEDY),
    }
}

fn jit() -> Finding {
    match read("/proc/sys/net/core/bpf_jit_enable").as_deref() {
        Some("1" | "2") => Finding::ok("BPF JIT", "on"),
        Some(_) => Finding::warn("BPF JIT", "off", "sysctl -w net.core.bpf_jit_enable=1"),
        // A kernel that is built with the JIT always on has no switch in some namespaces.
        None => Finding::ok("BPF JIT", "no switch"),
    }
}

/// What real-time threads may use of each second before the kernel holds them up.
fn realtime_share() -> Finding {
    match read("/proc/sys/kernel/sched_rt_runtime_us").as_deref() {
        Some("0") => Finding::warn(
            "real-time share",
            "none",
            "sysctl -w kernel.sched_rt_runtime_us=950000: heartbeats are sent by a real-time thread",
        ),
        Some("-1") => Finding::ok("real-time share", "all of it"),
        Some(micros) => Finding::ok("real-time share", format!("{micros} µs of each second")),
        None => Finding::ok("real-time share", "not limited by this kernel"),
    }
}

fn clock_source() -> Finding {
    const CURRENT: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let Some(current) = read(CURRENT) else {
        return Finding::warn("clock source", "unknown", "mount sysfs on /sys");
    };
    match current.as_str() {
        "tsc" | "kvm-clock" | "hyperv_clocksource_tsc_page" | "arch_sys_counter" => {
            Finding::ok("clock source", current)
        }
        _ => Finding::warn(
            "clock source",
            current,
            "prefer tsc or kvm-clock: reading this one is slow, and the programs read it per packet",
        ),
    }
}

fn unprivileged_bpf() -> Finding {
    match read("/proc/sys/kernel/unprivileged_bpf_disabled").as_deref() {
        Some("0") => Finding::warn(
            "unprivileged BPF",
            "permitted",
            "sysctl -w kernel.unprivileged_bpf_disabled=2: hitless does not need it",
        ),
        Some(_) => Finding::ok("unprivileged BPF", "refused, as it should be"),
        None => Finding::ok("unprivileged BPF", "no switch"),
    }
}

fn type_information() -> Finding {
    let there = fs::exists("/sys/kernel/btf/vmlinux").unwrap_or(false);
    Finding::ok("kernel BTF", if there { "there; not needed" } else { "not there; not needed" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernels_version_is_read_from_its_release() {
        assert_eq!(version("6.1.0-50-cloud-amd64"), Some((6, 1)));
        assert_eq!(version("6.12.107+deb12-amd64"), Some((6, 12)));
        assert_eq!(version("7.0-rc1"), Some((7, 0)));
        assert_eq!(version("six"), None);
        assert!(version("5.19.0") < Some(OLDEST));
        assert!(version("6.10.2") > Some(OLDEST));
    }
}
