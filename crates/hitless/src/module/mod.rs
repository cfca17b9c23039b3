//! A module's process: the balancer in one slot.
//!
//! Runs in the module's own network namespace, made by the supervisor. It serves the module's API
//! ([`routes`]) on a socket in the state directory; the first configuration it is handed starts the
//! [`engine`]: data plane, namespace reconciler, and for a member of a fault-tolerant group the
//! core thread ([`core_thread`]), the table thread ([`table`]) and the chores ([`chores`]).

mod announce;
mod chores;
mod clock;
mod core_thread;
mod engine;
mod inbox;
mod messages;
mod realtime;
mod rejections;
mod routes;
mod settings;
mod sockets;
mod start;
mod table;
mod views;

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use hitless_model::Slot;
use nix::fcntl::{Flock, FlockArg};

use crate::names::Names;
use crate::netlink::netns;

/// Tokio threads: management only, so few.
const WORKERS: usize = 2;

/// What the supervisor tells a module's process on its command line.
#[derive(Clone, Debug)]
pub struct ModuleArgs {
    /// The slot it sits in.
    pub slot: Slot,
    /// The daemon's state directory.
    pub state_dir: PathBuf,
}

/// Runs a module until it is told to stop.
pub fn run(args: &ModuleArgs) -> Result<()> {
    let names = Names::new(&args.state_dir)
        .with_context(|| format!("state directory {}", args.state_dir.display()))?;
    let _alone = lock(&names, args.slot)?;
    ignore_interrupts()?;
    let namespace = names.namespace_path(args.slot);
    // Before any thread is made: all of them belong to the module's namespace.
    netns::enter(&namespace).with_context(|| format!("cannot enter {}", namespace.display()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .context("cannot start the management threads")?;
    runtime.block_on(routes::serve(names, args.slot))
}

/// Two processes for one slot would fight over one data plane.
fn lock(names: &Names, slot: Slot) -> Result<Flock<File>> {
    let path = names.module_pid(slot);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| path.display().to_string())?;
    let Ok(mut lock) = Flock::lock(file, FlockArg::LockExclusiveNonblock) else {
        bail!("module {slot} runs already: {} is locked", path.display());
    };
    lock.set_len(0).with_context(|| path.display().to_string())?;
    writeln!(lock, "{}", std::process::id()).with_context(|| path.display().to_string())?;
    Ok(lock)
}

/// An interrupt typed at the supervisor's terminal reaches its modules too; the supervisor tells
/// them what to do.
fn ignore_interrupts() -> Result<()> {
    use nix::sys::signal::{SigHandler, Signal, signal};
    #[expect(unsafe_code, reason = "changing a signal's disposition is unsafe by signature")]
    // SAFETY: SIG_IGN runs no code in a signal handler.
    let ignored = unsafe { signal(Signal::SIGINT, SigHandler::SigIgn) };
    ignored.context("cannot ignore interrupts").map(drop)
}
