//! `hitless-bench`: what packets cost, and what comes out at the other end. `cargo xtask bench` runs it.

mod forward;
mod machine;
mod object;
mod packet;
#[expect(unreachable_pub, dead_code, reason = "the BPF programs' crate has the same file")]
#[path = "../../bench-ebpf/src/plan.rs"]
mod plan;
mod replication;
mod stats;
mod table;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};
use forward::Scope;
use hitless_lab::interrupt::Interrupt;
use hitless_lab::system;
use serde::Serialize;

#[derive(Parser)]
#[command(about = "Benchmarks of hitless")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// What comes out at the other end, with one core for the box: hitless, the kernel, nftables
    Forward {
        #[command(flatten)]
        common: Common,
        /// Only connections per second, and only where there is a target for them
        #[arg(long)]
        connections: bool,
        /// Only what has this in its name, as the table shows it
        #[arg(long, value_name = "TEXT", default_value = "")]
        only: String,
    },
    /// What telling the peer costs for each connection, how late it knows, how a fresh one is told all
    Replication {
        #[command(flatten)]
        common: Common,
        /// New connections a second
        #[arg(long, value_name = "N", default_value_t = replication::RATE)]
        rate: u32,
    },
    /// What a packet costs in the data plane's programs, against the least that it could cost
    Packet {
        #[command(flatten)]
        common: Common,
        /// Measure another build of the data plane's object
        #[arg(long, value_name = "FILE")]
        object: Option<PathBuf>,
    },
}

#[derive(Args)]
struct Common {
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
    /// A smaller measurement: it shows that everything works, its figures are rough
    #[arg(long)]
    quick: bool,
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do if this cannot be written either.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    system::require_root()?;
    let interrupt = Interrupt::listen()?;
    match task {
        Task::Forward { common, connections, only } => {
            let scope = if connections { Scope::Connections } else { Scope::All };
            let report = forward::run((scope, &only), common.quick, &interrupt)?;
            show(&common, &report, &report.table())?;
            ensure!(report.is_complete(), "not everything could be measured");
            Ok(())
        }
        Task::Replication { common, rate } => {
            let report = replication::run((rate, common.quick), &interrupt)?;
            show(&common, &report, &report.table())
        }
        Task::Packet { common, object } => {
            let object =
                object.map(|path| std::fs::read(&path).with_context(|| path.display().to_string()));
            let options = packet::Options { quick: common.quick, object: object.transpose()? };
            let report = packet::run(&options, &interrupt)?;
            show(&common, &report, &report.table())
        }
    }
}

fn show(common: &Common, value: &impl Serialize, table: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if common.json {
        writeln!(out, "{}", serde_json::to_string_pretty(value)?)?;
    } else {
        write!(out, "{table}")?;
    }
    Ok(())
}
