//! What commands and the API may ask of the chassis.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use hitless_config::Configuration;
use hitless_model::Slot;
use tokio::sync::{mpsc, oneshot, watch};

use super::keeper::ModuleState;
use crate::names::Names;

/// A running chassis, shared by everybody who serves requests.
#[derive(Debug)]
pub struct Chassis {
    names: Names,
    hostname: String,
    configuration: Arc<Configuration>,
    modules: BTreeMap<Slot, watch::Receiver<ModuleState>>,
    reloads: mpsc::Sender<AskedReload>,
}

/// Somebody asks for a reload and waits to hear whether it begins.
pub(super) type AskedReload = oneshot::Sender<Result<(), String>>;

impl Chassis {
    pub(super) fn new(
        names: Names,
        configuration: Arc<Configuration>,
        modules: BTreeMap<Slot, watch::Receiver<ModuleState>>,
        reloads: mpsc::Sender<AskedReload>,
    ) -> Self {
        let hostname = hostname(&configuration);
        Self { names, hostname, configuration, modules, reloads }
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
    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    /// The configuration in force.
    pub fn configuration(&self) -> &Arc<Configuration> {
        &self.configuration
    }

    /// How the modules are, by slot.
    pub fn modules(&self) -> impl Iterator<Item = (Slot, ModuleState)> + '_ {
        self.modules.iter().map(|(&slot, state)| (slot, state.borrow().clone()))
    }

    /// The API socket of a configured module.
    pub fn module_socket(&self, slot: Slot) -> Option<PathBuf> {
        self.modules.contains_key(&slot).then(|| self.names.module_socket(slot))
    }
}

/// The configured name of the chassis, or else the host's.
pub(super) fn hostname(configuration: &Configuration) -> String {
    let host = || rustix::system::uname().nodename().to_string_lossy().into_owned();
    configuration.hostname.clone().unwrap_or_else(host)
}
