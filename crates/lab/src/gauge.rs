//! Looks at replication while something happens: how far behind the peer is, what is at risk, what was
//! found unequal. Asks the daemons' APIs from a thread of its own, a few times a second.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;
use hitless::api::client;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::config_text::BOXES;

const INTERVAL: Duration = Duration::from_millis(100);
/// A daemon that does not answer at once is asked again the next time.
const PATIENCE: Duration = Duration::from_millis(200);

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    lags: Vec<u64>,
    /// Connections that the peer had not acknowledged, at most.
    pub at_risk: u64,
    /// Entries found unequal, if the daemons tell.
    pub diverged: Option<u64>,
    /// Entries put right, if the daemons tell.
    pub repaired: Option<u64>,
}

impl Readings {
    /// Milliseconds behind at one of a hundred looks, shortest first; none without a look.
    pub fn lag_ms(&self, percent: usize) -> Option<u64> {
        let mut lags = self.lags.clone();
        lags.sort_unstable();
        lags.get(lags.len().saturating_sub(1) * percent / 100).copied()
    }

    fn add(&mut self, status: &Value) {
        let number = |name: &str| status.get(name).and_then(Value::as_u64);
        let is_active = status.get("role").and_then(Value::as_str) == Some("active");
        if is_active {
            self.lags.extend(number("lag_ms"));
            self.at_risk = self.at_risk.max(number("at_risk").unwrap_or(0));
        }
        let more = |old: Option<u64>, new: Option<u64>| old.max(new);
        self.diverged = more(self.diverged, number("diverged"));
        self.repaired = more(self.repaired, number("repaired"));
    }
}

/// The running gauge.
#[derive(Debug)]
pub struct Gauge {
    stop: Arc<AtomicBool>,
    readings: Arc<Mutex<Readings>>,
    thread: Option<JoinHandle<()>>,
}

impl Gauge {
    /// Starts to look at the daemons behind these sockets.
    pub fn start(sockets: [PathBuf; 2]) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, readings) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let (stopped, shared) = (Arc::clone(&stop), Arc::clone(&readings));
        let thread = std::thread::Builder::new()
            .name("gauge".to_owned())
            .spawn(move || run(&runtime, &sockets, &stopped, &shared))?;
        Ok(Self { stop, readings, thread: Some(thread) })
    }

    /// Forgets what was seen so far.
    pub fn begin(&self) {
        *self.readings.lock().unwrap_or_else(PoisonError::into_inner) = Readings::default();
    }

    /// What was seen.
    pub fn readings(&self) -> Readings {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(runtime: &Runtime, sockets: &[PathBuf; 2], stop: &AtomicBool, readings: &Mutex<Readings>) {
    while !stop.load(Ordering::Relaxed) {
        for (socket, chassis) in sockets.iter().zip(&BOXES) {
            if let Some(status) = runtime.block_on(status(socket, chassis.slot)) {
                readings.lock().unwrap_or_else(PoisonError::into_inner).add(&status);
            }
        }
        std::thread::sleep(INTERVAL);
    }
}

/// What a module says of its part in the pair, as it says it: a daemon of another release may know less.
async fn status(socket: &Path, slot: u8) -> Option<Value> {
    let route = format!("/v1/modules/{slot}/ft");
    let asked = client::get::<Value>(socket, &route);
    let mut ft = tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()?;
    Some(ft.get_mut("status")?.take())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_active_one_is_behind_and_what_is_not_told_is_not_known() {
        let mut readings = Readings::default();
        assert_eq!(readings.lag_ms(50), None);
        for lag in [9, 1, 5] {
            readings.add(&json!({ "role": "active", "lag_ms": lag, "at_risk": lag * 10 }));
        }
        readings.add(&json!({ "role": "standby", "lag_ms": 700, "repaired": 3 }));
        assert_eq!((readings.lag_ms(50), readings.lag_ms(100)), (Some(5), Some(9)));
        assert_eq!((readings.at_risk, readings.diverged, readings.repaired), (90, None, Some(3)));
    }
}
