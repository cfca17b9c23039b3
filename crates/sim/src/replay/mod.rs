//! Plays exported decisions again: the real fault-tolerance machine, from the copy that a box kept
//! of it, through everything that it was told, to the same decision or not.
//!
//! [`read`] takes what `hitless -c "show module csm N ft history | json"` printed; [`judge`] plays
//! one decision; [`tell`] does so for all of them, for people. The form of a record is
//! [`hitless_core::node::Recording`].

mod line;

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hitless_core::ft;
use hitless_core::node::{Decision, FORMAT, History, Kept, Recording};
use serde::Deserialize;
use serde_json::Value;

use line::Line;

/// An export, its records not looked at yet.
pub type Export = History<Value>;

/// Reads an export.
///
/// # Errors
/// When it is none, is damaged, or has another form than this release reads.
pub fn read(text: &str) -> Result<Export> {
    let value: Value = serde_json::from_str(text)
        .context("not JSON as a whole: is the file complete, and is nothing else in it?")?;
    ensure!(!value.is_null(), "the module has no fault-tolerant group, so no history");
    let format = value.get("format").and_then(Value::as_u64);
    let format = format.context("not an export of `show module csm N ft history | json`")?;
    ensure!(
        format == u64::from(FORMAT),
        "the export has format {format}; this release reads format {FORMAT}"
    );
    serde_json::from_value(value).context("the export is damaged")
}

/// How playing a decision ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same decision at the same instant.
    Replays {
        /// Inputs and deadlines played.
        steps: usize,
        /// Time from the first of them to the decision.
        covers: Duration,
    },
    /// Something else came out, or nothing.
    Differs(String),
    /// The record cannot be played.
    Unreadable(String),
    /// The box did not keep the record.
    NoRecord,
}

impl Verdict {
    /// Whether this speaks against the record or the machine.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Differs(_) | Self::Unreadable(_))
    }
}

/// A decision played again.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Its time line.
    pub lines: Vec<String>,
    /// How it ended.
    pub verdict: Verdict,
}

/// Plays one decision.
pub fn judge(kept: &Kept<Value>) -> Replay {
    let without = |verdict| Replay { lines: Vec::new(), verdict };
    let Some(story) = &kept.story else { return without(Verdict::NoRecord) };
    let recording = match recording(story) {
        Ok(recording) => recording,
        Err(error) => return without(Verdict::Unreadable(format!("{error:#}"))),
    };
    // A copy of the machine that no machine could be in may trip over itself.
    let played = catch_unwind(AssertUnwindSafe(|| play(&recording, &kept.decision)));
    played.unwrap_or_else(|_| without(Verdict::Unreadable("the machine gave up on it".to_owned())))
}

fn recording(story: &Value) -> Result<Recording> {
    let format = story.get("format").and_then(Value::as_u64).context("the record is damaged")?;
    ensure!(
        format == u64::from(FORMAT),
        "the record has format {format}; this release reads format {FORMAT}"
    );
    Recording::deserialize(story).context("the record is damaged, or another release's")
}

fn play(recording: &Recording, wanted: &Decision) -> Replay {
    let mut player = match recording.play() {
        Ok(player) => player,
        Err(torn) => {
            let verdict = Verdict::Unreadable(torn.to_string());
            return Replay { lines: Vec::new(), verdict };
        }
    };
    let began = recording.begins().unwrap_or(wanted.at);
    let opening = player.opening();
    let mut last = decisions(&opening);
    let mut lines = vec![Line::opening(began, player.machine(), &opening)];
    while let Some(played) = player.step() {
        last = decisions(&played.outputs);
        Line::add(&mut lines, recording, &played);
    }
    let verdict = if last.iter().any(|decision| is_same(decision, wanted)) {
        let covers = wanted.at.saturating_since(began);
        Verdict::Replays { steps: recording.len(), covers }
    } else {
        Verdict::Differs(match last.first() {
            Some(decision) => format!("it gives {}", line::decided(decision)),
            None => "it gives no decision".to_owned(),
        })
    };
    Replay { lines: lines.iter().flat_map(|line| line.text(wanted.at)).collect(), verdict }
}

fn decisions(outputs: &[ft::Output]) -> Vec<Decision> {
    let decision = |output: &ft::Output| match output {
        ft::Output::Decision(decision) => Some(decision.clone()),
        ft::Output::Send { .. }
        | ft::Output::Gate { .. }
        | ft::Output::Announce
        | ft::Output::AskGateways
        | ft::Output::PersistEpoch(_)
        | ft::Output::Event(_)
        | ft::Output::Malformed(_) => None,
    };
    outputs.iter().filter_map(decision).collect()
}

/// The facts told with a decision may be others in another release.
fn is_same(one: &Decision, other: &Decision) -> bool {
    let what = |d: &Decision| (d.at, d.from, d.to, d.epoch);
    what(one) == what(other) && one.reason == other.reason
}

/// Plays all of an export and tells it; whether everything that was recorded replays, and something
/// was.
pub fn tell(out: &mut impl Write, export: &Export) -> io::Result<bool> {
    let (mut replayed, mut failed) = (0, 0);
    let count = export.decisions.len();
    for (number, kept) in (1..).zip(&export.decisions) {
        let Replay { lines, verdict } = judge(kept);
        let (seconds, ms) = (kept.unix_ms / 1000, kept.unix_ms % 1000);
        writeln!(
            out,
            "Decision {number} of {count}, @{seconds}.{ms:03}, release {}",
            kept.release
        )?;
        writeln!(out, "  {}", line::decided(&kept.decision))?;
        for line in lines {
            writeln!(out, "  {line}")?;
        }
        failed += usize::from(verdict.is_failure());
        replayed += usize::from(matches!(verdict, Verdict::Replays { .. }));
        writeln!(out, "  {}\n", sentence(&verdict))?;
    }
    writeln!(out, "{count} decisions, {replayed} replayed, {failed} failed")?;
    Ok(failed == 0 && (replayed > 0 || count == 0))
}

fn sentence(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Replays { steps, covers } => format!(
            "REPLAYS: the same decision at the same instant ({steps} steps over {:.3} ms)",
            covers.as_secs_f64() * 1000.0
        ),
        Verdict::Differs(how) => format!("DOES NOT REPLAY: {how}"),
        Verdict::Unreadable(why) => format!("CANNOT BE PLAYED: {why}"),
        Verdict::NoRecord => {
            "not recorded: the box kept the decision without its record".to_owned()
        }
    }
}
