//! What commands and the API may ask of the chassis.

use std::path::PathBuf;
use std::sync::Arc;

use hitless_config::Configuration;
use hitless_model::Slot;
use tokio::sync::{mpsc, oneshot, watch};

use super::keeper::ModuleState;
use super::modules::Roster;
use crate::names::Names;
use crate::store::Store;

/// A running chassis, shared by everybody who serves requests.
#[derive(Debug)]
pub struct Chassis {
    names: Names,
    store: Arc<Store>,
    modules: watch::Receiver<Roster>,
    reloads: mpsc::Sender<AskedReload>,
}

/// Somebody asks for a reload and waits to hear whether it begins.
pub(super) type AskedReload = oneshot::Sender<Result<(), String>>;

impl Chassis {
    pub(super) fn new(
        names: Names,
        store: Arc<Store>,
        modules: watch::Receiver<Roster>,
        reloads: mpsc::Sender<AskedReload>,
    ) -> Self {
        Self { names, store, modules, reloads }
    }

    /// Asks the supervisor to make way for the program and the configuration that are on disk now.
    /// When it has said that it does, it is gone soon.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn reload(&self) -> Result<(), String> {
        let gone = || "the daemon is leaving".to_owned();
        let (asked, answer) = oneshot::channel();
        self.reloads.send(asked).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Names derived from the state directory.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The configured name, or else the host's.
    pub fn hostname(&self) -> String {
        hostname(&self.configuration())
    }

    /// What runs, and the way to change it.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The configuration in force.
    pub fn configuration(&self) -> Arc<Configuration> {
        Arc::clone(&self.store.running().configuration)
    }

    /// How the modules are, by slot.
    pub fn modules(&self) -> impl Iterator<Item = (Slot, ModuleState)> + use<> {
        let roster = Arc::clone(&self.modules.borrow());
        let states = roster.iter().map(|(&slot, member)| (slot, member.state.borrow().clone()));
        states.collect::<Vec<_>>().into_iter()
    }

    /// The API socket of a configured module.
    pub fn module_socket(&self, slot: Slot) -> Option<PathBuf> {
        self.modules.borrow().contains_key(&slot).then(|| self.names.module_socket(slot))
    }
}

/// The configured name of the chassis, or else the host's.
pub(super) fn hostname(configuration: &Configuration) -> String {
    let host = || rustix::system::uname().nodename().to_string_lossy().into_owned();
    configuration.hostname.clone().unwrap_or_else(host)
}
