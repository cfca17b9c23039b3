//! Decides what is told next: marks of a dump, then captured changes, then what the dump read.
//!
//! While few batches are in flight a new connection leaves at once, alone if need be; when many are,
//! it waits for a full batch or for an acknowledgement. What becomes of connections that the peer has
//! already (they close, they are gone) goes with the next new one, or fills a batch of its own, or
//! leaves after a few milliseconds: nothing breaks while it waits.

use core::time::Duration;

use hitless_model::Instant;

use super::codec::{FULL_BATCH, MAX_RECORDS, Seq};
use super::dump::{Dump, Kind};
use super::input::Mode;
use super::queue::{self, Queue};
use super::records::{self, MAX_RECORD};
use super::sender::{Content, Sender};
use crate::node::{Captured, Change, Snapshot, TableJob};
use crate::wire::Writer;

/// From this many batches in flight, changes wait until they fill one.
const EAGER_IN_FLIGHT: usize = 16;
/// A peer that has not acknowledged a change for so long is out of step: far more than a round trip
/// with its retransmissions, far less than anybody waits for a preemption.
pub(super) const STEP_LAG: Duration = Duration::from_millis(250);
/// How long a change may wait for company that is no new connection: far less than a connection has to
/// be old before it must survive a failure, for one that closes may never have been told at all.
const COMPANY: Duration = Duration::from_millis(4);
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

    /// The link came back after a pause.
    pub(super) fn on_return(&mut self) {
        match self.mode {
            Mode::Silent => {}
            Mode::Telling | Mode::Draining => self.dump.owe_unless_running(),
        }
    }

    /// A change was captured; says how many changes were dropped if there were too many.
    pub(super) fn on_captured(&mut self, now: Instant, captured: &Captured) -> Option<u64> {
        if !self.is_news(now, captured) {
            return None;
        }
        let key = queue::key_of(captured);
        if self.dump.covers_changes() {
            self.queue.cancel(key);
            return None;
        }
        self.dump.on_changed(key);
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
            (Mode::Telling | Mode::Draining, _) => true,
            (Mode::Silent, _) if self.waits => true,
            (Mode::Silent, Captured::Upsert(_)) => now < self.silent_since + LATE_CAPTURES,
            (Mode::Silent, Captured::Remove(_)) => false,
        }
    }

    /// Changes were lost on their way here.
    pub(super) fn on_captures_lost(&mut self) {
        match self.mode {
            Mode::Silent => {}
            Mode::Telling | Mode::Draining => self.dump.owe(Kind::Full),
        }
    }

    /// A part of the table was read.
    pub(super) fn on_part(&mut self, part: Snapshot) {
        self.dump.on_part(part);
    }

    /// Follows what the peer acknowledged.
    pub(super) fn on_acknowledged(&mut self, now: Instant) {
        self.dump.on_applied(self.sender.applied());
        let settled = self.mode == Mode::Draining && self.dump.is_held() && self.dump.is_idle();
        self.settled_at = settled.then(|| self.settled_at.unwrap_or(now));
    }

    /// What the table's thread is to do next for a dump.
    pub(super) fn next_job(&mut self) -> Option<TableJob> {
        let embryonic = self.mode == Mode::Draining;
        self.dump.begin(embryonic).or_else(|| self.dump.ask())
    }

    /// Puts the next batch into flight, if there is anything to tell and room for it.
    pub(super) fn next_batch(&mut self, now: Instant) -> Option<Seq> {
        let ready = self.queue.len() + self.dump.waiting();
        let is_full = ready >= FULL_BATCH;
        if !self.may_send() || !(is_full || self.is_eager() && self.is_pressing(now)) {
            return None;
        }
        let mut batch = Batch::default();
        self.fill(&mut batch);
        let next = self.sender.newest().next();
        if batch.has_room() && self.dump.is_exhausted() {
            debug_assert!(self.queue.is_empty(), "changes that struck records out come first");
            if self.dump.closes_with_mark() {
                batch.put(&Change::DumpEnds);
            }
            let is_empty = batch.writer.is_empty();
            self.dump.end(if is_empty { self.sender.newest() } else { next });
        }
        if batch.writer.is_empty() {
            self.on_acknowledged(now); // what has just ended may need no word of the peer's
            return None;
        }
        let Batch { writer, since, upserts } = batch;
        Some(self.sender.send(now, Content { records: writer.finish(), since, upserts }))
    }

    /// Whether a batch may leave at all.
    fn may_send(&self) -> bool {
        !self.waits && self.sender.has_room()
    }

    /// Whether so little is in flight that a batch need not be full.
    fn is_eager(&self) -> bool {
        self.sender.in_flight() < EAGER_IN_FLIGHT
    }

    /// Whether something is not to wait for company.
    fn is_pressing(&self, now: Instant) -> bool {
        self.queue.has_fresh()
            || self.dump.is_pressing()
            || self.company_until().is_some_and(|until| until <= now)
    }

    /// Until when the oldest change waits that is no new connection. Only while this box tells:
    /// who hands over has no time.
    fn company_until(&self) -> Option<Instant> {
        let patience = match self.mode {
            Mode::Telling => COMPANY,
            Mode::Draining | Mode::Silent => Duration::ZERO,
        };
        self.queue.oldest_later().map(|since| since + patience)
    }

    /// When the next batch leaves of itself.
    pub(super) fn tell_due(&self) -> Option<Instant> {
        self.company_until().filter(|_| self.may_send() && self.is_eager())
    }

    fn fill(&mut self, batch: &mut Batch) {
        if self.dump.take_begin() {
            batch.put(&Change::DumpBegins);
        }
        while batch.has_room() {
            if let Some((change, since)) = self.queue.pop() {
                batch.since = Some(batch.since.map_or(since, |old| old.min(since)));
                batch.put(&change);
            } else if let Some(record) = self.dump.pop() {
                batch.put(&Change::Upsert(record));
            } else {
                return;
            }
        }
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

    /// Whether the peer has a full dump and lags less than [`STEP_LAG`].
    pub(super) fn is_in_step(&self, now: Instant) -> bool {
        self.dump.is_held() && self.late_at().is_none_or(|late_at| now < late_at)
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

    /// How often the queue was full.
    pub(super) const fn overflows(&self) -> u64 {
        self.overflows
    }
}

/// A batch that is being filled.
#[derive(Debug, Default)]
struct Batch {
    writer: Writer,
    since: Option<Instant>,
    upserts: u64,
}

impl Batch {
    fn has_room(&self) -> bool {
        self.writer.len() + MAX_RECORD <= MAX_RECORDS
    }

    fn put(&mut self, change: &Change) {
        self.upserts += u64::from(matches!(change, Change::Upsert(_)));
        records::put_change(&mut self.writer, change);
        debug_assert!(self.writer.len() <= MAX_RECORDS);
    }
}
