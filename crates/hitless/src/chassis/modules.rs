//! All modules of a chassis, each with its keeper.

use std::collections::BTreeMap;
use std::sync::Arc;

use hitless_config::Configuration;
use hitless_model::Slot;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::handle::hostname;
use super::keeper::{Keeper, ModuleState, Order, leave};
use super::kernel::slots;
use super::process::Launch;
use crate::api::types::ModuleConfig;

/// Running keepers.
pub(crate) struct Modules {
    orders: watch::Sender<Order>,
    states: BTreeMap<Slot, watch::Receiver<ModuleState>>,
    keepers: JoinSet<()>,
}

impl Modules {
    /// Starts a keeper for every configured module.
    pub(crate) fn start(configuration: &Arc<Configuration>, launch: &Launch) -> Self {
        let (orders, _) = watch::channel(Order::Start);
        let mut modules = Self { orders, states: BTreeMap::new(), keepers: JoinSet::new() };
        let hostname = hostname(configuration);
        for (&slot, module) in &configuration.modules {
            let digest = hitless_config::digest(module);
            let config =
                ModuleConfig { hostname: hostname.clone(), module: module.clone(), digest };
            let (state, told) = watch::channel(ModuleState::Starting);
            let (launch, orders) = (launch.clone(), modules.orders.subscribe());
            modules.states.insert(slot, told);
            modules.keepers.spawn(Keeper { slot, launch, config, orders, state }.run());
        }
        modules
    }

    /// How the modules are.
    pub(crate) fn states(&self) -> &BTreeMap<Slot, watch::Receiver<ModuleState>> {
        &self.states
    }

    /// Waits until every module is at work.
    ///
    /// # Errors
    /// One sentence about the first one that died instead.
    pub(crate) async fn all_running(&self) -> Result<(), String> {
        for (slot, state) in &self.states {
            let mut state = state.clone();
            let outcome = state.wait_for(|state| !matches!(state, ModuleState::Starting)).await;
            let outcome = outcome.map_err(|_| format!("module csm {slot}: lost its keeper"))?;
            if let ModuleState::Dead { why } = &*outcome {
                return Err(format!("module csm {slot}: {why}"));
            }
        }
        Ok(())
    }

    /// Tells every module the same.
    pub(crate) fn order(&self, order: Order) {
        self.orders.send_replace(order);
    }

    /// Waits until every keeper is done.
    pub(crate) async fn done(&mut self) {
        while self.keepers.join_next().await.is_some() {}
    }
}

/// Stops modules that an earlier supervisor left behind and nobody has configured.
pub(crate) async fn stop_leftovers(configuration: &Configuration, launch: &Launch) {
    let mut leftovers = JoinSet::new();
    for slot in slots().filter(|slot| !configuration.modules.contains_key(slot)) {
        match launch.find(slot) {
            Ok(Some(mut process)) => {
                tracing::info!("module csm {slot}: not configured any more, stopping it");
                let launch = launch.clone();
                leftovers.spawn(async move { leave(&launch, slot, &mut process).await });
            }
            Ok(None) => {}
            Err(error) => tracing::warn!("module csm {slot}: {error}"),
        }
    }
    while leftovers.join_next().await.is_some() {}
}
