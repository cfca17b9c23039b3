//! Changes that wait to be told: at most one per connection, the newest wins.
//!
//! Two lanes: connections that became established go before everything else, because they are what
//! a failure now would break; the other lane may wait for company. Within a lane the order is that of
//! arrival; a change that replaces another one in the same lane keeps its place.

use alloc::collections::BTreeMap;

use hitless_model::tcp::seen;
use hitless_model::{ConnKey, ConnRecord, Instant};

use crate::node::{Captured, Change};

/// Changes that may wait: every connection of a default table twice over (about 40 MB at worst).
/// More means that the link does not keep up, and then a dump is the shorter way.
pub(super) const MAX_QUEUED: usize = 262_144;

/// The queue is full; it was left as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    /// Connections that just became established.
    Fresh,
    /// Removals, changes of what the peer knows, embryonic connections.
    Later,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    lane: Lane,
    ticket: u64,
    since: Instant,
    /// Nothing: it is to be removed.
    record: Option<ConnRecord>,
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BTreeMap<ConnKey, Waiting>,
    fresh: BTreeMap<u64, ConnKey>,
    later: BTreeMap<u64, ConnKey>,
    next_ticket: u64,
    upserts: u64,
}

impl Queue {
    /// Takes a change in, in place of an older one of the same connection.
    pub(super) fn push(&mut self, now: Instant, captured: &Captured) -> Result<(), Full> {
        let (key, record) = match captured {
            Captured::Upsert(record) => (record.key, Some(*record)),
            Captured::Remove(key) => (*key, None),
        };
        let full = self.waiting.len() >= MAX_QUEUED;
        let old = self.waiting.get_mut(&key);
        let lane = lane_of(record.as_ref(), old.as_ref().map(|old| old.lane));
        match old {
            Some(old) if old.lane == lane => {
                self.upserts -= u64::from(old.record.is_some());
                self.upserts += u64::from(record.is_some());
                old.record = record;
            }
            Some(_) => {
                self.forget(&key);
                self.append(now, key, lane, record);
            }
            None if full => return Err(Full),
            None => self.append(now, key, lane, record),
        }
        debug_assert_eq!(self.waiting.len(), self.fresh.len() + self.later.len());
        Ok(())
    }

    /// Drops the change of one connection.
    pub(super) fn cancel(&mut self, key: &ConnKey) {
        self.forget(key);
    }

    /// Takes the next change out, and since when it waited.
    pub(super) fn pop(&mut self) -> Option<(Change, Instant)> {
        let (_, key) = self.fresh.first_key_value().or_else(|| self.later.first_key_value())?;
        let key = *key;
        let waiting = self.forget(&key)?;
        let change = waiting.record.map_or(Change::Remove(key), Change::Upsert);
        Some((change, waiting.since))
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
        let (_, key) = self.later.first_key_value()?;
        self.waiting.get(key).map(|waiting| waiting.since)
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Connections among them, removals left out.
    pub(super) const fn upserts(&self) -> u64 {
        self.upserts
    }

    /// Since when the oldest one waits.
    pub(super) fn oldest(&self) -> Option<Instant> {
        let heads = [self.fresh.first_key_value(), self.later.first_key_value()];
        let since = |(_, key)| self.waiting.get(key).map(|waiting| waiting.since);
        heads.into_iter().flatten().filter_map(since).min()
    }

    fn append(&mut self, since: Instant, key: ConnKey, lane: Lane, record: Option<ConnRecord>) {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.upserts += u64::from(record.is_some());
        self.lane(lane).insert(ticket, key);
        self.waiting.insert(key, Waiting { lane, ticket, since, record });
    }

    fn forget(&mut self, key: &ConnKey) -> Option<Waiting> {
        let waiting = self.waiting.remove(key)?;
        self.upserts -= u64::from(waiting.record.is_some());
        self.lane(waiting.lane).remove(&waiting.ticket);
        Some(waiting)
    }

    const fn lane(&mut self, lane: Lane) -> &mut BTreeMap<u64, ConnKey> {
        match lane {
            Lane::Fresh => &mut self.fresh,
            Lane::Later => &mut self.later,
        }
    }
}

/// The connection that a change is about.
pub(super) const fn key_of(captured: &Captured) -> &ConnKey {
    match captured {
        Captured::Upsert(record) => &record.key,
        Captured::Remove(key) => key,
    }
}

/// A connection that is still to be told for the first time stays fresh while it lives.
fn lane_of(record: Option<&ConnRecord>, old: Option<Lane>) -> Lane {
    let ended = seen::FIN_CLIENT | seen::FIN_REAL | seen::RESET;
    let is_fresh = |record: &ConnRecord| match old {
        Some(Lane::Fresh) => !seen::is_closing(record.seen),
        Some(Lane::Later) | None => record.seen & ended == 0,
    };
    match record {
        Some(record) if seen::is_established(record.seen) && is_fresh(record) => Lane::Fresh,
        Some(_) | None => Lane::Later,
    }
}
