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
    done.written += write(&maps.next_hops, &current.next_hops, &target.next_hops)?;
    done.written += write_others(maps, &current, &target)?;
    done.removed += remove_all(maps, &current, &target)?;
    Ok((done, target))
}

/// Writes the difference between what was filled and what should be, without a look at the maps.
pub(crate) fn fill(maps: &Maps, filled: &Contents, target: &Contents) -> Result<Applied> {
    let mut done = Applied::default();
    done.written += write_next_hops(&maps.next_hops, filled, target)?;
    done.written += write_others(maps, filled, target)?;
    done.removed += remove_all(maps, filled, target)?;
    Ok(done)
}

fn write_others(maps: &Maps, current: &Contents, target: &Contents) -> Result<usize> {
    let stray = |contents: &Contents| marked(&contents.real_addresses);
    let mut written = 0;
    written += write(&maps.reals, &current.reals, &target.reals)?;
    written += write_schedules(&maps.schedule, current, target)?;
    written += write(&maps.ports, &current.ports, &target.ports)?;
    written += write_slots(&maps.port_slots, &current.port_slots, &target.port_slots)?;
    written += write(&maps.real_addresses, &stray(current), &stray(target))?;
    written += write(&maps.farm_reals, &current.farm_reals, &target.farm_reals)?;
    written += write(&maps.virtuals, &current.virtuals, &target.virtuals)?;
    written += write(&maps.floating, &current.floating, &target.floating)?;
    Ok(written)
}

fn remove_all(maps: &Maps, current: &Contents, target: &Contents) -> Result<usize> {
    let stray = |contents: &Contents| marked(&contents.real_addresses);
    let mut removed = 0;
    removed += remove(&maps.floating, &current.floating, &target.floating)?;
    removed += remove(&maps.virtuals, &current.virtuals, &target.virtuals)?;
    removed += remove(&maps.farm_reals, &current.farm_reals, &target.farm_reals)?;
    removed += remove(&maps.real_addresses, &stray(current), &stray(target))?;
    removed += empty_slots(&maps.port_slots, &current.port_slots, &target.port_slots)?;
    removed += remove(&maps.ports, &current.ports, &target.ports)?;
    Ok(removed)
}

/// What was filled does not have the MACs that were learned since: an entry is written only where its
/// neighbour is another one.
fn write_next_hops(
    map: &KernelMap<u32, abi::NextHop>,
    filled: &Contents,
    target: &Contents,
) -> Result<usize> {
    let place = |hop: &abi::NextHop| (hop.ifindex, hop.ip, hop.own_mac);
    let mut written = 0;
    for (index, hop) in &target.next_hops {
        let before = filled.next_hops.get(index);
        if before.is_some_and(|before| place(before) == place(hop)) {
            continue;
        }
        let is_same = before.is_some_and(|one| (one.ifindex, one.ip) == (hop.ifindex, hop.ip));
        let known = if is_same { map.get(index)? } else { None };
        let hop = known.map_or(*hop, |old| abi::NextHop { mac: old.mac, state: old.state, ..*hop });
        map.put(index, &hop)?;
        written += 1;
    }
    Ok(written)
}

/// An order that is in force already, in the same place, is not looked at entry by entry.
fn write_schedules(
    map: &KernelMap<u32, u32>,
    current: &Contents,
    target: &Contents,
) -> Result<usize> {
    let is_other = |(start, order): &(&u32, &Vec<u32>)| current.schedules.get(start) != Some(order);
    let changed = target.schedules.iter().filter(is_other);
    let changed: BTreeMap<u32, Vec<u32>> =
        changed.map(|(start, order)| (*start, order.clone())).collect();
    let before = changed.keys().filter_map(|start| {
        let order = current.schedules.get(start)?;
        Some((*start, order.clone()))
    });
    write(map, &flat(&before.collect()), &flat(&changed))
}

/// What the maps hold.
pub(crate) fn read(maps: &Maps) -> Result<Contents> {
    let virtuals: BTreeMap<_, _> = maps.virtuals.entries()?.into_iter().collect();
    let schedules = read_schedules(maps, &virtuals)?;
    let used: BTreeSet<u32> = schedules.values().flatten().copied().collect();
    Ok(Contents {
        ports: maps.ports.entries()?.into_iter().collect(),
        port_slots: read_slots(maps)?,
        floating: maps.floating.entries()?.into_iter().collect(),
        reals: read_some(&maps.reals, used)?,
        virtuals,
        schedules,
        farm_reals: maps.farm_reals.entries()?.into_iter().collect(),
        real_addresses: maps.real_addresses.entries()?.into_iter().map(|(key, _)| key).collect(),
        next_hops: read_next_hops(maps)?,
    })
}

fn read_slots(maps: &Maps) -> Result<BTreeMap<u32, abi::VlanPort>> {
    let slots = maps.port_slots.entries()?.into_iter();
    Ok(slots.filter(|(_, port)| port.ifindex != 0).collect())
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

/// An element of an array is written octet by octet while programs read it. So a slot is empty while its
/// contents change, and they look in the hash.
fn write_slots(
    map: &KernelMap<u32, abi::VlanPort>,
    current: &BTreeMap<u32, abi::VlanPort>,
    target: &BTreeMap<u32, abi::VlanPort>,
) -> Result<usize> {
    let mut written = 0;
    for (slot, port) in target.iter().filter(|(slot, port)| current.get(slot) != Some(port)) {
        let emptied = current.get(slot).map(|old| abi::VlanPort { ifindex: 0, ..*old });
        for value in emptied.iter().chain([&abi::VlanPort { ifindex: 0, ..*port }, port]) {
            map.put(slot, value)?;
        }
        written += 1;
    }
    Ok(written)
}

fn empty_slots(
    map: &KernelMap<u32, abi::VlanPort>,
    current: &BTreeMap<u32, abi::VlanPort>,
    target: &BTreeMap<u32, abi::VlanPort>,
) -> Result<usize> {
    let gone = current.iter().filter(|(slot, _)| !target.contains_key(slot));
    let mut emptied = 0;
    for (slot, port) in gone {
        map.put(slot, &abi::VlanPort { ifindex: 0, ..*port })?;
        emptied += 1;
    }
    Ok(emptied)
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
