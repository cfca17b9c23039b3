//! Runs the simulation from the command line: one seed, with its time line, or many; or plays the
//! decisions that a real box exported.
//!
//! Exit status: 0 when everything held, 10 when something bad happened (safety), 11 when something
//! good did not (liveness); of `replay`, 1 when a decision does not replay.

#![forbid(unsafe_code)]

use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use hitless_sim::trace::Detail;
use hitless_sim::{Invariant, explain, replay, run_seed, run_seeds};

const SAFETY: u8 = 10;
const LIVENESS: u8 = 11;

/// Simulates a fault-tolerant pair.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    task: Option<Task>,
    /// Runs this seed.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Prints everything that happened; without it only what led to a failure.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Runs these seeds, the last one not included.
    #[arg(long, value_name = "FROM..TO", value_parser = parse_range, default_value = "0..1000")]
    seeds: Range<u64>,
    /// Stops after so many failed seeds.
    #[arg(long, default_value_t = 10)]
    failures: usize,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Plays the decisions of an export again: what
    /// `hitless -c "show module csm N ft history | json"` printed.
    Replay {
        /// The export; `-` is standard input.
        file: PathBuf,
    },
}

fn parse_range(text: &str) -> Result<Range<u64>> {
    let (from, to) = text.split_once("..").context("FROM..TO")?;
    Ok(from.trim().parse()?..to.trim().parse()?)
}

fn main() -> ExitCode {
    match run(Arguments::parse(), &mut io::stdout().lock()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments, out: &mut impl Write) -> Result<ExitCode> {
    match (arguments.task, arguments.seed) {
        (Some(Task::Replay { file }), _) => play(out, &file),
        (None, Some(seed)) => one(out, seed, arguments.trace),
        (None, None) => many(out, arguments.seeds, arguments.failures),
    }
}

fn play(out: &mut impl Write, file: &Path) -> Result<ExitCode> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        io::stdin().read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.with_context(|| file.display().to_string())?;
    let export = replay::read(&text).with_context(|| file.display().to_string())?;
    match replay::tell(out, &export) {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::FAILURE),
        // A reader that has seen enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error.into()),
    }
}

fn one(out: &mut impl Write, seed: u64, trace: bool) -> Result<ExitCode> {
    let detail = if trace { Detail::Full } else { Detail::None };
    let outcome = run_seed(seed, detail);
    for line in &outcome.trace {
        writeln!(out, "{line}")?;
    }
    if let Some(violation) = &outcome.violation {
        writeln!(out, "{}", explain(seed))?;
        return Ok(exit_code([violation.invariant]));
    }
    writeln!(out, "seed {seed} holds: {:?}", outcome.stats)?;
    Ok(ExitCode::SUCCESS)
}

fn many(out: &mut impl Write, seeds: Range<u64>, failures: usize) -> Result<ExitCode> {
    let began = Instant::now();
    let tally = run_seeds(seeds, failures);
    if let Some((seed, _)) = tally.failed.first() {
        writeln!(out, "{}", explain(*seed))?;
    }
    for (seed, violation) in &tally.failed {
        writeln!(out, "seed {seed}: {:?} {}", violation.invariant, violation.what)?;
    }
    let seconds = began.elapsed().as_secs_f32();
    writeln!(out, "{} runs, {} failed, {seconds:.1} s", tally.runs, tally.failed.len())?;
    writeln!(out, "{:#?}", tally.stats)?;
    Ok(exit_code(tally.failed.iter().map(|(_, violation)| violation.invariant)))
}

fn exit_code(violated: impl IntoIterator<Item = Invariant>) -> ExitCode {
    let mut violated = violated.into_iter().peekable();
    if violated.peek().is_none() {
        return ExitCode::SUCCESS;
    }
    ExitCode::from(if violated.all(Invariant::is_liveness) { LIVENESS } else { SAFETY })
}
