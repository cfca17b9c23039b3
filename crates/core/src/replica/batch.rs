//! A batch that is being filled.

use alloc::vec::Vec;

use hitless_model::Instant;

use super::codec::MAX_RECORDS;
use super::queue::Popped;
use super::records::{self, DIGEST, MAX_RECORD, PREFIX};
use super::sender::Content;
use crate::audit::{Bucket, Digest};
use crate::node::Change;
use crate::wire::Writer;

/// Records, and what is to be known of them when they are applied.
#[derive(Debug, Default)]
pub(super) struct Batch {
    writer: Writer,
    since: Option<Instant>,
    upserts: u64,
    repairs: u64,
    is_bulk: bool,
}

impl Batch {
    /// Whether any record fits in.
    pub(super) fn has_room(&self) -> bool {
        self.writer.len() + MAX_RECORD <= MAX_RECORDS
    }

    /// Digests that fit in.
    pub(super) fn room_for_digests(&self) -> usize {
        MAX_RECORDS.saturating_sub(self.writer.len() + PREFIX) / DIGEST
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.writer.is_empty()
    }

    /// Adds a mark.
    pub(super) fn mark(&mut self, mark: &Change) {
        self.put(mark);
    }

    /// Adds what waited in the queue.
    pub(super) fn add(&mut self, popped: &Popped) {
        self.since = [self.since, popped.since].into_iter().flatten().min();
        let is_new = popped.since.is_some() && matches!(popped.change, Change::Upsert(_));
        self.upserts += u64::from(is_new);
        self.repairs += u64::from(popped.repairs);
        self.put(&popped.change);
    }

    /// Adds what a dump has read.
    pub(super) fn add_bulk(&mut self, change: &Change) {
        self.upserts += 1;
        self.is_bulk = true;
        self.put(change);
    }

    /// Adds digests.
    pub(super) fn add_digests(&mut self, digests: Vec<(Bucket, Digest)>) {
        if !digests.is_empty() {
            self.put(&Change::Digests(digests));
        }
    }

    fn put(&mut self, change: &Change) {
        records::put_change(&mut self.writer, change);
        debug_assert!(self.writer.len() <= MAX_RECORDS);
    }

    /// What is sent.
    pub(super) fn finish(self) -> Content {
        let Self { writer, since, upserts, repairs, is_bulk } = self;
        Content { records: writer.finish(), since, upserts, repairs, is_bulk }
    }
}
