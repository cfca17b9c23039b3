//! `hitless-machine`: what this kernel can do for hitless, found out by doing it.
//!
//! - `probe` tries everything that the daemons and the laboratory ask of a kernel, in a network
//!   namespace of its own, and prints what it found as JSON. `cargo xtask doctor` shows it.
//! - `adoption` leaves a data plane behind in one process and takes it over in another.
//! - As the first process of a guest ([`guest`]) it loads modules and runs a list of steps.
//!   `cargo xtask lab-vm` builds such guests.

mod adoption;
mod guest;
mod netlink;
mod probe;
mod scratch;
mod system;

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> ExitCode {
    if std::process::id() == 1 {
        guest::run();
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do if this cannot be written either.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut out = std::io::stdout();
    match words.as_slice() {
        ["probe"] => {
            writeln!(out, "{}", serde_json::to_string_pretty(&probe::all())?)?;
            Ok(())
        }
        ["adoption"] => adoption::run(&mut out),
        ["adoption", part, hook, pins] => adoption::part(part, hook, pins.as_ref(), &mut out),
        _ => bail!("usage: hitless-machine probe | adoption"),
    }
}
