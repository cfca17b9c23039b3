//! `cargo xtask lab-vm VERSION`: hitless on another kernel, in a guest.
//!
//! ```text
//!  kernel    Debian's package of a stock cloud kernel, unpacked into the user's cache, never installed
//!  modules   which of its modules are needed, in which order
//!  image     the first file system: modules, our programs, their libraries, a list of steps (archive)
//!  emulator  QEMU without KVM: slow, but there on every machine, and alike on all
//!  wire      what the guest tells about itself; `hitless-machine` is its first process
//!  steps     what is run in the guest and how it is judged
//! ```
//!
//! The guest has no disk, no network and no shell. Everything it says is kept in `target/vm`.

mod archive;
mod emulator;
mod image;
mod kernel;
mod libraries;
mod modules;
mod programs;
mod steps;
mod verdict;
mod wire;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::{setup, shell};
pub(crate) use emulator::EMULATOR;
pub(crate) use programs::Selection;

/// The oldest kernel that is supported, and Debian 12's own.
pub(crate) const OLDEST: &str = "6.1";

/// Boots a kernel of this version and runs all steps in it.
pub(crate) fn run(version: &str, tests: Selection) -> Result<()> {
    ensure!(
        cfg!(target_arch = "x86_64"),
        "the guest runs programs of this machine on Debian's kernel for amd64"
    );
    setup::GUEST.install()?;
    let start = Instant::now();
    let kernel = kernel::obtain(version)?;
    println!("vm: kernel {}, Debian's {}", kernel.release, kernel.package_version);
    let programs = programs::build(tests)?;
    let folder = folder()?;
    let initial = image::build(&kernel, &programs, steps::ALL, &folder)?;
    println!("vm: starting the guest ({:.0} s so far)", start.elapsed().as_secs_f64());
    let told = emulator::run(&kernel, &initial, &folder, steps::patience())?;
    let outcomes = steps::judge(&told);
    println!("\n{}", steps::table(&outcomes));
    let failed = outcomes.iter().filter(|outcome| !outcome.passed);
    let failed: Vec<&str> = failed.map(|outcome| outcome.name).collect();
    ensure!(
        failed.is_empty(),
        "on {}: {}; all that the guest said is in {}",
        kernel.release,
        failed.join(", "),
        folder.display()
    );
    Ok(())
}

/// Installs and fetches what [`run`] needs.
pub(crate) fn set_up() -> Result<()> {
    setup::GUEST.install()?;
    let kernel = kernel::obtain(OLDEST)?;
    println!("set-up: kernel {} for the guest is in the cache", kernel.release);
    Ok(())
}

/// The kernel that a guest would be started with, for the doctor.
pub(crate) fn kernel_at_hand() -> Result<String> {
    kernel::at_hand(OLDEST)
}

/// Where everything of a run is left.
fn folder() -> Result<PathBuf> {
    let folder = shell::target().join("vm");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
