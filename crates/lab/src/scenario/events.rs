//! One event: before, the event itself, and everything after it until every connection goes on.

use std::time::Duration;

use anyhow::Result;

use hitless_model::{Instant, Role};

use crate::arena::{Arena, LETTERS};
use crate::clock::{self, millis};
use crate::load::clients::Tally;
use crate::probe::Window;
use crate::sampler::{Seen, Transition};

/// After the last connection has gone on: a late echo of the event would show in this time.
const AFTERMATH: Duration = Duration::from_millis(400);

/// What was measured of an event.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// The probes around it.
    pub window: Window,
    /// The connections after it.
    pub tally: Tally,
    /// The longest exchange of any connection.
    pub longest_exchange: Duration,
    /// Who was active before.
    pub before: usize,
    /// Who was active after.
    pub after: usize,
    /// When it began.
    pub began: Instant,
    /// From then until the other one was active (or the returned one in step).
    pub took: Duration,
}

/// Measures around `event`.
pub fn measure(
    arena: &mut Arena,
    event: impl FnOnce(&mut Arena) -> Result<()>,
) -> Result<Measured> {
    let before = arena.active()?;
    arena.longest_exchange();
    let start = arena.position()?;
    let began = clock::now();
    event(arena)?;
    let done = clock::now();
    let tally = arena.settle(done)?;
    arena.interrupt.sleep(AFTERMATH)?;
    let end = arena.position()?;
    let window = arena.probes()?.window(start, end);
    let longest_exchange = arena.longest_exchange();
    let (after, took) = (arena.active()?, done.saturating_since(began));
    Ok(Measured { window, tally, longest_exchange, before, after, began, took })
}

/// `clear module csm N ft active` on the active one.
pub fn handover(arena: &mut Arena) -> Result<Measured> {
    arena.await_step()?;
    measure(arena, Arena::hand_over)
}

/// Power loss of the active one; what is left of it is removed when the survivor has taken over.
pub fn power_loss(arena: &mut Arena) -> Result<Measured> {
    arena.await_step()?;
    let mut lost = 0;
    let measured = measure(arena, |arena| {
        lost = arena.cut_power()?;
        Ok(())
    })?;
    arena.forget(lost)?;
    Ok(measured)
}

/// The one without power comes back, and is in step again.
pub fn back(arena: &mut Arena, lost: usize) -> Result<Measured> {
    measure(arena, |arena| {
        arena.power_on(lost)?;
        arena.await_step()
    })
}

/// "A → B".
pub fn who(measured: &Measured) -> String {
    format!("{} → {}", LETTERS[measured.before], LETTERS[measured.after])
}

/// What the role words showed of it, a line each, with the time since it began.
pub fn steps(arena: &Arena, measured: &Measured) -> Vec<String> {
    let line = |step: &Transition| {
        let after = millis(step.at.saturating_since(measured.began));
        format!("+{after:.0} ms: {} {}", LETTERS[step.chassis], meaning(step.seen))
    };
    arena.sampler().since(measured.began).iter().map(line).collect()
}

fn meaning(seen: Seen) -> &'static str {
    match seen {
        Seen::Nothing => "is gone",
        Seen::Acts(Role::Initializing) => "listens",
        Seen::Acts(Role::Standby) => "is standby",
        Seen::Acts(Role::Active) => "is active",
        Seen::Acts(Role::Draining) => "drains: forwards what it knows, takes nothing new",
        Seen::Fenced => "has no lease any more: its data plane is silent, whatever its daemon does",
    }
}
