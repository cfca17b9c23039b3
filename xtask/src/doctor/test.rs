//! What `cargo xtask test` needs beyond building and running: tools, the BPF toolchain, a guest.

use super::check::{Area, Check};
use super::readings;
use crate::{bpf, setup, shell, vm};

const AREA: Area = Area::Test;
const SETUP: &str = "cargo xtask setup";

pub(super) fn all() -> Vec<Check> {
    let mut checks = vec![
        component("rustfmt", &["cargo", "fmt", "--version"]),
        component("clippy", &["cargo", "clippy", "--version"]),
    ];
    checks.extend(setup::GROUPS.iter().map(packages));
    checks.extend([bpf_compiler(), bpf_linker(), emulator(), guest_kernel()]);
    checks
}

fn component(name: &str, probe: &[&str]) -> Check {
    match shell::output(probe) {
        Some(line) => Check::ok(AREA, name, line.trim()),
        None => Check::lacks(AREA, name, "missing", &format!("rustup component add {name}")),
    }
}

/// Debian packages, by the files that show that they are there.
fn packages(group: &setup::Group) -> Check {
    let missing = group.missing();
    let name = format!("packages: {}", group.name);
    if missing.is_empty() {
        return Check::ok(AREA, &name, format!("all {}", group.packages.len()));
    }
    let remedy =
        format!("{SETUP}, or apt-get install --no-install-recommends {}", missing.join(" "));
    Check::lacks(AREA, &name, format!("without {}", missing.join(", ")), &remedy)
}

/// The version counts: it decides over the object's bytes.
fn bpf_compiler() -> Check {
    const NAME: &str = "BPF compiler";
    let wanted = bpf::RUSTC_VERSION.trim();
    match shell::output(&[bpf::RUSTC, "--version"]) {
        Some(line) if line.starts_with(bpf::RUSTC_VERSION) => Check::ok(AREA, NAME, line.trim()),
        Some(line) => {
            let found = format!("{}, but the object was built by {wanted}", line.trim());
            Check::warn(AREA, NAME, found, "that version of Debian's rustc-web")
        }
        None => Check::lacks(AREA, NAME, format!("no {}", bpf::RUSTC), SETUP),
    }
}

fn bpf_linker() -> Check {
    const NAME: &str = "bpf-linker";
    let wanted = bpf::LINKER_VERSION;
    let path = bpf::linker().ok().and_then(|path| path.to_str().map(str::to_owned));
    let line = path.and_then(|path| shell::output(&[&path, "--version"]));
    match line.as_deref().map(str::trim) {
        Some(line) if line == format!("bpf-linker {wanted}") => Check::ok(AREA, NAME, line),
        Some(line) => Check::lacks(AREA, NAME, format!("{line}, not {wanted}"), SETUP),
        None => Check::lacks(AREA, NAME, "not built yet", SETUP),
    }
}

fn emulator() -> Check {
    match shell::output(&[vm::EMULATOR, "--version"]) {
        Some(text) => {
            let version = readings::tool_version(&text);
            let version =
                version.map_or_else(|| "?".to_owned(), |(a, b, c)| format!("{a}.{b}.{c}"));
            Check::ok(AREA, "QEMU", version)
        }
        None => Check::lacks(AREA, "QEMU", "missing", &format!("{SETUP}, or test --no-vm")),
    }
}

fn guest_kernel() -> Check {
    match vm::kernel_at_hand() {
        Ok(found) => Check::ok(AREA, "guest kernel", found),
        Err(error) => Check::lacks(AREA, "guest kernel", format!("{error:#}"), "apt-get update"),
    }
}
