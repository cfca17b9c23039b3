//! The machine that a result was measured on: without it the figures say nothing.

use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::table::say;

/// What has an influence on the figures.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    /// The processor.
    pub(crate) cpu: String,
    /// Its cores as the kernel counts them.
    pub(crate) cores: usize,
    /// Its frequency as the kernel knows it.
    pub(crate) mhz: String,
    /// Whether it is a virtual machine.
    pub(crate) is_virtual: bool,
    /// The kernel.
    pub(crate) kernel: String,
    /// Mitigations that cost something in this code.
    pub(crate) mitigations: Vec<String>,
    /// Runnable processes per second, over the minute before the measurement.
    pub(crate) load_before: f64,
}

impl Machine {
    /// This one.
    pub(crate) fn this() -> Self {
        let info = read("/proc/cpuinfo");
        Self {
            cpu: field(&info, "model name").unwrap_or("unknown").to_owned(),
            cores: info.lines().filter(|line| line.starts_with("processor")).count(),
            mhz: field(&info, "cpu MHz").unwrap_or("unknown").to_owned(),
            is_virtual: field(&info, "flags")
                .is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor")),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            mitigations: mitigations(Path::new("/sys/devices/system/cpu/vulnerabilities")),
            load_before: load(&read("/proc/loadavg")),
        }
    }

    /// Three lines for people, and a warning if the machine was not idle.
    pub(crate) fn describe(&self) -> String {
        let kind = if self.is_virtual { "virtual machine, " } else { "" };
        let mut text = format!(
            "{}, {kind}{} cores at {} MHz (nominal), Linux {}\n",
            self.cpu, self.cores, self.mhz, self.kernel
        );
        for mitigation in &self.mitigations {
            say(&mut text, format_args!("  mitigation: {mitigation}\n"));
        }
        if self.is_busy() {
            let load = self.load_before;
            say(
                &mut text,
                format_args!("  The machine was busy before the run: load {load:.1}.\n"),
            );
        }
        text
    }

    /// Whether others were running when the measurement began.
    pub(crate) fn is_busy(&self) -> bool {
        self.load_before > 0.5
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The first value of a name in the form of `/proc/cpuinfo`.
fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

/// The load of the last minute.
fn load(loadavg: &str) -> f64 {
    loadavg.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or_default()
}

fn mitigations(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut all: Vec<String> = entries
        .flatten()
        .filter_map(|entry| {
            let state = fs::read_to_string(entry.path()).ok()?;
            let state = state.trim().strip_prefix("Mitigation: ")?.to_owned();
            Some(format!("{}: {state}", entry.file_name().to_string_lossy()))
        })
        .collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_cpuinfo_are_found_by_their_whole_name() {
        let info = "processor\t: 0\nmodel name\t: Some CPU @ 2:1\nflags\t\t: fpu hypervisor\n";
        assert_eq!(field(info, "model name"), Some("Some CPU @ 2:1"));
        assert_eq!(field(info, "model"), None);
    }

    #[test]
    fn load_is_the_first_number() {
        assert!((load("1.25 0.5 0.1 1/200 4711\n") - 1.25).abs() < 1e-9);
        assert!(load("").abs() < 1e-9);
    }

    #[test]
    fn this_machine_has_a_kernel_and_a_core() {
        let machine = Machine::this();
        assert!(machine.cores > 0 && !machine.kernel.is_empty());
        assert!(machine.describe().contains(&machine.kernel));
    }
}
