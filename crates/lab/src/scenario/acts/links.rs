//! Ways between the two that are cut, whole, in one direction, or again and again.

use std::time::Duration;

use anyhow::Result;

use super::processes::await_pair;
use crate::arena::Arena;
use crate::netlink::LinkState;
use crate::pair::Way;
use crate::scenario::fault::Struck;

/// A flapping link is down and up for so long.
const DOWN: Duration = Duration::from_millis(100);
const UP: Duration = Duration::from_millis(150);

/// The fault-tolerant VLAN carries nothing between the two; their other VLANs do.
pub(crate) fn cut_ft(arena: &mut Arena, struck: Struck) -> Result<()> {
    cut(arena, &[0, 1], &[Way::Ft])?;
    arena.interrupt.sleep(struck.lasts)
}

/// The fault-tolerant VLAN is there again.
pub(crate) fn mend_ft(arena: &mut Arena, struck: Struck) -> Result<()> {
    mend(arena, &[0, 1], &[Way::Ft])?;
    await_pair(arena, struck)
}

/// On no path does the standby hear the active one, which hears the standby on all.
pub(crate) fn mute_active(arena: &mut Arena, struck: Struck) -> Result<()> {
    cut(arena, &[struck.active], &Way::ALL)?;
    arena.pair.await_active(struck.standby())?;
    arena.interrupt.sleep(struck.lasts)
}

/// The standby hears it again.
pub(crate) fn unmute_active(arena: &mut Arena, struck: Struck) -> Result<()> {
    mend(arena, &[struck.active], &Way::ALL)?;
    await_pair(arena, struck)
}

/// On no path does the active one hear the standby, which hears the active one on all.
pub(crate) fn mute_standby(arena: &mut Arena, struck: Struck) -> Result<()> {
    cut(arena, &[struck.standby()], &Way::ALL)?;
    arena.interrupt.sleep(struck.lasts)
}

/// The active one hears it again.
pub(crate) fn unmute_standby(arena: &mut Arena, struck: Struck) -> Result<()> {
    mend(arena, &[struck.standby()], &Way::ALL)?;
    await_pair(arena, struck)
}

/// Nothing passes between the two, but clients and servers reach both.
pub(crate) fn isolate(arena: &mut Arena, struck: Struck) -> Result<()> {
    cut(arena, &[0, 1], &Way::ALL)?;
    arena.pair.await_both()?;
    arena.interrupt.sleep(struck.lasts)
}

/// Everything passes again; one yields.
pub(crate) fn join(arena: &mut Arena, struck: Struck) -> Result<()> {
    mend(arena, &[0, 1], &Way::ALL)?;
    await_pair(arena, struck)
}

/// The standby has neither its peer nor its gateway.
pub(crate) fn cut_off_standby(arena: &mut Arena, struck: Struck) -> Result<()> {
    cut_off(arena, struck.standby())?;
    arena.interrupt.sleep(struck.lasts)
}

/// The standby has both again.
pub(crate) fn reach_standby(arena: &mut Arena, struck: Struck) -> Result<()> {
    reach(arena, struck, struck.standby())
}

/// The active one has neither its peer nor its gateway.
pub(crate) fn cut_off_active(arena: &mut Arena, struck: Struck) -> Result<()> {
    cut_off(arena, struck.active)?;
    arena.pair.await_active(struck.standby())?;
    arena.interrupt.sleep(struck.lasts)
}

/// The active one of before has both again.
pub(crate) fn reach_active(arena: &mut Arena, struck: Struck) -> Result<()> {
    reach(arena, struck, struck.active)
}

fn cut_off(arena: &Arena, number: usize) -> Result<()> {
    arena.pair.set_cable(number, Way::Client, LinkState::Down)?;
    cut(arena, &[0, 1], &Way::ALL)
}

fn reach(arena: &mut Arena, struck: Struck, number: usize) -> Result<()> {
    mend(arena, &[0, 1], &Way::ALL)?;
    arena.pair.set_cable(number, Way::Client, LinkState::Up)?;
    await_pair(arena, struck)
}

/// The active one's cable to the clients' switch goes up and down.
pub(crate) fn flap_client(arena: &mut Arena, struck: Struck) -> Result<()> {
    flap(arena, struck, Way::Client)
}

/// The active one's cable to the fault-tolerant VLAN's switch goes up and down.
pub(crate) fn flap_ft(arena: &mut Arena, struck: Struck) -> Result<()> {
    flap(arena, struck, Way::Ft)
}

fn flap(arena: &mut Arena, struck: Struck, way: Way) -> Result<()> {
    let start = std::time::Instant::now();
    while start.elapsed() < struck.lasts {
        arena.pair.set_cable(struck.active, way, LinkState::Down)?;
        arena.interrupt.sleep(DOWN)?;
        arena.pair.set_cable(struck.active, way, LinkState::Up)?;
        arena.interrupt.sleep(UP)?;
    }
    await_pair(arena, struck)
}

fn cut(arena: &Arena, from: &[usize], ways: &[Way]) -> Result<()> {
    from.iter().try_for_each(|number| arena.pair.cut(*number, ways))
}

fn mend(arena: &Arena, from: &[usize], ways: &[Way]) -> Result<()> {
    from.iter().try_for_each(|number| arena.pair.mend(*number, ways))
}
