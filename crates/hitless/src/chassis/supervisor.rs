//! The supervisor's life: start, keeping everything as it should be, making way for the next one, and
//! leaving no trace.
//!
//! A life begins in one of three ways: with nothing there; with modules that outlived a supervisor
//! that was killed; or with the legacy of the supervisor that this program replaced in the same
//! process, and modules that are to be replaced too. In the latter two nothing that runs is taken
//! down because something else cannot be had.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hitless_config::Configuration;
use hitless_model::Instant;
use rtnetlink::MulticastGroup;
use tokio::sync::{mpsc, watch};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

use super::desired::Desired;
use super::handle::{AskedReload, Chassis};
use super::keeper::Order;
use super::kernel::{Kernel, slots};
use super::modules::{Modules, any_runs, stop_leftovers};
use super::network::Network;
use super::process::{Launch, reap_all};
use super::signals::{Asked, Signals};
use super::state_dir::StateDir;
use super::succession::{Invocation, Legacy, succeed};
use super::transaction::Transaction;
use super::vitals::Vitals;
use super::{manager, reload};
use crate::api::app::App;
use crate::api::doors::Doors;
use crate::api::server;
use crate::log::{self, Zone};
use crate::module::{clock, kept};
use crate::names::Names;
use crate::netlink::events::Events;
use crate::store::opening;
use crate::store::wish::Wish;
use crate::store::{Opening, Store};

/// How often to look even if the kernel said nothing.
const TICK: Duration = Duration::from_secs(3);
/// Pause after an event before looking: a burst is one change, and a host that makes and removes
/// interfaces all the time must not keep the supervisor busy.
const SETTLE: Duration = Duration::from_millis(20);
/// Time for an answer to reach the one who asked, before this program is no more.
const LAST_WORDS: Duration = Duration::from_millis(5);

/// Everything that a supervisor needs.
pub struct Supervisor {
    /// What to be.
    pub opening: Opening,
    /// How it was started.
    pub invocation: Invocation,
    /// The state directory, locked.
    pub state: StateDir,
    /// The listening socket of the supervisor before, and when the reload began.
    pub legacy: Option<(UnixListener, Instant)>,
    /// The API's doors beside the administrators' one.
    pub doors: Doors,
}

/// What to begin with; `follows` says that another supervisor ran in this process before.
///
/// # Errors
/// Everything that is wrong with the startup configuration, each with its line.
pub fn choose_configuration(invocation: &Invocation, follows: bool) -> Result<Opening, String> {
    // Without a directory nothing can run.
    let names = Names::new(&invocation.state_dir);
    let runs = names.is_ok_and(|names| any_runs(&Launch::own(&names, &invocation.program)));
    opening::open(&invocation.shelf(), follows || runs)
}

/// Takes what the supervisor before left.
///
/// # Errors
/// When the state directory cannot be used.
pub fn take_over(legacy: Legacy, state_dir: &Path) -> Result<(StateDir, (UnixListener, Instant))> {
    let state = StateDir::inherit(state_dir, legacy.lock)?;
    reap_all();
    Ok((state, (legacy.listener, legacy.begun)))
}

/// A supervisor whose modules run.
struct Running {
    invocation: Invocation,
    state: StateDir,
    listener: UnixListener,
    signals: Signals,
    events: Events,
    network: Network,
    modules: Modules,
    /// How the reload ended that this process came out of, or the one that failed.
    reloaded: watch::Sender<Option<Result<String, String>>>,
    own: Vitals,
    /// What chassis and modules are now.
    configuration: Arc<Configuration>,
    store: Arc<Store>,
    wishes: mpsc::Receiver<Wish>,
}

