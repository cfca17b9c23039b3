//! Carries out exec commands on a running chassis: reads the line, asks the modules, and prints
//! what they say.
//!
//! ```text
//!  line ─ hitless_config::parse_exec ─▶ ExecCommand ─ asks modules ─▶ Answer ─▶ show (text) | JSON
//! ```
//! It knows no layout ([`crate::show`]) and decides nothing about roles: a handover is asked for,
//! and refused, by the module.

mod answer;
mod ask;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures::future::join_all;
use hitless_config::model::Name;
use hitless_config::{
    Clear, ExecCommand, ExecLine, ModuleView, Modules, OutputFormat, Show, parse_exec,
};
use hitless_model::Slot;

use crate::api::server::Exec;
use crate::api::types::{ConnInfo, ExecReply, FarmInfo, RealInfo, VirtualServerInfo, VlanInfo};
use crate::chassis::{Chassis, ModuleState};
use crate::show;
use answer::hide_keys;
use ask::Module;

pub use answer::{Answer, Depth, FarmDetail, ModuleSummary, Numbered};

/// The function that carries out command lines on `chassis`, for the API to call.
pub fn on_chassis(chassis: Arc<Chassis>) -> Arc<Exec> {
    Arc::new(move |line| {
        let chassis = Arc::clone(&chassis);
        Box::pin(async move { run(&chassis, &line).await })
    })
}

/// Carries out one line; the error is in the form of IOS.
async fn run(chassis: &Chassis, line: &str) -> Result<ExecReply, String> {
    let line = parse_exec(line).map_err(|bad| bad.to_string())?;
    let follow = line.command == ExecCommand::ReloadDaemon;
    let answer = carry_out(chassis, &line.command).await.map_err(|why| format!("% {why}"))?;
    let output = print(&answer, &line).map_err(|why| format!("% {why}"))?;
    Ok(ExecReply { output, follow })
}

fn print(answer: &Answer, line: &ExecLine) -> Result<String, String> {
    let text = match line.format {
        OutputFormat::Text => show::text(answer),
        OutputFormat::Json => answer.json().map_err(|error| error.to_string())?,
    };
    Ok(match &line.filter {
        Some(filter) => filter.apply(&text),
        None => text,
    })
}

async fn carry_out(chassis: &Chassis, command: &ExecCommand) -> Result<Answer, String> {
    match command {
        ExecCommand::Show(what) => look(chassis, what).await,
        ExecCommand::Clear { slot, what: Clear::FtActive } => {
            module(chassis, *slot)?.hand_over().await?;
            Ok(Answer::Done)
        }
        ExecCommand::ReloadDaemon => {
            chassis.reload().await.map_err(|why| format!("Not reloaded: {why}"))?;
            Ok(Answer::Done)
        }
        ExecCommand::Clear { .. }
        | ExecCommand::ConfigSync { .. }
        | ExecCommand::Configure(_)
        | ExecCommand::Copy(_)
        | ExecCommand::Session(_) => Err(LATER.to_owned()),
    }
}

/// What a command is answered that is understood and not carried out.
const LATER: &str = "This command is not available in this release yet.";

async fn look(chassis: &Chassis, what: &Show) -> Result<Answer, String> {
    match what {
        Show::Modules => Ok(Answer::Modules(summaries(chassis).await)),
        Show::RunningConfig => {
            Ok(Answer::RunningConfig(Box::new(hide_keys(chassis.configuration()))))
        }
        Show::Module { modules: Modules::One(slot), view, detail } => {
            show_module(&module(chassis, *slot)?, view, Depth::of(*detail)).await
        }
        Show::Module { modules: Modules::All, .. }
        | Show::StartupConfig
        | Show::Archive
        | Show::ArchiveDifferences(_)
        | Show::Difference
        | Show::History
        | Show::Clock
        | Show::Version
        | Show::Standby { .. }
        | Show::TechSupport
        | Show::Log => Err(LATER.to_owned()),
    }
}

/// A module that is at work.
fn module(chassis: &Chassis, slot: Slot) -> Result<Module, String> {
    let socket = chassis.module_socket(slot);
    let socket = socket.ok_or_else(|| format!("There is no module in slot {slot}."))?;
    let state = chassis.modules().find(|(found, _)| *found == slot).map(|(_, state)| state);
    match state {
        Some(ModuleState::Running { .. }) => Ok(Module::new(slot, socket)),
        Some(state) => Err(format!("Module {slot} {}.", show::module_state(&state))),
        None => Err(format!("There is no module in slot {slot}.")),
    }
}

