//! hitlessd: the supervisor of a chassis and, as a hidden sub-command, the process of one module.
//!
//! Runs in the foreground and logs on standard error. Everything is decided in
//! [`hitless::chassis`] and [`hitless::module`]; this file reads the command line.

use std::ffi::CString;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Parser, Subcommand};
use hitless::api::doors::{DoorOptions, Doors};
use hitless::chassis::state_dir::StateDir;
use hitless::chassis::succession::{Invocation, Legacy, Will};
use hitless::chassis::supervisor::{Supervisor, choose_configuration, take_over};
use hitless::chassis::{preflight, privileges};
use hitless::module::{self, ModuleArgs};
use hitless::{log, store};
use hitless_model::abi::ABI_VERSION;
use hitless_model::{Instant, Slot};

/// Supervisor of a chassis with content switching modules.
#[derive(Debug, Parser)]
#[command(name = "hitlessd", version, args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Args)]
struct Run {
    /// The startup configuration, in the form of IOS; `startup-config` in the state directory if none
    /// is named
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to keep what must outlive the daemon; names everything it makes
    #[arg(long, value_name = "DIR", required_unless_present = "check")]
    state_dir: Option<PathBuf>,
    /// Where to answer `hitless`
    #[arg(long, value_name = "PATH", required_unless_present = "check")]
    socket: Option<PathBuf>,
    #[command(flatten)]
    doors: DoorOptions,
    /// Only say what is wrong with the configuration
    #[arg(long)]
    check: bool,
    /// With --check: and whether this program can take over maps with this version of their layout
    #[arg(long, hide = true, requires = "check")]
    abi: Option<u32>,
    /// What the supervisor left that this one follows in the same process
    #[arg(long, hide = true)]
    legacy: Option<Will>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The process of one module; the supervisor starts it.
    #[command(hide = true)]
    Module {
        /// The slot it sits in
        #[arg(long)]
        slot: u64,
        /// The supervisor's state directory
        #[arg(long)]
        state_dir: PathBuf,
        /// When the program ended that this one follows in the same process
        #[arg(long)]
        replaces: Option<u64>,
    },
}

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    // Before anything is opened: it is told by the numbers of descriptors.
    let legacy = command_line.run.legacy.map(Will::execute).transpose();
    let _written_at_the_end = log::start();
    let done = match command_line.command {
        Some(Command::Module { slot, state_dir, replaces }) => {
            run_module(slot, state_dir, replaces)
        }
        None => legacy
            .context("what the supervisor before left cannot be used")
            .and_then(|legacy| run_supervisor(&command_line.run, legacy)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// What is wrong with a configuration stands for itself; everything else says who complains.
fn complain(error: &anyhow::Error) {
    let is_diagnosis = error.downcast_ref::<BadConfiguration>().is_some();
    for line in format!("{error:#}").lines() {
        let who = if is_diagnosis { "" } else { "hitlessd: " };
        // Nobody is left to tell that standard error is closed.
        drop(writeln!(std::io::stderr(), "{who}{line}"));
    }
}

fn run_module(slot: u64, state_dir: PathBuf, replaces: Option<u64>) -> Result<()> {
    let slot = Slot::try_from(slot).context("slot")?;
    // Started through /proc/self/exe, it would be known as "exe".
    let name = CString::new(format!("hitlessd-m{slot}"))?;
    rustix::thread::set_name(&name).context("process name")?;
    module::run(&ModuleArgs { slot, state_dir, replaces: replaces.map(Instant::from_nanos) })
}

fn run_supervisor(run: &Run, legacy: Option<Legacy>) -> Result<()> {
    if run.check {
        return check(run);
    }
    let (Some(state_dir), Some(socket)) = (&run.state_dir, &run.socket) else {
        bail!("--state-dir DIR and --socket PATH are needed");
    };
    let invocation = Invocation {
        program: own_program()?,
        config: run.config.as_deref().map(absolute).transpose()?,
        state_dir: absolute(state_dir)?,
        socket: absolute(socket)?,
        doors: run.doors.to_arguments()?,
    };
    let opening = choose_configuration(&invocation, legacy.is_some()).map_err(BadConfiguration)?;
    let (state, legacy) = if let Some(legacy) = legacy {
        let (state, legacy) = take_over(legacy, state_dir)?;
        (state, Some(legacy))
    } else {
        preflight::check()?;
        (StateDir::open(state_dir)?, None)
    };
    let doors = match run.doors.open(&invocation.socket) {
        // Modules run: a door that cannot be opened any more must not end their supervisor.
        Err(error) if legacy.is_some() => {
            tracing::error!("only the administrators' socket is open: {error:#}");
            Doors::one(&invocation.socket)
        }
        doors => doors?,
    };
    privileges::drop_others().context("capabilities cannot be given up")?;
    privileges::go_ahead();
    let supervisor = Supervisor { opening, invocation, state, legacy, doors };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start threads")?;
    runtime.block_on(supervisor.run())
}

/// Only says what is wrong with a configuration.
fn check(run: &Run) -> Result<()> {
    let Some(config) = &run.config else { bail!("--config FILE is missing") };
    store::load(config).map_err(BadConfiguration)?;
    run.abi.map_or(Ok(()), can_take_over)
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| path.display().to_string())
}

/// The program as it was called, so that a link that leads to another release by now is followed
/// anew; one that was found by its bare name, where it was found.
fn own_program() -> Result<PathBuf> {
    let called = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    if called.components().count() > 1 {
        return absolute(&called);
    }
    std::env::current_exe().context("this program's file")
}

/// Asked by a running daemon that is to be replaced by this program.
fn can_take_over(abi: u32) -> Result<()> {
    ensure!(
        abi == ABI_VERSION,
        "its maps have layout {ABI_VERSION}, those in use have {abi}: stop the daemon, so that the \
         peer takes over, and start the new one"
    );
    let missing = privileges::missing();
    ensure!(missing.is_empty(), "it needs {}, which was given up", missing.join(", "));
    Ok(())
}

/// Everything that is wrong with a configuration, each with its file and line.
#[derive(Debug)]
struct BadConfiguration(String);

impl fmt::Display for BadConfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadConfiguration {}
