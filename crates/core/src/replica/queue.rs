//! Changes that wait to be told: at most one per connection, the newest wins.
//!
//! Three lanes: connections that became established go before everything else, because they are what a
//! failure now would break; other changes may wait for company; connections that the peer knows and is
//! only to hear of again go last, and as many as fit. Within a lane the order is that of arrival; a
//! change that replaces another one in the same lane keeps its place.

use alloc::collections::BTreeMap;

use hitless_model::tcp::seen;
use hitless_model::{ConnKey, ConnRecord, Instant};

use crate::audit::{Bucket, Fingerprint};
use crate::node::{Captured, Change};

/// Changes that may wait: every connection of a default table twice over (about 40 MB at worst).
/// More means that the link does not keep up, and then a dump is the shorter way.
pub(super) const MAX_QUEUED: usize = 262_144;
/// Connections to be heard of again that may wait: the others are met again by the next walk.
const MAX_REFRESHED: usize = 4_096;

/// The queue is full; it was left as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// What a change is about: of each at most one waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// A connection.
    Connection(ConnKey),
    /// Something that the peer holds and should not.
    Surplus(Fingerprint),
}

impl Subject {
    /// What a captured change is about.
    pub(super) const fn of(captured: &Captured) -> Self {
        match captured {
            Captured::Upsert(record) | Captured::Refresh(record) => Self::Connection(record.key),
            Captured::Remove(key) => Self::Connection(*key),
            Captured::Surplus(fingerprint) => Self::Surplus(*fingerprint),
        }
    }

    /// The connection, if it is one.
    pub(super) const fn key(&self) -> Option<&ConnKey> {
        match self {
            Self::Connection(key) => Some(key),
            Self::Surplus(_) => None,
        }
    }

