//! A fault-tolerant VLAN that loses, lets overtake, or is slow, while a crowd is opened.

use anyhow::{Context, Result};

use super::crowd;
use super::processes::await_pair;
use crate::arena::Arena;
use crate::scenario::fault::Struck;
use crate::strain::Gathered;
use crate::strain::relay::{Relay, Weather};

/// Frames lost and overtaken, of a hundred.
const STORM: Weather = Weather { lost: 30, late: 20, speed: 0 };
/// Octets a second: a tenth of what the crowd needs.
const SLOW: Weather = Weather { lost: 0, late: 0, speed: 100_000 };

/// 30 frames of a hundred are lost, others come late.
pub(crate) fn storm(arena: &mut Arena, struck: Struck) -> Result<()> {
    under(arena, struck, STORM)
}

/// The link carries less than there is to tell.
pub(crate) fn slow(arena: &mut Arena, struck: Struck) -> Result<()> {
    under(arena, struck, SLOW)
}

fn under(arena: &mut Arena, struck: Struck, weather: Weather) -> Result<()> {
    if arena.strain.crowd.is_none() {
        arena.strain.crowd = Some(Gathered::new(&arena.network)?);
    }
    let before = relay(arena)?.passed();
    relay(arena)?.set(weather);
    let opened = crowd::open_for(arena, struck.lasts);
    let passed = relay(arena)?.passed();
    opened?;
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let findings = &mut arena.findings;
    findings.add("ft_frames", number(passed.came - before.came));
    findings.add("ft_frames_lost", number(passed.lost - before.lost));
    findings.add("ft_frames_overflown", number(passed.overflown - before.overflown));
    Ok(())
}

/// The weather is fair again: the two come to hold the same.
pub(crate) fn clear_up(arena: &mut Arena, struck: Struck) -> Result<()> {
    relay(arena)?.set(Weather::default());
    await_pair(arena, struck)?;
    let checked = crowd::crowd(arena)?.sample()?;
    crowd::tell(arena, "before", checked);
    Ok(())
}

fn relay(arena: &Arena) -> Result<&Relay> {
    arena.relay.as_ref().context("there is no relay")
}
