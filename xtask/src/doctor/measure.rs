//! What decides whether a measured figure means anything: processors, their clock, who else uses them.

use std::fs;

use super::check::{Area, Check};
use super::readings;
use crate::setup;

const AREA: Area = Area::Measure;
/// One forwards, one sends, one is left for the rest.
const PROCESSORS_WANTED: usize = 4;
/// Hundredths of a percent.
const STOLEN_MOST: u64 = 50;

pub(super) fn all() -> Vec<Check> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut checks = vec![processors(&cpuinfo), machine(&cpuinfo), stolen_time()];
    checks.extend([governor(), boost(), siblings(), mitigations()]);
    checks.push(match setup::MEASURE.missing().as_slice() {
        [] => Check::ok(AREA, "packages: measuring", "all there"),
        missing => {
            let remedy = format!("apt-get install --no-install-recommends {}", missing.join(" "));
            let found = format!("without {}", missing.join(", "));
            Check::lacks(AREA, "packages: measuring", found, &remedy)
        }
    });
    checks
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn processors(cpuinfo: &str) -> Check {
    let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let model = readings::cpuinfo(cpuinfo, "model name").unwrap_or("unknown model");
    let found = format!("{count} of {model}");
    if count < PROCESSORS_WANTED {
        let remedy = "4 or more: with fewer, senders and receivers take time from what is measured";
        return Check::warn(AREA, "processors", found, remedy);
    }
    Check::ok(AREA, "processors", found)
}

fn machine(cpuinfo: &str) -> Check {
    let flags = readings::cpuinfo(cpuinfo, "flags").unwrap_or_default();
    if flags.split_whitespace().any(|flag| flag == "hypervisor") {
        let remedy = "bare metal; else compare ratios within one run, never absolute figures";
        return Check::warn(AREA, "machine", "virtual", remedy);
    }
    Check::ok(AREA, "machine", "bare metal")
}

fn stolen_time() -> Check {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    match readings::stolen(&stat) {
        Some(share) if share > STOLEN_MOST => {
            let found = format!("{}.{:02} % since the start", share / 100, share % 100);
            Check::warn(AREA, "stolen time", found, "a host that is not shared")
        }
        Some(share) => {
            let found = format!("{}.{:02} % since the start", share / 100, share % 100);
            Check::ok(AREA, "stolen time", found)
        }
        None => Check::warn(AREA, "stolen time", "unknown", "mount proc on /proc"),
    }
}

fn governor() -> Check {
    match read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") {
        Some(governor) if governor == "performance" => Check::ok(AREA, "governor", governor),
        Some(governor) => {
            Check::warn(AREA, "governor", governor, "cpupower frequency-set -g performance")
        }
        None => Check::ok(AREA, "governor", "none here: the clock is not ours to set"),
    }
}

fn boost() -> Check {
    const REMEDY: &str = "turn it off while measuring: the clock then depends on the load";
    let intel = read("/sys/devices/system/cpu/intel_pstate/no_turbo");
    let other = read("/sys/devices/system/cpu/cpufreq/boost");
    match (intel.as_deref(), other.as_deref()) {
        (Some("0"), _) | (None, Some("1")) => Check::warn(AREA, "turbo", "on", REMEDY),
        (Some(_), _) | (None, Some(_)) => Check::ok(AREA, "turbo", "off"),
        (None, None) => Check::ok(AREA, "turbo", "no switch here"),
    }
}

fn siblings() -> Check {
    match read("/sys/devices/system/cpu/smt/active").as_deref() {
        Some("1") => {
            let remedy =
                "pin to one thread of each core, or echo off > /sys/devices/system/cpu/smt/control";
            Check::warn(AREA, "hyperthreads", "active", remedy)
        }
        Some(_) | None => Check::ok(AREA, "hyperthreads", "not active"),
    }
}

/// Not a fault: users run with them. But figures with and without cannot be compared.
fn mitigations() -> Check {
    let entries = fs::read_dir("/sys/devices/system/cpu/vulnerabilities").into_iter().flatten();
    let mut says: Vec<(String, String)> = entries
        .flatten()
        .filter_map(|entry| {
            let text = fs::read_to_string(entry.path()).ok()?;
            Some((entry.file_name().to_string_lossy().into_owned(), text.trim().to_owned()))
        })
        .collect();
    says.sort();
    match readings::mitigated(&says).as_slice() {
        [] => Check::ok(AREA, "mitigations", "none in force"),
        names => Check::ok(AREA, "mitigations", format!("in force: {}", names.join(", "))),
    }
}
