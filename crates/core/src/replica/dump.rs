//! Telling the whole table: when a dump is owed, how it is read, when the peer has it.
//!
//! A full dump stands between two marks, and what it does not tell is gone at the peer. While
//! draining, a peer that has one needs only a supplement: the embryonic connections, without marks.
//!
//! The table changes while it is read. A part is read after it was asked for, so it can only be
//! older than changes captured since then: those strike their connection out of the part (they tell
//! it themselves), whether the part is on its way or waits here. That is all the memory a dump
//! takes.

use alloc::collections::{BTreeMap, BTreeSet};

use hitless_model::{ConnKey, ConnRecord, ConnStage};

use super::codec::Seq;
use super::queue::MAX_QUEUED;
use crate::node::{Bulk, Snapshot, TableJob};

/// Connections that wait when the next part is asked for: most of a full window (64 batches of 41),
/// so that reading and sending overlap.
const LOW_WATER: usize = 2_048;

/// What a dump tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The embryonic connections, in addition to what the peer has.
    Supplement,
    /// Everything.
    Full,
}

#[derive(Debug)]
enum Work {
    Idle,
    Reading(Reading),
    /// All told; the peer has to apply everything up to this batch.
    Ending {
        kind: Kind,
        until: Seq,
    },
}

#[derive(Debug)]
struct Reading {
    kind: Kind,
    /// The opening mark was told.
    begun: bool,
    waiting: BTreeMap<ConnKey, ConnRecord>,
    /// Connections that changed since the next part was asked for, while it is on its way.
    asked: Option<BTreeSet<ConnKey>>,
    /// There is no next part.
    last: bool,
    /// Connections told, and in the table.
    progress: Bulk,
}

/// The dump of this box's table.
#[derive(Debug)]
pub(super) struct Dump {
    generation: u64,
    owed: Option<Kind>,
    work: Work,
    /// The peer has a full dump of this session, and nothing was lost since.
    held: bool,
}

impl Default for Dump {
    fn default() -> Self {
        Self { generation: 0, owed: None, work: Work::Idle, held: false }
    }
}

impl Dump {
    /// Nothing is told any more.
    pub(super) fn stop(&mut self) {
        *self = Self { generation: self.generation, ..Self::default() };
    }

    /// The peer's table is known to hold what a dump would tell: it told it itself.
    pub(super) fn inherit(&mut self) {
        self.held = true;
    }

    /// Owes a dump; one that is being read goes on, so that every pass gets through the table.
    pub(super) fn owe(&mut self, kind: Kind) {
        self.owed = self.owed.max(Some(kind));
        self.held &= kind == Kind::Supplement;
    }

    /// Begins a dump that is owed; `embryonic` also tells connections that are not established.
    pub(super) fn begin(&mut self, embryonic: bool) -> Option<TableJob> {
        let may = match self.work {
            Work::Idle => true,
            Work::Ending { .. } => self.owed == Some(Kind::Full),
            Work::Reading(_) => false,
        };
        let kind = self.owed.take_if(|_| may)?;
        self.generation += 1;
        self.work = Work::Reading(Reading {
            kind,
            begun: kind == Kind::Supplement,
            waiting: BTreeMap::new(),
            asked: Some(BTreeSet::new()),
            last: false,
            progress: Bulk::default(),
        });
        Some(TableJob::Dump { generation: self.generation, embryonic })
    }

    /// Asks for the next part when little is left of the ones before.
    pub(super) fn ask(&mut self) -> Option<TableJob> {
        let reading = self.reading()?;
        if reading.last || reading.asked.is_some() || reading.waiting.len() > LOW_WATER {
            return None;
        }
        reading.asked = Some(BTreeSet::new());
        Some(TableJob::DumpMore { generation: self.generation })
    }

    /// A part came.
    pub(super) fn on_part(&mut self, part: Snapshot) {
        if part.generation != self.generation {
            return;
        }
        let Some(reading) = self.reading() else { return };
        let Some(changed) = reading.asked.take() else { return };
        reading.last = part.last;
        reading.progress.of = part.of;
        let kind = reading.kind;
        let fresh = part.records.into_iter().filter(|record| {
            !changed.contains(&record.key)
                && (kind == Kind::Full || record.stage() == ConnStage::Embryonic)
        });
        reading.waiting.extend(fresh.map(|record| (record.key, record)));
    }

