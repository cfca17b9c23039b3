//! Looking after one module over its socket: handing it its configuration, having it replace its
//! program, and asking every second whether it lives.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hitless_model::Slot;
use hyper::Method;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::process::Launch;
use super::vitals::Vitals;
use crate::api::client::{self, ClientError};
use crate::api::types::{Beginning, ModuleConfig, Ready, Renew, Renewal};

/// How long a module may take until it answers on its socket and works; loading programs on a slow
/// machine included.
const START_WAIT: Duration = Duration::from_secs(20);
/// How long a module may take to find out whether it may be replaced.
const RENEW_WAIT: Duration = Duration::from_secs(10);
/// How often to try a socket that nobody answers on yet.
const RETRY: Duration = Duration::from_millis(2);
/// How often a module at work is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// A core thread turns every second at least.
const TURN_LATE: Duration = Duration::from_secs(3);
/// A module that showed no life for this long is killed: ten times the default heartbeat, and long
/// after its lease has ended.
const STUCK: Duration = Duration::from_secs(10);

/// How a module came to work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Its process was started, and went on where another had left off if it could.
    Started(Beginning),
    /// It was running already.
    Adopted,
    /// Its program was replaced in place.
    Renewed(Beginning),
    /// Its program should have been replaced, and was not: it goes on as before.
    HeldBack(String),
}

impl fmt::Display for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started(beginning) => write!(f, "started: {}", times(beginning)),
            Self::Adopted => f.write_str("running as before"),
            Self::Renewed(beginning) => write!(f, "replaced in place: {}", times(beginning)),
            Self::HeldBack(why) => write!(f, "goes on as before: {why}"),
        }
    }
}

fn times(beginning: &Beginning) -> String {
    let ms = |micros: u64| format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100);
    let ready = beginning.ready_us.map_or_else(|| "?".to_owned(), ms);
    let beat = beginning.heartbeat_us.map(|us| format!("first heartbeat after {}, ", ms(us)));
    let resumed = if beginning.resumed { "went on as active, " } else { "" };
    format!("{resumed}{}at work after {ready}", beat.unwrap_or_default())
}

/// Why a module did not come to work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotAtWork {
    /// It has to be stopped and started.
    Anew(String),
    /// It cannot work.
    Failed(String),
}

/// Looks after one module.
pub(crate) struct Tending {
    /// Its slot.
    pub(crate) slot: Slot,
    /// Its socket.
    pub(crate) socket: PathBuf,
    /// What it is to run with.
    pub(crate) config: watch::Receiver<Arc<ModuleConfig>>,
    /// The program that it is to become when it is told to.
    pub(crate) successor: PathBuf,
    /// It is to become that even if nothing else has changed.
    pub(crate) renew: bool,
    /// Its signs of life, and of whoever looks after it.
    pub(crate) vitals: Vitals,
}

impl Tending {
    /// Looks after a module that is to run with whatever `config` says by then.
    pub(crate) fn new(
        launch: &Launch,
        slot: Slot,
        config: watch::Receiver<Arc<ModuleConfig>>,
    ) -> Self {
        Self {
            slot,
            socket: launch.names.module_socket(slot),
            config,
            successor: launch.successor.clone(),
            renew: false,
            vitals: Vitals::default(),
        }
    }

    /// For a few questions to a module that somebody else looks after.
    pub(crate) fn once(launch: &Launch, slot: Slot, config: Arc<ModuleConfig>) -> Self {
        let (_, config) = watch::channel(config);
        Self::new(launch, slot, config)
    }

    /// Whether it is to run with something else by now than it was given last.
    pub(crate) fn is_outdated(&self) -> bool {
        self.config.has_changed().unwrap_or(false)
    }

    fn wanted(&self) -> Arc<ModuleConfig> {
        Arc::clone(&self.config.borrow())
    }

    /// Hands its configuration to a module that was just started or `adopted`.
    pub(crate) async fn bring_to_work(&mut self, adopted: bool) -> Result<Arrival, NotAtWork> {
        self.config.mark_unchanged();
        if adopted && std::mem::take(&mut self.renew) {
            return self.vitals.while_busy(self.renew_in_place()).await;
        }
        self.renew = false;
        match self.vitals.while_busy(self.configure()).await {
            Ok(()) if adopted => Ok(Arrival::Adopted),
            Ok(()) => Ok(Arrival::Started(self.beginning().await)),
            // Another configuration, kept from before or given by another supervisor, or words of
            // another release.
            Err(why) if adopted || self.is_at_work().await => {
                tracing::info!("module csm {}: {why}", self.slot);
                self.vitals.while_busy(self.renew_in_place()).await
            }
            Err(why) => Err(NotAtWork::Failed(why)),
        }
    }

