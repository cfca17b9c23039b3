//! What building needs.

use std::io::Write;
use std::process::{Command, Stdio};

use super::check::{Area, Check};
use super::readings;
use crate::shell;

const AREA: Area = Area::Build;
const GIB: u64 = 1 << 30;
/// A release build of the daemons and the laboratory.
const DISK_NEEDED: u64 = 3 * GIB;
/// All that `cargo xtask test` builds, debug and release, and bpf-linker.
const DISK_WANTED: u64 = 10 * GIB;
const MEMORY_WANTED: u64 = 2 * GIB;

pub(super) fn all() -> Vec<Check> {
    vec![rust(), linker(), disk(), memory()]
}

fn rust() -> Check {
    let needed = env!("CARGO_PKG_RUST_VERSION");
    let Some(line) = shell::output(&["rustc", "--version"]) else {
        return Check::lacks(AREA, "Rust", "no rustc", "https://rustup.rs");
    };
    if readings::tool_version(&line) >= readings::version(needed) {
        return Check::ok(AREA, "Rust", line.trim());
    }
    let found = format!("{}, but {needed} is needed", line.trim());
    Check::lacks(AREA, "Rust", found, "rustup update stable")
}

/// Compiles, links and runs a program: that takes the C library's development files too.
fn linker() -> Check {
    const REMEDY: &str = "apt-get install build-essential";
    let program = std::env::temp_dir().join(format!("hitless-doctor-{}", std::process::id()));
    let compiled = compile("int main(void) { return 0; }\n", &program);
    let runs = compiled.is_ok() && Command::new(&program).status().is_ok_and(|s| s.success());
    // It may not be there.
    let _ = std::fs::remove_file(&program);
    match compiled {
        Ok(()) if runs => Check::ok(AREA, "C linker", "cc builds programs that run"),
        Ok(()) => Check::lacks(AREA, "C linker", "what cc builds does not run", REMEDY),
        Err(why) => Check::lacks(AREA, "C linker", why, REMEDY),
    }
}

fn compile(source: &str, program: &std::path::Path) -> Result<(), String> {
    let mut cc = Command::new("cc")
        .args(["-x", "c", "-", "-o"])
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("no cc: {error}"))?;
    if let Some(mut input) = cc.stdin.take() {
        // What it says in the end tells more than a broken pipe.
        let _ = input.write_all(source.as_bytes());
    }
    let output = cc.wait_with_output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or("cc fails").to_owned();
    if output.status.success() { Ok(()) } else { Err(last) }
}

fn disk() -> Check {
    let folder = shell::target();
    let folder = if folder.exists() { folder } else { shell::workspace().to_owned() };
    let path = folder.to_string_lossy();
    let free = shell::output(&["df", "--output=avail", "-B1", &path]);
    let Some(free) = free.as_deref().and_then(readings::available) else {
        return Check::warn(AREA, "disk", "df does not say", "make sure of 10 GiB");
    };
    let found = format!("{} GiB free for what is built", free / GIB);
    if free < DISK_NEEDED {
        return Check::lacks(AREA, "disk", found, "make room, or set CARGO_TARGET_DIR: 3 GiB");
    }
    if free < DISK_WANTED {
        return Check::warn(AREA, "disk", found, "10 GiB for `cargo xtask test`");
    }
    Check::ok(AREA, "disk", found)
}

fn memory() -> Check {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let Some(available) = readings::meminfo(&text, "MemAvailable").map(|kib| kib << 10) else {
        return Check::warn(AREA, "memory", "/proc/meminfo does not say", "make sure of 2 GiB");
    };
    let found = format!("{} MiB available", available >> 20);
    if available < MEMORY_WANTED {
        return Check::warn(AREA, "memory", found, "2 GiB, or CARGO_BUILD_JOBS=1");
    }
    Check::ok(AREA, "memory", found)
}