/// All modules are asked at once: one that does not answer keeps nobody else waiting.
async fn summaries(chassis: &Chassis) -> Vec<ModuleSummary> {
    let asked = chassis.modules().map(|(slot, state)| async move {
        let ft = match module(chassis, slot) {
            Ok(module) => module.get("ft").await.unwrap_or_default(),
            Err(_) => None,
        };
        let online = matches!(state, ModuleState::Running { .. });
        ModuleSummary { slot, online, state: show::module_state(&state), ft }
    });
    join_all(asked).await
}

async fn show_module(module: &Module, view: &ModuleView, depth: Depth) -> Result<Answer, String> {
    Ok(match view {
        ModuleView::Ft => Answer::Ft(module.get("ft").await?, depth),
        ModuleView::FtHistory => Answer::History(module.get("history").await?),
        ModuleView::VirtualServers(name) => {
            Answer::VirtualServers(virtual_servers(module, name.as_ref()).await?, depth)
        }
        ModuleView::Reals(farm) => {
            let mut reals: Vec<RealInfo> = module.get("reals").await?;
            reals.retain(|real| is(farm.as_ref(), Some(&real.farm)));
            Answer::Reals(reals, depth)
        }
        ModuleView::Farms(name) => farms(module, name.as_ref(), depth).await?,
        ModuleView::Conns { virtual_server, client } => {
            let mut conns: Vec<ConnInfo> = module.get("conns").await?;
            conns.retain(|conn| is(virtual_server.as_ref(), conn.virtual_server.as_ref()));
            conns.retain(|conn| client.is_none_or(|client| *conn.record.key.client.ip() == client));
            Answer::Conns(conns, depth)
        }
        ModuleView::Vlans(id) => {
            let mut vlans: Vec<VlanInfo> = module.get("vlans").await?;
            vlans.retain(|vlan| id.is_none_or(|id| vlan.vlan == id));
            Answer::Vlans(vlans, depth)
        }
        ModuleView::Arp => Answer::Arp(module.get("arp").await?),
        ModuleView::Stats => Answer::Stats(module.get("stats").await?),
        ModuleView::Dataplane => Answer::Dataplane(module.get("dataplane").await?),
        ModuleView::Status
        | ModuleView::Variable(_)
        | ModuleView::Sticky(_)
        | ModuleView::Probe(_)
        | ModuleView::TechSupport(_) => return Err(LATER.to_owned()),
    })
}

async fn virtual_servers(module: &Module, name: Option<&Name>) -> Result<Vec<Numbered>, String> {
    let all: Vec<VirtualServerInfo> = module.get("vservers").await?;
    let numbered = all.into_iter().zip(1..).map(|(server, index)| Numbered { index, server });
    let chosen: Vec<_> = numbered.filter(|n| is(name, Some(&n.server.name))).collect();
    found(module, name, &chosen, "virtual server")?;
    Ok(chosen)
}

/// Farms with what only `detail` shows.
async fn farms(module: &Module, name: Option<&Name>, depth: Depth) -> Result<Answer, String> {
    let all: Vec<FarmInfo> = module.get("serverfarms").await?;
    let chosen: Vec<FarmInfo> = all.into_iter().filter(|f| is(name, Some(&f.name))).collect();
    found(module, name, &chosen, "server farm")?;
    if depth == Depth::Brief {
        return Ok(Answer::Farms(chosen));
    }
    let reals: Vec<RealInfo> = module.get("reals").await?;
    let servers: Vec<VirtualServerInfo> = module.get("vservers").await?;
    let details = chosen.into_iter().map(|farm| FarmDetail::new(farm, &reals, &servers));
    Ok(Answer::FarmDetails(details.collect()))
}

/// Whether something passes a filter by name.
fn is(wanted: Option<&Name>, name: Option<&Name>) -> bool {
    wanted.is_none() || wanted == name
}

/// A name that was asked for has to exist.
fn found<T>(module: &Module, name: Option<&Name>, list: &[T], what: &str) -> Result<(), String> {
    match name {
        Some(name) if list.is_empty() => {
            Err(format!("There is no {what} {name} in module {}.", module.slot()))
        }
        Some(_) | None => Ok(()),
    }
}
