//! Commands that show something.

use std::net::Ipv4Addr;

use futures::future::join_all;
use hitless_config::model::Name;
use hitless_config::{ModuleView, Modules, Show, Sticky, render_with_secrets};
use hitless_model::Slot;

use super::answer::{Answer, Depth, FarmDetail, ModuleSummary, NotBuilt, Numbered, ProbeInfo};
use super::ask::{Module, variables};
use super::{module_status, support};
use crate::api::app::App;
use crate::api::keys;
use crate::api::refusal::Refusal;
use crate::api::types::{ConnQuery, FarmInfo, RealInfo, StickyQuery, VirtualServerInfo, VlanInfo};
use crate::chassis::{Chassis, ModuleState};
use crate::log;
use crate::show::module_state;
use crate::store::Change;

/// Connections, or clients that stick, that one `show` shows.
const SHOWN: usize = 10_000;
const FOR_THE_SHELL: &str = "The shell alone knows what was typed in it.";

/// Shows one thing.
pub(super) async fn look(app: &App, what: &Show) -> Result<Answer, Refusal> {
    let store = app.store();
    Ok(match what {
        Show::Modules => Answer::Modules(summaries(app.chassis()).await),
        Show::Module { modules: Modules::One(slot), view, detail } => {
            show_module(app, *slot, view, Depth::of(*detail)).await?
        }
        Show::Module { modules: Modules::All, view, detail } => {
            each(app, view, Depth::of(*detail)).await
        }
        Show::RunningConfig => {
            Answer::Configuration(Box::new(keys::hidden(&app.chassis().configuration())))
        }
        Show::StartupConfig => {
            let startup = store.startup().map_err(Refusal::unprocessable)?;
            let none = || Refusal::not_found("There is no startup-config.");
            Answer::Configuration(Box::new(keys::hidden(&startup.ok_or_else(none)?)))
        }
        Show::Archive => Answer::Archive(store.archive()),
        Show::ArchiveDifferences(revision) => archive_differences(app, *revision).await?,
        Show::Difference => {
            let startup = store.startup().map_err(Refusal::unprocessable)?.unwrap_or_default();
            let change = Change::Replace(render_with_secrets(&startup));
            Answer::Difference(store.difference(change).await?)
        }
        Show::History => return Err(Refusal::unprocessable(FOR_THE_SHELL)),
        Show::Clock => Answer::Clock(app.system()),
        Show::Version => Answer::Version(app.system()),
        Show::Standby { .. } => Answer::NotBuilt(NotBuilt::hsrp(&app.chassis().configuration())),
        Show::TechSupport => support::everything(app).await,
        Show::Log => Answer::Log(log::feed().since(0)),
    })
}

async fn archive_differences(app: &App, revision: Option<u64>) -> Result<Answer, Refusal> {
    let store = app.store();
    let newest = || store.archive().into_iter().find(|entry| !entry.running);
    let none = || Refusal::not_found("There is nothing in the archive.");
    let revision = revision.or_else(|| newest().map(|entry| entry.revision)).ok_or_else(none)?;
    let kept = store.archived(revision).map_err(Refusal::not_found)?;
    let change = Change::Replace(render_with_secrets(&kept));
    Ok(Answer::Difference(store.difference(change).await?))
}

/// All modules are asked at once: one that does not answer keeps nobody else waiting.
pub(super) async fn summaries(chassis: &Chassis) -> Vec<ModuleSummary> {
    let asked = chassis.modules().map(|(slot, state)| async move {
        let ft = match Module::at_work(chassis, slot) {
            Ok(module) => module.get("ft").await.unwrap_or_default(),
            Err(_) => None,
        };
        let online = matches!(state, ModuleState::Running { .. });
        ModuleSummary { slot, online, state: module_state(&state), ft }
    });
    join_all(asked).await
}

/// The same of every module; what one refuses is shown in its place.
async fn each(app: &App, view: &ModuleView, depth: Depth) -> Answer {
    let asked = app.chassis().modules().map(|(slot, _)| async move {
        let shown = show_module(app, slot, view, depth).await;
        let answer = shown.unwrap_or_else(|refusal| Answer::Refused(refusal.error().to_owned()));
        (slot, answer)
    });
    Answer::Each(join_all(asked).await)
}

