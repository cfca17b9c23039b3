//! A module's process: the balancer in one slot.
//!
//! Runs in the module's own network namespace, made by the supervisor. It serves the module's API
//! ([`routes`]) on a socket in the state directory; the first configuration it is handed starts the
//! [`engine`]: data plane, namespace reconciler, and for a member of a fault-tolerant group the
//! core thread ([`core_thread`]), the table thread ([`table`]) and the chores ([`chores`]). A life
//! that follows another one goes on where that left off ([`resume`]); [`renew`] replaces the program
//! in place.

mod announce;
mod change;
mod chores;
mod clears;
pub(crate) mod clock;
mod core_thread;
mod engine;
mod gateways;
mod ground;
mod history;
mod hooks;
mod inbox;
pub(crate) mod kept;
mod messages;
mod packet;
mod pulse;
pub(crate) mod realtime;
mod rejections;
mod renew;
mod resume;
mod routes;
mod settings;
mod sockets;
mod start;
mod sticky;
mod table;
mod views;
pub(crate) mod wanted;

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hitless_model::{Instant, Slot};
use nix::fcntl::{Flock, FlockArg};
use rustix::io::FdFlags;

use crate::names::Names;
use crate::netlink::netns;

pub(crate) use renew::check_program;

/// Tokio threads: management only, so few.
const WORKERS: usize = 2;
/// How often to try for the lock of the slot.
const LOCK_ATTEMPTS: u32 = 10;
/// Pause between two attempts.
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// What the supervisor tells a module's process on its command line.
#[derive(Clone, Debug)]
pub struct ModuleArgs {
    /// The slot it sits in.
    pub slot: Slot,
    /// The daemon's state directory.
    pub state_dir: PathBuf,
    /// When the program ended that this one replaces in the same process, if it does.
    pub replaces: Option<Instant>,
}

/// One life of a module's program.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    /// The daemon's names.
    pub(crate) names: Names,
    /// The module's slot.
    pub(crate) slot: Slot,
    /// When it began: for one that replaces another, when that ended.
    pub(crate) begun: Instant,
}

/// Runs a module until it is told to stop.
pub fn run(args: &ModuleArgs) -> Result<()> {
    let begun = args.replaces.unwrap_or_else(clock::now);
    let names = Names::new(&args.state_dir)
        .with_context(|| format!("state directory {}", args.state_dir.display()))?;
    let _alone = lock(&names, args.slot)?;
    ignore_interrupts()?;
    let namespace = names.namespace_path(args.slot);
    // Before any thread is made: all of them belong to the module's namespace.
    netns::enter(&namespace).with_context(|| format!("cannot enter {}", namespace.display()))?;
    let former = resume::begin(&names, args.slot, args.replaces.is_some());
    realtime::relax();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .context("cannot start the management threads")?;
    let life = Life { names, slot: args.slot, begun };
    runtime.block_on(routes::serve(life, former))
}

/// Two processes for one slot would fight over one data plane.
///
/// The lock stays with the process when its program is replaced, so that nobody sees the slot free
/// meanwhile. The descriptor is closed by nobody then; that its file names this very process tells.
fn lock(names: &Names, slot: Slot) -> Result<Option<Flock<File>>> {
    let path = names.module_pid(slot);
    let own = std::process::id();
    for _ in 0..LOCK_ATTEMPTS {
        let mut options = File::options();
        let file = options.create(true).truncate(false).read(true).write(true).open(&path);
        let file = file.with_context(|| path.display().to_string())?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut lock) => {
                lock.set_len(0).with_context(|| path.display().to_string())?;
                writeln!(lock, "{own}").with_context(|| path.display().to_string())?;
                rustix::io::fcntl_setfd(&*lock, FdFlags::empty())?;
                return Ok(Some(lock));
            }
            Err((file, _)) if io::read_to_string(&file)?.trim() == own.to_string() => {
                return Ok(None);
            }
            // A supervisor that looks whether somebody holds it holds it for that instant.
            Err(_) => thread::sleep(LOCK_PAUSE),
        }
    }
    bail!("module {slot} runs already: {} is locked", path.display());
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
