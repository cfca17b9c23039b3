//! Changes that roll back by themselves unless somebody confirms that he can still reach the box.

use std::sync::{Arc, Weak};
use std::time::Duration;

use hitless_model::Instant;

use super::Store;
use super::document::Revert;
use super::types::{Applied, Change, ChangeError, PendingRevert};
use crate::module::clock;

/// Pause after a rollback that failed.
const AGAIN: Duration = Duration::from_secs(5);
/// How often to look where nothing is pending.
const IDLE: Duration = Duration::from_hours(1);

impl Store {
    /// From now on, the configuration goes back to what it is now unless [`Self::confirm`] is called
    /// in time. Asked for again before that, only the time begins anew.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn revert_in(&self, after: Duration, by: String) -> Result<(), ChangeError> {
        let _alone = self.changing.lock().await;
        let deadline_ns = (clock::now() + after).as_nanos();
        let state = self.state();
        let revision = state.revert.map_or(state.running.revision, |pending| pending.revision);
        self.keep_revert(Some(Revert { revision, deadline_ns, by }))
    }

    /// The configuration stays as it is now.
    ///
    /// # Errors
    /// When nothing is pending, or that cannot be written down.
    pub async fn confirm(&self) -> Result<(), ChangeError> {
        let _alone = self.changing.lock().await;
        if self.state().revert.is_none() {
            return Err(ChangeError::refused("no change waits to be confirmed"));
        }
        self.keep_revert(None)
    }

    /// What would come back, and when.
    pub fn pending_revert(&self) -> Option<PendingRevert> {
        let Revert { revision, deadline_ns, by } = self.state().revert?;
        let left_s = Instant::from_nanos(deadline_ns).saturating_since(clock::now()).as_secs();
        Some(PendingRevert { revision, left_s, by })
    }

    /// Goes back to a configuration of the archive.
    ///
    /// # Errors
    /// When it is not there, or cannot be had any more.
    pub async fn rollback(
        self: &Arc<Self>,
        revision: u64,
        by: String,
    ) -> Result<Applied, ChangeError> {
        let text = self.archived_text(revision).map_err(ChangeError::refused)?;
        self.change(Change::Replace(text), None, by).await
    }

    /// Remembers a pending rollback, or that there is none any more, over a restart too.
    pub(super) fn keep_revert(&self, revert: Option<Revert>) -> Result<(), ChangeError> {
        let mut state = self.state();
        if state.revert == revert {
            return Ok(());
        }
        state.revert = revert;
        let kept = self.shelf.relabel(&state.label(), &state.text);
        kept.map_err(|error| ChangeError::refused(error.to_string()))?;
        self.replace_state(state);
        self.reverts.notify_one();
        Ok(())
    }

    /// Rolls back what nobody confirmed, for as long as the store lives.
    pub(super) async fn watch_reverts(store: Weak<Self>) {
        loop {
            let Some(strong) = store.upgrade() else { return };
            let due = strong.state().revert.map(|revert| Instant::from_nanos(revert.deadline_ns));
            let left = due.map_or(IDLE, |due| due.saturating_since(clock::now()));
            if left.is_zero() {
                strong.revert().await;
                continue;
            }
            let changed = Arc::clone(&strong.reverts);
            drop(strong);
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                () = changed.notified() => {}
            }
        }
    }

    async fn revert(&self) {
        let _alone = self.changing.lock().await;
        let Some(revert) = self.state().revert else { return };
        if Instant::from_nanos(revert.deadline_ns) > clock::now() {
            return;
        }
        tracing::warn!("not confirmed in time: going back to revision {}", revert.revision);
        let by = format!("{} (not confirmed in time)", revert.by);
        let outcome = match self.archived_text(revert.revision) {
            Ok(text) => self.make(Change::Replace(text), by, |_| None).await.map(drop),
            Err(why) => Err(ChangeError::refused(why)),
        };
        if let Err(error) = outcome {
            tracing::error!("not rolled back yet: {error}");
            tokio::time::sleep(AGAIN).await;
        }
    }
}
