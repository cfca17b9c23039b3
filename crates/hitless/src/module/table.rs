//! The table thread: the only one that changes the kernel's connection table from user space.
//!
//! It applies what the peer tells, dumps what the peer lacks, reports what the programs did, and
//! forgets connections that are over. Events are reported before each part of a dump, so that a
//! part never tells an older state than the events that follow it.
//!
//! An event that comes after a pause is reported at once, those that follow it together after a while:
//! waking this thread, the core thread and both of the peer's costs more than a connection does. While
//! it collects, the ring does not wake it; then nobody pays for waking but the first event.

mod audit;
#[cfg(test)]
mod tests;

use std::os::fd::AsFd;
use std::time::Duration;

use hitless_core::audit::Audit;
use hitless_core::node::{BatchId, Captured, Change, Snapshot, TableJob};
use hitless_model::abi::RoleWord;
use hitless_model::{ConnKey, ConnRecord, Counter, Instant, Role};
use hitless_plane::{
    ConnEvent, ConnTable, CounterReader, DumpCursor, EventReader, PeerWord, RoleHandle, Scope,
    StickyTable, SweepCursor, SweepPolicy, Which,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::clock;
use super::inbox::{CoreInput, CoreSender, Gone, Inbox};
use super::sticky::Keeper;

/// Jobs that may wait: more than the window of the replica lets out, so that the core thread never
/// waits for this one.
pub(crate) const JOBS_WAITING: usize = 1_024;
/// Events reported in one turn.
const EVENTS_A_TURN: usize = 512;
/// Connections in one part of a dump.
const PART: usize = 1_024;
/// Pause between two looks for connections that are over.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Connections looked at in one turn, some two milliseconds: nothing waits longer for a sweep.
const SWEPT_A_TURN: usize = 4_096;
/// Pause between two parts of a sweep: a full default table takes three seconds. A connection that is
/// closing is looked at with each of them until its time is over, and that is not to cost more than
/// the connection.
const SWEEP_PAUSE: Duration = Duration::from_millis(100);
/// Pause after the kernel refused to read the table.
const AFTER_FAILURE: Duration = Duration::from_millis(100);
/// How long events are collected after some were reported. It is the greater part of how long a new
/// connection stays unknown to the peer, half of it on average.
const COLLECTING: Duration = Duration::from_micros(800);
/// How long the word that a batch is in the kernel may wait for the core thread to wake of itself.
const APPLIED_WAITS: Duration = Duration::from_millis(2);

/// A dump that is under way.
struct Dump {
    generation: u64,
    which: Which,
    embryonic: bool,
    cursor: DumpCursor,
}

/// Changes that may be written in any order: upserts of connections, removals of others.
#[derive(Default)]
struct Together {
    upserts: Vec<ConnRecord>,
    removals: Vec<ConnKey>,
}

impl Together {
    /// Whether a change has to come after these: it is about one of these connections, or a mark.
    fn is_out_of_order(&self, change: &Change) -> bool {
        match change {
            Change::Upsert(record) => self.removals.contains(&record.key),
            Change::Remove(key) => self.upserts.iter().any(|record| record.key == *key),
            Change::Surplus(_) => !self.upserts.is_empty(),
            Change::DumpBegins | Change::DumpEnds | Change::Digests(_) => true,
        }
    }
}

/// Everything that the table thread owns.
pub(crate) struct TableThread {
    pub(crate) table: ConnTable,
    pub(crate) sticky: StickyTable,
    pub(crate) events: EventReader,
    pub(crate) counters: CounterReader,
    pub(crate) gate: RoleHandle,
    /// The pair's core thread, if there is a pair.
    pub(crate) core: Option<CoreSender>,
    pub(crate) jobs: Inbox<TableJob>,
}

/// State of a running thread.
struct Running {
    own: TableThread,
    dump: Option<Dump>,
    sweep: SweepCursor,
    sticky: Keeper,
    /// When the next part of a sweep is due.
    sweep_due: Instant,
    /// Until when events are collected.
    collects_until: Instant,
    lost: u64,
    audit: Audit,
    /// How far a walk through the table has come.
    walked: DumpCursor,
}

impl TableThread {
    /// Works until the core thread has ended.
    pub(crate) fn run(self) {
        // A process that was killed in the middle of its work has not counted all of it.
        said("count of the connection table", self.table.recount());
        let (sweep, now) = (SweepCursor::default(), clock::now());
        let sticky = Keeper::new(self.sticky.clone());
        let mut running = Running {
            own: self,
            dump: None,
            sweep,
            sticky,
            sweep_due: now + SWEEP_EVERY,
            collects_until: now,
            lost: 0,
            audit: Audit::default(),
            walked: DumpCursor::default(),
        };
        while running.turn().is_ok() {}
    }
}

impl Running {
    fn turn(&mut self) -> Result<(), Gone> {
        self.wait();
        let now = clock::now();
        if now >= self.collects_until && self.report_events()? {
            self.collects_until = now + COLLECTING;
        }
        while let Some(job) = self.next_job()? {
            self.work(job)?;
        }
        if clock::now() >= self.sweep_due {
            self.look_for_losses()?;
            self.sweep()?;
        }
        self.compare_tables()
    }

    fn next_job(&self) -> Result<Option<TableJob>, Gone> {
        match (self.own.jobs.next(), &self.own.core) {
            // Without a pair nobody ever held the other end.
            (Err(Gone), None) => Ok(None),
            (job, _) => job,
        }
    }

    /// Sleeps until there is a job, a sweep is due, or there are events and they were collected for
    /// long enough.
    fn wait(&self) {
        let now = clock::now();
        let collects = now < self.collects_until;
        let due = self.audit.next_due().map_or(self.sweep_due, |(at, _)| at.min(self.sweep_due));
        let due = if collects { due.min(self.collects_until) } else { due };
        if !self.own.jobs.may_sleep(due) {
            self.own.jobs.is_awake(false);
            return;
        }
        let left = due.saturating_since(now).min(SWEEP_EVERY);
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(1),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        let mut waiting = [
            PollFd::from_borrowed_fd(self.own.jobs.descriptor(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.own.events.as_fd(), PollFlags::IN),
        ];
        let count = if collects { 1 } else { 2 };
        // An interrupted wait is a short one.
        let _interrupted = poll(&mut waiting[..count], Some(&timeout));
        self.own.jobs.is_awake(!waiting[0].revents().is_empty());
    }

    fn tell(&self, input: CoreInput) -> Result<(), Gone> {
        self.own.core.as_ref().map_or(Ok(()), |core| core.send(input))
    }

    /// Says whether there were any.
    fn report_events(&mut self) -> Result<bool, Gone> {
        let mut were_any = false;
        loop {
            let mut changes = Vec::new();
            while changes.len() < EVENTS_A_TURN {
                let Some(event) = self.own.events.next() else { break };
                changes.push(match event {
                    ConnEvent::Established(record)
                    | ConnEvent::Changed(record)
                    | ConnEvent::Embryonic(record) => Captured::Upsert(record),
                    ConnEvent::Removed(record) => Captured::Remove(record.key),
                    ConnEvent::Sticks(_) => continue,
                });
            }
            if changes.is_empty() {
                return Ok(were_any);
            }
            were_any = true;
            self.keep_ledger(&changes);
            self.tell(CoreInput::Captured(changes))?;
        }
    }

    fn work(&mut self, job: TableJob) -> Result<(), Gone> {
        match job {
            TableJob::Apply { batch, changes } => self.apply(batch, changes),
            TableJob::Dump { generation, embryonic } => {
                let cursor = DumpCursor::default();
                self.dump = Some(Dump { generation, which: Which::Main, embryonic, cursor });
                self.next_part(generation)
            }
            TableJob::DumpMore { generation } => self.next_part(generation),
            TableJob::Audit(task) => {
                self.audit.set(clock::now(), task);
                Ok(())
            }
            TableJob::Compare(listing) => self.compare_bucket(&listing),
        }
    }

    fn apply(&mut self, batch: BatchId, changes: Vec<Change>) -> Result<(), Gone> {
        let gate = self.own.gate.read().unwrap_or_default();
        let active = gate.role == u32::from(Role::Active as u8);
        self.own.table.take(match (active, forwards(&gate)) {
            (true, _) => PeerWord::Additions,
            (false, true) => PeerWord::Everything,
            (false, false) => PeerWord::Undisturbed,
        });
        let mut refused = 0;
        let mut together = Together::default();
        for change in changes {
            if together.is_out_of_order(&change) {
                refused += self.write(&std::mem::take(&mut together), &gate);
            }
            match change {
                Change::Upsert(record) => together.upserts.push(record),
                Change::Remove(key) => together.removals.push(key),
                Change::Surplus(named) => together.removals.extend(self.audit.named(named)),
                Change::Digests(digests) => self.audit.compare(clock::now(), &digests),
                Change::DumpBegins | Change::DumpEnds => self.mark(&change, &gate),
            }
        }
        refused += self.write(&together, &gate);
        let Some(core) = &self.own.core else { return Ok(()) };
        core.send_within(CoreInput::Applied { batch, refused }, APPLIED_WAITS)
    }

    /// A dump of the peer's begins or ends.
    fn mark(&mut self, mark: &Change, gate: &RoleWord) {
        let forwards = forwards(gate);
        if *mark == Change::DumpBegins {
            self.own.table.begin_peer_dump();
        } else {
            said("end of the peer's dump", self.own.table.end_peer_dump(forwards));
        }
        if !forwards {
            self.audit.applied(clock::now(), mark);
        }
    }

    fn write(&mut self, together: &Together, gate: &RoleWord) -> u32 {
        let refused = self.upsert(&together.upserts);
        if !together.removals.is_empty() {
            said("remove", self.own.table.remove(&together.removals));
        }
        self.ledger_of_written(together, forwards(gate) || refused > 0);
        refused
    }

    /// Writes what the peer told; returns how much of it this box cannot hold.
    fn upsert(&mut self, records: &[ConnRecord]) -> u32 {
        if records.is_empty() {
            return 0;
        }
        match self.own.table.upsert(records, clock::now()) {
            Ok(refused) => {
                if refused.total() > 0 {
                    tracing::debug!("records refused: {refused:?}");
                }
                refused.total()
            }
            Err(error) => {
                tracing::warn!("connection table: {error}");
                u32::try_from(records.len()).unwrap_or(u32::MAX)
            }
        }
    }

    fn next_part(&mut self, generation: u64) -> Result<(), Gone> {
        self.report_events()?;
        let Some(dump) = self.dump.as_mut().filter(|dump| dump.generation == generation) else {
            return Ok(());
        };
        let what = (dump.which, Scope::Replicated);
        let records = match self.own.table.dump(what, PART, &mut dump.cursor, clock::now()) {
            Ok(records) => records,
            Err(error) => return self.give_up_dump(generation, &error),
        };
        let mut last = false;
        if dump.cursor.is_done() {
            match dump.which {
                Which::Main if dump.embryonic => {
                    dump.which = Which::Embryonic;
                    dump.cursor = DumpCursor::default();
                }
                Which::Main | Which::Embryonic => last = true,
            }
        }
        if last {
            self.dump = None;
        }
        let of = self.own.table.usage().map_or(0, |usage| usage.in_use);
        self.tell(CoreInput::Snapshot(Snapshot { generation, records, last, of }))
    }

    /// An incomplete dump would cost connections at the peer: it is told that this one is, and asks
    /// for another. A table that cannot be read is tried again, not hammered.
    fn give_up_dump(&mut self, generation: u64, error: &hitless_plane::Error) -> Result<(), Gone> {
        tracing::error!("connection table: {error}");
        self.dump = None;
        std::thread::sleep(AFTER_FAILURE);
        self.tell(CoreInput::CapturesLost)?;
        self.tell(CoreInput::Snapshot(Snapshot {
            generation,
            records: Vec::new(),
            last: true,
            of: 0,
        }))
    }

    /// Events that found the ring full are counted by the programs; only a dump tells what they said.
    fn look_for_losses(&mut self) -> Result<(), Gone> {
        let lost = self.own.counters.get(Counter::EventsLost).unwrap_or(self.lost);
        if lost == self.lost {
            return Ok(());
        }
        self.lost = lost;
        self.tell(CoreInput::CapturesLost)
    }

    /// Only who forwards knows which connections are over; its peer is told.
    fn sweep(&mut self) -> Result<(), Gone> {
        let now = clock::now();
        self.sweep_due = now + SWEEP_EVERY;
        let Some(word) = self.own.gate.read().ok().filter(forwards) else {
            return Ok(());
        };
        self.sticky.sweep(&word);
        let policy = SweepPolicy::since(Instant::from_nanos(word.active_since));
        match self.own.table.sweep(&mut self.sweep, SWEPT_A_TURN, now, &policy) {
            Ok((swept, finished)) => {
                if !finished {
                    self.sweep_due = now + SWEEP_PAUSE;
                }
                self.sticky.ended(&swept.stuck);
                if swept.replicated.is_empty() {
                    return Ok(());
                }
                let removed: Vec<_> = swept.replicated.into_iter().map(Captured::Remove).collect();
                self.keep_ledger(&removed);
                self.tell(CoreInput::Captured(removed))
            }
            Err(error) => {
                tracing::warn!("sweep of the connection table: {error}");
                Ok(())
            }
        }
    }
}

fn forwards(word: &RoleWord) -> bool {
    u8::try_from(word.role).ok().and_then(Role::from_number).is_some_and(Role::forwards)
}

fn said<T>(what: &str, outcome: hitless_plane::Result<T>) {
    if let Err(error) = outcome {
        tracing::warn!("{what}: {error}");
    }
}
