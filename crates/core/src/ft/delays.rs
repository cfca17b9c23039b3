//! How late this box itself was: a lease cannot outlive a machine that stands still for longer.
//!
//! A virtual machine whose host gives it no processor, a kernel that does not let go of one, a process
//! that was stopped: all that the machine sees is that it was called later than it had asked for.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::node::Event;

/// Delays since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Delays {
    /// The longest one.
    pub(super) longest: Duration,
    /// How many took more than half a lease.
    pub(super) count: u64,
    /// The longest one that people were told of.
    told: Duration,
}

impl Delays {
    /// Takes one in. Those beyond half a lease are worth a word: the first, and each that is twice as
    /// long as the one told before.
    pub(super) fn note(&mut self, lateness: Duration, lease: Duration) -> Option<Event> {
        self.longest = self.longest.max(lateness);
        if lateness <= lease / 2 {
            return None;
        }
        self.count += 1;
        if lateness < self.told * 2 {
            return None;
        }
        self.told = lateness;
        Some(Event::Delayed { by: lateness, lease })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_delay_beyond_half_a_lease_is_told_once_and_again_when_it_has_doubled() {
        let mut delays = Delays::default();
        let mut told = |by| delays.note(ms(by), ms(26)).is_some();
        assert_eq!(
            [13, 14, 20, 28, 30, 55, 56].map(&mut told),
            [false, true, false, true, false, false, true]
        );
        assert_eq!((delays.longest, delays.count), (ms(56), 6));
    }
}
