//! Carries out exec commands on a running chassis: reads the line, asks the modules and the store, and
//! prints what they say.
//!
//! ```text
//!  line ─ hitless_config::parse_exec ─▶ ExecCommand ┬ look (show)    ┐
//!                                                   └ act (the rest) ┴▶ Answer ─▶ show (text) | JSON
//! ```
//! It knows no layout ([`crate::show`]) and decides nothing about roles: a handover is asked for,
//! and refused, by the module.

mod act;
mod answer;
mod ask;
mod look;
mod support;
#[cfg(test)]
mod tests;

use axum::http::StatusCode;
use hitless_config::{ExecCommand, ExecLine, OutputFormat, parse_exec};

use crate::api::access::Peer;
use crate::api::app::App;
use crate::api::refusal::Refusal;
use crate::api::types::ExecReply;
use crate::{log, show};

pub(crate) use act::CONFIG_SYNC;
pub use answer::{Answer, Depth, FarmDetail, ModuleSummary, NotBuilt, Numbered, ProbeInfo};
pub(crate) use ask::{Module, module_status, variables};

/// Carries out one line for somebody; a refusal is in the form of IOS.
pub(crate) async fn run(app: &App, peer: &Peer, line: &str) -> Result<ExecReply, Refusal> {
    let line = parse_exec(line).map_err(|bad| Refusal::bad(bad.to_string()))?;
    if !peer.may(line.command.privilege()) {
        let error = "% Authorization failed: this command is for administrators.";
        return Err(Refusal::new(StatusCode::FORBIDDEN, error));
    }
    let answer = match &line.command {
        ExecCommand::Show(what) => look::look(app, what).await,
        command @ (ExecCommand::Clear { .. }
        | ExecCommand::ConfigSync { .. }
        | ExecCommand::ReloadDaemon
        | ExecCommand::Configure(_)
        | ExecCommand::Copy(_)
        | ExecCommand::Session(_)) => act::act(app, peer, command).await,
    };
    let output = print(&answer?, &line).map_err(Refusal::unprocessable)?;
    Ok(ExecReply { output, follow: line.command == ExecCommand::ReloadDaemon })
}

fn print(answer: &Answer, line: &ExecLine) -> Result<String, String> {
    let text = match line.format {
        OutputFormat::Text => show::text(answer, &log::zone()),
        OutputFormat::Json => answer.json().map_err(|error| error.to_string())?,
    };
    Ok(match &line.filter {
        Some(filter) => filter.apply(&text),
        None => text,
    })
}
