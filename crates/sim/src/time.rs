//! The world's time line, and the clocks that the two boxes read off it.
//!
//! The boxes' monotonic clocks start at different points and run at slightly different speeds; the
//! kernel's coarse clock, by which the data plane judges the lease, lags up to a tick behind.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use hitless_model::Instant;

/// An instant of the world, in nanoseconds from the start of the run; no box can read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    /// The start of the run.
    pub const START: Self = Self(0);
    /// Later than any run.
    pub const NEVER: Self = Self(u64::MAX);

    /// The moment this long after the start.
    pub const fn after_millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
    }

    /// Time from `earlier` to `self`; zero when `earlier` is the later one.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(nanos(by)))
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(by)))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6}.{:03} ms", self.0 / 1_000_000, self.0 / 1000 % 1000)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Below this the BPF programs ask the precise clock about the lease.
const PRECISE_BELOW: Duration = Duration::from_millis(8);

/// A box's CLOCK_MONOTONIC.
#[derive(Clone, Copy, Debug)]
pub struct BoxClock {
    /// What it shows at the start of the run.
    pub offset: Duration,
    /// How many nanoseconds it gains in each millisecond of the world.
    pub gain_per_milli: u64,
    /// Step of the coarse clock.
    pub tick: Duration,
}

impl BoxClock {
    /// What the clock shows.
    pub fn read(&self, at: Moment) -> Instant {
        let gained = at.0 / 1_000_000 * self.gain_per_milli;
        Instant::from_nanos(nanos(self.offset) + at.0 + gained)
    }

    /// The first moment at which the clock shows `instant` or later.
    pub fn moment_of(&self, instant: Instant) -> Moment {
        let Some(shown) = instant.as_nanos().checked_sub(nanos(self.offset)) else {
            return Moment::START;
        };
        let slowest = shown / (1_000_000 + self.gain_per_milli);
        let mut at = Moment((slowest * 1_000_000).saturating_sub(1_000_000));
        loop {
            let missing = instant.as_nanos().saturating_sub(self.read(at).as_nanos());
            if missing == 0 {
                return at;
            }
            // The clock never loses, so a step as long as what is missing cannot fall short; what
            // it gains at a millisecond's edge may make it overshoot by that gain.
            at = at + Duration::from_nanos(missing.saturating_sub(self.gain_per_milli).max(1));
        }
    }

    /// The first moment at which the data plane no longer forwards: it trusts the coarse clock while
    /// that shows more than [`PRECISE_BELOW`] of the lease left, and reads the precise one then.
    pub fn end_of_lease(&self, lease_until: Instant) -> Moment {
        let tick = nanos(self.tick).max(1);
        let trusted = lease_until.saturating_sub(PRECISE_BELOW).as_nanos();
        match trusted.div_ceil(tick).checked_mul(tick) {
            Some(edge) => self.moment_of(lease_until.max(Instant::from_nanos(edge))),
            None => Moment::NEVER,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> BoxClock {
        BoxClock {
            offset: Duration::from_nanos(86_400_000_000_123),
            gain_per_milli: 60,
            tick: Duration::from_millis(4),
        }
    }

    #[test]
    fn a_moment_of_an_instant_is_the_first_that_shows_it() {
        for shown in [0, 1, 999_999, 1_000_000, 1_000_061, 40_000_003, 3_600_000_000_000] {
            let instant = Instant::from_nanos(86_400_000_000_123 + shown);
            let at = clock().moment_of(instant);
            assert!(clock().read(at) >= instant);
            assert!(at == Moment::START || clock().read(Moment(at.0 - 1)) < instant);
        }
    }

    #[test]
    fn the_lease_ends_on_time_unless_the_tick_is_longer_than_what_is_judged_precisely() {
        let until = |millis: u64| Instant::from_nanos(86_400_000_000_000 + millis * 1_000_000);
        let late = |clock: BoxClock, at| clock.end_of_lease(at).since(clock.moment_of(at));
        assert_eq!(late(clock(), until(10)), Duration::ZERO);
        let slow = BoxClock { tick: Duration::from_millis(10), ..clock() };
        assert_eq!(late(slow, until(18)), Duration::ZERO);
        assert!(late(slow, until(19)) > Duration::from_micros(900));
        assert_eq!(slow.end_of_lease(Instant::FAR_FUTURE), Moment::NEVER);
    }
}
