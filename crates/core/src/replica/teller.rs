//! Decides what is told next: marks of a dump, then captured changes, then what the dump read.
//!
//! While few batches are in flight a new connection leaves at once, alone if need be; when many are,
//! it waits for a full batch or for an acknowledgement. What becomes of connections that the peer has
//! already (they close, they are gone) goes with the next new one, or fills a batch of its own, or
//! leaves after a few milliseconds: nothing breaks while it waits.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use hitless_model::Instant;

use super::batch::Batch;
use super::codec::{FULL_BATCH, Seq};
use super::dump::{Dump, Kind};
use super::input::Mode;
use super::queue::{Queue, Subject};
use super::repairs::Repairs;
use super::sender::Sender;
use super::standing::Standing;
use crate::audit::{Bucket, Digest};
use crate::node::{Bulk, Captured, Change, Snapshot, TableJob};

/// From this many batches in flight, those of a dump not counted, changes wait until they fill one.
const EAGER_IN_FLIGHT: usize = 16;
/// A peer that has not acknowledged a change for so long is out of step: far more than a round trip
/// with its retransmissions, far less than anybody waits for a preemption.
pub(super) const STEP_LAG: Duration = Duration::from_millis(250);
/// How long a change may wait for company that is no new connection: far less than a connection has to
/// be old before it must survive a failure, for one that closes may never have been told at all.
const COMPANY: Duration = Duration::from_millis(4);
/// While more changes wait than this, digests are not told: it would take long to find out which of them
/// mean a moment that has not been told yet.
const MANY: usize = 2_048;
/// Until so long after this box fell silent, connections are captured that were made before.
const LATE_CAPTURES: Duration = Duration::from_millis(100);

/// The telling half of the machine.
#[derive(Debug, Default)]
pub(super) struct Teller {
    pub(super) sender: Sender,
    mode: Mode,
    queue: Queue,
    dump: Dump,
    /// While draining: when everything that a dump tells was in the peer's table.
    settled_at: Option<Instant>,
    /// When it fell silent after a handover; never told before: the start of time.
    silent_since: Instant,
    /// Its reign ended without a handover: its words wait until it is clear who goes on.
    waits: bool,
    /// What the peer says of its table, if it does.
    peer: Option<Standing>,
    /// Digests to be told, and since when.
    digests: BTreeMap<Bucket, Digest>,
    digests_since: Instant,
    pub(super) repairs: Repairs,
    overflows: u64,
}

impl Teller {
    /// Begins a new session: the peer knows nothing.
    pub(super) fn reset(&mut self) {
        self.sender.reset();
        self.queue.clear();
        self.dump.stop();
        self.settled_at = None;
        self.silent_since = Instant::ZERO;
        self.waits = false;
        self.peer = None;
        self.digests.clear();
        self.repairs.forget();
        match self.mode {
            Mode::Silent => {}
            Mode::Telling | Mode::Draining => self.dump.owe(Kind::Full),
        }
    }

    /// The role changed; `equal` if this box's table holds everything that the peer's does, and
    /// the other way round but for changes that are on their way. A box that has handed over still
    /// tells what it captured before; one whose lease ran out waits whether it goes on.
    pub(super) fn set_mode(&mut self, now: Instant, mode: Mode, equal: bool) {
        match (self.mode, mode) {
            (Mode::Silent, Mode::Silent) => return,
            (Mode::Telling, Mode::Silent) => {
                self.dump.stop();
                self.waits = true;
            }
            (Mode::Draining, Mode::Silent) => {
                self.dump.stop();
                self.silent_since = now;
            }
            (Mode::Silent, Mode::Telling | Mode::Draining) if equal => self.dump.inherit(),
            (Mode::Silent, Mode::Telling | Mode::Draining) => self.dump.owe(Kind::Full),
            (Mode::Telling | Mode::Draining, Mode::Telling | Mode::Draining) => {}
        }
        if mode == Mode::Draining && self.mode != Mode::Draining {
            self.dump.owe(Kind::Supplement);
        }
        if mode == Mode::Silent {
            self.digests.clear();
            self.repairs.forget();
        }
        self.settled_at = None;
        self.waits &= mode == Mode::Silent;
        self.mode = mode;
    }

    /// The peer tells: it is the one that goes on. What this box has not told yet is of a reign that
    /// is over, and would overwrite what the peer has made since. Says whether anything was lost.
    pub(super) fn give_way(&mut self) -> bool {
        if !core::mem::take(&mut self.waits) {
            return false;
        }
        let was_owing = self.oldest().is_some();
        self.queue.clear();
        self.sender.empty();
        was_owing
    }

    /// Whether nothing is told for now.
    pub(super) const fn waits(&self) -> bool {
        self.waits
    }

    /// The peer is active no more: what it was told meanwhile it may have ignored.
    pub(super) fn on_uncontested(&mut self) {
        self.owe_full();
    }

