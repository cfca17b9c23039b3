//! The files of the store: startup configuration, checkpoint of what runs, archive.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::document::{self, Damage, Label};
use super::file::{self, Staged};

/// Configurations that the archive holds besides one that may have to come back.
pub(crate) const ARCHIVED: usize = 14;

/// Where a configuration of the archive ends.
const ARCHIVE_ENDING: &str = "conf";

/// What went wrong with a file, for people.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub(crate) struct Failed {
    path: PathBuf,
    source: io::Error,
}

/// Names the file in an error.
fn with(path: &Path) -> impl FnOnce(io::Error) -> Failed {
    move |source| Failed { path: path.to_owned(), source }
}

/// A file that was read and is not what it should be.
fn damaged(path: &Path, damage: Damage) -> Failed {
    Failed { path: path.to_owned(), source: io::Error::new(io::ErrorKind::InvalidData, damage) }
}

/// A labelled configuration.
pub(crate) type Kept = (Label, String);

/// The files.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    startup: PathBuf,
    /// Somebody named the startup configuration: then it has to be there.
    named: bool,
    checkpoint: PathBuf,
    archive: PathBuf,
}

impl Shelf {
    /// The files of a state directory; the startup configuration may lie elsewhere.
    pub(crate) fn new(state_dir: &Path, startup: Option<&Path>) -> Self {
        Self {
            startup: startup.map_or_else(|| state_dir.join("startup-config"), Path::to_owned),
            named: startup.is_some(),
            checkpoint: state_dir.join("running-config"),
            archive: state_dir.join("archive"),
        }
    }

    /// The file of the startup configuration.
    pub(crate) fn startup_file(&self) -> &Path {
        &self.startup
    }

    /// The file of what runs; it reads as a configuration.
    pub(crate) fn checkpoint_file(&self) -> &Path {
        &self.checkpoint
    }

    /// The text of the startup configuration; none if there is none yet.
    pub(crate) fn startup(&self) -> Result<Option<String>, Failed> {
        let absent = || Err(io::Error::from_raw_os_error(libc::ENOENT));
        let text = match file::read(&self.startup) {
            Ok(None) if self.named => absent(),
            other => other,
        };
        text.map_err(with(&self.startup))
    }

    /// Replaces the startup configuration.
    pub(crate) fn store_startup(&self, text: &str) -> Result<(), Failed> {
        file::replace(&self.startup, text.as_bytes()).map_err(with(&self.startup))
    }

    /// What ran when it was last changed; none if nothing did.
    pub(crate) fn checkpoint(&self) -> Result<Option<Kept>, Failed> {
        labelled(&self.checkpoint)
    }

    /// Writes the next checkpoint, which is in force when it is [`Self::place`]d.
    pub(crate) fn stage(&self, label: &Label, text: &str) -> Result<Staged, Failed> {
        let content = document::write(label, text).map_err(io::Error::from);
        let staged = content.and_then(|content| file::stage(&self.checkpoint, content.as_bytes()));
        staged.map_err(with(&self.checkpoint))
    }

    /// Puts the next checkpoint in the place of the one before, and into the archive; `instead_of` is
    /// the revision that it takes the place of there.
    pub(crate) fn place(
        &self,
        staged: Staged,
        label: &Label,
        instead_of: Option<u64>,
    ) -> Result<(), Failed> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&self.archive).map_err(with(&self.archive))?;
        let name = self.archived_file(label.revision);
        staged.also_as(&name).map_err(with(&name))?;
        let placed = staged.place().map_err(with(&self.checkpoint));
        if placed.is_err() {
            let _left_behind = fs::remove_file(&name);
        }
        placed?;
        self.prune(label, instead_of);
        Ok(())
    }

    /// Replaces the checkpoint and nothing else.
    pub(crate) fn relabel(&self, label: &Label, text: &str) -> Result<(), Failed> {
        self.stage(label, text)?.place().map_err(with(&self.checkpoint))
    }

    /// The archive, the newest first. What cannot be read is left out, and said.
    pub(crate) fn archived(&self) -> Vec<Label> {
        let read = |revision| match self.archived_text(revision) {
            Ok((label, _)) => Some(label),
            Err(error) => {
                tracing::warn!("{error}");
                None
            }
        };
        self.revisions().into_iter().rev().filter_map(read).collect()
    }

    /// The newest revision that the archive knows of, whether or not it can still be read: a checkpoint
    /// and its entry are one file, and damaged together.
    pub(crate) fn newest_revision(&self) -> u64 {
        self.revisions().last().copied().unwrap_or_default()
    }

    /// One configuration of the archive.
    pub(crate) fn archived_text(&self, revision: u64) -> Result<Kept, Failed> {
        let name = self.archived_file(revision);
        let absent = || io::Error::new(io::ErrorKind::NotFound, "it is not in the archive");
        labelled(&name)?.ok_or_else(absent).map_err(with(&name))
    }

    fn archived_file(&self, revision: u64) -> PathBuf {
        self.archive.join(format!("{revision:010}.{ARCHIVE_ENDING}"))
    }

    /// Revisions in the archive, the oldest first.
    fn revisions(&self) -> Vec<u64> {
        let entries = fs::read_dir(&self.archive).into_iter().flatten().flatten();
        let mut found: Vec<u64> = entries.filter_map(|entry| revision(&entry.path())).collect();
        found.sort_unstable();
        found
    }

    fn prune(&self, label: &Label, instead_of: Option<u64>) {
        let kept = label.revert.as_ref().map(|revert| revert.revision);
        let mut old: Vec<u64> =
            self.revisions().into_iter().filter(|one| Some(*one) != kept).collect();
        old.truncate(old.len().saturating_sub(ARCHIVED));
        let replaced = instead_of.filter(|one| Some(*one) != kept && *one != label.revision);
        for revision in old.into_iter().chain(replaced) {
            let name = self.archived_file(revision);
            match fs::remove_file(&name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!("{}: {error}", name.display());
                }
                Ok(()) | Err(_) => {}
            }
        }
    }
}

fn labelled(path: &Path) -> Result<Option<Kept>, Failed> {
    let Some(content) = file::read(path).map_err(with(path))? else { return Ok(None) };
    let (label, text) = document::read(&content).map_err(|damage| damaged(path, damage))?;
    Ok(Some((label, text.to_owned())))
}

fn revision(path: &Path) -> Option<u64> {
    let is_ours = path.extension().is_some_and(|ending| ending == ARCHIVE_ENDING);
    path.file_stem().filter(|_| is_ours)?.to_str()?.parse().ok()
}
