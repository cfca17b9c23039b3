//! Everything that hitless asks of a kernel, tried: each finding comes from doing it, not from a version.
//!
//! What the daemons cannot do without *lacks* when it is not there; what only the laboratory, the
//! measurements or some networks want is a *warning*. Nothing is left behind: devices are made in a
//! network namespace that ends with its thread, pins are removed.

mod devices;
mod plane;
mod rights;
mod settings;

use std::fmt::Display;

use serde::Serialize;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// There.
    Ok,
    /// Missing, and hitless does not run without.
    Lacks,
    /// Missing or unfavourable, and hitless runs.
    Warn,
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    name: &'static str,
    state: State,
    found: String,
    /// How to get it, unless it is there.
    remedy: Option<&'static str>,
}

impl Finding {
    fn ok(name: &'static str, found: impl Display) -> Self {
        Self { name, state: State::Ok, found: found.to_string(), remedy: None }
    }

    fn lacks(name: &'static str, found: impl Display, remedy: &'static str) -> Self {
        Self { name, state: State::Lacks, found: found.to_string(), remedy: Some(remedy) }
    }

    fn warn(name: &'static str, found: impl Display, remedy: &'static str) -> Self {
        Self { name, state: State::Warn, found: found.to_string(), remedy: Some(remedy) }
    }
}

/// Tries everything.
pub(crate) fn all() -> Vec<Finding> {
    let mut findings = vec![settings::kernel()];
    findings.extend(rights::all());
    if !rights::may_go_on() {
        return findings;
    }
    findings.push(settings::bpffs());
    findings.extend(devices::all());
    findings.extend(plane::all());
    findings.extend(settings::all());
    findings
}
