//! A data plane that outlives the process that made it, and the process that takes it over.
//!
//! Three processes, one after the other, in one network namespace: the first loads, fills, attaches and
//! ends; the second adopts table and hooks; the third removes everything. Between them, while no
//! process is there, the far end asks for the virtual address: the programs answer by themselves.
//! All of it once for each hook.

mod far_end;
mod parts;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hitless_model::abi::ABI_VERSION;

use far_end::FarEnd;
pub(crate) use parts::part;

/// Connections that the first process puts into the table.
const CONNECTIONS: u32 = 1000;
/// Interfaces of the module, by VLAN, with the far end of each.
const CLIENT_SIDE: (&str, &str) = ("client", "client-far");
const SERVER_SIDE: (&str, &str) = ("server", "server-far");

/// Where the programs hang.
const HOOKS: [&str; 2] = ["tc", "xdp"];

/// Runs the three parts and looks in between, for each hook.
pub(crate) fn run(out: &mut (impl Write + Send)) -> Result<()> {
    for hook in HOOKS {
        let own = std::process::id();
        let pins = format!("/sys/fs/bpf/hitless-adoption-{own}-{hook}-abi{ABI_VERSION}");
        let pins = PathBuf::from(pins);
        let result = crate::scratch::within(|| lives(hook, &pins, out));
        if result.is_err() {
            // The first error is the one to tell.
            let _ = hitless_plane::remove_pins(&pins);
        }
        result.with_context(|| format!("hook {hook}"))?;
    }
    Ok(())
}

fn lives(hook: &str, pins: &Path, out: &mut impl Write) -> Result<()> {
    let far = FarEnd::build()?;
    process("leave", hook, pins)?;
    let answered = far.asks(pins)?;
    writeln!(out, "no process lives; the programs answered {answered} ARP requests")?;
    process("take", hook, pins)?;
    let answered = far.asks(pins)?;
    writeln!(out, "the heir's programs answered {answered} ARP requests after it ended too")?;
    process("clear", hook, pins)?;
    ensure!(!pins.exists(), "pins are left in {}", pins.display());
    ensure!(!far.is_answered()?, "programs answer that should have been taken off");
    writeln!(out, "removed: nothing answers any more, nothing is pinned")?;
    Ok(())
}

/// Another process of this program, in the calling thread's namespace.
fn process(part: &str, hook: &str, pins: &Path) -> Result<()> {
    let status = Command::new("/proc/self/exe")
        .args(["adoption", part, hook])
        .arg(pins)
        .status()
        .with_context(|| format!("cannot start the process that is to {part}"))?;
    ensure!(status.success(), "the process that is to {part} fails");
    Ok(())
}
