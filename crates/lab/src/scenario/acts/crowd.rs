//! A crowd of connections, and what happens while they are told to a standby that has none of them.

use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use super::{links, processes};
use crate::arena::Arena;
use crate::clock::millis;
use crate::scenario::fault::Struck;
use crate::strain::Gathered;
use crate::strain::crowd::Checked;

/// Connections of the crowd opened a second: what two cores can do besides everything else.
const PACE: u32 = 20_000;
/// How long the boxes' own cost is watched before.
const IDLE: Duration = Duration::from_millis(500);
/// From the beginning of a dump until something happens to it.
const IN_THE_MIDDLE: Duration = Duration::from_millis(15);

/// The crowd gathers, unless it has; every connection of the sample must be alive.
pub(crate) fn gather(arena: &mut Arena, _: Struck) -> Result<()> {
    if arena.strain.crowd.is_none() {
        arena.strain.crowd = Some(Gathered::new(&arena.network)?);
        let count = arena.plan.crowd;
        arena.console.say(format!("a crowd of {count} connections gathers"));
        watched(arena, count, PACE)?;
    }
    let checked = crowd(arena)?.sample()?;
    tell(arena, "before", checked);
    let [a, b] = arena.pair.connections()?;
    arena.console.say(format!("entries in the tables: {a} and {b}"));
    Ok(())
}

/// Opens connections, and reckons what each cost either box.
fn watched(arena: &mut Arena, count: u32, pace: u32) -> Result<()> {
    let work = |arena: &Arena| arena.pair.work();
    let before = work(arena)?;
    arena.interrupt.sleep(IDLE)?;
    let idle = work(arena)?;
    let start = std::time::Instant::now();
    let interrupt = arena.interrupt.clone();
    let rate = crowd(arena)?.open(count, pace, || interrupt.check())?;
    arena.pair.await_step()?;
    let done = work(arena)?;
    let share = start.elapsed().as_secs_f64() / IDLE.as_secs_f64();
    let cost = |number: usize| {
        let idling = idle[number].since(before[number]).time.as_secs_f64();
        let time = done[number].since(idle[number]).time.as_secs_f64();
        (time - share * idling).max(0.0) * 1e6 / f64::from(count)
    };
    arena.findings.raise("cpu_us_per_flow", cost(0).max(cost(1)));
    arena.findings.raise("crowd_per_second", rate);
    Ok(())
}

/// Further connections are opened all the time.
pub(super) fn open_for(arena: &mut Arena, time: Duration) -> Result<()> {
    let count = u32::try_from(u128::from(PACE) * time.as_millis() / 1000)?;
    let interrupt = arena.interrupt.clone();
    let rate = crowd(arena)?.open(count, PACE, || interrupt.check())?;
    arena.findings.raise("crowd_per_second", rate);
    Ok(())
}

/// What the kernel of a machine without power would have forgotten is removed; the sample goes on.
pub(crate) fn verify_and_forget(arena: &mut Arena, struck: Struck) -> Result<()> {
    verify(arena, struck)?;
    arena.pair.forget(struck.active)
}

/// The sample goes on.
pub(crate) fn verify(arena: &mut Arena, _: Struck) -> Result<()> {
    let checked = crowd(arena)?.check()?;
    tell(arena, "after", checked);
    Ok(())
}

/// The one without power starts from nothing, and is told everything.
pub(crate) fn come_back(arena: &mut Arena, struck: Struck) -> Result<()> {
    let start = std::time::Instant::now();
    arena.pair.power_on(struck.active)?;
    arena.pair.await_step()?;
    arena.findings.raise("from_power_to_step_ms", millis(start.elapsed()));
    Ok(())
}

/// The crowd gathers, and the standby is stopped: it has nothing when it starts.
pub(crate) fn gather_and_empty(arena: &mut Arena, struck: Struck) -> Result<()> {
    gather(arena, struck)?;
    arena.pair.terminate(struck.standby())
}

/// The fault-tolerant VLAN is cut while the standby is told everything.
pub(crate) fn cut_in_bulk(arena: &mut Arena, struck: Struck) -> Result<()> {
    begin_bulk(arena, struck)?;
    links::cut_ft(arena, struck)
}

/// It is there again, and the standby is told the rest.
pub(crate) fn mend_in_bulk(arena: &mut Arena, struck: Struck) -> Result<()> {
    links::mend_ft(arena, struck)?;
    arena.pair.await_role(struck.standby())
}

/// The standby's module is killed while it is told everything, and starts anew.
pub(crate) fn restart_in_bulk(arena: &mut Arena, struck: Struck) -> Result<()> {
    begin_bulk(arena, struck)?;
    arena.pair.signal_module(struck.standby(), Signal::SIGKILL)?;
    arena.interrupt.sleep(struck.lasts)
}

/// The killed one is back, and is told everything.
pub(crate) fn await_restarted(arena: &mut Arena, struck: Struck) -> Result<()> {
    arena.pair.await_role(struck.standby())?;
    processes::await_pair(arena, struck)
}

/// The standby starts, and is in the middle of being told everything.
fn begin_bulk(arena: &mut Arena, struck: Struck) -> Result<()> {
    arena.pair.begin(struck.standby())?;
    arena.interrupt.sleep(IN_THE_MIDDLE)?;
    let [a, b] = arena.pair.connections_now();
    let (all, some) = if struck.active == 0 { (a, b) } else { (b, a) };
    if let (Some(all), Some(some)) = (all, some) {
        arena.findings.add("bulks_interrupted", usize::from(some < all));
    }
    Ok(())
}

pub(super) fn crowd(arena: &mut Arena) -> Result<&mut Gathered> {
    arena.strain.crowd.as_mut().context("no crowd has gathered")
}

/// Keeps figures, and complains.
pub(super) fn tell(arena: &mut Arena, when: &str, checked: Checked) {
    let Checked { asked, broken, resets } = checked;
    let opened = arena.strain.crowd.as_ref().map_or(0, Gathered::opened);
    let findings = &mut arena.findings;
    findings.raise("crowd_opened", f64::from(opened));
    findings.add(&format!("crowd_checked_{when}"), asked);
    findings.add(&format!("crowd_broken_{when}"), broken);
    findings.add("crowd_resets", resets);
    if broken > 0 {
        let what = format!("{broken} of {asked} connections of the crowd do not go on ({when})");
        findings.violated.push(what);
    }
    if resets > 0 {
        findings.violated.push(format!("{resets} connections of the crowd were reset ({when})"));
    }
}
