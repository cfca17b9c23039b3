//! The configuration that runs: changed wholly or not at all, kept over restarts, told who by.
//!
//! ```text
//!  Change ─ merge, validate ─▶ candidate ─ prepare ─▶ chassis and modules ─ apply ─▶ commit
//!             (config)            │                      (chassis)                (files)
//!                                 └── refused anywhere: everything is as it was
//! ```
//! [`Store`] serialises changes and knows what runs. Three things are on disk ([`shelf`]): the
//! *startup configuration*, which a daemon begins with; the *checkpoint* of what runs, which the next
//! daemon goes on with while modules live ([`opening`]); and the *archive* of what ran before. The
//! store knows neither network nor modules: it asks the chassis ([`wish`]) and is told yes or no.
//! Reasons: `docs/adr/0015-store.md`.

mod candidate;
mod change;
mod difference;
mod document;
mod file;
pub(crate) mod opening;
mod revert;
mod running;
pub(crate) mod shelf;
mod types;
pub(crate) mod wish;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use hitless_config::{Configuration, render_with_secrets};
use tokio::sync::{Notify, watch};

use change::blocking;
use document::digest;
use opening::read;
pub use opening::{Opening, load};
use running::State;
use shelf::Shelf;
pub use types::{Applied, ArchiveEntry, Change, ChangeError, Outlook, PendingRevert, Running};
use wish::Wishes;

use crate::module::clock::unix_ms;

/// Who made the configuration that a daemon begins with.
const STARTUP: &str = "startup-config";

/// What runs, and the only way to change it.
#[derive(Debug)]
pub struct Store {
    shelf: Shelf,
    wishes: Wishes,
    state: Mutex<State>,
    /// Held for as long as a change takes.
    changing: tokio::sync::Mutex<()>,
    revisions: watch::Sender<u64>,
    /// A pending rollback came, went, or has another time.
    reverts: Arc<Notify>,
}

impl Store {
    /// The store of a daemon that begins with `opening`. In a tokio runtime.
    pub(crate) fn start(shelf: Shelf, opening: Opening, wishes: Wishes) -> Arc<Self> {
        let state = beginning(opening);
        let label = state.label();
        let kept = shelf.stage(&label, &state.text);
        let kept = kept.and_then(|staged| shelf.place(staged, &label, None));
        if let Err(error) = kept {
            // Who balances without this is better than who does not start.
            tracing::error!("what runs cannot be written down: {error}");
        }
        let (revisions, _) = watch::channel(label.revision);
        let store = Arc::new(Self {
            shelf,
            wishes,
            state: Mutex::new(state),
            changing: tokio::sync::Mutex::default(),
            revisions,
            reverts: Arc::default(),
        });
        tokio::spawn(Self::watch_reverts(Arc::downgrade(&store)));
        store
    }

    /// What runs.
    pub fn running(&self) -> Arc<Running> {
        self.state().running
    }

    /// Changes with every revision.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.revisions.subscribe()
    }

    /// Makes what runs what the daemon begins with (`write memory`).
    ///
    /// # Errors
    /// Why it cannot be written; the file is as it was then.
    pub async fn save(&self) -> Result<(), String> {
        let _alone = self.changing.lock().await;
        let mut state = self.state();
        if state.revert.is_some() {
            return Err("a change waits to be confirmed: confirm it first".to_owned());
        }
        state.startup = Some(digest(&state.text));
        let (shelf, label) = (self.shelf.clone(), state.label());
        let text = Arc::clone(&state.text);
        let saved = move || {
            shelf.store_startup(&text)?;
            // Should this be lost, the next daemon reads the file anew: it holds the same.
            shelf.relabel(&label, &text)
        };
        blocking(saved).await?.map_err(|error| error.to_string())?;
        self.replace_state(state);
        Ok(())
    }

    /// What the daemon begins with; none if nothing was saved or given.
    ///
    /// # Errors
    /// When it cannot be read, or is no configuration.
    pub fn startup(&self) -> Result<Option<Configuration>, String> {
        let text = self.shelf.startup().map_err(|error| error.to_string())?;
        let file = self.shelf.startup_file().display().to_string();
        text.map(|text| read(&text, &file)).transpose()
    }

    /// Configurations that ran, the newest first.
    pub fn archive(&self) -> Vec<ArchiveEntry> {
        let running = self.running().revision;
        let entry = |label: document::Label| ArchiveEntry {
            revision: label.revision,
            running: label.revision == running,
            by: label.by,
            at_unix_ms: label.at_unix_ms,
        };
        self.shelf.archived().into_iter().map(entry).collect()
    }

    /// A configuration of the archive.
    ///
    /// # Errors
    /// When it is not there, or is damaged.
    pub fn archived(&self, revision: u64) -> Result<Configuration, String> {
        read(&self.archived_text(revision)?, &format!("revision {revision}"))
    }

    fn archived_text(&self, revision: u64) -> Result<String, String> {
        let kept = self.shelf.archived_text(revision).map_err(|error| error.to_string());
        kept.map(|(_, text)| text)
    }

    fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace_state(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

/// The first state: what went on keeps its number, everything else is a change.
fn beginning(opening: Opening) -> State {
    let Opening { configuration, label, revision, startup, .. } = opening;
    let text = render_with_secrets(&configuration).into();
    let configuration = Arc::new(configuration);
    let (running, revert) = if let Some(label) = label {
        let document::Label { revision, by, at_unix_ms, revert, .. } = label;
        (Running { revision, configuration, by, at_unix_ms }, revert)
    } else {
        let (by, at_unix_ms) = (STARTUP.to_owned(), unix_ms());
        (Running { revision: revision + 1, configuration, by, at_unix_ms }, None)
    };
    State { running: Arc::new(running), text, startup, revert, lines_at: None }
}
