//! Asks one module over its socket.

use std::path::PathBuf;
use std::time::Duration;

use axum::http::StatusCode;
use hitless_config::Configuration;
use hitless_model::Slot;
use hyper::Method;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::api::client::{self, ClientError};
use crate::api::refusal::Refusal;
use crate::api::types::{
    Cleared, Clearing, ConnPage, ConnQuery, ModuleStatus, Ready, StickyPage, StickyQuery, Variable,
};
use crate::chassis::{Chassis, ModuleState};
use crate::show;

/// How long a module may take to answer: a dump of a full connection table included.
const ANSWER: Duration = Duration::from_secs(10);

/// A module and the way to it.
pub(crate) struct Module {
    slot: Slot,
    socket: PathBuf,
}

impl Module {
    /// A module that is at work.
    pub(crate) fn at_work(chassis: &Chassis, slot: Slot) -> Result<Self, Refusal> {
        let none = || Refusal::not_found(format!("There is no module in slot {slot}."));
        let socket = chassis.module_socket(slot).ok_or_else(none)?;
        let state = chassis.modules().find(|(found, _)| *found == slot).map(|(_, state)| state);
        match state.ok_or_else(none)? {
            ModuleState::Running { .. } => Ok(Self { slot, socket }),
            state @ (ModuleState::Starting | ModuleState::Dead { .. } | ModuleState::Stopped) => {
                Err(unavailable(format!("Module {slot} {}.", show::module_state(&state))))
            }
        }
    }

    pub(crate) fn slot(&self) -> Slot {
        self.slot
    }

    /// Gets one view.
    pub(crate) async fn get<T: DeserializeOwned>(&self, view: &str) -> Result<T, Refusal> {
        let route = format!("/v1/{view}");
        self.finish(timeout(ANSWER, client::get(&self.socket, &route)).await)
    }

    /// Asks for a page of connections.
    pub(crate) async fn conns(&self, query: &ConnQuery) -> Result<ConnPage, Refusal> {
        let asked = client::call(&self.socket, Method::POST, "/v1/conns", query);
        self.finish(timeout(ANSWER, asked).await)
    }

    /// Asks for a page of clients that stick.
    pub(crate) async fn sticky(&self, query: &StickyQuery) -> Result<StickyPage, Refusal> {
        let asked = client::call(&self.socket, Method::POST, "/v1/sticky", query);
        self.finish(timeout(ANSWER, asked).await)
    }

    /// Asks it to give the active role to its peer.
    pub(crate) async fn hand_over(&self) -> Result<(), Refusal> {
        let asked = client::call(&self.socket, Method::POST, "/v1/handover", &());
        self.finish(timeout(ANSWER, asked).await)
    }

    /// Has it forget something.
    pub(crate) async fn clear(&self, what: &Clearing) -> Result<Cleared, Refusal> {
        let asked = client::call(&self.socket, Method::POST, "/v1/clear", what);
        self.finish(timeout(ANSWER, asked).await)
    }

    fn finish<T, E>(&self, answer: Result<Result<T, ClientError>, E>) -> Result<T, Refusal> {
        let slot = self.slot;
        match answer {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(ClientError::Refused(why))) => Err(Refusal::unprocessable(sentence(&why))),
            Ok(Err(error)) => Err(unavailable(format!("Module {slot} does not answer: {error}."))),
            Err(_) => Err(unavailable(format!("Module {slot} does not answer within {ANSWER:?}."))),
        }
    }
}

fn unavailable(error: String) -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error)
}

/// With a capital and a period.
fn sentence(why: &str) -> String {
    let mut chars = why.trim_end_matches('.').chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).chain(['.']).collect()
}

/// Whether a module is at work.
pub(crate) async fn module_status(
    chassis: &Chassis,
    slot: Slot,
    state: ModuleState,
) -> ModuleStatus {
    let pid = match state {
        ModuleState::Running { pid, .. } => Some(pid),
        ModuleState::Starting | ModuleState::Dead { .. } | ModuleState::Stopped => None,
    };
    let ready: Option<Ready> = match Module::at_work(chassis, slot) {
        Ok(module) => module.get("ready").await.ok(),
        Err(_) => None,
    };
    ModuleStatus {
        slot,
        online: pid.is_some(),
        state: show::module_state(&state),
        pid,
        software: ready.as_ref().map(|ready| ready.software.clone()),
        core_age_ms: ready.as_ref().and_then(|ready| ready.core_age_ms),
        role: ready.and_then(|ready| ready.role),
    }
}

/// The variables of a module, or one of them.
pub(crate) fn variables(
    configuration: &Configuration,
    slot: Slot,
    name: Option<&str>,
) -> Result<Vec<Variable>, Refusal> {
    let none = || Refusal::not_found(format!("There is no module in slot {slot}."));
    let module = configuration.modules.get(&slot).ok_or_else(none)?;
    let configured = module.variables.iter().map(|(name, value)| Variable {
        name: name.clone(),
        value: value.clone(),
        configured: true,
    });
    let mut variables: Vec<_> = configured.collect();
    // Those that have an effect, and what they are without being configured.
    let size = hitless_model::abi::DEFAULT_CONNECTIONS.to_string();
    for (name, value) in [
        ("DATAPLANE_HOOK", "auto".to_owned()),
        ("MAX_CONNECTIONS", size),
        ("NO_TIMEOUT_IP_STICKY_ENTRIES", "0".to_owned()),
    ] {
        if !module.variables.contains_key(name) {
            variables.push(Variable { name: name.to_owned(), value, configured: false });
        }
    }
    variables.retain(|variable| name.is_none_or(|name| variable.name == name));
    variables.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(variables)
}