/// One view of one module.
pub(super) async fn show_module(
    app: &App,
    slot: Slot,
    view: &ModuleView,
    depth: Depth,
) -> Result<Answer, Refusal> {
    let configured = keys::hidden(&app.chassis().configuration());
    match view {
        ModuleView::Status => {
            let state = app.chassis().modules().find(|(found, _)| *found == slot);
            let none = || Refusal::not_found(format!("There is no module in slot {slot}."));
            let (_, state) = state.ok_or_else(none)?;
            return Ok(Answer::Status(module_status(app.chassis(), slot, state).await));
        }
        ModuleView::Variable(name) => {
            return Ok(Answer::Variables(variables(&configured, slot, name.as_deref())?));
        }
        ModuleView::Sticky(Sticky::Groups) => {
            app.module(slot)?;
            let module = configured.modules.get(&slot).cloned().unwrap_or_default();
            return Ok(Answer::StickyGroups(module.sticky_groups.into_iter().collect()));
        }
        ModuleView::Probe(name) => {
            app.module(slot)?;
            let module = configured.modules.get(&slot).cloned().unwrap_or_default();
            let probes =
                module.probes.into_iter().filter(|(found, _)| is(name.as_ref(), Some(found)));
            let probes = probes.map(|(name, probe)| ProbeInfo { name, probe });
            return Ok(Answer::Probes(probes.collect(), depth));
        }
        ModuleView::TechSupport(part) => return support::of_module(app, slot, *part).await,
        ModuleView::Ft
        | ModuleView::FtHistory
        | ModuleView::VirtualServers(_)
        | ModuleView::Reals(_)
        | ModuleView::Farms(_)
        | ModuleView::Conns { .. }
        | ModuleView::Sticky(_)
        | ModuleView::Vlans(_)
        | ModuleView::Arp
        | ModuleView::Stats
        | ModuleView::Dataplane => {}
    }
    ask(&app.module(slot)?, view, depth).await
}

/// A view that the module itself has to be asked for.
async fn ask(module: &Module, view: &ModuleView, depth: Depth) -> Result<Answer, Refusal> {
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
            let (vserver, limit) = (virtual_server.clone(), Some(SHOWN));
            let query = ConnQuery { vserver, client: *client, limit, ..ConnQuery::default() };
            Answer::Conns(module.conns(&query).await?, depth)
        }
        ModuleView::Sticky(Sticky::All) => sticky(module, None).await?,
        ModuleView::Sticky(Sticky::Client(client)) => sticky(module, Some(*client)).await?,
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
        | ModuleView::Sticky(Sticky::Groups)
        | ModuleView::Probe(_)
        | ModuleView::TechSupport(_) => Answer::Done,
    })
}

async fn sticky(module: &Module, client: Option<Ipv4Addr>) -> Result<Answer, Refusal> {
    let query = StickyQuery { client, limit: Some(SHOWN), offset: None };
    Ok(Answer::Sticky(module.sticky(&query).await?))
}

async fn virtual_servers(module: &Module, name: Option<&Name>) -> Result<Vec<Numbered>, Refusal> {
    let all: Vec<VirtualServerInfo> = module.get("vservers").await?;
    let numbered = all.into_iter().zip(1..).map(|(server, index)| Numbered { index, server });
    let chosen: Vec<_> = numbered.filter(|n| is(name, Some(&n.server.name))).collect();
    found(module, name, &chosen, "virtual server")?;
    Ok(chosen)
}

/// Farms with what only `detail` shows.
async fn farms(module: &Module, name: Option<&Name>, depth: Depth) -> Result<Answer, Refusal> {
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
fn found<T>(module: &Module, name: Option<&Name>, list: &[T], what: &str) -> Result<(), Refusal> {
    match name {
        Some(name) if list.is_empty() => {
            let slot = module.slot();
            Err(Refusal::not_found(format!("There is no {what} {name} in module {slot}.")))
        }
        Some(_) | None => Ok(()),
    }
}
