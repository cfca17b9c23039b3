//! `cargo xtask doctor`: what this machine has and lacks for building, running, testing and measuring
//! hitless, and how to get it.
//!
//! Every line comes from trying: a program is compiled, a device is made, the BPF object is loaded.
//! What a kernel can do is tried by `hitless-machine probe` ([`kernel`]), which needs root; the rest is
//! asked of this machine's tools and of /proc. Nothing is installed: that is `cargo xtask setup`.

mod build;
mod check;
mod kernel;
mod measure;
mod readings;
mod test;

use std::process::ExitCode;

use anyhow::Result;

/// Examines the machine; success if nothing lacks that building and running need.
pub(crate) fn run(as_json: bool) -> Result<ExitCode> {
    let mut checks = build::all();
    checks.extend(kernel::all(&checks));
    checks.extend(test::all());
    checks.extend(measure::all());
    if as_json {
        println!("{}", serde_json::to_string_pretty(&checks)?);
    } else {
        println!("{}", check::table(&checks));
    }
    Ok(if check::is_fit(&checks) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
