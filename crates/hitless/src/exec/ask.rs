//! Asks one module over its socket.

use std::path::PathBuf;
use std::time::Duration;

use hitless_model::Slot;
use hyper::Method;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::api::client::{self, ClientError};

/// How long a module may take to answer: a dump of a full connection table included.
const ANSWER: Duration = Duration::from_secs(10);

/// A module and the way to it.
pub(super) struct Module {
    slot: Slot,
    socket: PathBuf,
}

impl Module {
    pub(super) fn new(slot: Slot, socket: PathBuf) -> Self {
        Self { slot, socket }
    }

    pub(super) fn slot(&self) -> Slot {
        self.slot
    }

    /// Gets one view; the error is a sentence.
    pub(super) async fn get<T: DeserializeOwned>(&self, view: &str) -> Result<T, String> {
        let route = format!("/v1/{view}");
        self.finish(timeout(ANSWER, client::get(&self.socket, &route)).await)
    }

    /// Asks it to give the active role to its peer.
    pub(super) async fn hand_over(&self) -> Result<(), String> {
        let asked = client::call(&self.socket, Method::POST, "/v1/handover", &());
        self.finish(timeout(ANSWER, asked).await)
    }

    fn finish<T, E>(&self, answer: Result<Result<T, ClientError>, E>) -> Result<T, String> {
        match answer {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(ClientError::Refused(why))) => Err(sentence(&why)),
            Ok(Err(error)) => Err(format!("Module {} does not answer: {error}.", self.slot)),
            Err(_) => Err(format!("Module {} does not answer within {ANSWER:?}.", self.slot)),
        }
    }
}

/// With a capital and a period.
fn sentence(why: &str) -> String {
    let mut chars = why.trim_end_matches('.').chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).chain(['.']).collect()
}
