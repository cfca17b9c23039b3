//! Keeps one module running: adopts or starts it, hands it its configuration, starts it again when
//! it dies, and stops it when told.

use std::time::Duration;

use hitless_model::Slot;
use hyper::Method;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::backoff::Backoff;
use super::process::{Launch, Process};
use crate::api::client::{self, ClientError};
use crate::api::types::ModuleConfig;

/// How long a module may take until it answers on its socket and works; loading programs on a slow
/// machine included.
const START_WAIT: Duration = Duration::from_secs(20);
/// How long a module may take to hand over and leave.
const STOP_WAIT: Duration = Duration::from_secs(10);
/// How often to try a socket that nobody answers on yet.
const RETRY: Duration = Duration::from_millis(10);

/// What modules are told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Run; a death is not a matter for the keeper yet.
    Start,
    /// Run, and run again.
    Run,
    /// Hand over and end.
    Stop,
    /// End at once.
    Kill,
}

/// How a module is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModuleState {
    /// Started, not yet at work.
    Starting,
    /// At work.
    Running {
        /// Its process.
        pid: u32,
    },
    /// Dead, and about to be started again.
    Dead {
        /// What happened.
        why: String,
    },
    /// Stopped as ordered.
    Stopped,
}

/// Keeps one module running.
pub(crate) struct Keeper {
    /// Its slot.
    pub(crate) slot: Slot,
    /// How to start it.
    pub(crate) launch: Launch,
    /// Its configuration.
    pub(crate) config: ModuleConfig,
    /// What it is told to do.
    pub(crate) orders: watch::Receiver<Order>,
    /// Where its state is told.
    pub(crate) state: watch::Sender<ModuleState>,
}

/// How a life of the process ended.
enum End {
    Ordered,
    Replaced,
    Died(String),
}

impl Keeper {
    /// Runs until the module was stopped.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            self.state.send_replace(ModuleState::Starting);
            let born = Instant::now();
            let why = match self.live().await {
                End::Ordered => break,
                End::Replaced => continue,
                End::Died(why) => why,
            };
            if *self.orders.borrow() == Order::Start {
                self.state.send_replace(ModuleState::Dead { why });
                return;
            }
            let pause = backoff.pause(born.elapsed());
            tracing::warn!("module csm {}: {why}; starting it again", self.slot);
            self.state.send_replace(ModuleState::Dead { why });
            tokio::select! {
                () = sleep(pause) => {}
                () = ordered(&mut self.orders, &[Order::Stop, Order::Kill]) => break,
            }
        }
        self.state.send_replace(ModuleState::Stopped);
    }

    /// One life of the process.
    async fn live(&mut self) -> End {
        let mut process = match self.find_or_start() {
            Ok(process) => process,
            Err(error) => return End::Died(format!("cannot be started: {error}")),
        };
        let stop = [Order::Stop, Order::Kill];
        let mut orders = self.orders.clone();
        let configured = tokio::select! {
            configured = self.configure() => configured,
            why = process.ended() => return End::Died(why),
            () = ordered(&mut orders, &stop) => {
                self.stop(process).await;
                return End::Ordered;
            }
        };
        if let Err(refusal) = configured {
            return self.refused(process, refusal).await;
        }
        let pid = process.id().unwrap_or(0);
        tracing::info!("module csm {}: running as process {pid}", self.slot);
        self.state.send_replace(ModuleState::Running { pid });
        tokio::select! {
            why = process.ended() => End::Died(why),
            () = ordered(&mut orders, &stop) => {
                self.stop(process).await;
                End::Ordered
            }
        }
    }

    fn find_or_start(&self) -> std::io::Result<Process> {
        if let Some(found) = self.launch.find(self.slot)? {
            tracing::info!("module csm {}: still running, adopted", self.slot);
            return Ok(found);
        }
        self.launch.start(self.slot)
    }

    /// Hands the configuration over, as soon as the module answers.
    async fn configure(&self) -> Result<(), String> {
        let socket = self.launch.names.module_socket(self.slot);
        let attempt = async {
            loop {
                let put = client::call::<_, ()>(&socket, Method::PUT, "/v1/config", &self.config);
                match put.await {
                    Err(ClientError::Connect { .. }) => sleep(RETRY).await,
                    other => break other.map_err(|error| error.to_string()),
                }
            }
        };
        let late = || Err(format!("did not come to work within {} s", START_WAIT.as_secs()));
        timeout(START_WAIT, attempt).await.unwrap_or_else(|_| late())
    }

    /// A module that does not take its configuration. One that an earlier supervisor started has
    /// another one, and makes way in an orderly fashion.
    async fn refused(&self, mut process: Process, refusal: String) -> End {
        if process.is_adopted() {
            tracing::info!("module csm {}: {refusal}; starting it anew", self.slot);
            self.stop(process).await;
            return End::Replaced;
        }
        process.kill();
        process.ended().await;
        End::Died(refusal)
    }

    async fn stop(&self, mut process: Process) {
        let mut orders = self.orders.clone();
        tokio::select! {
            () = leave(&self.launch, self.slot, &mut process) => {}
            () = ordered(&mut orders, &[Order::Kill]) => {
                process.kill();
                process.ended().await;
            }
        }
    }
}

/// Has a module hand over and leave; one that does not in time is killed.
pub(crate) async fn leave(launch: &Launch, slot: Slot, process: &mut Process) {
    let socket = launch.names.module_socket(slot);
    let left = timeout(STOP_WAIT, async {
        let asked = client::call::<_, ()>(&socket, Method::POST, "/v1/stop", &()).await;
        if let Err(error) = asked {
            tracing::warn!("module csm {slot}: {error}");
            process.terminate();
        }
        process.ended().await
    });
    if left.await.is_err() {
        tracing::warn!("module csm {slot}: did not leave in time, killed");
        process.kill();
        process.ended().await;
    }
}

/// Waits for one of some orders; that nobody gives orders any more is one to stop.
async fn ordered(orders: &mut watch::Receiver<Order>, which: &[Order]) {
    drop(orders.wait_for(|order| which.contains(order)).await);
}
