//! `cargo xtask`: the only front door of the project. Set-up, demo, tests, laboratory.
//!
//! Start with [`stages`] for what `test` does and in which order. Everything that needs root is
//! built as the user and then run through sudo ([`shell`]).

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

mod bpf;
mod setup;
mod shell;
mod stages;
mod tidy;

use std::process::ExitCode;

use std::path::PathBuf;
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
    Test,
    /// A laboratory scenario: planned, power-loss
    #[command(disable_help_flag = true)]
    Lab {
        /// Scenario and options; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Rebuild the committed BPF object
    Bpf {
        /// Only compare it with what the source gives
        #[arg(long)]
        check: bool,
    },
    /// Simulate pairs; with a seed, replay that one
    Sim {
        /// The seed that a failure printed
        seed: Option<u64>,
    },
    /// What can be said in a minute and without root: format, clippy, tidy, unit tests
    Check,
    /// Sizes, layers, words, links, counters
    Tidy,
    /// Install what the tests need, saying what
    Setup,
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
    #[command(args_conflicts_with_subcommands = true)]
        }
    }
}
        #[command(subcommand)]
        replay: Option<Replay>,

fn run(task: Task) -> Result<ExitCode> {
    std::env::set_current_dir(shell::workspace())?;
    let done = match task {
        Task::Demo { options } => return stages::laboratory("demo", &options),
        Task::Lab { options } => return stages::laboratory("lab", &options),
        Task::Test => return Ok(stages::test()),
        Task::Check => return Ok(stages::check()),
        Task::Sim { replay: Some(Replay::Replay { file }), .. } => return stages::replay(&file),
        Task::Sim { seed, replay: None } => return stages::simulate(seed),
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

        Task::Bpf { check } => bpf::run(check),
        Task::Tidy => tidy::run(),
        Task::Setup => setup::for_test(),
    };
    done.map(|()| ExitCode::SUCCESS)
}