impl Supervisor {
    /// Runs until a signal ends it; whatever it made is gone afterwards.
    pub async fn run(self) -> Result<()> {
        let signals = Signals::listen()?;
        let events = Events::subscribe(&[MulticastGroup::Link])?;
        let Self { opening, invocation, state, legacy, doors } = self;
        let configuration = Arc::new(opening.configuration.clone());
        log::set_zone(Zone::configured(&configuration));
        let launch = Launch::own(state.names(), &invocation.program);
        stop_leftovers(&configuration, &launch).await;
        let takes_over = legacy.is_some() || any_runs(&launch);
        let desired = Desired::new(&configuration);
        let kernel = Kernel::connect(state.names())?;
        let still = still_running(&configuration, &launch);
        let mut network = Network::new(kernel, state.names(), desired.clone().beside(&still));
        let (listener, renewed) = match legacy {
            Some((listener, begun)) => (listener, Some(begun)),
            None => (bind(&invocation.socket)?, None),
        };
        if takes_over {
            network.reconcile().await;
        } else {
            network.build().await.inspect_err(|_| remove(&invocation.socket))?;
        }
        let order = if takes_over { Order::Run } else { Order::Start };
        let modules = Modules::start(&configuration, &launch, order, renewed.is_some());
        let (reloaded, _) = watch::channel(renewed.is_none().then(|| Err(NOT_RELOADED.to_owned())));
        let (wishing, wishes) = mpsc::channel(1);
        let store = Store::start(invocation.shelf(), opening, wishing);
        let mut running = Running {
            invocation,
            state,
            listener,
            signals,
            events,
            network,
            modules,
            reloaded,
            own: Vitals::default(),
            configuration,
            store,
            wishes,
        };
        let started = running.start(takes_over, renewed).await;
        if let Ok(true) = started {
            running.network.want(desired);
            running.network.reconcile().await;
            running.serve(doors).await?;
        }
        running.leave().await?;
        started.map(drop).map_err(anyhow::Error::msg)
    }
}

const NOT_RELOADED: &str = "this daemon was started, not reloaded";

impl Running {
    /// Waits for the modules; whether there is anything to go on with.
    async fn start(&mut self, takes_over: bool, renewed: Option<Instant>) -> Result<bool, String> {
        let started = async {
            if !takes_over {
                return self.modules.all_running().await;
            }
            let settled = self.modules.all_settled().await;
            if let Some(begun) = renewed {
                self.reloaded.send_replace(Some(outcome(settled, begun)));
            }
            Ok(())
        };
        let started = tokio::select! {
            started = started => started.map(|()| true),
            () = self.signals.leave() => Ok(false),
        };
        if started == Ok(true) {
            self.modules.order(Order::Run);
        }
        started
    }

    /// Answers and keeps everything as it should be until a signal ends it.
    async fn serve(&mut self, doors: Doors) -> Result<()> {
        let (reloads, mut asked) = mpsc::channel(1);
        let names = self.state.names().clone();
        let roster = self.modules.roster();
        let chassis = Chassis::new(names, Arc::clone(&self.store), roster.clone(), reloads);
        tracing::info!("{}: ready on {}", chassis.hostname(), self.invocation.socket.display());
        let listener = self.listener.try_clone().context("socket")?;
        let app = App::new(Arc::new(chassis), self.reloaded.subscribe());
        let served = doors.serve(listener, app)?;
        manager::ready(&manager::status(&roster.borrow()));
        let watching = tokio::spawn(manager::watch(self.own.clone(), roster));
        self.keep(&mut asked).await;
        watching.abort();
        drop(served);
        Ok(())
    }

    /// Looks at the network on every change and every few seconds, and makes way when asked to.
    async fn keep(&mut self, asked: &mut mpsc::Receiver<AskedReload>) {
        let mut tick = ticker();
        let mut is_listening = true;
        loop {
            self.own.stamp();
            tokio::select! {
                signal = self.signals.next() => match signal {
                    Asked::Leave => return,
                    Asked::Reload => self.reload(None).await,
                },
                Some(asked) = asked.recv() => self.reload(Some(asked)).await,
                Some(wish) = self.wishes.recv() => {
                    self.change(wish).await;
                    continue;
                }
                _ = tick.tick() => {}
                event = self.events.next(), if is_listening => {
                    is_listening = event.is_some();
                    sleep(SETTLE).await;
                    self.events.skip_waiting();
                }
            }
            self.network.reconcile().await;
        }
    }

