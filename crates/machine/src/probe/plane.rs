//! The data plane itself: the object that ships is loaded, pinned and attached.

use std::path::{Path, PathBuf};

use anyhow::Result;
use hitless_model::abi::ABI_VERSION;
use hitless_plane::{LoadedProgram, Plane, Wanted};

use super::{Finding, devices};
use crate::scratch;

const CONNECTIONS: u32 = 1000;

pub(super) fn all() -> Vec<Finding> {
    match scratch::within(load_and_attach) {
        Ok(findings) => findings,
        Err(error) => vec![Finding::lacks(
            "BPF programs",
            format!("{error:#}"),
            "Linux 6.1 or newer with CONFIG_BPF_SYSCALL and CONFIG_BPF_JIT, not locked down",
        )],
    }
}

fn load_and_attach() -> Result<Vec<Finding>> {
    let name = format!("hitless-probe-{}-abi{ABI_VERSION}", std::process::id());
    let pins = PathBuf::from("/sys/fs/bpf").join(name);
    let findings = in_pins(&pins);
    // Also after a failure; the first error is the one to tell.
    let removed = hitless_plane::remove_pins(&pins);
    let findings = findings?;
    removed?;
    Ok(findings)
}

fn in_pins(pins: &Path) -> Result<Vec<Finding>> {
    let mut plane = Plane::open(pins, CONNECTIONS)?;
    let device = devices::veth()?;
    let hook = plane.attach(device)?;
    let kind = format!("{:?}", hook.kind).to_lowercase();
    // Only for interfaces that are given to a module whole; TC serves them too.
    let xdp = match plane.attach_where(device, Wanted::Xdp) {
        Ok(_) => Finding::ok("XDP", "attached"),
        Err(error) => Finding::warn("XDP", error, "a kernel with CONFIG_BPF_SYSCALL; TC is used"),
    };
    let programs = plane.dataplane()?.programs;
    plane.detach_all()?;
    let walked = |program: &LoadedProgram| {
        let count = program.verified_instructions;
        format!("{} ({} verified)", program.name, count.map_or("?".to_owned(), |n| n.to_string()))
    };
    let programs: Vec<String> = programs.iter().map(walked).collect();
    Ok(vec![
        Finding::ok("BPF programs", programs.join(", ")),
        Finding::ok("hook", format!("attached by {kind}")),
        xdp,
    ])
}
