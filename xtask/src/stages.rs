//! What `test` and `check` do, stage by stage; the first failure ends them.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::{bpf, setup, shell, tidy, vm};

/// Long enough for every answer, short enough for a test.
const SCENARIOS: &[&[&str]] = &[
    &["lab", "planned", "--timers", "10,30", "--connections", "500", "--repeat", "4"],
    &["lab", "power-loss", "--timers", "10,30", "--connections", "2000", "--repeat", "3"],
    &["lab", "power-loss", "--timers", "1000,3000", "--connections", "500", "--repeat", "2"],
    &["lab", "return", "--short", "--repeat", "2"],
    &["lab", "young", "--short", "--repeat", "1"],
    &["lab", "stop", "--short", "--repeat", "2"],
    &["lab", "reload", "--short", "--repeat", "2"],
    &["lab", "supervisor-kill", "--short", "--repeat", "1"],
    &["lab", "module-kill", "--short", "--repeat", "2"],
    &["lab", "hang", "--short", "--repeat", "1"],
    &["lab", "ft-cut", "--short", "--repeat", "1"],
    &["lab", "one-way", "--short", "--repeat", "1"],
    &["lab", "isolated", "--short", "--repeat", "1"],
    &["lab", "isolated-gateway", "--short", "--repeat", "1"],
    &["lab", "flap", "--short", "--repeat", "1"],
    &["lab", "syn-flood", "--short", "--repeat", "1"],
    &["lab", "stress", "--short", "--repeat", "1"],
    &["lab", "keys", "--short", "--repeat", "2"],
    &["lab", "million", "--short", "--repeat", "1"],
    &["lab", "bulk", "--short", "--repeat", "1"],
    &["lab", "storm", "--short", "--repeat", "1"],
    &["lab", "slow-link", "--short", "--repeat", "1"],
    &["demo", "--plain"],
    &["demo", "--all-faults", "--plain"],
];

/// What has passed and failed so far.
#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    /// Runs a stage that counts as one test.
    fn stage(&mut self, name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        heading(name);
        let start = Instant::now();
        let result = work();
        if result.is_ok() {
            self.passed += 1;
            println!("── {name}: passed in {:.0} s", start.elapsed().as_secs_f64());
        } else {
            self.failed += 1;
            println!("── {name}: FAILED after {:.0} s", start.elapsed().as_secs_f64());
        }
        result
    }

    /// Adds what a line of cargo's test output says.
    fn count(&mut self, line: &str) {
        if let Some((passed, failed)) = test_result(line) {
            self.passed += passed;
            self.failed += failed;
        }
    }
}

fn heading(name: &str) {
    println!("\n━━ {name}");
}

/// The numbers in `test result: ok. 12 passed; 0 failed; …`.
pub(crate) fn test_result(line: &str) -> Option<(u64, u64)> {
    let numbers = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let mut parts = numbers.split("; ");
    let passed = parts.next()?.strip_suffix(" passed")?.parse().ok()?;
    let failed = parts.next()?.strip_suffix(" failed")?.parse().ok()?;
    Some((passed, failed))
}

/// `cargo xtask test`.
pub(crate) fn test(no_vm: bool) -> ExitCode {
    let mut tally = Tally::default();
    let result = all_stages(&mut tally).and_then(|()| {
        if no_vm {
            println!("\n━━ no guest: --no-vm");
            return Ok(());
        }
        tally.stage("oldest kernel, in a guest", || vm::run(vm::OLDEST, vm::Selection::Workspace))
    });
    finish(&tally, &result)
}

/// `cargo xtask check`.
pub(crate) fn check() -> ExitCode {
    let mut tally = Tally::default();
    let result = quick_stages(&mut tally).and_then(|()| {
        heading("unit tests");
        let words = ["cargo", "test", "--workspace", "--lib", "--bins"];
        shell::run_watched(&words, |line| tally.count(line))
    });
    finish(&tally, &result)
}

fn finish(tally: &Tally, result: &Result<()>) -> ExitCode {
    if let Err(error) = result {
        eprintln!("error: {error:#}");
    }
    // An end without a counted failure (a stage that could not even begin) is a failure too.
    let failed = tally.failed.max(u64::from(result.is_err()));
    println!("\n{} passed, {failed} failed", tally.passed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn all_stages(tally: &mut Tally) -> Result<()> {
    setup::for_test()?;
    let root = shell::as_root()?;
    tally.stage("format", || shell::run(&["cargo", "fmt", "--all", "--check"]))?;
    tally.stage("clippy", clippy)?;
    tally.stage("BPF object", || bpf::run(true))?;
    cargo_test(tally, root)?;
    tally.stage("tidy", tidy::run)?;
    tally.stage("release build", build_release)?;
    for words in SCENARIOS {
        tally.stage(&words.join(" "), || scenario(words))?;
    }
    Ok(())
}

fn quick_stages(tally: &mut Tally) -> Result<()> {
    setup::for_test()?;
    tally.stage("format", || shell::run(&["cargo", "fmt", "--all", "--check"]))?;
    tally.stage("clippy", clippy)?;
    tally.stage("tidy", tidy::run)
}

fn clippy() -> Result<()> {
    shell::run(&["cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

/// Unit tests, simulation and BPF fixtures. Built as the user, run as root.
fn cargo_test(tally: &mut Tally, root: &[&str]) -> Result<()> {
    heading("unit tests, simulation, BPF fixtures");
    let runner = format!("target.'cfg(unix)'.runner={root:?}");
    let mut words = vec!["cargo", "test", "--workspace", "--no-fail-fast"];
    if !root.is_empty() {
        words.extend(["--config", &runner]);
    }
    shell::run_watched(&words, |line| tally.count(line))
}

fn build_release() -> Result<()> {
    shell::run(&["cargo", "build", "--release", "-p", "hitless", "-p", "hitless-lab"])
}

fn scenario(words: &[&str]) -> Result<()> {
    let arguments: Vec<String> = words.iter().map(ToString::to_string).collect();
    let code = shell::run_as_root(&shell::target().join("release/hitless-lab"), &arguments)?;
    ensure!(code == ExitCode::SUCCESS, "the expectations do not hold");
    Ok(())
}

/// `cargo xtask demo` and `cargo xtask lab`.
pub(crate) fn laboratory(task: &str, options: &[String]) -> Result<ExitCode> {
    setup::for_build()?;
    eprintln!("set-up: building the daemons and the laboratory (cargo build --release)");
    build_release()?;
    let arguments: Vec<String> =
        std::iter::once(task.to_owned()).chain(options.iter().cloned()).collect();
    shell::run_as_root(&shell::target().join("release/hitless-lab"), &arguments)
}

/// `cargo xtask sim`: one seed with its time line, or the first thousand.
pub(crate) fn simulate(seed: Option<u64>) -> Result<ExitCode> {
    let mut command = shell::command(&["cargo", "run", "--quiet", "-p", "hitless-sim", "--"]);
    if let Some(seed) = seed {
        command.args(["--trace", "--seed", &seed.to_string()]);
    }
    shell::exit_code(&mut command)
}

/// `cargo xtask sim replay FILE`: the decisions that a box exported.
pub(crate) fn replay(file: &Path) -> Result<ExitCode> {
    let words = ["cargo", "run", "--quiet", "-p", "hitless-sim", "--", "replay"];
    shell::exit_code(shell::command(&words).arg(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_summary_is_understood() {
        let line = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out";
        assert_eq!(test_result(line), Some((12, 0)));
        let line = "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured";
        assert_eq!(test_result(line), Some((3, 2)));
        assert_eq!(test_result("running 3 tests"), None);
    }
}
