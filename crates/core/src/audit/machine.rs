//! What the table's thread does for the comparison, step by step.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use hitless_model::tcp::seen;
use hitless_model::{ConnKey, ConnRecord, Instant};
use serde::{Deserialize, Serialize};

use super::fingerprint::{BUCKETS, Bucket, Digest, Fingerprint};
use super::ledger::Ledger;
use crate::node::{Captured, Change};

/// Fingerprints in a listing at most: what fits into a message.
pub const MAX_LISTED: usize = 160;
/// Digests told at a time: what fits into a batch. All are told in eight times.
const AT_A_TIME: u16 = 128;
/// Pause between two times: all buckets are compared once a second.
const TELLS_EVERY: Duration = Duration::from_millis(125);
/// Listings that leave at once: what a socket's buffer surely holds.
const LISTED_AT_ONCE: usize = 64;
/// Pause after them.
const LISTS_EVERY: Duration = Duration::from_millis(25);
/// Pause between two parts of a walk: with 2,048 connections in a part a full default table is walked
/// through in 0.8 seconds, and a processor is busy with it for a twentieth of its time at most.
const WALKS_EVERY: Duration = Duration::from_millis(12);
/// From one walk's beginning to the next one's: a small table is not walked through all the time.
const WALK_TAKES: Duration = Duration::from_millis(800);
/// Buckets checked at a time when a walk has ended.
const CHECKED_AT_ONCE: u16 = 128;
/// A bucket that still differs after it was repaired is repaired again after this time, then after twice
/// that, and so on.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// Not later than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(64);
/// A connection that is in use is told again after this time, so that the peer's times are not too old.
const REFRESHED_AFTER: Duration = Duration::from_mins(1);

/// What the ledger is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// There is nobody to compare with.
    #[default]
    Idle,
    /// This box tells its digests.
    Tells,
    /// It compares them with its own.
    Mirrors,
}

/// What a box holds of a part of a bucket: all fingerprints between two, both included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// From this one.
    pub from: Fingerprint,
    /// To this one, in the same bucket.
    pub to: Fingerprint,
    /// These, [`MAX_LISTED`] at most, in order.
    pub held: Vec<Fingerprint>,
}

/// How the peer's listing differs from this box's ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Connections that the peer lacks, or holds with another real.
    pub missing: Vec<ConnKey>,
    /// Fingerprints that are not of this box's.
    pub surplus: Vec<Fingerprint>,
}

/// What a part of a walk brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// Connections that nobody has told of, and that are there since the part before: the peer has to
    /// hear of them.
    pub unknown: Vec<ConnRecord>,
    /// Connections in use that the peer should hear of again.
    pub refreshed: Vec<ConnRecord>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Walk {
    /// None is under way.
    #[default]
    Resting,
    /// Parts of the kernel table are read.
    Reading,
    /// What was not met is looked at, from this bucket on.
    Checking(u16),
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Read a part of the kernel table: from its beginning, if `begins`.
    Read {
        /// The walk begins.
        begins: bool,
    },
    /// Ask the kernel about [`Audit::unmet`].
    Check,
    /// Tell [`Audit::digests`].
    Tell,
    /// Send [`Audit::listings`].
    List,
}

/// When a bucket may be repaired again.
#[derive(Clone, Copy, Debug)]
struct Pause {
    until: Instant,
    lasts: Duration,
}

/// A table's side of the comparison.
#[derive(Debug, Default)]
pub struct Audit {
    task: Task,
    ledger: Ledger,
    /// A walk has met everything that the ledger may lack.
    is_whole: bool,
    walk: Walk,
    walk_began: Instant,
    walk_due: Instant,
    tell_due: Instant,
    list_due: Instant,
    next: Bucket,
    /// Met by the walk and not known, on a box whose programs may be about to tell.
    suspects: BTreeMap<ConnKey, ConnRecord>,
    to_list: BTreeSet<Bucket>,
    listings: VecDeque<Listing>,
    pauses: BTreeMap<Bucket, Pause>,
}

impl Audit {
    /// Begins, goes on in another part, or ends; what is known is kept between the two parts.
    pub fn set(&mut self, now: Instant, task: Task) {
        match (self.task, task) {
            (_, Task::Idle) => *self = Self::default(),
            (Task::Idle, Task::Tells | Task::Mirrors) => {
                (self.walk_due, self.tell_due, self.list_due) = (now, now, now);
            }
            (Task::Tells | Task::Mirrors, Task::Tells | Task::Mirrors) => {
                self.suspects.clear();
                self.to_list.clear();
                self.listings.clear();
                self.pauses.clear();
            }
        }
        self.task = task;
    }

