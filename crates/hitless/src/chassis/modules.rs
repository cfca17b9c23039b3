//! All modules of a chassis, each with its keeper.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use hitless_config::Configuration;
use hitless_config::model::Module;
use hitless_model::Slot;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::handle::hostname;
use super::keeper::{Keeper, ModuleState, Order, leave};
use super::kernel::slots;
use super::process::Launch;
use super::tending::{Arrival, Tending};
use super::vitals::Vitals;
use crate::api::types::{ModuleConfig, Renewal};

/// How long a reload waits for the modules.
const ARRIVAL: Duration = Duration::from_mins(1);

/// Running keepers.
pub(crate) struct Modules {
    orders: watch::Sender<Order>,
    states: BTreeMap<Slot, watch::Receiver<ModuleState>>,
    vitals: BTreeMap<Slot, Vitals>,
    keepers: JoinSet<()>,
}

impl Modules {
    /// Starts a keeper for every configured module. With `renew`, those that run already are to
    /// replace their programs.
    pub(crate) fn start(
        configuration: &Configuration,
        launch: &Launch,
        order: Order,
        renew: bool,
    ) -> Self {
        let (orders, _) = watch::channel(order);
        let mut modules = Self {
            orders,
            states: BTreeMap::new(),
            vitals: BTreeMap::new(),
            keepers: JoinSet::new(),
        };
        for (&slot, module) in &configuration.modules {
            let tending = Tending { renew, ..tending(configuration, launch, slot, module) };
            let (state, told) = watch::channel(ModuleState::Starting);
            let (launch, orders) = (launch.clone(), modules.orders.subscribe());
            modules.states.insert(slot, told);
            modules.vitals.insert(slot, tending.vitals.clone());
            modules.keepers.spawn(Keeper { slot, launch, tending, orders, state }.run());
        }
        modules
    }

    /// How the modules are.
    pub(crate) fn states(&self) -> &BTreeMap<Slot, watch::Receiver<ModuleState>> {
        &self.states
    }

    /// Their signs of life.
    pub(crate) fn vitals(&self) -> &BTreeMap<Slot, Vitals> {
        &self.vitals
    }

    /// Waits until every module is at work.
    ///
    /// # Errors
    /// One sentence about the first one that died instead.
    pub(crate) async fn all_running(&self) -> Result<(), String> {
        for (slot, state) in &self.states {
            if let ModuleState::Dead { why } = settled(*slot, state).await? {
                return Err(format!("module csm {slot}: {why}"));
            }
        }
        Ok(())
    }

    /// Waits until every module is at work or has failed to be, and says how each of them is.
    ///
    /// # Errors
    /// The same, if not all of them are what they should be.
    pub(crate) async fn all_settled(&self) -> Result<String, String> {
        let mut all_well = true;
        let mut lines = Vec::new();
        for (slot, state) in &self.states {
            let state = timeout(ARRIVAL, settled(*slot, state)).await;
            let how = match state {
                Ok(Ok(ModuleState::Running { arrival, .. })) => {
                    all_well &= !matches!(arrival, Arrival::HeldBack(_));
                    arrival.to_string()
                }
                Ok(Ok(ModuleState::Dead { why })) => {
                    all_well = false;
                    why
                }
                Ok(Ok(ModuleState::Starting | ModuleState::Stopped) | Err(_)) | Err(_) => {
                    all_well = false;
                    "did not come to work".to_owned()
                }
            };
            lines.push(format!("module csm {slot}: {how}\n"));
        }
        if all_well { Ok(lines.concat()) } else { Err(lines.concat()) }
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

/// The first state of a module that is more than a beginning.
async fn settled(slot: Slot, state: &watch::Receiver<ModuleState>) -> Result<ModuleState, String> {
    let mut state = state.clone();
    let outcome = state.wait_for(|state| !matches!(state, ModuleState::Starting)).await;
    outcome.map(|state| state.clone()).map_err(|_| format!("module csm {slot}: lost its keeper"))
}

fn tending(configuration: &Configuration, launch: &Launch, slot: Slot, module: &Module) -> Tending {
    let (hostname, digest) = (hostname(configuration), hitless_config::digest(module));
    Tending {
        slot,
        socket: launch.names.module_socket(slot),
        config: ModuleConfig { hostname, module: module.clone(), digest },
        successor: launch.successor.clone(),
        renew: false,
        vitals: Vitals::default(),
    }
}

/// Asks every module that runs whether it could change over to `configuration`.
///
/// # Errors
/// What those say that could not: one line each.
pub(crate) async fn try_renewal(
    configuration: &Configuration,
    launch: &Launch,
) -> Result<(), String> {
    let running = configuration.modules.iter();
    let running = running.filter(|(slot, _)| matches!(launch.find(**slot), Ok(Some(_))));
    let asked = running.map(|(&slot, module)| async move {
        (slot, tending(configuration, launch, slot, module).ask_renewal(true).await)
    });
    let refused = join_all(asked).await.into_iter().filter_map(|(slot, answer)| match answer {
        Renewal::Granted => None,
        // It is stopped and started, with a handover if it is active.
        Renewal::Anew(why) => {
            tracing::info!("module csm {slot}: {why}; it will be started anew");
            None
        }
        Renewal::Refused(why) => Some(format!("module csm {slot}: {why}")),
    });
    let refused: Vec<_> = refused.collect();
    if refused.is_empty() { Ok(()) } else { Err(refused.join("\n")) }
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

/// Whether any configured module runs already.
pub(crate) fn any_runs(configuration: &Configuration, launch: &Launch) -> bool {
    configuration.modules.keys().any(|slot| matches!(launch.find(*slot), Ok(Some(_))))
}