    /// Waits as long as the module lives, and says how it does not.
    pub(crate) async fn watch(&self) -> String {
        let mut alive = Instant::now();
        let mut missing = String::new();
        while alive.elapsed() < STUCK {
            sleep(LOOK).await;
            match timeout(LOOK, self.ready()).await {
                Ok(Ok(ready)) if is_turning(&ready) => {
                    alive = Instant::now();
                    self.vitals.stamp_as(ready.role);
                }
                Ok(Ok(_)) => "its core thread stands still".clone_into(&mut missing),
                Ok(Err(error)) => missing = format!("it does not answer: {error}"),
                Err(_) => "it does not answer".clone_into(&mut missing),
            }
        }
        format!("{missing}, for {} s now", alive.elapsed().as_secs())
    }

    async fn ready(&self) -> Result<Ready, ClientError> {
        client::get(&self.socket, "/v1/ready").await
    }

    async fn is_at_work(&self) -> bool {
        matches!(timeout(LOOK, self.ready()).await, Ok(Ok(ready)) if ready.configured)
    }

    async fn beginning(&self) -> Beginning {
        let asked = timeout(LOOK, self.ready()).await;
        let ready = asked.ok().and_then(Result::ok);
        self.vitals.stamp_as(ready.as_ref().and_then(|ready| ready.role));
        ready.map(|ready| ready.beginning).unwrap_or_default()
    }

    /// Hands the configuration over, as soon as the module answers.
    async fn configure(&self) -> Result<(), String> {
        let config = self.wanted();
        let attempt = async {
            loop {
                let route = "/v1/config";
                let put = client::call::<_, ()>(&self.socket, Method::PUT, route, &*config);
                match put.await {
                    Err(ClientError::Connect { .. }) => sleep(RETRY).await,
                    other => break other.map_err(|error| error.to_string()),
                }
            }
        };
        timeout(START_WAIT, attempt).await.unwrap_or_else(|_| Err(late()))
    }

    /// Has a running module become the successor, with the configuration that it is to have.
    pub(crate) async fn renew_in_place(&self) -> Result<Arrival, NotAtWork> {
        let failed = |error: ClientError| NotAtWork::Failed(error.to_string());
        let before = match self.ready().await {
            Ok(ready) => ready.life,
            // A module of a release that could not do this.
            Err(ClientError::Answer(error)) => return Err(NotAtWork::Anew(error.to_string())),
            Err(error) => return Err(failed(error)),
        };
        match self.ask_renewal(false).await {
            Renewal::Granted => {}
            Renewal::Refused(why) => return Ok(Arrival::HeldBack(why)),
            Renewal::Anew(why) => return Err(NotAtWork::Anew(why)),
        }
        let back = timeout(START_WAIT, self.next_life(before)).await;
        back.map_err(|_| NotAtWork::Failed(late()))?;
        self.configure().await.map_err(NotAtWork::Failed)?;
        Ok(Arrival::Renewed(self.beginning().await))
    }

    /// Waits until another life of the module answers.
    async fn next_life(&self, before: u64) {
        loop {
            if let Ok(Ok(ready)) = timeout(LOOK, self.ready()).await
                && ready.life != before
                && ready.configured
            {
                return;
            }
            sleep(RETRY).await;
        }
    }

    /// Asks a running module to be replaced, or only whether it could be.
    pub(crate) async fn ask_renewal(&self, trial: bool) -> Renewal {
        let program = self.successor.clone();
        let config = match serde_json::to_value(&*self.wanted()) {
            Ok(config) => config,
            Err(error) => return Renewal::Refused(format!("its configuration: {error}")),
        };
        let renew = Renew { program, config, trial };
        let asked = client::call(&self.socket, Method::POST, "/v1/reload", &renew);
        match timeout(RENEW_WAIT, asked).await {
            Ok(Ok(renewal)) => renewal,
            Ok(Err(error)) => Renewal::Refused(error.to_string()),
            Err(_) => Renewal::Refused(format!("no answer within {} s", RENEW_WAIT.as_secs())),
        }
    }
}

fn is_turning(ready: &Ready) -> bool {
    ready.core_age_ms.is_none_or(|age| Duration::from_millis(age) < TURN_LATE)
}

fn late() -> String {
    format!("did not come to work within {} s", START_WAIT.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrival_is_told_with_its_times() {
        let beginning =
            Beginning { resumed: true, heartbeat_us: Some(8_417), ready_us: Some(143_000) };
        let text = Arrival::Renewed(beginning).to_string();
        let expected = "replaced in place: went on as active, first heartbeat after 8.4 ms, \
                        at work after 143.0 ms";
        assert_eq!(text, expected);
    }
}
