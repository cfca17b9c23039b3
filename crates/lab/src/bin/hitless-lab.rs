//! `hitless-lab`: the demo and the scenarios. `cargo xtask demo` and `cargo xtask lab` run it.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use std::time::Duration;

use anyhow::{Context, Result};
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use hitless_lab::arena::{Arena, Plan};
use hitless_lab::config_text::{Manner, Timers};
use hitless_lab::console::Console;
use hitless_lab::interrupt::Interrupt;
use hitless_lab::scenario::demo::{self, Outcome, Show};
use hitless_lab::scenario::run::{self, Options};
use hitless_lab::scenario::table;
use hitless_lab::system;
use hitless_lab::view::View;
use serde::Serialize;

/// Connections of a crowd, usually and in the short form.
const CROWD: u32 = 1_000_000;
const SMALL_CROWD: u32 = 50_000;

#[derive(Parser)]
#[command(about = "Figure 7-1 in network namespaces: demo and scenarios")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// A handover, a power loss and its return, under load
    Demo {
        #[command(flatten)]
        common: Common,
        /// Everything that can happen to a box, instead
        #[arg(long)]
        all_faults: bool,
        /// Lines instead of the live view
        #[arg(long)]
        plain: bool,
    },
    /// Scenarios with figures
    #[command(after_help = about_all())]
    Lab {
        /// What happens
        #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(table::scenarios()))]
        scenario: String,
        #[command(flatten)]
        common: Common,
        /// How often it happens
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
        repeat: u16,
        /// As briefly as in the tests
        #[arg(long)]
        short: bool,
        /// How long each fault lasts, for those that last
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=86_400))]
        seconds: Option<u64>,
        /// Connections in the tables, for those with a crowd
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1000..=2_000_000))]
        crowd: Option<u32>,
    },
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

/// The table of faults, for `--help`.
fn about_all() -> String {
    let line =
        |fault: &table::Fault| format!("  {:<16} {}: {}", fault.scenario, fault.event, fault.about);
    let lines: Vec<String> = table::FAULTS.iter().map(line).collect();
    format!("Scenarios:\n{}", lines.join("\n"))
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
        Task::Demo { common, all_faults, plain } => {
            let is_live = !plain && !common.json && std::io::stdout().is_terminal();
            let outcome = demonstrate(&common, all_faults, is_live, &interrupt)?;
            show(&common, &outcome, &outcome.table())?;
            Ok(verdict(outcome.holds()))
        }
        Task::Lab { scenario, common, repeat, short, seconds, crowd } => {
            let faults = table::of(&scenario);
            let manner = faults.first().context("an empty scenario")?.manner;
            let lasts = seconds.map(Duration::from_secs);
            let options = Options { repeat: usize::from(repeat), is_short: short, lasts };
            let work = |arena: &mut Arena| run::run(arena, &faults, options);
            let short = if short { SMALL_CROWD } else { CROWD };
            let crowd = crowd.unwrap_or(short);
            let report = in_arena(&common, (manner, crowd), false, &interrupt, work)?;
            show(&common, &report, &report.table())?;
            Ok(verdict(report.violated.is_empty()))
        }
    }
}

/// The demo; all faults need pairs of every manner, one after the other.
fn demonstrate(
    common: &Common,
    all_faults: bool,
    is_live: bool,
    interrupt: &Interrupt,
) -> Result<Outcome> {
    let play = |show: Show, manner: Manner| {
        in_arena(common, (manner, 0), is_live, interrupt, |arena| demo::run(arena, show))
    };
    if !all_faults {
        return play(Show::Essence, Manner::Usual);
    }
    let mut outcome = Outcome::default();
    for manner in Manner::DEMONSTRATED {
        outcome = outcome.and(play(Show::Faults(manner), manner)?);
    }
    Ok(outcome)
}

/// Builds the laboratory, lets `work` happen in it, and takes it down whatever the result is.
fn in_arena<T>(
    common: &Common,
    (manner, crowd): (Manner, u32),
    is_live: bool,
    interrupt: &Interrupt,
    work: impl FnOnce(&mut Arena) -> Result<T>,
) -> Result<T> {
    let console = match (common.json, is_live) {
        (true, _) => Console::aside(),
        (false, true) => Console::viewed(),
        (false, false) => Console::standard(),
    };
    let connections = usize::from(common.connections);
    let plan = Plan { timers: common.timers, connections, manner, crowd };
    let mut arena = Arena::build(plan, console, interrupt.clone())?;
    let view = is_live.then(|| View::start(&arena)).transpose()?;
    let result = work(&mut arena);
    arena.console.say("taking everything down");
    drop(view);
    if result.is_err() {
        // A view has hidden what a console would have told.
        let _ = writeln!(std::io::stderr(), "{}", arena.pair.log_ends());
    }
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