    /// Makes chassis and modules what the store wants them to be, or says why that cannot be.
    async fn change(&mut self, wish: Wish) {
        let Wish { configuration, trial, answer } = wish;
        let mut transaction = Transaction {
            network: &mut self.network,
            modules: &mut self.modules,
            before: &self.configuration,
            after: &configuration,
        };
        let made = self.own.while_busy(transaction.carry_out(trial)).await;
        if made.is_ok() && !trial {
            self.configuration = configuration;
        }
        let _asker_gone = answer.send(made);
    }

    /// Makes way for the program and the configuration on disk. Returns if that failed, and then
    /// everything goes on as before.
    async fn reload(&mut self, asked: Option<AskedReload>) {
        let begun = clock::now();
        tracing::info!("reloading");
        manager::reloading();
        let checked = reload::check(&self.invocation, self.modules.launch(), &self.network).await;
        let failed = match checked {
            Ok(()) => {
                self.reloaded.send_replace(None);
                if let Some(asked) = asked {
                    let _asker_gone = asked.send(Ok(()));
                }
                sleep(LAST_WORDS).await;
                let error = succeed(&self.invocation, begun, self.state.lock(), &self.listener);
                let program = self.invocation.program.display();
                let why = format!("cannot become {program}: {error}");
                self.reloaded.send_replace(Some(Err(why.clone())));
                why
            }
            Err(why) => {
                if let Some(asked) = asked {
                    let _asker_gone = asked.send(Err(why.clone()));
                }
                why
            }
        };
        for line in failed.lines() {
            tracing::error!("not reloaded: {line}");
        }
        manager::ready("not reloaded, goes on as before");
    }

    /// Stops all modules, a second signal hurries it; and takes away everything that there is.
    async fn leave(&mut self) -> Result<()> {
        tracing::info!("stopping");
        manager::stopping();
        self.modules.order(Order::Stop);
        tokio::select! {
            () = self.modules.done() => {}
            () = self.signals.leave() => self.modules.order(Order::Kill),
        }
        self.modules.done().await;
        // Without its modules nothing of it is of use, whoever made it.
        let removed = self.network.kernel.remove_all().await;
        remove_files(self.state.names(), &self.invocation.socket);
        Ok(removed?)
    }
}

/// What a reload came to, for the one who asked for it.
fn outcome(settled: Result<String, String>, begun: Instant) -> Result<String, String> {
    let took = clock::now().saturating_since(begun).as_millis();
    for line in settled.as_ref().unwrap_or_else(|lines| lines).lines() {
        tracing::info!("reload, {line}");
    }
    match settled {
        Ok(lines) => Ok(format!("Reloaded in {took} ms.\n{lines}")),
        Err(lines) => Err(format!("reloaded in part, in {took} ms:\n{}", lines.trim_end())),
    }
}

/// What the modules that run already still have, by the configurations that they keep.
fn still_running(configuration: &Configuration, launch: &Launch) -> Desired {
    let running = configuration.modules.keys().copied();
    let running = running.filter(|slot| matches!(launch.find(*slot), Ok(Some(_))));
    let kept = running.filter_map(|slot| {
        let kept = kept::load(&launch.names.module_config(slot)).ok().flatten()?;
        Some((slot, kept.module))
    });
    let modules: BTreeMap<_, _> = kept.collect();
    Desired::new(&Configuration { modules, ..Configuration::default() })
}

fn bind(socket: &Path) -> Result<UnixListener> {
    let listener = server::bind(socket).with_context(|| format!("socket {}", socket.display()))?;
    Ok(listener.into_std()?)
}

fn ticker() -> Interval {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick
}

fn remove_files(names: &Names, socket: &Path) {
    remove(socket);
    for slot in slots() {
        remove(&names.module_socket(slot));
        remove(&names.module_pid(slot));
        remove(&names.module_config(slot));
    }
    let pins = names.pins();
    match std::fs::remove_dir_all(&pins) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!("{}: {error}", pins.display());
        }
        _ => {}
    }
}

fn remove(file: &Path) {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!("{}: {error}", file.display());
        }
        _ => {}
    }
}
