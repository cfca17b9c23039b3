//! What the store asks of the chassis around it.

use std::sync::Arc;

use hitless_config::Configuration;
use tokio::sync::{mpsc, oneshot};

/// Why the chassis cannot have a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct No {
    /// For people.
    pub(crate) why: String,
    /// Words of the line that asks for it.
    pub(crate) words: Vec<String>,
}

impl No {
    /// A refusal that no line is to blame for.
    pub(crate) fn because(why: impl Into<String>) -> Self {
        Self { why: why.into(), words: Vec::new() }
    }
}

/// Somebody wants the chassis to be something else.
pub(crate) struct Wish {
    /// What it should be.
    pub(crate) configuration: Arc<Configuration>,
    /// Only find out whether it could be.
    pub(crate) trial: bool,
    /// Yes, and what there is to say about it; or no, and then everything is as before.
    pub(crate) answer: oneshot::Sender<Result<Vec<String>, No>>,
}

/// The way to the chassis.
pub(crate) type Wishes = mpsc::Sender<Wish>;

/// Asks, and waits for the answer.
pub(crate) async fn ask(
    wishes: &Wishes,
    configuration: Arc<Configuration>,
    trial: bool,
) -> Result<Vec<String>, No> {
    let gone = || No::because("the daemon is leaving");
    let (answer, answered) = oneshot::channel();
    wishes.send(Wish { configuration, trial, answer }).await.map_err(|_| gone())?;
    answered.await.map_err(|_| gone())?
}