    fn owe_full(&mut self) {
        match self.mode {
            Mode::Silent => {}
            Mode::Telling | Mode::Draining => self.dump.owe(Kind::Full),
        }
    }

    /// The peer says what its table is. One that lacks something, although all was told, is told again.
    pub(super) fn on_standing(&mut self, peer: Option<Standing>) {
        self.peer = peer;
        if peer == Some(Standing::Partial) && self.dump.is_held() {
            self.owe_full();
        }
    }

    /// A change was captured; says how many changes were dropped if there were too many.
    pub(super) fn on_captured(&mut self, now: Instant, captured: &Captured) -> Option<u64> {
        if !self.is_news(now, captured) {
            return None;
        }
        let subject = Subject::of(captured);
        if self.dump.covers_changes() {
            self.queue.cancel(&subject);
            return None;
        }
        if let Some(key) = subject.key() {
            self.digests.remove(&Bucket::of(key));
            self.dump.on_changed(key);
        }
        if self.queue.push(now, captured).is_ok() {
            return None;
        }
        self.on_captures_lost();
        self.overflows += 1;
        Some(self.queue.clear() + 1)
    }

    /// Whether the peer has to hear of a change. A silent box carries nothing, so what it captures
    /// is late by the way through the ring; and what it removes, the other one may carry by now.
    fn is_news(&self, now: Instant, captured: &Captured) -> bool {
        match (self.mode, captured) {
            (Mode::Telling | Mode::Draining, Captured::Refresh(_)) => self.has_told_all(),
            (Mode::Telling | Mode::Draining, _) => true,
            (Mode::Silent, Captured::Refresh(_) | Captured::Surplus(_)) => false,
            (Mode::Silent, _) if self.waits => true,
            (Mode::Silent, Captured::Upsert(_)) => now < self.silent_since + LATE_CAPTURES,
            (Mode::Silent, Captured::Remove(_)) => false,
        }
    }

    /// The tables differ: this makes them alike. While a dump is owed or read, that does.
    pub(super) fn on_compared(&mut self, now: Instant, captured: &[Captured]) {
        if self.mode != Mode::Telling || !self.has_told_all() {
            return;
        }
        let mut found = 0;
        for change in captured {
            if let Some(key) = Subject::of(change).key() {
                self.digests.remove(&Bucket::of(key));
            }
            // What finds no room differs until the next comparison.
            found += u64::from(self.queue.repair(now, change).is_ok());
        }
        self.repairs.found(now, found);
    }

    /// What this box's table holds now. A bucket is compared when all its changes were told.
    pub(super) fn on_digests(&mut self, now: Instant, digests: Vec<(Bucket, Digest)>) {
        let is_whole = self.peer == Some(Standing::Whole) && self.has_told_all();
        if self.mode != Mode::Telling || !is_whole || self.queue.len() > MANY {
            return;
        }
        let waiting: BTreeSet<Bucket> = self.queue.buckets().collect();
        if self.digests.is_empty() {
            self.digests_since = now;
        }
        self.digests.extend(digests.into_iter().filter(|(bucket, _)| !waiting.contains(bucket)));
    }

    /// Whether the peer has been told everything, and nothing but changes is left to tell.
    fn has_told_all(&self) -> bool {
        self.dump.is_held() && self.dump.is_idle()
    }

    /// Changes were lost on their way here.
    pub(super) fn on_captures_lost(&mut self) {
        self.owe_full();
    }

    /// A part of the table was read.
    pub(super) fn on_part(&mut self, part: Snapshot) {
        self.dump.on_part(part);
    }

    /// Follows what the peer acknowledged.
    pub(super) fn on_acknowledged(&mut self, now: Instant) {
        self.dump.on_applied(self.sender.applied());
        self.repairs.done(self.sender.take_repaired());
        if self.has_told_all() && self.queue.is_empty() && self.sender.in_flight() == 0 {
            // Told with a dump, or struck out by a removal.
            self.repairs.all_done();
        }
        let told = self.has_told_all() && self.peer != Some(Standing::Partial);
        let settled = self.mode == Mode::Draining && told;
        self.settled_at = settled.then(|| self.settled_at.unwrap_or(now));
    }

    /// What the table's thread is to do next for a dump.
    pub(super) fn next_job(&mut self) -> Option<TableJob> {
        let embryonic = self.mode == Mode::Draining;
        self.dump.begin(embryonic).or_else(|| self.dump.ask())
    }

