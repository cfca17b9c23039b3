//! One event: before, the event itself, and everything after it until every connection goes on.

use std::time::Duration;

use anyhow::Result;

use hitless_model::{Instant, Role};

use crate::arena::Arena;
use crate::clock::{self, millis};
use crate::load::clients::Tally;
use crate::pair::{Drops, LETTERS};
use crate::probe::Window;
use crate::sampler::{Seen, Transition};

/// After the last connection has gone on: a late echo of the event would show in this time.
const AFTERMATH: Duration = Duration::from_millis(400);

/// What was measured of an event.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The probes around it.
    pub window: Window,
    /// The connections after it.
    pub tally: Tally,
    /// Connections that broke meanwhile.
    pub broken: usize,
    /// Time in which both were active.
    pub dual_active: Duration,
    /// When others than the one that was active before became active.
    pub takeovers: Vec<Instant>,
    /// The longest exchange of any connection.
    pub longest_exchange: Duration,
    /// Who was active before.
    pub before: usize,
    /// Who was active after.
    pub after: usize,
    /// Packets that each data plane dropped meanwhile, by reason.
    pub drops: [Drops; 2],
    /// When it began.
    pub began: Instant,
    /// When everything about it was over.
    pub ended: Instant,
    /// From the beginning until the act was done.
    pub took: Duration,
}

impl Measured {
    /// From the beginning until another one was active; zero if none was.
    pub fn role_change(&self) -> Duration {
        self.takeovers.first().map_or(Duration::ZERO, |at| at.saturating_since(self.began))
    }

    /// How many probes were lost, and what is known of why: when, and what the data planes dropped.
    pub fn loss(&self) -> String {
        let since = |at: &Instant| millis(at.saturating_since(self.began));
        let first =
            self.window.outage_began.iter().map(|at| format!("most after {:.0} ms", since(at)));
        let change =
            self.takeovers.iter().map(|at| format!("role moved after {:.0} ms", since(at)));
        let drops = LETTERS.iter().zip(&self.drops).flat_map(|(letter, drops)| {
            drops.iter().map(move |(reason, count)| format!("{letter}: {reason} {count}"))
        });
        let details: Vec<String> = first.chain(change).chain(drops).collect();
        match details.as_slice() {
            [] => format!("{} probes were lost", self.window.lost),
            _ => format!("{} probes were lost ({})", self.window.lost, details.join(", ")),
        }
    }
}

/// Measures around `event`.
pub fn measure(
    arena: &mut Arena,
    event: impl FnOnce(&mut Arena) -> Result<()>,
) -> Result<Measured> {
    let before = arena.pair.active()?;
    let dropped = arena.pair.drops();
    let (broken, dual_active) = (arena.traffic.tally().broken, arena.pair.sampler().dual_active());
    arena.traffic.longest_exchange();
    let start = arena.traffic.position()?;
    let began = clock::now();
    event(arena)?;
    let done = clock::now();
    let tally = arena.traffic.settle(done, arena.plan.timers)?;
    arena.interrupt.sleep(AFTERMATH)?;
    let ended = clock::now();
    let window = arena.traffic.window_since(start)?;
    let longest_exchange = arena.traffic.longest_exchange();
    let (after, took) = (arena.pair.active()?, done.saturating_since(began));
    let drops = increments(&dropped, arena.pair.drops());
    let sampler = arena.pair.sampler();
    let takeovers = sampler.during(began..ended).into_iter().filter_map(|step| {
        (step.chassis != before && step.seen == Seen::Acts(Role::Active)).then_some(step.at)
    });
    Ok(Measured {
        window,
        tally,
        broken: tally.broken.saturating_sub(broken),
        dual_active: sampler.dual_active().saturating_sub(dual_active),
        takeovers: takeovers.collect(),
        longest_exchange,
        before,
        after,
        drops,
        began,
        ended,
        took,
    })
}

/// What has grown; a data plane that was not there before has counted from nothing.
fn increments(before: &[Drops; 2], after: [Drops; 2]) -> [Drops; 2] {
    let mut grown = after;
    for (now, before) in grown.iter_mut().zip(before) {
        for (name, value) in now.iter_mut() {
            *value = value.saturating_sub(before.get(name).copied().unwrap_or(0));
        }
        now.retain(|_, value| *value > 0);
    }
    grown
}

/// "A → B".
pub fn who(measured: &Measured) -> String {
    format!("{} → {}", LETTERS[measured.before], LETTERS[measured.after])
}

/// What the role words showed of it and when probes began to be lost, a line each, with the time
/// since it began.
pub fn steps(arena: &Arena, measured: &Measured) -> Vec<String> {
    let Measured { window, began, ended, .. } = measured;
    let role =
        |step: &Transition| (step.at, format!("{} {}", LETTERS[step.chassis], meaning(step.seen)));
    let mut steps: Vec<(Instant, String)> =
        arena.pair.sampler().during(*began..*ended).iter().map(role).collect();
    steps.extend(
        window.outage_began.map(|at| {
            (at, format!("probes begin to be lost, for {:.0} ms", millis(window.outage)))
        }),
    );
    steps.sort_by_key(|(at, _)| *at);
    let line = |(at, what): &(Instant, String)| {
        format!("+{:.0} ms: {what}", millis(at.saturating_since(*began)))
    };
    steps.iter().map(line).collect()
}

fn meaning(seen: Seen) -> &'static str {
    match seen {
        Seen::Nothing => "is gone",
        Seen::Acts(Role::Initializing) => "listens",
        Seen::Acts(Role::Standby) => "is standby",
        Seen::Acts(Role::Active) => "is active",
        Seen::Acts(Role::Draining) => "drains: answers no ARP, forwards what comes",
        Seen::Fenced => "has no lease any more: its data plane is silent, whatever its daemon does",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_grown_is_told() {
        let drops = |pairs: &[(&str, u64)]| -> Drops {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
        };
        let before = [drops(&[("a", 5), ("b", 1)]), Drops::new()];
        let after = [drops(&[("a", 7), ("b", 1)]), drops(&[("c", 3)])];
        assert_eq!(increments(&before, after), [drops(&[("a", 2)]), drops(&[("c", 3)])]);
    }
}
