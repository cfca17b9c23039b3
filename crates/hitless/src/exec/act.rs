//! Commands that do something.

use hitless_config::{
    Clear, Configuration, Configure, Connections, Copy, ExecCommand, StickyEntries, Stored,
    render_with_secrets,
};
use hitless_model::Slot;

use super::{Answer, Module};
use crate::api::access::Peer;
use crate::api::app::App;
use crate::api::refusal::Refusal;
use crate::api::types::{ClearConnections, ClearSticky, Clearing};
use crate::store::Change;

/// Why configurations are not synchronised.
pub(crate) const CONFIG_SYNC: &str = "Configurations are not synchronised by this release: change both \
                                      boxes alike.";
const FOR_THE_SHELL: &str = "This command belongs to the shell.";
const NO_CARD: &str = "There is no line card: use \"reload daemon\" to start again in place.";

/// Carries one out.
pub(super) async fn act(app: &App, peer: &Peer, command: &ExecCommand) -> Result<Answer, Refusal> {
    match command {
        ExecCommand::Clear { slot, what } => clear(app, *slot, what).await,
        ExecCommand::ConfigSync { slot } => {
            app.module(*slot)?;
            Err(Refusal::unprocessable(CONFIG_SYNC))
        }
        ExecCommand::ReloadDaemon => {
            let asked = app.chassis().reload().await;
            asked.map_err(|why| Refusal::unprocessable(format!("Not reloaded: {why}")))?;
            Ok(Answer::Done)
        }
        ExecCommand::Configure(what) => configure(app, peer, what).await,
        ExecCommand::Copy(what) => copy(app, peer, what).await,
        ExecCommand::Session(_) => Err(Refusal::unprocessable(FOR_THE_SHELL)),
        ExecCommand::Show(_) => Ok(Answer::Done),
    }
}

async fn clear(app: &App, slot: Slot, what: &Clear) -> Result<Answer, Refusal> {
    let module: Module = app.module(slot)?;
    let clearing = match what {
        Clear::FtActive => {
            module.hand_over().await?;
            return Ok(Answer::Done);
        }
        Clear::Connections(which) => Clearing::Connections(match which {
            Connections::All => ClearConnections::All,
            Connections::Real(address) => ClearConnections::Real(*address),
            Connections::VirtualServer(name) => ClearConnections::VirtualServer(name.clone()),
        }),
        Clear::Counters => Clearing::Counters,
        Clear::ArpCache(address) => Clearing::ArpCache(*address),
        Clear::Sticky(which) => Clearing::Sticky(match which {
            StickyEntries::All => ClearSticky::All,
            StickyEntries::Group(number) => ClearSticky::Group(*number),
        }),
        Clear::LinecardConfiguration => return Err(Refusal::unprocessable(NO_CARD)),
    };
    Ok(Answer::Cleared(module.clear(&clearing).await?))
}

async fn configure(app: &App, peer: &Peer, what: &Configure) -> Result<Answer, Refusal> {
    let store = app.store();
    match what {
        Configure::Confirm => {
            store.confirm().await?;
            Ok(Answer::Done)
        }
        Configure::RevertNow => {
            let none = || Refusal::unprocessable("No change waits to be confirmed.");
            let pending = store.pending_revert().ok_or_else(none)?;
            let applied = store.rollback(pending.revision, peer.name().await).await?;
            store.confirm().await?;
            Ok(Answer::Applied(applied))
        }
        Configure::Replace { with, force: _, revert } => {
            let change = Change::Replace(stored(app, with)?);
            if let Some(after) = revert {
                store.revert_in(*after, peer.name().await).await?;
            }
            Ok(Answer::Applied(store.change(change, None, peer.name().await).await?))
        }
        Configure::Terminal { .. } => Err(Refusal::unprocessable(FOR_THE_SHELL)),
    }
}

async fn copy(app: &App, peer: &Peer, what: &Copy) -> Result<Answer, Refusal> {
    match what {
        Copy::Save => {
            app.store().save().await.map_err(Refusal::unprocessable)?;
            Ok(Answer::Saved)
        }
        Copy::Merge(from) => {
            let change = Change::Merge(stored(app, from)?);
            Ok(Answer::Applied(app.store().change(change, None, peer.name().await).await?))
        }
        Copy::Export(_) => Err(Refusal::unprocessable(FOR_THE_SHELL)),
    }
}

/// A configuration that the store keeps, with its keys.
fn stored(app: &App, which: &Stored) -> Result<String, Refusal> {
    let configuration: Configuration = match which {
        Stored::Startup => {
            let startup = app.store().startup().map_err(Refusal::unprocessable)?;
            startup.ok_or_else(|| Refusal::not_found("There is no startup-config."))?
        }
        Stored::Archive(revision) => app.store().archived(*revision).map_err(Refusal::not_found)?,
        Stored::File(_) => return Err(Refusal::unprocessable(FOR_THE_SHELL)),
    };
    Ok(render_with_secrets(&configuration))
}