    /// Puts the next batch into flight, if there is anything to tell and room for it.
    pub(super) fn next_batch(&mut self, now: Instant) -> Option<Seq> {
        let bulk = if self.sender.has_room_for_bulk() { self.dump.waiting() } else { 0 };
        let is_full = self.queue.len() + bulk >= FULL_BATCH;
        if !self.may_send() || !(is_full || self.is_eager() && self.is_pressing(now)) {
            return None;
        }
        let mut batch = Batch::default();
        self.fill(&mut batch);
        let next = self.sender.newest().next();
        if batch.has_room() && self.dump.is_exhausted() {
            debug_assert!(self.queue.is_empty(), "changes that struck records out come first");
            if self.dump.closes_with_mark() {
                batch.mark(&Change::DumpEnds);
            }
            let is_empty = batch.is_empty();
            self.dump.end(if is_empty { self.sender.newest() } else { next });
        }
        if batch.is_empty() {
            self.on_acknowledged(now); // what has just ended may need no word of the peer's
            return None;
        }
        Some(self.sender.send(now, batch.finish()))
    }

    /// Whether a batch may leave at all.
    fn may_send(&self) -> bool {
        !self.waits && self.sender.has_room()
    }

    /// Whether so little is in flight that a batch need not be full.
    fn is_eager(&self) -> bool {
        self.sender.in_flight() - self.sender.bulk_in_flight() < EAGER_IN_FLIGHT
    }

    /// Whether something is not to wait for company.
    fn is_pressing(&self, now: Instant) -> bool {
        let is_bulk = self.dump.waiting() > 0;
        self.queue.has_fresh()
            || self.dump.is_pressing() && (!is_bulk || self.sender.has_room_for_bulk())
            || self.company_until().is_some_and(|until| until <= now)
    }

    /// Until when the oldest change waits that is no new connection. Only while this box tells:
    /// who hands over has no time.
    fn company_until(&self) -> Option<Instant> {
        let patience = match self.mode {
            Mode::Telling => COMPANY,
            Mode::Draining | Mode::Silent => Duration::ZERO,
        };
        let digests = (!self.digests.is_empty()).then_some(self.digests_since);
        let since = [self.queue.oldest_later(), digests].into_iter().flatten().min();
        since.map(|since| since + patience)
    }

    /// When the next batch leaves of itself.
    pub(super) fn tell_due(&self) -> Option<Instant> {
        self.company_until().filter(|_| self.may_send() && self.is_eager())
    }

    fn fill(&mut self, batch: &mut Batch) {
        if self.dump.take_begin() {
            batch.mark(&Change::DumpBegins);
        }
        let may_bulk = self.sender.has_room_for_bulk();
        while batch.has_room() {
            if let Some(popped) = self.queue.pop() {
                batch.add(&popped);
            } else if may_bulk && let Some(record) = self.dump.pop() {
                batch.add_bulk(&Change::Upsert(record));
            } else {
                break;
            }
        }
        let count = batch.room_for_digests();
        let digests = core::iter::from_fn(|| self.digests.pop_first());
        batch.add_digests(digests.take(count).collect());
    }

    /// Whether this box tells, and everything that the peer has to know has reached its table.
    pub(super) fn is_drained(&self) -> bool {
        let since = |settled| self.oldest().is_none_or(|oldest| oldest > settled);
        self.settled_at.is_some_and(since)
    }

    /// Whether the peer has a full dump, and what came after it or is about to.
    pub(super) const fn is_held(&self) -> bool {
        self.dump.is_held()
    }

    /// Whether the peer has a full dump, agrees that it has, and lags less than [`STEP_LAG`].
    pub(super) fn is_in_step(&self, now: Instant) -> bool {
        let agrees = match (self.peer, self.mode) {
            (None | Some(Standing::Whole), _) | (Some(Standing::Tells), Mode::Draining) => true,
            (Some(Standing::Tells), Mode::Telling | Mode::Silent)
            | (Some(Standing::Partial), _) => false,
        };
        agrees && self.dump.is_held() && self.late_at().is_none_or(|late_at| now < late_at)
    }

    /// When the peer falls out of step unless it acknowledges something.
    pub(super) fn late_at(&self) -> Option<Instant> {
        self.oldest().map(|oldest| oldest + STEP_LAG)
    }

    /// Since when the oldest unacknowledged change waits.
    pub(super) fn oldest(&self) -> Option<Instant> {
        [self.queue.oldest(), self.sender.oldest()].into_iter().flatten().min()
    }

    /// Connections that the peer has not acknowledged.
    pub(super) fn at_risk(&self) -> u64 {
        self.queue.upserts() + self.sender.upserts() + self.dump.waiting() as u64
    }

    /// Changes that wait.
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Whether and what this box tells.
    pub(super) const fn mode(&self) -> Mode {
        self.mode
    }

    /// Number of the newest dump.
    pub(super) const fn generation(&self) -> u64 {
        self.dump.generation()
    }

    /// How far a full dump has come.
    pub(super) fn progress(&self) -> Option<Bulk> {
        self.dump.progress()
    }

    /// How often the queue was full.
    pub(super) const fn overflows(&self) -> u64 {
        self.overflows
    }
}
