//! Dropped frames, summed up for the log: whoever sends garbage decides how much of it comes, so
//! single frames are never handed to another thread.

use std::collections::BTreeMap;
use std::time::Duration;

use hitless_model::Instant;

/// Dropped frames are told at most this often.
const EVERY: Duration = Duration::from_secs(10);

/// Dropped frames by reason that were not told yet.
#[derive(Debug, Default)]
pub(crate) struct Rejections {
    counts: BTreeMap<String, u64>,
    told: Option<Instant>,
}

impl Rejections {
    /// Counts a frame.
    pub(crate) fn count(&mut self, reason: String) {
        *self.counts.entry(reason).or_default() += 1;
    }

    /// What is to be told at `now`: reasons, and how many frames were dropped for each.
    pub(crate) fn take_due(&mut self, now: Instant) -> BTreeMap<String, u64> {
        let is_early = self.told.is_some_and(|told| now.saturating_since(told) < EVERY);
        if is_early || self.counts.is_empty() {
            return BTreeMap::new();
        }
        self.told = Some(now);
        std::mem::take(&mut self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_told_at_once_and_a_flood_as_one_number() {
        let mut rejections = Rejections::default();
        let second = |seconds: u64| Instant::from_nanos(seconds * 1_000_000_000);
        assert!(rejections.take_due(second(1)).is_empty());
        rejections.count("forged".to_owned());
        assert_eq!(rejections.take_due(second(1)), [("forged".to_owned(), 1)].into());
        for _ in 0..100_000 {
            rejections.count("forged".to_owned());
        }
        assert!(rejections.take_due(second(10)).is_empty());
        assert_eq!(rejections.take_due(second(11)), [("forged".to_owned(), 100_000)].into());
        assert!(rejections.take_due(second(30)).is_empty());
    }
}