    /// A connection changed: what a part says of it is out of date.
    pub(super) fn on_changed(&mut self, key: &ConnKey) {
        let Some(reading) = self.reading() else { return };
        reading.waiting.remove(key);
        if let Some(asked) = &mut reading.asked {
            asked.insert(*key);
            if asked.len() > MAX_QUEUED {
                self.work = Work::Idle; // a part that never comes: begin again
                self.owe(Kind::Full);
            }
        }
    }

    /// Whether the opening mark is to be told before anything else; it is, then.
    pub(super) fn take_begin(&mut self) -> bool {
        self.reading().is_some_and(|reading| !core::mem::replace(&mut reading.begun, true))
    }

    /// The next connection to tell.
    pub(super) fn pop(&mut self) -> Option<ConnRecord> {
        let reading = self.reading()?;
        let (_, record) = reading.waiting.pop_first()?;
        reading.progress.told += 1;
        Some(record)
    }

    /// Whether a dump that nothing is left of can be ended.
    pub(super) fn is_exhausted(&self) -> bool {
        match &self.work {
            Work::Reading(reading) => reading.begun && reading.last && reading.waiting.is_empty(),
            Work::Idle | Work::Ending { .. } => false,
        }
    }

    /// Whether there is something of it to tell or to end.
    pub(super) fn is_pressing(&self) -> bool {
        match &self.work {
            Work::Reading(reading) => !reading.begun || !reading.waiting.is_empty() || reading.last,
            Work::Idle | Work::Ending { .. } => false,
        }
    }

    /// Whether an exhausted dump is to be closed with a mark. It must not while another full dump is
    /// owed: then connections may be missing in this one.
    pub(super) fn closes_with_mark(&self) -> bool {
        match &self.work {
            Work::Reading(reading) => reading.kind == Kind::Full && self.owed != Some(Kind::Full),
            Work::Idle | Work::Ending { .. } => false,
        }
    }

    /// Ends an exhausted dump with batch `until`, the one with the mark if it closes with one.
    pub(super) fn end(&mut self, until: Seq) {
        let Some(kind) = self.reading().map(|reading| reading.kind) else { return };
        let is_void = self.owed == Some(Kind::Full);
        self.work = if is_void { Work::Idle } else { Work::Ending { kind, until } };
    }

    /// The peer applied everything up to `applied`.
    pub(super) fn on_applied(&mut self, applied: Seq) {
        match self.work {
            Work::Ending { kind, until } if applied >= until => {
                self.held |= kind == Kind::Full && self.owed != Some(Kind::Full);
                self.work = Work::Idle;
            }
            Work::Ending { .. } | Work::Reading(_) | Work::Idle => {}
        }
    }

    /// Whether the peer has a full dump and none is owed.
    pub(super) const fn is_held(&self) -> bool {
        self.held
    }

    /// Whether nothing is owed, read or waiting for the peer.
    pub(super) const fn is_idle(&self) -> bool {
        matches!(self.work, Work::Idle) && self.owed.is_none()
    }

    /// Whether a full dump will read the table later than now, so that changes need not be kept.
    pub(super) fn covers_changes(&self) -> bool {
        self.owed == Some(Kind::Full) && !matches!(self.work, Work::Reading(_))
    }

    /// Connections that were read and wait to be told.
    pub(super) fn waiting(&self) -> usize {
        match &self.work {
            Work::Reading(reading) => reading.waiting.len(),
            Work::Idle | Work::Ending { .. } => 0,
        }
    }

    /// How far a full one has come.
    pub(super) fn progress(&self) -> Option<Bulk> {
        match &self.work {
            Work::Reading(reading) if reading.kind == Kind::Full => {
                let Bulk { told, of } = reading.progress;
                Some(Bulk { told, of: of.max(told) })
            }
            Work::Reading(_) | Work::Idle | Work::Ending { .. } => None,
        }
    }

    /// Number of the newest dump.
    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    const fn reading(&mut self) -> Option<&mut Reading> {
        match &mut self.work {
            Work::Reading(reading) => Some(reading),
            Work::Idle | Work::Ending { .. } => None,
        }
    }
}
