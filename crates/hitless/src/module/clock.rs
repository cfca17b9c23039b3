//! The one place where CLOCK_MONOTONIC is read: the clock that the lease and the programs use.

use std::time::{SystemTime, UNIX_EPOCH};

use hitless_model::Instant;
use rustix::time::{ClockId, clock_gettime};

/// The instant it is.
pub(crate) fn now() -> Instant {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    Instant::from_nanos(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

/// Milliseconds of Unix time, for people only: nothing decides by it.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
