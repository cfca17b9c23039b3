//! How long to wait before a module that died is started again. Pure.

use std::time::Duration;

/// A module that lived this long died of something else than its start.
const SETTLED: Duration = Duration::from_secs(10);
/// First pause; each further one is four times as long.
const FIRST: Duration = Duration::from_millis(50);
/// Longest pause: an operator who repairs something should not have to wait.
const LONGEST: Duration = Duration::from_secs(5);

/// Counts deaths in a row.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    deaths: u32,
}

impl Backoff {
    /// The pause after a death at the age of `lived`: none after the first one, for every
    /// millisecond counts then.
    pub(crate) fn pause(&mut self, lived: Duration) -> Duration {
        if lived >= SETTLED {
            self.deaths = 0;
        }
        self.deaths = self.deaths.saturating_add(1);
        match self.deaths {
            1 => Duration::ZERO,
            more => FIRST.saturating_mul(4_u32.saturating_pow(more - 2)).min(LONGEST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_death_costs_no_time_and_repeated_ones_ever_more() {
        let mut backoff = Backoff::default();
        let mut pause = |seconds| backoff.pause(Duration::from_secs(seconds)).as_millis();
        assert_eq!([pause(60), pause(0), pause(0), pause(1), pause(0)], [0, 50, 200, 800, 3_200]);
        assert_eq!([pause(0), pause(0)], [5_000, 5_000]);
        assert_eq!(pause(11), 0, "it had settled");
    }
}
