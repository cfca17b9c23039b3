//! `cargo xtask bench`: builds what is measured and what measures, and runs it as root.

use std::process::ExitCode;

use anyhow::Result;

use crate::{setup, shell};

/// Runs a benchmark with its options.
pub(crate) fn run(options: &[String]) -> Result<ExitCode> {
    setup::for_build()?;
    if options.first().is_some_and(|name| name == "forward") {
        setup::MEASURE.install()?;
    }
    eprintln!("set-up: building the daemons and the benchmarks (cargo build --release)");
    shell::run(&["cargo", "build", "--release", "-p", "hitless", "-p", "hitless-bench"])?;
    shell::run_as_root(&shell::target().join("release/hitless-bench"), options)
}
