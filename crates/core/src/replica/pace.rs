//! How much may be in flight, and how long an acknowledgement may take.
//!
//! The estimator of RFC 6298 with bounds for a local link, and a window that one loss halves and
//! every arrival widens: the link is the pair's own, there is nobody to be fair to.

use core::time::Duration;

use hitless_model::Instant;

use super::codec::Seq;

/// Batches in flight at most: as many as an acknowledgement's bitmap tells apart. At 41 records
/// each and 2 ms a round trip this is over a million connections in a second.
pub(super) const MAX_WINDOW: usize = 64;
/// Batches in flight at least, however much is lost: enough to notice a loss by what comes after
/// it.
const MIN_WINDOW: usize = 8;
/// Not sooner than this is anything sent again: below it a busy receiver looks like loss.
const MIN_TIMEOUT: Duration = Duration::from_millis(5);
/// Overtaking within this time is reordering, not loss.
const MIN_PATIENCE: Duration = Duration::from_millis(1);
/// Not later than this, whatever was measured and however often it was tried.
const MAX_TIMEOUT: Duration = Duration::from_millis(500);
/// Before anything was measured.
const FIRST_TIMEOUT: Duration = Duration::from_millis(20);

/// Window and round trip of a session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    window: usize,
    /// The window shrinks once for all losses up to this batch.
    shrunk_until: Seq,
    /// Smoothed round trip and its variation.
    measured: Option<(Duration, Duration)>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { window: MAX_WINDOW / 2, shrunk_until: Seq(0), measured: None }
    }
}

impl Pace {
    /// Batches that may be in flight.
    pub(super) const fn window(&self) -> usize {
        self.window
    }

    /// A batch arrived.
    pub(super) fn on_arrival(&mut self) {
        self.window = (self.window + 1).min(MAX_WINDOW);
    }

    /// A batch was lost while `newest` was the newest one sent.
    pub(super) fn on_loss(&mut self, lost: Seq, newest: Seq) {
        if lost > self.shrunk_until {
            self.window = (self.window / 2).max(MIN_WINDOW);
            self.shrunk_until = newest;
        }
    }

    /// A batch that was sent at `sent_at`, and only then, was acknowledged.
    pub(super) fn on_round_trip(&mut self, now: Instant, sent_at: Instant) {
        let sample = now.saturating_since(sent_at).min(MAX_TIMEOUT);
        self.measured = Some(match self.measured {
            None => (sample, sample / 2),
            Some((smoothed, variation)) => {
                let variation = (variation * 3 + smoothed.abs_diff(sample)) / 4;
                ((smoothed * 7 + sample) / 8, variation)
            }
        });
    }

    /// The smoothed round trip.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.measured.map(|(smoothed, _)| smoothed)
    }

    /// After how long a batch counts as lost that others overtook: a link may reorder what was sent
    /// at the same time.
    pub(super) fn patience(&self) -> Duration {
        let spread = self.measured.map(|(smoothed, variation)| smoothed + variation * 2);
        spread.unwrap_or_default().max(MIN_PATIENCE)
    }

    /// After how long a batch counts as lost that was sent again `tries` times before.
    pub(super) fn timeout(&self, tries: u32) -> Duration {
        let base = match self.measured {
            Some((smoothed, variation)) => smoothed + variation * 4,
            None => FIRST_TIMEOUT,
        };
        (base.max(MIN_TIMEOUT) * (1 << tries.min(7))).min(MAX_TIMEOUT)
    }
}

/// Batches of a dump that may be in flight at least.
const MIN_BULK: usize = 8;
/// What a dump may add to the time until a batch is applied: a connection that becomes established
/// meanwhile waits behind what is in flight.
const BULK_DELAY: Duration = Duration::from_millis(1);
/// Batches applied in time after which one more may be in flight: one acknowledgement speaks for eight.
const BULK_STEP: usize = 4;

/// How much of a dump may be in flight: as much as the peer applies without delay. What it cannot apply at
/// once would stand before every live change.
#[derive(Clone, Copy, Debug)]
pub(super) struct BulkPace {
    window: usize,
    /// Batches applied in time since the window changed.
    in_time: usize,
    /// The shortest time from sending to applying.
    least: Option<Duration>,
}

impl Default for BulkPace {
    fn default() -> Self {
        Self { window: MIN_BULK, in_time: 0, least: None }
    }
}

impl BulkPace {
    /// Batches that may be in flight.
    pub(super) const fn window(&self) -> usize {
        self.window
    }

    /// A batch, sent once, is known to be applied so long after it was sent.
    pub(super) fn on_applied(&mut self, took: Duration) {
        let least = self.least.map_or(took, |least| least.min(took));
        self.least = Some(least);
        self.in_time += 1;
        if took > least + BULK_DELAY {
            self.window = (self.window - self.window / 8).max(MIN_BULK);
            self.in_time = 0;
        } else if self.in_time == BULK_STEP {
            self.window = (self.window + 1).min(MAX_WINDOW);
            self.in_time = 0;
        }
    }
}
