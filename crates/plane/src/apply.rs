//! Makes the maps equal to [`Desired`], level-triggered: read what is there, lay out what should be
//! there, write the difference.
//!
//! Order matters, because programs run meanwhile: what is referred to is written before what refers
//! to it (next hops, reals, schedules, virtual servers, floating addresses), and nothing is removed
//! before nothing refers to it any more. Reals, schedules and next hops that fell out of use stay
//! where they are until their room is needed: programs in flight and open connections still read them.

use std::collections::{BTreeMap, BTreeSet};

use hitless_model::abi;

use crate::desired::Desired;
use crate::error::Result;
use crate::kernel_map::{KernelMap, Plain};
use crate::layout::{Contents, lay_out};
use crate::maps::Maps;

/// How much an application changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Entries made or changed.
    pub written: usize,
    /// Entries removed.
    pub removed: usize,
}

/// Reads, lays out and writes; gives back what the maps hold now.
pub(crate) fn apply(maps: &Maps, desired: &Desired) -> Result<(Applied, Contents)> {
    let current = read(maps)?;
    let target = lay_out(&current, desired)?;
    let mut done = Applied::default();
    let schedules = |contents: &Contents| flat(&contents.schedules);
    done.written += write(&maps.next_hops, &current.next_hops, &target.next_hops)?;
    done.written += write(&maps.reals, &current.reals, &target.reals)?;
    done.written += write(&maps.schedule, &schedules(&current), &schedules(&target))?;
    done.written += write(&maps.ports, &current.ports, &target.ports)?;
    let stray = |contents: &Contents| marked(&contents.real_addresses);
    done.written += write(&maps.real_addresses, &stray(&current), &stray(&target))?;
    done.written += write(&maps.virtuals, &current.virtuals, &target.virtuals)?;
    done.written += write(&maps.floating, &current.floating, &target.floating)?;

    done.removed += remove(&maps.floating, &current.floating, &target.floating)?;
    done.removed += remove(&maps.virtuals, &current.virtuals, &target.virtuals)?;
    done.removed += remove(&maps.real_addresses, &stray(&current), &stray(&target))?;
    done.removed += remove(&maps.ports, &current.ports, &target.ports)?;
    Ok((done, target))
}

/// What the maps hold.
pub(crate) fn read(maps: &Maps) -> Result<Contents> {
    let virtuals: BTreeMap<_, _> = maps.virtuals.entries()?.into_iter().collect();
    let schedules = read_schedules(maps, &virtuals)?;
    let used: BTreeSet<u32> = schedules.values().flatten().copied().collect();
    Ok(Contents {
        ports: maps.ports.entries()?.into_iter().collect(),
        floating: maps.floating.entries()?.into_iter().collect(),
        reals: read_some(&maps.reals, used)?,
        virtuals,
        schedules,
        real_addresses: maps.real_addresses.entries()?.into_iter().map(|(key, _)| key).collect(),
        next_hops: read_next_hops(maps)?,
    })
}

/// They are given out in order and never taken back: the first that was never used ends them.
fn read_next_hops(maps: &Maps) -> Result<BTreeMap<u32, abi::NextHop>> {
    let mut used = BTreeMap::new();
    for index in 1..abi::MAX_NEXT_HOPS {
        match maps.next_hops.get(&index)? {
            Some(hop) if hop.ifindex != 0 => used.insert(index, hop),
            Some(_) | None => break,
        };
    }
    Ok(used)
}

fn read_schedules(
    maps: &Maps,
    virtuals: &BTreeMap<abi::VirtualKey, abi::VirtualServer>,
) -> Result<BTreeMap<u32, Vec<u32>>> {
    let mut schedules = BTreeMap::new();
    for entry in virtuals.values().filter(|entry| entry.schedule_len > 0) {
        let end = entry.schedule_start.saturating_add(entry.schedule_len).min(abi::MAX_SCHEDULE);
        if let std::collections::btree_map::Entry::Vacant(vacant) =
            schedules.entry(entry.schedule_start)
        {
            let order = read_some(&maps.schedule, entry.schedule_start..end)?;
            vacant.insert(order.into_values().collect());
        }
    }
    Ok(schedules)
}

fn read_some<V: Plain>(
    map: &KernelMap<u32, V>,
    indices: impl IntoIterator<Item = u32>,
) -> Result<BTreeMap<u32, V>> {
    let mut found = BTreeMap::new();
    for index in indices {
        if let Some(value) = map.get(&index)? {
            found.insert(index, value);
        }
    }
    Ok(found)
}

fn flat(schedules: &BTreeMap<u32, Vec<u32>>) -> BTreeMap<u32, u32> {
    schedules.iter().flat_map(|(start, order)| (*start..).zip(order.iter().copied())).collect()
}

fn marked(keys: &BTreeSet<abi::VirtualKey>) -> BTreeMap<abi::VirtualKey, u32> {
    keys.iter().map(|key| (*key, 1)).collect()
}

fn write<K: Plain + Ord, V: Plain + PartialEq>(
    map: &KernelMap<K, V>,
    current: &BTreeMap<K, V>,
    target: &BTreeMap<K, V>,
) -> Result<usize> {
    let mut written = 0;
    for (key, value) in target.iter().filter(|(key, value)| current.get(key) != Some(value)) {
        map.put(key, value)?;
        written += 1;
    }
    Ok(written)
}

fn remove<K: Plain + Ord, V: Plain>(
    map: &KernelMap<K, V>,
    current: &BTreeMap<K, V>,
    target: &BTreeMap<K, V>,
) -> Result<usize> {
    let mut removed = 0;
    for key in current.keys().filter(|key| !target.contains_key(key)) {
        removed += usize::from(map.remove(key)?);
    }
    Ok(removed)
}
