//! Looks at the role words of both data planes a thousand times a second.
//!
//! That is the measure of *dual active*: instants at which both would forward and answer, that is,
//! both say active and both leases still run. A box that lost its power is looked at on: its role
//! word stays as it was, and its lease must be over before the other one takes over.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;
use hitless_model::{Instant, Role};
use hitless_plane::RoleHandle;

use crate::{clock, system};

const INTERVAL: Duration = Duration::from_millis(1);
/// Looks between two openings of the pins: a module that begins anew may make new ones.
const REOPEN: u64 = 10;

/// What a data plane acts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// There is none.
    Nothing,
    /// This role, with a lease if it needs one.
    Acts(Role),
    /// Active or draining by its word, but its lease is over: it acts as standby.
    Fenced,
}

/// A change that was seen.
#[derive(Clone, Copy, Debug)]
pub struct Transition {
    /// When.
    pub at: Instant,
    /// Which of the two.
    pub chassis: usize,
    /// What it acts by from then on.
    pub seen: Seen,
}

/// Where a role word is pinned, and the newest one found there: it is looked at on when the pin
/// is gone.
#[derive(Debug, Default)]
struct Watched {
    pins: PathBuf,
    handle: Option<RoleHandle>,
}

impl Watched {
    fn reopen(&mut self) {
        if let Ok(handle) = RoleHandle::open_pinned(&self.pins) {
            self.handle = Some(handle);
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    dual: AtomicU64,
    watched: [Mutex<Watched>; 2],
    history: Mutex<Vec<Transition>>,
}

/// The running sampler.
#[derive(Debug)]
pub struct Sampler {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Sampler {
    /// Starts looking; at nothing yet.
    pub fn start() -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("sampler".to_owned())
            .spawn(move || run(&for_thread))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// From now on looks at the role word in this folder of pins for that chassis.
    pub fn watch(&self, chassis: usize, pins: PathBuf) {
        let mut watched = lock(&self.shared.watched[chassis]);
        *watched = Watched { pins, handle: None };
        watched.reopen();
    }

    /// For others to look on, on other threads.
    pub fn onlooker(&self) -> Onlooker {
        Onlooker(Arc::clone(&self.shared))
    }

    /// Instants, a millisecond each, at which both were active.
    pub fn dual_active(&self) -> Duration {
        INTERVAL * u32::try_from(self.shared.dual.load(Ordering::Acquire)).unwrap_or(u32::MAX)
    }

    /// The changes seen in a time, oldest first.
    pub fn during(&self, time: Range<Instant>) -> Vec<Transition> {
        lock(&self.shared.history).iter().filter(|t| time.contains(&t.at)).copied().collect()
    }

    /// What each acts by now.
    pub fn now(&self) -> [Seen; 2] {
        let history = lock(&self.shared.history);
        [0, 1].map(|chassis| {
            let last = history.iter().rev().find(|t| t.chassis == chassis);
            last.map_or(Seen::Nothing, |t| t.seen)
        })
    }

    /// The one that is active, if it is one.
    pub fn active(&self) -> Option<usize> {
        let seen = self.now();
        let active = |chassis: &usize| seen[*chassis] == Seen::Acts(Role::Active);
        [0, 1].into_iter().find(active)
    }
}

/// Looks at the same role words.
#[derive(Clone, Debug)]
pub struct Onlooker(Arc<Shared>);

impl Onlooker {
    /// What each acts by at this instant, and what is left of its lease.
    pub fn look(&self) -> [(Seen, Duration); 2] {
        [0, 1].map(|chassis| {
            let watched = lock(&self.0.watched[chassis]);
            let word = watched.handle.as_ref().and_then(|handle| handle.read().ok());
            let Some(word) = word else { return (Seen::Nothing, Duration::ZERO) };
            let (until, now) = (Instant::from_nanos(word.lease_until), clock::now());
            (judge(word.role, until, now), until.saturating_since(now))
        })
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(shared: &Shared) {
    // Without the permission instants are missed, none is invented.
    let _ = system::become_realtime();
    let mut last = [Seen::Nothing; 2];
    let mut next = clock::now();
    let mut looks: u64 = 0;
    while !shared.stop.load(Ordering::Acquire) {
        // Of instants that were slept over nothing is known.
        next = (next + INTERVAL).max(clock::now());
        clock::sleep_until(next);
        looks += 1;
        if looks.is_multiple_of(REOPEN) {
            shared.watched.iter().for_each(|watched| lock(watched).reopen());
        }
        let seen = sample(&shared.watched);
        if seen == [Seen::Acts(Role::Active); 2] {
            shared.dual.fetch_add(1, Ordering::AcqRel);
        }
        let at = clock::now();
        for chassis in [0, 1] {
            if seen[chassis] != last[chassis] {
                let seen = seen[chassis];
                lock(&shared.history).push(Transition { at, chassis, seen });
            }
        }
        last = seen;
    }
}

/// Both at one instant: the first is looked at again after the second, so that a change in between
/// is not taken for two at once.
fn sample(watched: &[Mutex<Watched>; 2]) -> [Seen; 2] {
    loop {
        let first = look(&watched[0]);
        let second = look(&watched[1]);
        if look(&watched[0]) == first {
            return [first, second];
        }
    }
}

fn look(watched: &Mutex<Watched>) -> Seen {
    let watched = lock(watched);
    let Some(word) = watched.handle.as_ref().and_then(|handle| handle.read().ok()) else {
        return Seen::Nothing;
    };
    judge(word.role, Instant::from_nanos(word.lease_until), clock::now())
}

fn judge(role: u32, lease_until: Instant, now: Instant) -> Seen {
    let role = u8::try_from(role).ok().and_then(Role::from_number);
    match role {
        None => Seen::Nothing,
        Some(role) if role.forwards() && lease_until <= now => Seen::Fenced,
        Some(role) => Seen::Acts(role),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_without_its_lease_is_none() {
        let at = Instant::from_nanos;
        assert_eq!(judge(2, at(11), at(10)), Seen::Acts(Role::Active));
        assert_eq!(judge(2, at(10), at(10)), Seen::Fenced);
        assert_eq!(judge(3, at(9), at(10)), Seen::Fenced);
        assert_eq!(judge(1, at(0), at(10)), Seen::Acts(Role::Standby));
        assert_eq!(judge(77, at(0), at(10)), Seen::Nothing);
    }
}
