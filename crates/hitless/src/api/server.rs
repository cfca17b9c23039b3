//! What answers on sockets: re-exported for those who need little of it.

use tokio::sync::watch;

pub use super::refusal::Refusal;
pub use super::serve::{bind, bind_std};

/// How the reload ended that this process came out of; none until it has ended.
pub type Reloaded = watch::Receiver<Option<Result<String, String>>>;
