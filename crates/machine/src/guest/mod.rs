//! The first process of a guest: mounts, modules, steps, power off.
//!
//! It reads two lists that the host put into the initial file system: modules in the order in which
//! they must be loaded, and steps, each a program with its time limit. What happens is told on the
//! second serial line, one marked line each ([`wire`]); the first one belongs to the kernel.

mod steps;
mod system;
mod wire;

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::system::{RebootCommand, reboot};

use wire::Wire;

const MODULES: &str = "/lab/modules";
const STEPS: &str = "/lab/steps";
/// Time for the serial line to be read before the machine is gone.
const DRAIN: Duration = Duration::from_millis(200);

/// Does everything and turns the machine off; a first process never returns.
pub(crate) fn run() -> ! {
    if let Err(error) = system::mount_all() {
        // Before the devices are there, only the kernel's console can be written to.
        eprint(&format!("guest: {error:#}\n"));
    }
    match Wire::open() {
        Ok(wire) => {
            if let Err(error) = work(&wire) {
                wire.fault(&format!("{error:#}"));
            }
            wire.over();
        }
        Err(error) => eprint(&format!("guest: {error:#}\n")),
    }
    std::thread::sleep(DRAIN);
    loop {
        // The machine is started so that a restart ends it; that needs no ACPI.
        let _ = reboot(RebootCommand::Restart);
        std::thread::sleep(DRAIN);
    }
}

fn work(wire: &Wire) -> Result<()> {
    wire.booted(&kernel(), uptime());
    let modules = fs::read_to_string(MODULES).with_context(|| format!("cannot read {MODULES}"))?;
    let mut loaded = 0;
    for file in modules.lines() {
        system::load_module(file)?;
        loaded += 1;
    }
    system::bring_up_loopback()?;
    wire.ready(loaded, uptime());
    let list = fs::read_to_string(STEPS).with_context(|| format!("cannot read {STEPS}"))?;
    for step in steps::parse(&list)? {
        steps::run(&step, wire);
    }
    Ok(())
}

fn kernel() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}

fn uptime() -> Duration {
    Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::Boottime))
        .unwrap_or_default()
}

fn eprint(text: &str) {
    use std::io::Write;
    // There is nobody else to tell.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