    /// What the ledger is for.
    pub const fn task(&self) -> Task {
        self.task
    }

    /// The ledger.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What is due next, and when; nothing without a peer.
    pub fn next_due(&self) -> Option<(Instant, Due)> {
        let read = Due::Read { begins: self.walk == Walk::Resting };
        let walk = if matches!(self.walk, Walk::Checking(_)) { Due::Check } else { read };
        let walk = Some((self.walk_due, walk));
        let lists = !self.to_list.is_empty() || !self.listings.is_empty();
        match self.task {
            Task::Idle => None,
            Task::Tells => {
                let tell = self.is_whole.then_some((self.tell_due, Due::Tell));
                walk.into_iter().chain(tell).min_by_key(|(at, _)| *at)
            }
            Task::Mirrors => {
                let list = lists.then_some((self.list_due, Due::List));
                walk.into_iter().chain(list).min_by_key(|(at, _)| *at)
            }
        }
    }

    /// This box's programs, or its sweep, changed the table.
    pub fn captured(&mut self, now: Instant, change: &Captured) {
        match change {
            Captured::Upsert(record) | Captured::Refresh(record) => self.holds(now, record),
            Captured::Remove(key) => self.lacks(key),
            Captured::Surplus(_) => {}
        }
    }

    /// The table took a change of the peer's as it was told.
    pub fn applied(&mut self, now: Instant, change: &Change) {
        match change {
            Change::Upsert(record) => self.holds(now, record),
            Change::Remove(key) => self.lacks(key),
            Change::DumpBegins => self.ledger.begin_dump(),
            Change::DumpEnds => self.ledger.end_dump(),
            Change::Surplus(_) | Change::Digests(_) => {}
        }
    }

    /// The kernel was asked about a connection.
    pub fn found(&mut self, now: Instant, key: &ConnKey, record: Option<&ConnRecord>) {
        match record {
            Some(record) => self.holds(now, record),
            None => self.lacks(key),
        }
    }

    /// Only established connections are in the main table.
    fn holds(&mut self, now: Instant, record: &ConnRecord) {
        if self.task != Task::Idle && seen::is_established(record.seen) {
            self.ledger.insert(now, record.key, Fingerprint::of(record));
        }
    }

    fn lacks(&mut self, key: &ConnKey) {
        if self.task != Task::Idle {
            self.ledger.remove(key);
        }
    }

    /// The connection that the peer calls too much, if this box holds it.
    pub fn named(&self, fingerprint: Fingerprint) -> Option<ConnKey> {
        self.ledger.find(fingerprint)
    }

    /// A part of the main table was read, after all events that there were; `last` if it was the last.
    pub fn walked(&mut self, now: Instant, part: &[ConnRecord], last: bool) -> Walked {
        if self.walk == Walk::Resting {
            self.walk_began = now;
            self.ledger.begin_walk();
        }
        let mut walked = Walked { unknown: self.confirmed(), refreshed: Vec::new() };
        for record in part {
            self.meet(now, record, &mut walked.refreshed);
        }
        self.walk = if last { Walk::Checking(0) } else { Walk::Reading };
        self.walk_due = now + WALKS_EVERY;
        walked
    }

    /// The kernel table could not be read: the walk begins anew after a while.
    pub fn walk_failed(&mut self, now: Instant) {
        self.walk = Walk::Resting;
        self.walk_due = now + WALK_TAKES;
    }

    fn meet(&mut self, now: Instant, record: &ConnRecord, refreshed: &mut Vec<ConnRecord>) {
        let fingerprint = Fingerprint::of(record);
        let tells = self.task == Task::Tells;
        if let Some(line) = self.ledger.meet(&record.key, fingerprint) {
            let since = now.saturating_since(line.told_at);
            if tells && since >= REFRESHED_AFTER && record.idle < since {
                line.told_at = now;
                refreshed.push(*record);
            }
        } else if tells && self.is_whole {
            self.suspects.insert(record.key, *record);
        } else {
            self.ledger.insert(now, record.key, fingerprint);
            self.list_soon(record.key);
        }
    }

    /// What the part before met and what no event has told of since.
    fn confirmed(&mut self) -> Vec<ConnRecord> {
        let suspects = core::mem::take(&mut self.suspects);
        let mut is_unknown =
            |record: &ConnRecord| self.ledger.meet(&record.key, Fingerprint::of(record)).is_none();
        suspects.into_values().filter(|record| is_unknown(record)).collect()
    }

