//! A model of a box's connection table and of the thread that keeps it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use hitless_model::tcp::seen;
use hitless_model::{ConnKey, ConnRecord, ConnStage};

use crate::node::{BatchId, Change, Snapshot, TableJob};

/// An entry, and whether this box carried packets of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) record: ConnRecord,
    pub(super) carried: bool,
}

type Difference = (Option<ConnRecord>, Option<ConnRecord>);

#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) entries: BTreeMap<ConnKey, Entry>,
    /// Whether this box is active: then it knows better of what it carries.
    pub(super) active: bool,
    told: Option<BTreeSet<ConnKey>>,
    newest_batch: Option<BatchId>,
    cursor: Option<ConnKey>,
    embryonic: bool,
    pub(super) sweeps: u32,
}

/// What a job answers.
pub(super) enum Answer {
    Applied(BatchId),
    Part(Snapshot),
    Nothing,
}

impl Table {
    pub(super) fn work(&mut self, job: TableJob, part: usize) -> Answer {
        match job {
            TableJob::Apply { batch, changes } => {
                assert!(self.newest_batch < Some(batch), "batches come in order, once");
                self.newest_batch = Some(batch);
                for change in &changes {
                    self.apply(change);
                }
                Answer::Applied(batch)
            }
            TableJob::Dump { generation, embryonic } => {
                self.cursor = None;
                self.embryonic = embryonic;
                self.read(generation, part)
            }
            TableJob::DumpMore { generation } => self.read(generation, part),
            TableJob::Audit(_) | TableJob::Compare(_) => Answer::Nothing,
        }
    }

    fn read(&mut self, generation: u64, part: usize) -> Answer {
        let from = self.cursor.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = self.entries.range((from, Bound::Unbounded));
        let read: Vec<_> = rest.take(part).map(|(_, entry)| entry.record).collect();
        self.cursor = read.last().map(|record| record.key).or(self.cursor);
        let last = read.len() < part;
        let wanted = |r: &ConnRecord| self.embryonic || r.stage() != ConnStage::Embryonic;
        let records = read.into_iter().filter(wanted).collect();
        Answer::Part(Snapshot { generation, records, last, of: self.entries.len() as u64 })
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Upsert(record) => {
                if let Some(told) = &mut self.told {
                    told.insert(record.key);
                }
                if !self.is_own(&record.key) {
                    let entry = Entry { record: *record, carried: false };
                    self.entries.insert(record.key, entry);
                }
            }
            Change::Remove(key) => {
                if !self.is_own(key) {
                    self.entries.remove(key);
                }
            }
            Change::Surplus(_) | Change::Digests(_) => {}
            Change::DumpBegins => self.told = Some(BTreeSet::new()),
            Change::DumpEnds => {
                let told = self.told.take().expect("a dump ends after it began");
                let active = self.active;
                self.entries.retain(|key, e| told.contains(key) || (active && e.carried));
                self.sweeps += 1;
            }
        }
    }

    fn is_own(&self, key: &ConnKey) -> bool {
        self.active && self.entries.get(key).is_some_and(|entry| entry.carried)
    }

    /// A connection that the two tables do not hold alike.
    pub(super) fn first_difference(&self, other: &Self) -> Option<Difference> {
        let record = |table: &Self, key| table.entries.get(key).map(|entry| entry.record);
        let keys = self.entries.keys().chain(other.entries.keys());
        let pairs = keys.map(|key| (record(self, key), record(other, key)));
        pairs.into_iter().find(|(here, there)| here != there)
    }

    pub(super) fn established(&self) -> usize {
        self.entries.values().filter(|e| seen::is_established(e.record.seen)).count()
    }
}
