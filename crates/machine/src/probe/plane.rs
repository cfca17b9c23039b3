//! The data plane itself: the object that ships is loaded, pinned and attached.

use std::path::PathBuf;

use anyhow::Result;
use hitless_model::abi::ABI_VERSION;
use hitless_plane::Plane;

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

fn in_pins(pins: &std::path::Path) -> Result<Vec<Finding>> {
    let mut plane = Plane::open(pins, CONNECTIONS)?;
    let hook = plane.attach(devices::veth()?)?;
    let facts = plane.dataplane()?;
    plane.detach_all()?;
    let walked =
        facts.verified_instructions.map_or_else(String::new, |n| format!(", {n} verified"));
    let kind = format!("{:?}", hook.kind).to_lowercase();
    Ok(vec![
        Finding::ok("BPF programs", format!("loaded and pinned{walked}")),
        Finding::ok("hook", format!("attached by {kind}")),
    ])
}