    /// Connections that the ledger holds and the walk did not meet: the kernel is to be asked about
    /// them, and [`Self::found`] told. Those of some buckets at a time.
    pub fn unmet(&mut self, now: Instant) -> Vec<ConnKey> {
        let Walk::Checking(from) = self.walk else { return Vec::new() };
        let to = (from + CHECKED_AT_ONCE).min(BUCKETS);
        let buckets = (from..to).filter_map(Bucket::new);
        let unmet: Vec<ConnKey> = buckets.flat_map(|bucket| self.ledger.unmet(bucket)).collect();
        self.walk_due = now + WALKS_EVERY;
        self.walk = Walk::Checking(to);
        if to == BUCKETS {
            self.walk = Walk::Resting;
            self.is_whole = true;
            self.walk_due = self.walk_due.max(self.walk_began + WALK_TAKES);
        }
        unmet
    }

    /// The walk did not meet it, and the kernel does not hold it.
    pub fn is_gone(&mut self, key: &ConnKey) {
        self.ledger.remove(key);
        self.list_soon(*key);
    }

    /// The walk found the mirror to be another than it should be: nobody has to compare first.
    fn list_soon(&mut self, key: ConnKey) {
        if self.task == Task::Mirrors && self.is_whole {
            self.to_list.insert(Bucket::of(&key));
        }
    }

    /// The digests to tell next.
    pub fn digests(&mut self, now: Instant) -> Vec<(Bucket, Digest)> {
        self.tell_due = now + TELLS_EVERY;
        let mut digests = Vec::with_capacity(usize::from(AT_A_TIME));
        for _ in 0..AT_A_TIME {
            digests.push((self.next, self.ledger.digest(self.next)));
            self.next = self.next.next();
        }
        digests
    }

    /// The peer's digests, as of the changes that were applied before.
    pub fn compare(&mut self, now: Instant, told: &[(Bucket, Digest)]) {
        if self.task != Task::Mirrors || !self.is_whole {
            return;
        }
        for (bucket, digest) in told {
            if self.ledger.digest(*bucket) == *digest {
                self.pauses.remove(bucket);
            } else if self.may_repair(now, *bucket) {
                self.to_list.insert(*bucket);
            }
        }
    }

    fn may_repair(&mut self, now: Instant, bucket: Bucket) -> bool {
        let before = self.pauses.get(&bucket).copied();
        if before.is_some_and(|pause| now < pause.until) {
            return false;
        }
        let lasts = before.map_or(FIRST_PAUSE, |pause| (pause.lasts * 2).min(LONGEST_PAUSE));
        self.pauses.insert(bucket, Pause { until: now + lasts, lasts });
        true
    }

    /// What the peer has to hear of buckets that differ, some at a time.
    pub fn listings(&mut self, now: Instant) -> Vec<Listing> {
        self.list_due = now + LISTS_EVERY;
        while self.listings.len() < LISTED_AT_ONCE
            && let Some(bucket) = self.to_list.pop_first()
        {
            self.list(bucket);
        }
        let count = self.listings.len().min(LISTED_AT_ONCE);
        self.listings.drain(..count).collect()
    }

    fn list(&mut self, bucket: Bucket) {
        let held = self.ledger.lines(bucket).map(|(_, line)| line.fingerprint);
        let mut held: Vec<Fingerprint> = held.collect();
        held.sort_unstable();
        let mut from = bucket.first();
        let mut rest = held.as_slice();
        loop {
            let (part, after) = rest.split_at(rest.len().min(MAX_LISTED));
            let to = match (part.last(), after.is_empty()) {
                (Some(last), false) => *last,
                (None, _) | (Some(_), true) => bucket.last(),
            };
            self.listings.push_back(Listing { from, to, held: part.to_vec() });
            if after.is_empty() {
                return;
            }
            (from, rest) = (Fingerprint(to.0 + 1), after);
        }
    }

    /// How the peer's table differs from this one.
    pub fn difference(&self, listing: &Listing) -> Difference {
        let Listing { from, to, held } = listing;
        let bucket = from.bucket();
        if self.task != Task::Tells || !self.is_whole || to.bucket() != bucket {
            return Difference::default();
        }
        let theirs: BTreeSet<Fingerprint> = held.iter().copied().collect();
        let lines = self.ledger.lines(bucket).map(|(key, line)| (line.fingerprint, *key));
        let ours: BTreeMap<Fingerprint, ConnKey> =
            lines.filter(|(fingerprint, _)| (from..=to).contains(&fingerprint)).collect();
        let missing = ours.iter().filter(|(fingerprint, _)| !theirs.contains(fingerprint));
        let is_surplus = |fp: &&Fingerprint| (from..=to).contains(fp) && !ours.contains_key(*fp);
        Difference {
            missing: missing.map(|(_, key)| *key).collect(),
            surplus: theirs.iter().filter(is_surplus).copied().collect(),
        }
    }
}
