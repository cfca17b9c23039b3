//! Keeps one module running: adopts or starts it, hands it its configuration, replaces its program
//! when told, starts it again when it dies or stands still, and stops it when told.

use std::sync::Arc;
use std::time::Duration;

use hitless_model::Slot;
use hyper::Method;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

use super::backoff::Backoff;
use super::process::{Launch, Process};
use super::tending::{Arrival, NotAtWork, Tending};
use super::vitals::Vitals;
use crate::api::client;

/// How long a module may take to hand over and leave.
const STOP_WAIT: Duration = Duration::from_secs(10);

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
        /// How it got there.
        arrival: Arrival,
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
    /// How to bring it to work and look after it.
    pub(crate) tending: Tending,
    /// What it is told to do.
    pub(crate) orders: watch::Receiver<Order>,
    /// It is to be stopped and started.
    pub(crate) anew: Arc<Notify>,
    /// Where its state is told.
    pub(crate) state: watch::Sender<ModuleState>,
}

/// How a life of the process ended.
enum End {
    Ordered,
    /// Another process has its place, or is to have it.
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
            self.vitals().stamp();
            tokio::select! {
                () = sleep(pause) => {}
                () = ordered(&mut self.orders, &[Order::Stop, Order::Kill]) => break,
            }
        }
        self.state.send_replace(ModuleState::Stopped);
    }

    fn vitals(&self) -> &Vitals {
        &self.tending.vitals
    }

    /// One life of the process.
    async fn live(&mut self) -> End {
        let mut process = match self.find_or_start() {
            Ok(process) => process,
            Err(error) => return End::Died(format!("cannot be started: {error}")),
        };
        let stop = [Order::Stop, Order::Kill];
        let mut orders = self.orders.clone();
        let adopted = process.is_adopted();
        let arrived = tokio::select! {
            arrived = self.tending.bring_to_work(adopted) => arrived,
            why = process.ended() => return self.ended_early(why),
            () = ordered(&mut orders, &stop) => {
                self.stop(process).await;
                return End::Ordered;
            }
        };
        let arrival = match arrived {
            Ok(arrival) => arrival,
            Err(not_at_work) => return self.give_up(process, not_at_work).await,
        };
        let pid = process.id().unwrap_or(0);
        tracing::info!("module csm {}: process {pid}, {arrival}", self.slot);
        self.state.send_replace(ModuleState::Running { pid, arrival });
        if self.tending.is_outdated() {
            // It was given another configuration while it was on its way.
            return End::Replaced;
        }
        tokio::select! {
            why = process.ended() => End::Died(why),
            () = self.anew.notified() => {
                self.state.send_replace(ModuleState::Starting);
                self.stop(process).await;
                End::Replaced
            }
            why = self.tending.watch() => {
                tracing::error!("module csm {}: {why}", self.slot);
                process.kill();
                process.ended().await;
                End::Died(why)
            }
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

    /// A process that ended before it was at work. One that another supervisor had started before it
    /// died may have been faster to the slot's lock: that one it is, then.
    fn ended_early(&self, why: String) -> End {
        match self.launch.find(self.slot) {
            Ok(Some(_)) => End::Replaced,
            Ok(None) | Err(_) => End::Died(why),
        }
    }

    async fn give_up(&self, mut process: Process, not_at_work: NotAtWork) -> End {
        match not_at_work {
            NotAtWork::Anew(why) => {
                tracing::info!("module csm {}: {why}; starting it anew", self.slot);
                self.stop(process).await;
                End::Replaced
            }
            NotAtWork::Failed(why) => {
                process.kill();
                process.ended().await;
                End::Died(why)
            }
        }
    }

    async fn stop(&self, mut process: Process) {
        let mut orders = self.orders.clone();
        let left = leave(&self.launch, self.slot, &mut process);
        tokio::select! {
            () = self.vitals().while_busy(left) => {}
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
