//! `cargo xtask`: the only front door of the project. Set-up, demo, tests, laboratory.
//!
//! Start with [`stages`] for what `test` does and in which order. Everything that needs root is
//! built as the user and then run through sudo ([`shell`]).

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

mod bench;
mod bpf;
mod docs;
mod doctor;
mod setup;
mod shell;
mod stages;
mod tidy;
mod vm;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The front door of hitless")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Figure 7-1 in network namespaces under load: a handover, a power loss, its return
    #[command(disable_help_flag = true)]
    Demo {
        /// Options of the demo; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Everything that continuous integration runs
    Test {
        /// Leave out the guest with the oldest kernel
        #[arg(long)]
        no_vm: bool,
    },
    /// A laboratory scenario: one fault after another, with figures; `lab --help` lists them
    #[command(disable_help_flag = true)]
    Lab {
        /// Scenario and options; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Debian's stock cloud kernel of this version in QEMU: load, attach, adopt, fixtures, power loss
    LabVm {
        /// Version as in Debian's package lists
        #[arg(default_value = vm::OLDEST)]
        version: String,
    },
    /// What this machine has and lacks for building, running, testing and measuring
    Doctor {
        /// One JSON array on standard output
        #[arg(long)]
        json: bool,
    },
    /// What packets cost (`packet`), what comes out at the other end (`forward`), what the peer costs
    /// (`replication`)
    #[command(disable_help_flag = true)]
    Bench {
        /// Benchmark and options; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Rebuild the committed BPF objects
    Bpf {
        /// Only compare them with what their sources give
        #[arg(long)]
        check: bool,
    },
    /// Write the pages of `docs/` that the programs print about themselves
    Docs {
        /// Only say whether one is stale
        #[arg(long)]
        check: bool,
    },
    /// Simulate pairs; with a seed, replay that one
    #[command(args_conflicts_with_subcommands = true)]
    Sim {
        /// The seed that a failure printed
        seed: Option<u64>,
        #[command(subcommand)]
        replay: Option<Replay>,
    },
    /// What can be said in a minute and without root: format, clippy, tidy, unit tests
    Check,
    /// Sizes, layers, words, links, counters
    Tidy,
    /// Install and fetch everything that the tests need, saying what
    Setup,
}

#[derive(Subcommand)]
enum Replay {
    /// Play the decisions of a real box again
    Replay {
        /// What `hitless -c "show module csm N ft history | json"` printed; `-` is standard input
        #[arg(value_parser = from_here)]
        file: PathBuf,
    },
}

/// A file's name before this process moves to the workspace.
fn from_here(file: &str) -> std::io::Result<PathBuf> {
    if file == "-" { Ok(file.into()) } else { std::path::absolute(file) }
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    std::env::set_current_dir(shell::workspace())?;
    let done = match task {
        Task::Demo { options } => return stages::laboratory("demo", &options),
        Task::Lab { options } => return stages::laboratory("lab", &options),
        Task::Bench { options } => return bench::run(&options),
        Task::Test { no_vm } => return Ok(stages::test(no_vm)),
        Task::Doctor { json } => return doctor::run(json),
        Task::LabVm { version } => vm::run(&version, vm::Selection::DataPlane),
        Task::Check => return Ok(stages::check()),
        Task::Sim { replay: Some(Replay::Replay { file }), .. } => return stages::replay(&file),
        Task::Sim { seed, replay: None } => return stages::simulate(seed),
        Task::Bpf { check } => bpf::run(check),
        Task::Docs { check } => docs::run(check),
        Task::Tidy => tidy::run(),
        Task::Setup => setup::everything(),
    };
    done.map(|()| ExitCode::SUCCESS)
}
