//! What the core thread lets others see without being asked: that it turns, and how it began.
//!
//! A question to a core thread that stands still would never be answered; these words can always be
//! read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use hitless_model::{Instant, Role};

use super::clock;

#[derive(Debug, Default)]
struct Words {
    turned: AtomicU64,
    first_heartbeat: AtomicU64,
    role: AtomicU8,
}

/// Shared by the core thread, which writes it, and whoever looks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pulse(Arc<Words>);

impl Pulse {
    /// The thread turns.
    pub(super) fn turn(&self) {
        self.0.turned.store(clock::now().as_nanos(), Ordering::Relaxed);
    }

    /// A heartbeat was sent; the first one is remembered.
    pub(super) fn heartbeat(&self) {
        if self.0.first_heartbeat.load(Ordering::Relaxed) == 0 {
            self.0.first_heartbeat.store(clock::now().as_nanos(), Ordering::Relaxed);
        }
    }

    /// The gate was written.
    pub(super) fn role(&self, role: Role) {
        self.0.role.store(role as u8, Ordering::Relaxed);
    }

    /// How long ago the thread turned; `None` before it ever did.
    pub(crate) fn age(&self) -> Option<Duration> {
        let turned = self.0.turned.load(Ordering::Relaxed);
        (turned > 0).then(|| clock::now().saturating_since(Instant::from_nanos(turned)))
    }

    /// When the first heartbeat of this life was sent.
    pub(crate) fn first_heartbeat(&self) -> Option<Instant> {
        let sent = self.0.first_heartbeat.load(Ordering::Relaxed);
        (sent > 0).then(|| Instant::from_nanos(sent))
    }

    /// The role in the gate.
    pub(crate) fn role_now(&self) -> Option<Role> {
        Role::from_number(self.0.role.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_heartbeat_is_remembered_and_every_turn_is_seen() {
        let pulse = Pulse::default();
        assert_eq!((pulse.age(), pulse.first_heartbeat()), (None, None));
        pulse.heartbeat();
        let first = pulse.first_heartbeat();
        assert!(first.is_some());
        std::thread::sleep(Duration::from_millis(2));
        pulse.heartbeat();
        assert_eq!(pulse.first_heartbeat(), first);
        pulse.turn();
        assert!(pulse.age().is_some_and(|age| age < Duration::from_secs(5)));
    }
}
