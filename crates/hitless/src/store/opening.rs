//! What a daemon begins with.
//!
//! With nothing running it is the startup configuration, as after a power cut. Where modules
//! live it is what they run, by the checkpoint, unless the startup configuration is another one
//! than when it was last read or written: who edits that file and reloads wants it in force.

use std::path::Path;

use hitless_config::Configuration;

use super::document::{Label, digest};
use super::shelf::Shelf;

/// Which file a configuration comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The startup configuration.
    Startup,
    /// The checkpoint of what ran.
    Checkpoint,
}

/// A configuration to begin with.
#[derive(Clone, Debug)]
pub struct Opening {
    pub(crate) configuration: Configuration,
    /// Where it comes from.
    pub(crate) source: Source,
    /// Of the checkpoint, if that has the same configuration.
    pub(crate) label: Option<Label>,
    /// The newest revision that was ever in force.
    pub(crate) revision: u64,
    /// Digest of the startup configuration.
    pub(crate) startup: Option<String>,
}

/// Chooses. With `runs`, modules of a daemon before live.
///
/// # Errors
/// Everything that is wrong with the startup configuration, each with its line.
pub(crate) fn open(shelf: &Shelf, runs: bool) -> Result<Opening, String> {
    let checkpoint = shelf.checkpoint().unwrap_or_else(|error| {
        tracing::error!("{error}; going on with the startup configuration");
        None
    });
    let newest = shelf.newest_revision();
    let kept = checkpoint.as_ref().map_or(0, |(label, _)| label.revision);
    let revision = newest.max(kept);
    let text = shelf.startup().map_err(|error| error.to_string())?;
    let startup = text.as_deref().map(digest);
    let last = checkpoint.and_then(|(label, text)| match read(&text, "running-config") {
        Ok(configuration) => Some((label, configuration)),
        Err(why) => {
            tracing::error!("what ran is not understood any more: {why}");
            None
        }
    });
    if let Some((label, configuration)) = last.clone()
        && runs
        && label.startup == startup
    {
        let (source, label) = (Source::Checkpoint, Some(label));
        return Ok(Opening { configuration, source, label, revision, startup });
    }
    let file = shelf.startup_file().display().to_string();
    let configuration = read(text.as_deref().unwrap_or_default(), &file)?;
    let label = last.filter(|(_, ran)| *ran == configuration).map(|(label, _)| label);
    let label = label.map(|label| Label { revert: None, ..label });
    Ok(Opening { configuration, source: Source::Startup, label, revision, startup })
}

/// The configuration in a file.
///
/// # Errors
/// Everything that is wrong with it, each with its line.
pub fn load(file: &Path) -> Result<Configuration, String> {
    let shown = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| format!("{shown}: {error}"))?;
    read(&text, &shown)
}

/// Reads a whole configuration; the error has everything that is wrong with it.
pub(crate) fn read(text: &str, name: &str) -> Result<Configuration, String> {
    hitless_config::parse(text, name).map_err(|diagnostics| {
        let lines = diagnostics.iter().map(ToString::to_string);
        lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
    })
}
