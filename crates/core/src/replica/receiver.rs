//! Batches from the peer: put into order, handed to the table's thread, acknowledged when applied.

use alloc::collections::{BTreeMap, VecDeque};
use core::time::Duration;

use hitless_model::Instant;

use super::codec::{Ack, Seq};
use super::output::Rejected;
use super::pace::MAX_WINDOW;
use super::records::Records;
use crate::node::{BatchId, Change, TableJob};

/// How long the word that a batch arrived may wait for the word that it is applied, and both for the
/// same word about the next batches: every datagram that is spared is a thread here and there that
/// need not wake.
const ACK_DELAY: Duration = Duration::from_millis(2);
/// Batches applied after which the word of it waits no longer: some of them are always on their way,
/// so that a full window never stands still.
const ACK_EVERY: u32 = 8;

/// A batch that the table's thread has.
#[derive(Debug)]
struct Applying {
    batch: BatchId,
    /// The dump is or is not complete after it, if it says so.
    complete: Option<bool>,
    applied: bool,
}

/// Counters that outlive sessions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Received {
    /// Batches received for the first time.
    pub(super) batches: u64,
    /// Batches received again.
    pub(super) duplicates: u64,
    /// Records of kinds that this release does not know.
    pub(super) skipped: u64,
    /// Number of the newest batch handed to the table's thread: never used twice, so that a late
    /// [`super::Input::Applied`] of an older session means nothing.
    newest: u64,
}

/// The receiving half of a session.
#[derive(Debug, Default)]
pub(super) struct Receiver {
    /// Every batch up to this one is in the table.
    applied: Seq,
    /// The batches after `applied` that the table's thread has, in order.
    applying: VecDeque<Applying>,
    /// Batches that came before their turn, at most a window of them.
    early: BTreeMap<Seq, Records>,
    refused: u32,
    dump_begun: bool,
    complete: bool,
    ack_due: Option<Instant>,
    /// Batches applied since the last acknowledgement.
    unsaid: u32,
    received: Received,
}

impl Receiver {
    /// Begins a new session.
    pub(super) fn reset(&mut self) {
        *self = Self { received: self.received, ..Self::default() };
    }

    /// Whether a batch is wanted; whatever came is to be acknowledged.
    pub(super) fn wants(&mut self, now: Instant, seq: Seq) -> Result<bool, Rejected> {
        let ahead = seq.ahead_of(self.applied);
        if ahead.is_some_and(|ahead| ahead > MAX_WINDOW as u64) {
            return Err(Rejected::BeyondWindow);
        }
        if seq <= self.delivered() || self.early.contains_key(&seq) {
            self.received.duplicates += 1;
            self.ack_due = Some(now);
            return Ok(false);
        }
        Ok(true)
    }

    /// Takes a wanted batch in.
    pub(super) fn accept(&mut self, now: Instant, seq: Seq, records: Records) {
        let in_order = seq == self.delivered().next();
        self.acknowledge_by(if in_order { now + ACK_DELAY } else { now });
        self.received.batches += 1;
        self.received.skipped += u64::from(records.skipped);
        self.early.insert(seq, records);
        debug_assert!(self.early.len() <= MAX_WINDOW);
    }

    /// The next batch for the table's thread, if its turn has come.
    pub(super) fn next_job(&mut self) -> Option<TableJob> {
        let records = self.early.remove(&self.delivered().next())?;
        self.received.newest += 1;
        let batch = BatchId(self.received.newest);
        let complete = self.completeness(&records.changes);
        self.applying.push_back(Applying { batch, complete, applied: false });
        if complete == Some(false) {
            self.complete = false;
        }
        Some(TableJob::Apply { batch, changes: records.changes })
    }

    fn completeness(&mut self, changes: &[Change]) -> Option<bool> {
        let mut complete = None;
        for change in changes {
            match change {
                Change::DumpBegins => {
                    self.dump_begun = true;
                    complete = Some(false);
                }
                Change::DumpEnds => complete = Some(core::mem::take(&mut self.dump_begun)),
                Change::Upsert(_) | Change::Remove(_) | Change::Surplus(_) | Change::Digests(_) => {
                }
            }
        }
        complete
    }

    /// The table's thread applied a batch.
    pub(super) fn on_applied(&mut self, now: Instant, batch: BatchId, refused: u32) {
        let Some(found) = self.applying.iter_mut().find(|a| a.batch == batch && !a.applied) else {
            return; // of an older session
        };
        found.applied = true;
        self.refused = self.refused.saturating_add(refused);
        while let Some(done) = self.applying.pop_front_if(|a| a.applied) {
            self.applied = self.applied.next();
            self.complete = done.complete.unwrap_or(self.complete);
            self.unsaid += 1;
        }
        if self.unsaid > 0 {
            let is_enough = self.unsaid >= ACK_EVERY;
            self.acknowledge_by(if is_enough { now } else { now + ACK_DELAY });
        }
    }

    fn acknowledge_by(&mut self, due: Instant) {
        self.ack_due = Some(self.ack_due.map_or(due, |old| old.min(due)));
    }

    /// The acknowledgement to be sent, alone or with a batch.
    pub(super) fn ack(&mut self) -> Ack {
        self.ack_due = None;
        self.unsaid = 0;
        let mut received = match self.applying.len() {
            0 => 0,
            count => u64::MAX >> 64_usize.saturating_sub(count),
        };
        for seq in self.early.keys() {
            if let Some(ahead @ 1..=64) = seq.ahead_of(self.applied) {
                received |= 1 << (ahead - 1);
            }
        }
        Ack { applied: self.applied, received, refused: self.refused }
    }

    /// When an acknowledgement has to leave at the latest.
    pub(super) const fn ack_due(&self) -> Option<Instant> {
        self.ack_due
    }

    /// This box falls silent. If it has told the peer all it knows, the tables are equal; whatever
    /// the peer told before is out of date. A dump that began before met a table that took additions
    /// only: its end makes nothing complete, although it is applied later than now.
    pub(super) fn falls_silent(&mut self, told_all: bool) {
        self.complete = told_all;
        self.dump_begun = false;
        for batch in &mut self.applying {
            batch.complete = batch.complete.filter(|complete| !complete);
        }
    }

    /// Something may be missing here that only a full dump brings.
    pub(super) const fn lacks(&mut self) {
        self.complete = false;
    }

    /// Whether the peer's full dump is in the table.
    pub(super) const fn is_complete(&self) -> bool {
        self.complete
    }

    /// Records that the table refused in this session.
    pub(super) const fn refused(&self) -> u32 {
        self.refused
    }

    /// What was received since the start.
    pub(super) const fn received(&self) -> Received {
        self.received
    }

    /// The newest batch that the table's thread has.
    fn delivered(&self) -> Seq {
        Seq(self.applied.0 + self.applying.len() as u64)
    }
}
