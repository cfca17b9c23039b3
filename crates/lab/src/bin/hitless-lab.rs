//! `hitless-lab`: the demo and the scenarios. `cargo xtask demo` and `cargo xtask lab` run it.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use hitless_lab::arena::{Arena, Plan};
use hitless_lab::config_text::Timers;
use hitless_lab::console::Console;
use hitless_lab::interrupt::Interrupt;
use hitless_lab::scenario::{self, Kind, demo};
use hitless_lab::system;
use serde::Serialize;

#[derive(Parser)]
#[command(about = "Figure 7-1 in network namespaces: demo and scenarios")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// A handover, a power loss and its return, under load
    Demo(Common),
    /// Scenarios with figures
    Lab {
        #[command(subcommand)]
        scenario: Scenario,
    },
}

#[derive(Subcommand)]
enum Scenario {
    /// The active one hands over by command, there and back
    Planned(Repeated),
    /// The active one loses its power, and comes back
    PowerLoss(Repeated),
}

#[derive(Args)]
struct Repeated {
    #[command(flatten)]
    common: Common,
    /// How often it happens
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    repeat: u16,
}

#[derive(Args)]
struct Common {
    /// One JSON object on standard output, everything else on standard error
    #[arg(long)]
    json: bool,
    /// Heartbeat interval and failover time in milliseconds
    #[arg(long, value_name = "HB,FO", default_value = "10,30", value_parser = Timers::from_str)]
    timers: Timers,
    /// TCP connections to open
    #[arg(long, value_name = "N", default_value_t = 500,
          value_parser = clap::value_parser!(u16).range(1..=8000))]
    connections: u16,
    /// Keep the daemons' configurations and logs in this folder
    #[arg(long, value_name = "DIR")]
    logs: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(code) => code,
        Err(error) => {
            // Nothing is left to do if this cannot be written either.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    system::require_root()?;
    let interrupt = Interrupt::listen()?;
    system::prepare_process()?;
    match task {
        Task::Demo(common) => {
            let outcome = in_arena(&common, interrupt, demo::run)?;
            show(&common, &outcome, &outcome.table())?;
            Ok(verdict(outcome.connections_broken == 0))
        }
        Task::Lab { scenario } => {
            let (kind, Repeated { common, repeat }) = match scenario {
                Scenario::Planned(options) => (Kind::Planned, options),
                Scenario::PowerLoss(options) => (Kind::PowerLoss, options),
            };
            let repeat = usize::from(repeat);
            let report = in_arena(&common, interrupt, |arena| scenario::run(arena, kind, repeat))?;
            show(&common, &report, &report.table())?;
            Ok(verdict(report.violated.is_empty()))
        }
    }
}

/// Builds the laboratory, lets `work` happen in it, and takes it down whatever the result is.
fn in_arena<T>(
    common: &Common,
    interrupt: Interrupt,
    work: impl FnOnce(&mut Arena) -> Result<T>,
) -> Result<T> {
    let console = if common.json { Console::aside() } else { Console::standard() };
    let plan = Plan { timers: common.timers, connections: usize::from(common.connections) };
    let mut arena = Arena::build(plan, console, interrupt)?;
    let result = work(&mut arena);
    if result.is_err() {
        arena.console.plain(&arena.pair.log_ends());
    }
    arena.console.say("taking everything down");
    let kept = common.logs.as_ref().map_or(Ok(()), |folder| arena.pair.keep_logs(folder));
    let down = arena.take_down();
    let value = result?;
    kept.and(down)?;
    Ok(value)
}

fn show(common: &Common, value: &impl Serialize, table: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if common.json {
        writeln!(out, "{}", serde_json::to_string_pretty(value)?)?;
    } else {
        writeln!(out, "\n{table}")?;
    }
    Ok(())
}

fn verdict(holds: bool) -> ExitCode {
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
