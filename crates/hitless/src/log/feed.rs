//! The newest news of a process, and everybody who watches them.
//!
//! Numbers grow from life to life of a process, so that a watcher who comes back gets what it missed.
//! Memory is bounded: so many entries, each so long; and for each watcher so many that wait, after which
//! it loses the oldest and is told how many.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hitless_model::{Epoch, Role, Slot};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use super::Severity;
use crate::module::clock;

/// Entries that are kept.
const KEPT: usize = 1_000;
/// Entries that may wait for a watcher.
const WAITING: usize = 256;
/// Octets of a text; a longer one is cut.
const LONGEST: usize = 4_096;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum News {
    /// A line was logged.
    Log {
        /// How much it matters.
        severity: Severity,
        /// The line, without its time.
        text: String,
    },
    /// A module decided about its role.
    Role {
        /// Role before.
        from: Role,
        /// Role after; the same for a refusal.
        to: Role,
        /// Epoch after.
        epoch: Epoch,
        /// One sentence of why.
        reason: String,
    },
    /// The configuration was changed.
    Configuration {
        /// The revision that is in force now.
        revision: u64,
        /// Who changed it.
        by: String,
    },
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Grows with every entry.
    pub number: u64,
    /// Unix time in milliseconds.
    pub unix_ms: u64,
    /// The module that it is of, if it is one.
    #[serde(default)]
    pub slot: Option<Slot>,
    /// What happened.
    #[serde(flatten)]
    pub news: News,
}

/// What is kept and who watches.
#[derive(Debug)]
pub struct Feed {
    kept: Mutex<Kept>,
    watchers: broadcast::Sender<Arc<Entry>>,
}

#[derive(Debug)]
struct Kept {
    next: u64,
    entries: VecDeque<Arc<Entry>>,
}

/// What a watcher gets: first what it missed, then what comes.
#[derive(Debug)]
pub struct Subscription {
    /// Kept entries after the number that was asked for, oldest first.
    pub missed: Vec<Arc<Entry>>,
    /// Every entry from then on.
    pub coming: broadcast::Receiver<Arc<Entry>>,
}

impl Default for Feed {
    fn default() -> Self {
        Self::new()
    }
}

impl Feed {
    /// An empty one. Its numbers begin beyond those of an earlier life, unless that had news faster than
    /// one a millisecond for all its time.
    pub fn new() -> Self {
        let kept = Kept { next: clock::unix_ms() * 1_000, entries: VecDeque::new() };
        Self { kept: Mutex::new(kept), watchers: broadcast::channel(WAITING).0 }
    }

    /// Adds what happened now in this process.
    pub fn publish(&self, news: News) {
        self.add(clock::unix_ms(), None, news);
    }

    /// Adds what happened in a module.
    pub fn pass_on(&self, slot: Slot, entry: Entry) {
        self.add(entry.unix_ms, Some(slot), entry.news);
    }

    pub(super) fn add(&self, unix_ms: u64, slot: Option<Slot>, mut news: News) {
        if let News::Log { text, .. } = &mut news {
            text.truncate(text.floor_char_boundary(LONGEST));
        }
        let mut kept = self.kept();
        let entry = Arc::new(Entry { number: kept.next, unix_ms, slot, news });
        kept.next += 1;
        if kept.entries.len() == KEPT {
            kept.entries.pop_front();
        }
        kept.entries.push_back(Arc::clone(&entry));
        // Still under the lock: a watcher must not get entries out of turn. Nobody watches is no error.
        let _watchers = self.watchers.send(entry);
    }

    /// What is kept with a number above `after`, oldest first.
    pub fn since(&self, after: u64) -> Vec<Arc<Entry>> {
        let kept = self.kept();
        kept.entries.iter().filter(|entry| entry.number > after).cloned().collect()
    }

    /// Watches, from the first entry above `after`; without it, from now.
    pub fn subscribe(&self, after: Option<u64>) -> Subscription {
        let kept = self.kept();
        let is_missed = |entry: &&Arc<Entry>| after.is_some_and(|after| entry.number > after);
        let missed = kept.entries.iter().filter(is_missed).cloned().collect();
        Subscription { missed, coming: self.watchers.subscribe() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::broadcast::error::TryRecvError;

    use super::*;

    fn say(feed: &Feed, text: &str) {
        feed.publish(News::Log { severity: Severity::Info, text: text.to_owned() });
    }

    fn text(entry: &Entry) -> &str {
        match &entry.news {
            News::Log { text, .. } => text,
            News::Role { .. } | News::Configuration { .. } => "",
        }
    }

    #[test]
    fn a_watcher_that_comes_back_gets_what_it_missed_and_then_what_comes() {
        let feed = Feed::new();
        for text in ["a", "b", "c"] {
            say(&feed, text);
        }
        let first = feed.since(0).first().map(|entry| entry.number);
        let mut watcher = feed.subscribe(first);
        say(&feed, "d");
        let missed: Vec<_> = watcher.missed.iter().map(|entry| text(entry)).collect();
        assert_eq!(missed, ["b", "c"]);
        assert_eq!(text(&watcher.coming.try_recv().unwrap()), "d");
        assert!(feed.subscribe(None).missed.is_empty());
    }

    #[test]
    fn a_slow_watcher_loses_the_oldest_and_is_told_how_many() {
        let feed = Feed::new();
        let mut watcher = feed.subscribe(None);
        (0..WAITING + 10).for_each(|number| say(&feed, &number.to_string()));
        assert_eq!(watcher.coming.try_recv(), Err(TryRecvError::Lagged(10)));
        assert_eq!(text(&watcher.coming.try_recv().unwrap()), "10");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let feed = Feed::new();
        (0..3 * KEPT).for_each(|_| say(&feed, &"ä".repeat(LONGEST)));
        let kept = feed.since(0);
        assert_eq!(kept.len(), KEPT);
        assert!(kept.iter().all(|entry| text(entry).len() <= LONGEST));
    }

    #[test]
    fn a_later_life_has_greater_numbers() {
        let first = Feed::new();
        (0..5).for_each(|_| say(&first, "x"));
        std::thread::sleep(std::time::Duration::from_millis(10));
        let second = Feed::new();
        say(&second, "y");
        let last = first.since(0).last().map(|entry| entry.number);
        assert!(second.since(0).first().map(|entry| entry.number) > last);
    }
}
