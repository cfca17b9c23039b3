//! hitlessd: the supervisor of a chassis and, as a hidden sub-command, the process of one module.
//!
//! Runs in the foreground and logs on standard error. Everything is decided in
//! [`hitless::chassis`] and [`hitless::module`]; this file reads the command line.

use std::ffi::CString;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use hitless::chassis::preflight;
use hitless::chassis::privileges;
use hitless::chassis::state_dir::StateDir;
use hitless::chassis::supervisor::Supervisor;
use hitless::module::{self, ModuleArgs};
use hitless_config::{Configuration, Diagnostic};
use hitless_model::Slot;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

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
    /// The configuration, in the form of IOS
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to keep what must outlive the daemon; names everything it makes
    #[arg(long, value_name = "DIR", required_unless_present = "check")]
    state_dir: Option<PathBuf>,
    /// Where to answer `hitless`
    #[arg(long, value_name = "PATH", required_unless_present = "check")]
    socket: Option<PathBuf>,
    /// Only say what is wrong with the configuration
    #[arg(long)]
    check: bool,
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
    },
}

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let _written_at_the_end = log_to_stderr();
    let done = match command_line.command {
        Some(Command::Module { slot, state_dir }) => run_module(slot, state_dir),
        None => run_supervisor(&command_line.run),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Lines are written by a thread of their own, and lost rather than waited for: who reads standard
/// error must not be able to stop a handover. What is waiting is written when the guard is dropped.
fn log_to_stderr() -> WorkerGuard {
    let (writer, guard) = tracing_appender::non_blocking(std::io::stderr());
    // netlink_proto warns of everything that arrives while a connection is being closed.
    let plain = || EnvFilter::new("info,netlink_proto=error");
    let filter = EnvFilter::try_from_env("HITLESS_LOG").unwrap_or_else(|_| plain());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(false)
        .with_target(false)
        .init();
    guard
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

fn run_module(slot: u64, state_dir: PathBuf) -> Result<()> {
    let slot = Slot::try_from(slot).context("slot")?;
    // Started through /proc/self/exe, it would be known as "exe".
    let name = CString::new(format!("hitlessd-m{slot}"))?;
    rustix::thread::set_name(&name).context("process name")?;
    module::run(&ModuleArgs { slot, state_dir })
}

fn run_supervisor(run: &Run) -> Result<()> {
    let Some(config) = &run.config else { bail!("--config FILE is missing") };
    let configuration = load(config)?;
    let (false, Some(state_dir), Some(socket)) = (run.check, &run.state_dir, &run.socket) else {
        return Ok(());
    };
    preflight::check()?;
    let state = StateDir::open(state_dir)?;
    privileges::drop_others().context("capabilities cannot be given up")?;
    let socket = std::path::absolute(socket).context("socket")?;
    let supervisor = Supervisor { configuration: Arc::new(configuration), state, socket };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start threads")?;
    runtime.block_on(supervisor.run(hitless::exec::on_chassis))
}

/// Everything that is wrong with a configuration, each with its file and line.
#[derive(Debug)]
struct BadConfiguration(Vec<Diagnostic>);

impl fmt::Display for BadConfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|diagnostic| writeln!(f, "{diagnostic}"))
    }
}

impl std::error::Error for BadConfiguration {}

fn load(file: &Path) -> Result<Configuration> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let configuration = hitless_config::parse(&text, &file.display().to_string());
    Ok(configuration.map_err(BadConfiguration)?)
}