    fn bucket(&self) -> Bucket {
        match self {
            Self::Connection(key) => Bucket::of(key),
            Self::Surplus(fingerprint) => fingerprint.bucket(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    /// Connections that just became established.
    Fresh,
    /// Removals, changes of what the peer knows, embryonic connections, repairs.
    Later,
    /// What the peer holds already.
    Again,
}

#[derive(Clone, Debug)]
struct Waiting {
    lane: Lane,
    ticket: u64,
    since: Instant,
    change: Change,
    repairs: bool,
}

impl Waiting {
    /// Whether the peer lacks a connection until it is told.
    fn is_at_risk(&self) -> bool {
        self.lane != Lane::Again && matches!(self.change, Change::Upsert(_))
    }
}

/// A change that was taken out.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Popped {
    /// What to tell.
    pub(super) change: Change,
    /// Since when it waited; nothing if the peer loses nothing while it waits.
    pub(super) since: Option<Instant>,
    /// It makes a difference good that was found.
    pub(super) repairs: bool,
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BTreeMap<Subject, Waiting>,
    fresh: BTreeMap<u64, Subject>,
    later: BTreeMap<u64, Subject>,
    again: BTreeMap<u64, Subject>,
    next_ticket: u64,
    at_risk: u64,
}

impl Queue {
    /// Takes a change in, in place of an older one of the same connection.
    pub(super) fn push(&mut self, now: Instant, captured: &Captured) -> Result<(), Full> {
        self.take(now, captured, false)
    }

    /// Takes in what makes a difference good.
    pub(super) fn repair(&mut self, now: Instant, captured: &Captured) -> Result<(), Full> {
        self.take(now, captured, true)
    }

    fn take(&mut self, since: Instant, captured: &Captured, repairs: bool) -> Result<(), Full> {
        let subject = Subject::of(captured);
        let old = self.waiting.get(&subject);
        let is_room = old.is_some() || self.waiting.len() < MAX_QUEUED;
        let lane = match captured {
            Captured::Refresh(_) if old.is_some() || self.again.len() >= MAX_REFRESHED => {
                return Ok(());
            }
            Captured::Refresh(_) => Lane::Again,
            Captured::Upsert(record) => lane_of(record, old.map(|old| old.lane), repairs),
            Captured::Remove(_) | Captured::Surplus(_) => Lane::Later,
        };
        if !is_room {
            return if lane == Lane::Again { Ok(()) } else { Err(Full) };
        }
        let change = change_of(captured);
        let before = self.forget(&subject);
        let repairs = repairs || before.as_ref().is_some_and(|old| old.repairs);
        let place = before.filter(|old| old.lane == lane);
        let (ticket, since) =
            place.map_or((self.next_ticket, since), |old| (old.ticket, old.since));
        self.next_ticket += 1;
        self.put(subject, Waiting { lane, ticket, since, change, repairs });
        Ok(())
    }

    /// Drops the change of one connection.
    pub(super) fn cancel(&mut self, subject: &Subject) {
        self.forget(subject);
    }

    /// Takes the next change out.
    pub(super) fn pop(&mut self) -> Option<Popped> {
        let lanes = [&self.fresh, &self.later, &self.again];
        let (_, subject) = lanes.into_iter().find_map(BTreeMap::first_key_value)?;
        let subject = *subject;
        let Waiting { lane, since, change, repairs, .. } = self.forget(&subject)?;
        let since = Some(since).filter(|_| lane != Lane::Again);
        Some(Popped { change, since, repairs })
    }

    /// Drops everything and says how much it was.
    pub(super) fn clear(&mut self) -> u64 {
        let dropped = self.len();
        *self = Self { next_ticket: self.next_ticket, ..Self::default() };
        dropped as u64
    }

    /// Changes that wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether connections wait that the peer does not know at all.
    pub(super) fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Since when the oldest one waits that is not fresh.
    pub(super) fn oldest_later(&self) -> Option<Instant> {
        [self.since(&self.later), self.since(&self.again)].into_iter().flatten().min()
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The bucket of each change that waits.
    pub(super) fn buckets(&self) -> impl Iterator<Item = Bucket> {
        self.waiting.keys().map(Subject::bucket)
    }

    /// Connections among them that the peer lacks.
    pub(super) const fn upserts(&self) -> u64 {
        self.at_risk
    }

    /// Since when the oldest one waits that the peer lacks something without.
    pub(super) fn oldest(&self) -> Option<Instant> {
        [self.since(&self.fresh), self.since(&self.later)].into_iter().flatten().min()
    }

    fn since(&self, lane: &BTreeMap<u64, Subject>) -> Option<Instant> {
        let (_, subject) = lane.first_key_value()?;
        self.waiting.get(subject).map(|waiting| waiting.since)
    }

    fn put(&mut self, subject: Subject, waiting: Waiting) {
        self.at_risk += u64::from(waiting.is_at_risk());
        self.lane(waiting.lane).insert(waiting.ticket, subject);
        self.waiting.insert(subject, waiting);
        debug_assert_eq!(
            self.waiting.len(),
            self.fresh.len() + self.later.len() + self.again.len()
        );
    }

    fn forget(&mut self, subject: &Subject) -> Option<Waiting> {
        let waiting = self.waiting.remove(subject)?;
        self.at_risk -= u64::from(waiting.is_at_risk());
        self.lane(waiting.lane).remove(&waiting.ticket);
        Some(waiting)
    }

    const fn lane(&mut self, lane: Lane) -> &mut BTreeMap<u64, Subject> {
        match lane {
            Lane::Fresh => &mut self.fresh,
            Lane::Later => &mut self.later,
            Lane::Again => &mut self.again,
        }
    }
}

/// What is told of a captured change.
fn change_of(captured: &Captured) -> Change {
    match captured {
        Captured::Upsert(record) | Captured::Refresh(record) => Change::Upsert(*record),
        Captured::Remove(key) => Change::Remove(*key),
        Captured::Surplus(fingerprint) => Change::Surplus(*fingerprint),
    }
}

/// A connection that is still to be told for the first time stays fresh while it lives.
fn lane_of(record: &ConnRecord, old: Option<Lane>, repairs: bool) -> Lane {
    let ended = seen::FIN_CLIENT | seen::FIN_REAL | seen::RESET;
    let is_fresh = match old {
        Some(Lane::Fresh) => !seen::is_closing(record.seen),
        Some(Lane::Later | Lane::Again) | None => record.seen & ended == 0 && !repairs,
    };
    if is_fresh && seen::is_established(record.seen) { Lane::Fresh } else { Lane::Later }
}
