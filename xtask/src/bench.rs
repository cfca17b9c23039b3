//! `cargo xtask bench`: builds what is measured and what measures, and runs it as root.

use std::process::ExitCode;

use anyhow::Result;

use crate::{setup, shell};

/// Runs a benchmark with its options.
pub(crate) fn run(options: &[String]) -> Result<ExitCode> {
    setup::for_build()?;
    let is_for = |name: &str| options.first().is_some_and(|first| first == name);
    if is_for("forward") || is_for("replication") {
        setup::MEASURE.install()?;
    }
    if is_for("replication") {
        setup::MIRROR.install()?;
    }
    eprintln!("set-up: building the daemons and the benchmarks (cargo build --release)");
    shell::run(&["cargo", "build", "--release", "-p", "hitless", "-p", "hitless-bench"])?;
    shell::run_as_root(&shell::target().join("release/hitless-bench"), options)
}
