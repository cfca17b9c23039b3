//! Signs of life: of the modules and their keepers, and of the supervisor's own loop.
//!
//! Three watch each other. A *keeper* asks its module every second; a module that does not answer,
//! or whose core thread stands still, is killed and started again by it: nobody else may, for that
//! is the shortest pause. The *service manager* is fed only while the supervisor's loop turns and
//! every keeper looks after its module; if not, it ends the supervisor alone, and the next one adopts
//! the modules. The *lease* in the data plane needs neither: a box whose core thread stands still has
//! fallen silent long before anybody here has noticed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hitless_model::Role;
use tokio::time::interval;

/// How often one that is busy shows that it lives.
const BUSY: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Seen {
    at: Instant,
    role: Option<Role>,
}

/// The newest sign of life of one that must not stand still.
#[derive(Clone, Debug)]
pub(crate) struct Vitals(Arc<Mutex<Seen>>);

impl Default for Vitals {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Seen { at: Instant::now(), role: None })))
    }
}

impl Vitals {
    /// There is life now.
    pub(crate) fn stamp(&self) {
        self.seen().at = Instant::now();
    }

    /// There is life now, in this role.
    pub(crate) fn stamp_as(&self, role: Option<Role>) {
        *self.seen() = Seen { at: Instant::now(), role };
    }

    /// Does something that may take long, showing signs of life.
    pub(crate) async fn while_busy<T>(&self, work: impl Future<Output = T>) -> T {
        let mut tick = interval(BUSY);
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = tick.tick() => self.stamp(),
            }
        }
    }

    /// How long ago there was life.
    pub(crate) fn age(&self) -> Duration {
        self.seen().at.elapsed()
    }

    /// The role that it was in.
    pub(crate) fn role(&self) -> Option<Role> {
        self.seen().role
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
