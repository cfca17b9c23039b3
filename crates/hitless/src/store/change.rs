//! How a change is made: wholly, or not at all.

use std::sync::Arc;

use super::Store;
use super::candidate::{Candidate, candidate, line_with};
use super::document::Revert;
use super::file::Staged;
use super::running::{Kind, State};
use super::shelf::Shelf;
use super::types::{Applied, Change, ChangeError, Outlook, Running};
use super::wish::{self, No};
use crate::module::clock::{self, unix_ms};

impl Store {
    /// Changes the running configuration. Once begun it goes on to its end, whether or not the asker
    /// waits for it.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub async fn change(
        self: &Arc<Self>,
        change: Change,
        base_revision: Option<u64>,
        by: String,
    ) -> Result<Applied, ChangeError> {
        let store = Arc::clone(self);
        let made = tokio::spawn(async move {
            let _alone = store.changing.lock().await;
            store.expect(base_revision)?;
            store.make(change, by, |revert| revert).await
        });
        made.await.map_err(|error| ChangeError::refused(error.to_string()))?
    }

    /// What a change would come to, the modules asked.
    ///
    /// # Errors
    /// Why it would not be made.
    pub async fn validate(&self, change: Change) -> Result<Outlook, ChangeError> {
        let _alone = self.changing.lock().await;
        let text = change.text().map(str::to_owned);
        let Candidate { configuration, difference, mut notices, .. } =
            self.candidate(change).await?;
        let asked = wish::ask(&self.wishes, Arc::new(configuration), true).await;
        notices.extend(asked.map_err(|no| blame(no, text.as_deref()))?);
        Ok(Outlook { difference, notices })
    }

    /// The lines that a change would bring and take, without asking anybody.
    ///
    /// # Errors
    /// Lines that are wrong.
    pub async fn difference(&self, change: Change) -> Result<Vec<String>, ChangeError> {
        Ok(self.candidate(change).await?.difference)
    }

    /// Makes a change, with the lock held. `revert` says what becomes of a pending rollback.
    pub(super) async fn make(
        &self,
        change: Change,
        by: String,
        revert: impl FnOnce(Option<Revert>) -> Option<Revert>,
    ) -> Result<Applied, ChangeError> {
        let (kind, lines) = (change.kind(), change.text().map(str::to_owned));
        let candidate = self.candidate(change).await?;
        let before = self.state();
        let Candidate { configuration, text, difference, mut notices } = candidate;
        let revert = revert(before.revert.clone());
        if configuration == *before.running.configuration {
            self.keep_revert(revert)?;
            return Ok(Applied { revision: before.running.revision, difference, notices });
        }
        let now = clock::now();
        let after = State {
            running: Arc::new(Running {
                revision: before.running.revision + 1,
                configuration: Arc::new(configuration),
                by,
                at_unix_ms: unix_ms(),
            }),
            text: text.into(),
            startup: before.startup.clone(),
            revert,
            lines_at: (kind == Kind::Lines).then_some(now),
        };
        let instead_of = before.continues(kind, &after.running.by, now);
        let staged = stage(&self.shelf, &after).await?;
        let wanted = Arc::clone(&after.running.configuration);
        let done = wish::ask(&self.wishes, wanted, false).await;
        notices.extend(done.map_err(|no| blame(no, lines.as_deref()))?);
        self.commit(staged, &before, after, instead_of).await?;
        Ok(Applied { revision: self.running().revision, difference, notices })
    }

    /// Everybody has it: from now on it is what runs. If that cannot be written down, everybody goes
    /// back.
    async fn commit(
        &self,
        staged: Staged,
        before: &State,
        after: State,
        instead_of: Option<u64>,
    ) -> Result<(), ChangeError> {
        let (shelf, label) = (self.shelf.clone(), after.label());
        let placed = blocking(move || shelf.place(staged, &label, instead_of)).await;
        if let Err(error) = placed.and_then(|placed| placed.map_err(|error| error.to_string())) {
            let back = Arc::clone(&before.running.configuration);
            if let Err(no) = wish::ask(&self.wishes, back, false).await {
                tracing::error!("the configuration before cannot be restored: {}", no.why);
            }
            return Err(ChangeError::refused(error));
        }
        let Running { revision, by, .. } = &*after.running;
        tracing::info!("configuration: revision {revision} by {by}");
        let revision = *revision;
        self.replace_state(after);
        self.revisions.send_replace(revision);
        Ok(())
    }

    fn expect(&self, base_revision: Option<u64>) -> Result<(), ChangeError> {
        let running = self.running();
        match base_revision {
            Some(base) if base != running.revision => Err(ChangeError::Conflict {
                now: running.revision,
                by: running.by.clone(),
                at_unix_ms: running.at_unix_ms,
            }),
            Some(_) | None => Ok(()),
        }
    }

    async fn candidate(&self, change: Change) -> Result<Candidate, ChangeError> {
        let State { running, text, .. } = self.state();
        let made = blocking(move || candidate(&running.configuration, &text, &change)).await;
        made.map_err(ChangeError::refused)?
    }
}

impl Change {
    fn kind(&self) -> Kind {
        match self {
            Self::Merge(_) => Kind::Lines,
            Self::Replace(_) | Self::Patch(_) => Kind::Whole,
        }
    }

    /// What was written by whoever wants it.
    fn text(&self) -> Option<&str> {
        match self {
            Self::Replace(text) | Self::Merge(text) => Some(text),
            Self::Patch(_) => None,
        }
    }
}

/// Finds the line that a refusal is about.
fn blame(no: No, text: Option<&str>) -> ChangeError {
    let line = text.and_then(|text| line_with(text, &no.words));
    ChangeError::Refused { why: no.why, line }
}

/// Writes the next checkpoint while nothing has been changed yet: a disk that is full refuses here.
async fn stage(shelf: &Shelf, after: &State) -> Result<Staged, ChangeError> {
    let (shelf, label, text) = (shelf.clone(), after.label(), Arc::clone(&after.text));
    let staged = blocking(move || shelf.stage(&label, &text)).await;
    let staged = staged.and_then(|staged| staged.map_err(|error| error.to_string()));
    staged.map_err(ChangeError::refused)
}

/// Runs what takes long, or waits for the disk, where it keeps nobody else waiting.
pub(super) async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(job).await.map_err(|error| error.to_string())
}
