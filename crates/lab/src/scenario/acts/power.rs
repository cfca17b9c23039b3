//! Roles given away on purpose, and boxes without power.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::arena::Arena;
use crate::clock;
use crate::load::clients::{Fate, Pace};
use crate::scenario::fault::Struck;

/// Connections opened while the power fails: for so long before, and so many.
const OPENING: Duration = Duration::from_secs(2);
const YOUNG: usize = 3000;
/// What a young connection has to go on; TCP's own tries begin after milliseconds.
const YOUNG_PATIENCE: Duration = Duration::from_secs(5);
/// A connection of this age is with the peer.
const REPLICATED: Duration = Duration::from_millis(10);
const GLANCE: Duration = Duration::from_millis(10);

/// `clear module csm N ft active` on the active one.
pub(crate) fn hand_over(arena: &mut Arena, _: Struck) -> Result<()> {
    arena.pair.hand_over()
}

/// The active one loses its power.
pub(crate) fn fail(arena: &mut Arena, _: Struck) -> Result<()> {
    arena.pair.cut_power()
}

/// What the kernel of a machine without power would have forgotten is removed.
pub(crate) fn forget(arena: &mut Arena, struck: Struck) -> Result<()> {
    arena.pair.forget(struck.active)
}

/// The one without power starts from nothing.
pub(crate) fn come_back(arena: &mut Arena, struck: Struck) -> Result<()> {
    arena.pair.power_on(struck.active)?;
    arena.pair.await_step()
}

/// The preferred one is without power, whoever was active before.
pub(crate) fn fail_preferred(arena: &mut Arena, struck: Struck) -> Result<()> {
    arena.pair.await_active(0)?;
    arena.pair.cut_power()?;
    arena.interrupt.sleep(struck.lasts)?;
    arena.pair.forget(0)
}

/// The preferred one comes back and takes its role again.
pub(crate) fn prefer(arena: &mut Arena, _: Struck) -> Result<()> {
    arena.pair.power_on(0)?;
    arena.pair.await_active(0)?;
    arena.pair.await_step()
}

/// Connections begin to be opened without end.
pub(crate) fn begin_opening(arena: &mut Arena, _: Struck) -> Result<()> {
    let pace = Pace { openings: 1000, exchanges: 3000, is_measuring: true };
    arena.traffic.open_further(&arena.network, pace, YOUNG)?;
    arena.interrupt.sleep(OPENING)
}

/// The active one loses its power while they are opened; then they are counted by their age.
pub(crate) fn fail_among_young(arena: &mut Arena, _: Struck) -> Result<()> {
    // The loss lies between these two, and nearer to the first.
    let before = clock::now();
    arena.pair.cut_power()?;
    let start = std::time::Instant::now();
    let further = arena.traffic.further().context("no further connections")?;
    while further.waiting(before) > 0 && start.elapsed() < YOUNG_PATIENCE {
        arena.interrupt.sleep(GLANCE)?;
    }
    further.settle(before);
    let fates = further.fates();
    arena.traffic.close_further();
    let age = |fate: &Fate| {
        let established = fate.established.filter(|at| *at < before)?;
        Some((before.saturating_since(established), fate.is_broken))
    };
    let ages: Vec<_> = fates.iter().filter_map(age).collect();
    let broken = |is_old: bool| {
        ages.iter().filter(|(age, is_broken)| *is_broken && (*age >= REPLICATED) == is_old).count()
    };
    let (old, young) = (broken(true), broken(false));
    let findings = &mut arena.findings;
    findings.add("opened_before_the_loss", ages.len());
    findings.add("broken_younger_than_10_ms", young);
    findings.add("broken_10_ms_or_older", old);
    if old > 0 {
        findings.violated.push(format!("{old} connections of 10 ms or more broke"));
    }
    Ok(())
}
