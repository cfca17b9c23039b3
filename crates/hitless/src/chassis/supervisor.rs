//! The supervisor's life: checks, start, keeping everything as it should be, and leaving no trace.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hitless_config::Configuration;
use rtnetlink::MulticastGroup;
use tokio::net::UnixListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::desired::Desired;
use super::handle::Chassis;
use super::keeper::Order;
use super::kernel::{Kernel, slots};
use super::modules::{Modules, stop_leftovers};
use super::plan::plan;
use super::process::Launch;
use super::state_dir::StateDir;
use crate::api::server::{self, Exec};
use crate::names::Names;
use crate::netlink::events::Events;

/// How often to look even if the kernel said nothing.
const TICK: Duration = Duration::from_secs(3);
/// Pause after an event before looking: a burst is one change, and a host that makes and removes
/// interfaces all the time must not keep the supervisor busy.
const SETTLE: Duration = Duration::from_millis(20);

/// Everything that a supervisor needs.
pub struct Supervisor {
    /// What to be.
    pub configuration: Arc<Configuration>,
    /// The state directory, locked.
    pub state: StateDir,
    /// Where to serve the API.
    pub socket: PathBuf,
}

/// Makes the function that carries out commands, once there is a chassis to carry them out on.
pub type MakeExec = fn(Arc<Chassis>) -> Arc<Exec>;

impl Supervisor {
    /// Runs until a signal ends it; whatever it made is gone afterwards.
    pub async fn run(self, make_exec: MakeExec) -> Result<()> {
        let mut signals = Signals::listen()?;
        let names = self.state.names().clone();
        let launch = Launch::own(&names);
        let events = Events::subscribe(&[MulticastGroup::Link])?;
        let kernel = Kernel::connect(&names)?;
        stop_leftovers(&self.configuration, &launch).await;
        let mut network = Network::new(kernel, &names, &self.configuration);
        let listener = bind(&self.socket)?;
        network.build().await.inspect_err(|_| remove(&self.socket))?;
        let mut modules = Modules::start(&self.configuration, &launch);

        let started = tokio::select! {
            started = modules.all_running() => started.map(|()| true),
            () = signals.next() => Ok(false),
        };
        if let Ok(true) = started {
            modules.order(Order::Run);
            let chassis = self.chassis(&modules);
            tracing::info!("{}: ready on {}", chassis.hostname(), self.socket.display());
            let server = tokio::spawn(serve(listener, make_exec(Arc::new(chassis))));
            network.keep(events, &mut signals).await;
            tracing::info!("stopping");
            stop(&mut modules, &mut signals).await;
            server.abort();
        } else {
            stop(&mut modules, &mut signals).await;
        }
        // Without its modules nothing of it is of use, whoever made it.
        self.leave_no_trace(&network.kernel).await?;
        started.map(drop).map_err(anyhow::Error::msg)
    }

    fn chassis(&self, modules: &Modules) -> Chassis {
        let names = self.state.names().clone();
        Chassis::new(names, Arc::clone(&self.configuration), modules.states().clone())
    }

    async fn leave_no_trace(&self, kernel: &Kernel) -> Result<()> {
        let removed = kernel.remove_all().await;
        self.remove_files();
        Ok(removed?)
    }

    fn remove_files(&self) {
        let names = self.state.names();
        remove(&self.socket);
        for slot in slots() {
            remove(&names.module_socket(slot));
            remove(&names.module_pid(slot));
        }
        let pins = names.pins();
        match std::fs::remove_dir_all(&pins) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!("{}: {error}", pins.display());
            }
            _ => {}
        }
    }
}

fn bind(socket: &Path) -> Result<UnixListener> {
    server::bind(socket).with_context(|| format!("socket {}", socket.display()))
}

fn remove(file: &Path) {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!("{}: {error}", file.display());
        }
        _ => {}
    }
}

async fn serve(listener: UnixListener, exec: Arc<Exec>) {
    if let Err(error) = axum::serve(listener, server::supervisor(exec)).await {
        tracing::error!("the API is not served any more: {error}");
    }
}

/// Stops all modules; a second signal hurries it.
async fn stop(modules: &mut Modules, signals: &mut Signals) {
    modules.order(Order::Stop);
    tokio::select! {
        () = modules.done() => return,
        () = signals.next() => modules.order(Order::Kill),
    }
    modules.done().await;
}

/// The chassis' network, kept as it should be.
struct Network {
    kernel: Kernel,
    names: Names,
    desired: Desired,
    /// What was said already, so that it is said once.
    said: BTreeSet<String>,
}

impl Network {
    fn new(kernel: Kernel, names: &Names, configuration: &Configuration) -> Self {
        let desired = Desired::new(configuration);
        Self { kernel, names: names.clone(), desired, said: BTreeSet::new() }
    }

    /// Builds everything or nothing.
    async fn build(&mut self) -> Result<()> {
        let plan = plan(&self.names, &self.desired, &self.kernel.dump().await?);
        if !plan.conflicts.is_empty() {
            let sentences: Vec<_> = plan.conflicts.iter().map(ToString::to_string).collect();
            bail!(sentences.join("\n"));
        }
        self.free_bridges();
        Ok(self.kernel.apply_all(&plan.operations).await?)
    }

    /// Looks on every change, and every few seconds, until a signal ends it.
    async fn keep(&mut self, mut events: Events, signals: &mut Signals) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_listening = true;
        loop {
            tokio::select! {
                () = signals.next() => return,
                _ = tick.tick() => {}
                event = events.next(), if is_listening => {
                    is_listening = event.is_some();
                    sleep(SETTLE).await;
                    events.skip_waiting();
                }
            }
            self.reconcile().await;
        }
    }

    /// Does what can be done, and says each new reason why something cannot.
    async fn reconcile(&mut self) {
        self.free_bridges();
        let mut said = BTreeSet::new();
        match self.kernel.dump().await {
            Ok(actual) => {
                let plan = plan(&self.names, &self.desired, &actual);
                said.extend(plan.conflicts.iter().map(ToString::to_string));
                for operation in plan.operations {
                    match self.kernel.apply(&operation).await {
                        Ok(()) => tracing::info!("repaired: {operation}"),
                        Err(error) => drop(said.insert(error.to_string())),
                    }
                }
            }
            Err(error) => drop(said.insert(error.to_string())),
        }
        for sentence in said.difference(&self.said) {
            tracing::warn!("{sentence}");
        }
        self.said = said;
    }

    fn free_bridges(&self) {
        match self.kernel.free_bridges() {
            Ok(changed) if changed.is_empty() => {}
            Ok(changed) => {
                let names = changed.join(", ").replace('/', ".");
                tracing::info!("set to 0, bridged frames bypass the host's firewall: {names}");
            }
            Err(error) => tracing::warn!("{error}"),
        }
    }
}

/// The signals that end the supervisor.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one that means leaving.
    async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                // A terminal that goes away is no reason to take a balancer down.
                _ = self.hang_up.recv() => tracing::info!("SIGHUP: nothing to do"),
            }
        }
    }
}
