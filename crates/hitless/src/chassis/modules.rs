//! All modules of a chassis, each with its keeper.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use hitless_config::Configuration;
use hitless_config::model::Module;
use hitless_model::Slot;
use tokio::sync::{Notify, watch};
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

/// What everybody may know of a module.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// How it is.
    pub(crate) state: watch::Receiver<ModuleState>,
    /// Its signs of life.
    pub(crate) vitals: Vitals,
}

/// The configured modules.
pub(crate) type Roster = Arc<BTreeMap<Slot, Member>>;

/// A module and the ways to its keeper.
struct Kept {
    member: Member,
    orders: watch::Sender<Order>,
    config: watch::Sender<Arc<ModuleConfig>>,
    anew: Arc<Notify>,
}

/// Running keepers.
pub(crate) struct Modules {
    launch: Launch,
    kept: BTreeMap<Slot, Kept>,
    roster: watch::Sender<Roster>,
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
        let (roster, _) = watch::channel(Roster::default());
        let (kept, keepers) = (BTreeMap::new(), JoinSet::new());
        let mut modules = Self { launch: launch.clone(), kept, roster, keepers };
        for (&slot, module) in &configuration.modules {
            let config = Arc::new(module_config(configuration, module));
            modules.spawn(slot, config, order, renew);
        }
        modules.tell();
        modules
    }

    fn spawn(&mut self, slot: Slot, config: Arc<ModuleConfig>, order: Order, renew: bool) {
        let (orders, heard) = watch::channel(order);
        let (config, wanted) = watch::channel(config);
        let (state, told) = watch::channel(ModuleState::Starting);
        let anew = Arc::new(Notify::new());
        let tending = Tending { renew, ..Tending::new(&self.launch, slot, wanted) };
        let member = Member { state: told, vitals: tending.vitals.clone() };
        let (launch, asked) = (self.launch.clone(), Arc::clone(&anew));
        self.kept.insert(slot, Kept { member, orders, config, anew });
        let keeper = Keeper { slot, launch, tending, orders: heard, anew: asked, state };
        self.keepers.spawn(keeper.run());
    }

    fn tell(&self) {
        let members = self.kept.iter().map(|(&slot, kept)| (slot, kept.member.clone()));
        self.roster.send_replace(Arc::new(members.collect()));
    }

    /// The modules, told anew whenever one comes or goes.
    pub(crate) fn roster(&self) -> watch::Receiver<Roster> {
        self.roster.subscribe()
    }

    /// How processes are started.
    pub(crate) fn launch(&self) -> &Launch {
        &self.launch
    }

    /// How a module is.
    pub(crate) fn watch(&self, slot: Slot) -> Option<watch::Receiver<ModuleState>> {
        self.kept.get(&slot).map(|kept| kept.member.state.clone())
    }

    /// What a module is to run with.
    pub(crate) fn config(&self, slot: Slot) -> Option<Arc<ModuleConfig>> {
        self.kept.get(&slot).map(|kept| Arc::clone(&kept.config.borrow()))
    }

    /// What a module is to run with from its next life on.
    pub(crate) fn want(&self, slot: Slot, config: Arc<ModuleConfig>) {
        if let Some(kept) = self.kept.get(&slot) {
            kept.config.send_replace(config);
        }
    }

    /// Adds a module and waits until it is at work.
    ///
    /// # Errors
    /// Why it is not; then it is gone again.
    pub(crate) async fn add(
        &mut self,
        slot: Slot,
        config: Arc<ModuleConfig>,
    ) -> Result<(), String> {
        self.spawn(slot, config, Order::Start, false);
        self.tell();
        let arrived = self.arrived(slot).await;
        if arrived.is_err() {
            self.remove(slot).await;
        } else if let Some(kept) = self.kept.get(&slot) {
            kept.orders.send_replace(Order::Run);
        }
        arrived
    }

    /// Has a module hand over and stop, and forgets it.
    pub(crate) async fn remove(&mut self, slot: Slot) {
        let Some(kept) = self.kept.remove(&slot) else { return };
        kept.orders.send_replace(Order::Stop);
        let mut state = kept.member.state.clone();
        // A keeper that is gone has stopped as well.
        drop(state.wait_for(|state| matches!(state, ModuleState::Stopped)).await);
        let names = &self.launch.names;
        for file in [names.module_socket(slot), names.module_pid(slot), names.module_config(slot)] {
            // A module that was not killed has removed its socket itself.
            let _gone_already = std::fs::remove_file(file);
        }
        self.tell();
    }

    /// Stops a module and starts it again, with what it is to run with by now.
    ///
    /// # Errors
    /// Why it did not come to work again.
    pub(crate) async fn start_anew(&self, slot: Slot) -> Result<(), String> {
        let Some(kept) = self.kept.get(&slot) else { return Ok(()) };
        let mut state = kept.member.state.clone();
        state.mark_unchanged();
        kept.anew.notify_one();
        let left = timeout(ARRIVAL, state.changed()).await;
        left.map_err(|_| format!("module csm {slot}: did not stop"))?
            .map_err(|_| format!("module csm {slot}: lost its keeper"))?;
        self.arrived(slot).await
    }

    async fn arrived(&self, slot: Slot) -> Result<(), String> {
        let Some(kept) = self.kept.get(&slot) else { return Ok(()) };
        let late = || format!("module csm {slot}: did not come to work");
        match timeout(ARRIVAL, settled(slot, &kept.member.state)).await.map_err(|_| late())?? {
            ModuleState::Running { .. } => Ok(()),
            ModuleState::Dead { why } => Err(format!("module csm {slot}: {why}")),
            ModuleState::Starting | ModuleState::Stopped => Err(late()),
        }
    }

    /// Waits until every module is at work.
    ///
    /// # Errors
    /// One sentence about the first one that died instead.
    pub(crate) async fn all_running(&self) -> Result<(), String> {
        for (slot, kept) in &self.kept {
            if let ModuleState::Dead { why } = settled(*slot, &kept.member.state).await? {
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
        for (slot, kept) in &self.kept {
            let state = timeout(ARRIVAL, settled(*slot, &kept.member.state)).await;
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
        for kept in self.kept.values() {
            kept.orders.send_replace(order);
        }
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

/// What a module is to run with.
pub(crate) fn module_config(configuration: &Configuration, module: &Module) -> ModuleConfig {
    let (hostname, digest) = (hostname(configuration), hitless_config::digest(module));
    ModuleConfig { hostname, module: module.clone(), digest }
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
        let config = Arc::new(module_config(configuration, module));
        (slot, Tending::once(launch, slot, config).ask_renewal(true).await)
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

/// Whether any module runs already. Asked before there is a runtime.
pub(crate) fn any_runs(launch: &Launch) -> bool {
    slots().any(|slot| launch.runs(slot))
}
