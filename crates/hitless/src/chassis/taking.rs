//! How one module takes another configuration: it is asked first, and then goes the way that it said.

use std::sync::Arc;
use std::time::Duration;

use hitless_model::Slot;
use hyper::Method;
use tokio::time::timeout;

use super::keeper::ModuleState;
use super::modules::Modules;
use super::process::Launch;
use super::tending::{Arrival, NotAtWork, Tending};
use crate::api::client::{self, ClientError};
use crate::api::types::{ModuleConfig, Renewal};
use crate::module::wanted::{Changed, Prospect, Wanted};
use crate::store::wish::No;

/// How long a module may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Of a module that is on its way, how long it is waited for.
const ARRIVES: Duration = Duration::from_secs(5);

/// A module and the configuration that it is to take.
pub(crate) struct Taking<'a> {
    modules: &'a Modules,
    slot: Slot,
    config: Arc<ModuleConfig>,
}

/// The way that a module goes.
pub(crate) struct Way {
    slot: Slot,
    config: Arc<ModuleConfig>,
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    /// Its maps, addresses and settings change under way.
    InPlace(u64),
    /// It gets it when it starts.
    Later,
    /// Another life of it begins, its peer told before.
    Renewal,
    /// It is stopped and started.
    Anew,
}

impl<'a> Taking<'a> {
    pub(crate) fn new(modules: &'a Modules, slot: Slot, config: Arc<ModuleConfig>) -> Self {
        Self { modules, slot, config }
    }

    fn way(self, how: How) -> Way {
        Way { slot: self.slot, config: self.config, how }
    }

    /// It has to be started anew whatever it says.
    pub(crate) fn anew(self, why: &str) -> (Way, Vec<String>) {
        (self.way(How::Anew), vec![format!("is stopped and started: {why}")])
    }

    /// Asks the module. The answer is the way, and what there is to say about it.
    ///
    /// # Errors
    /// Why it does not take it.
    pub(crate) async fn ask(self) -> Result<(Way, Vec<String>), No> {
        let state = self.settled().await;
        let Some(ModuleState::Running { arrival, .. }) = state else {
            return Ok((self.way(How::Later), vec!["takes it when it is at work".to_owned()]));
        };
        let slot = self.slot;
        let no = |why: String| No::because(format!("module csm {slot}: {why}"));
        match self.prospect(&arrival).await.map_err(no)? {
            Prospect::InPlace { number, notices } => Ok((self.way(How::InPlace(number)), notices)),
            Prospect::Renewal(why) => self.ask_renewal(why).await.map_err(no),
            Prospect::Anew(why) => Ok(self.anew(&why)),
            Prospect::Stale => Err(no("does not know its own configuration".to_owned())),
            Prospect::Refused { why } => Err(no(why)),
        }
    }

    /// The state of the module when it is more than a beginning.
    async fn settled(&self) -> Option<ModuleState> {
        let mut state = self.modules.watch(self.slot)?;
        let settled = state.wait_for(|state| !matches!(state, ModuleState::Starting));
        let settled = timeout(ARRIVES, settled).await;
        settled.ok()?.ok().map(|state| state.clone())
    }

    async fn prospect(&self, arrival: &Arrival) -> Result<Prospect, String> {
        let before = self.modules.config(self.slot);
        // One that goes on with what it had before has something else than it should.
        let before = before.filter(|_| !matches!(arrival, Arrival::HeldBack(_)));
        if let Some(before) = before {
            let changed = Wanted::Changed(Box::new(Changed::between(&before, &self.config)));
            let prospect = self.post(&changed).await?;
            if prospect != Prospect::Stale {
                return Ok(prospect);
            }
        }
        let whole = Wanted::Whole(Box::new(ModuleConfig::clone(&self.config)));
        self.post(&whole).await
    }

    async fn post(&self, wanted: &Wanted) -> Result<Prospect, String> {
        let socket = self.modules.launch().names.module_socket(self.slot);
        let asked = client::call(&socket, Method::POST, "/v1/change", wanted);
        match timeout(ANSWER, asked).await {
            Ok(Ok(prospect)) => Ok(prospect),
            // Of another release, which does not know how to be asked.
            Ok(Err(ClientError::Refused(why))) => Ok(Prospect::Renewal(why)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {} s", ANSWER.as_secs())),
        }
    }

    /// It would have to begin another life: whether its peer waits for it.
    async fn ask_renewal(self, why: String) -> Result<(Way, Vec<String>), String> {
        let tending = self.tending();
        match tending.ask_renewal(true).await {
            Renewal::Granted => {
                Ok((self.way(How::Renewal), vec![format!("begins another life in place: {why}")]))
            }
            Renewal::Anew(why) => Ok(self.anew(&why)),
            Renewal::Refused(why) => Err(why),
        }
    }

    fn tending(&self) -> Tending {
        Tending::once(self.modules.launch(), self.slot, Arc::clone(&self.config))
    }
}

impl Way {
    /// How much of it is noticed.
    pub(crate) fn weight(&self) -> u8 {
        match self.how {
            How::InPlace(_) => 0,
            How::Later => 1,
            How::Renewal => 2,
            How::Anew => 3,
        }
    }

    /// Goes it.
    ///
    /// # Errors
    /// Why the module does not have the configuration; it may have it in its next life.
    pub(crate) async fn go(&self, modules: &Modules) -> Result<(), String> {
        // Should it die now, its next life has it.
        modules.want(self.slot, Arc::clone(&self.config));
        let done = match self.how {
            How::Later => Ok(()),
            How::InPlace(number) => commit(modules.launch(), self.slot, number).await,
            How::Renewal => self.renew(modules.launch()).await,
            How::Anew => return modules.start_anew(self.slot).await,
        };
        done.map_err(|why| format!("module csm {}: {why}", self.slot))
    }

    async fn renew(&self, launch: &Launch) -> Result<(), String> {
        let tending = Tending::once(launch, self.slot, Arc::clone(&self.config));
        match tending.renew_in_place().await {
            Ok(Arrival::HeldBack(why)) | Err(NotAtWork::Anew(why) | NotAtWork::Failed(why)) => {
                Err(why)
            }
            Ok(arrival) => {
                tracing::info!("module csm {}: {arrival}", self.slot);
                Ok(())
            }
        }
    }
}

async fn commit(launch: &Launch, slot: Slot, number: u64) -> Result<(), String> {
    let socket = launch.names.module_socket(slot);
    let route = format!("/v1/change/{number}");
    let asked = client::call::<_, ()>(&socket, Method::POST, &route, &());
    match timeout(ANSWER, asked).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", ANSWER.as_secs())),
    }
}
