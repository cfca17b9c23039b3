//! The laboratory's clock: CLOCK_MONOTONIC, the one that the daemons and the BPF programs use, so
//! that what is measured here can be laid beside leases and role changes.

use std::time::Duration;

use hitless_model::Instant;
use rustix::thread::{ClockId, clock_nanosleep_absolute};
use rustix::time::{Timespec, clock_gettime};

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Now.
pub fn now() -> Instant {
    let time = clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    Instant::from_nanos(seconds * NANOS_PER_SECOND + nanos)
}

/// Sleeps until `at`: by the absolute time, so that late wake-ups do not add up.
pub fn sleep_until(at: Instant) {
    let nanos = at.as_nanos();
    let time = Timespec {
        tv_sec: i64::try_from(nanos / NANOS_PER_SECOND).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(nanos % NANOS_PER_SECOND).unwrap_or(0),
    };
    while clock_nanosleep_absolute(ClockId::Monotonic, &time).is_err() && now() < at {}
}

/// Milliseconds with a fraction.
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
