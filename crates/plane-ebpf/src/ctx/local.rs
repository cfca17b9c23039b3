//! What this processor has for itself: counters and a coarse clock.
//!
//! The clock is read exactly once in every tick of the kernel and stands until the next one. The kernel's own
//! coarse clock lags just as much, being set by the same code that counts the ticks, but costs a call.

use hitless_model::{Counter, abi};

use super::clock;
use crate::maps::LOCAL;

/// This processor's share of [`LOCAL`].
#[derive(Clone, Copy)]
pub(crate) struct Local(*mut abi::Local);

impl Local {
    /// This processor's own.
    #[inline(always)]
    pub(crate) fn this() -> Option<Self> {
        LOCAL.get_ptr_mut(0).map(Self)
    }

    /// Counts.
    #[inline(always)]
    pub(crate) fn count(self, counter: Counter) {
        // SAFETY: a live element of this processor, the index is below the number of counters. Where
        // programs can be preempted (PREEMPT_RT), another one's count may be lost.
        unsafe { *(&raw mut (*self.0).counters).cast::<u64>().add(counter as usize) += 1 }
    }

    /// A time that has been, by no more than one tick; by more only while nobody counts the ticks.
    #[inline(always)]
    pub(crate) fn now(self) -> u64 {
        let tick = clock::tick();
        // SAFETY: as above. The time is written before the tick that makes it valid.
        unsafe {
            if (*self.0).tick != tick {
                (&raw mut (*self.0).now).write_volatile(clock::precise());
                (&raw mut (*self.0).tick).write_volatile(tick);
            }
            (*self.0).now
        }
    }
}

/// Counts what is counted now and then.
#[inline(always)]
pub(crate) fn count(counter: Counter) {
    if let Some(local) = Local::this() {
        local.count(counter);
    }
}
