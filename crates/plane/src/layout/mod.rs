//! Which index every entry gets: from what the maps hold and what they should hold, the contents to
//! write. Pure.
//!
//! Open connections keep indices of next hops, and running programs are in the middle of a look-up.
//! So an entry that is there already keeps its index, a new one takes an index that nothing uses,
//! and a farm whose order changed gets a fresh extent of the schedule.

mod extents;
mod hops;
mod sticky;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use hitless_config::model::Side;
use hitless_model::VlanId;
use hitless_model::abi::{self, FarmRealKey, Floating, FloatingKey, VirtualKey, VlanPort};

use crate::desired::{Desired, FloatingKind, Port};
use crate::error::{Error, Result};
use crate::pins::REAL_ENTRIES;
use extents::Extents;

/// Contents of the maps that come from the configuration, as far as they are in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) ports: BTreeMap<u32, VlanPort>,
    /// Copies of them where programs look first.
    pub(crate) port_slots: BTreeMap<u32, VlanPort>,
    pub(crate) floating: BTreeMap<FloatingKey, Floating>,
    pub(crate) virtuals: BTreeMap<VirtualKey, abi::VirtualServer>,
    /// By first entry; exactly the extents that `virtuals` refers to.
    pub(crate) schedules: BTreeMap<u32, Vec<u32>>,
    /// Exactly those that `schedules` refers to.
    pub(crate) reals: BTreeMap<u32, abi::Real>,
    /// Indices of reals that take connections, of farms that clients stick to.
    pub(crate) farm_reals: BTreeMap<FarmRealKey, u32>,
    pub(crate) real_addresses: BTreeSet<VirtualKey>,
    /// All that were ever given out: connections may still use them.
    pub(crate) next_hops: BTreeMap<u32, abi::NextHop>,
}

/// The contents that `desired` asks for, given what is there.
pub(crate) fn lay_out(current: &Contents, desired: &Desired) -> Result<Contents> {
    let hops = hops::assign(current, desired)?;
    let mut next_hops = current.next_hops.clone();
    next_hops.extend(hops.values().map(|(index, hop)| (*index, *hop)));
    let index_of_hop = |position: usize| hops.get(&position).map_or(0, |(index, _)| *index);
    let reals = assign_reals(current, desired, index_of_hop)?;
    let schedules = assign_schedules(current, desired, &reals)?;
    let turns = assign_turns(current, desired)?;
    let virtuals = assign_virtuals(current, desired, &schedules, &turns)?;
    let ports: BTreeMap<u32, VlanPort> = desired
        .ports
        .iter()
        .map(|(vlan, port)| {
            let entry = entry_of_port(vlan.get(), port, index_of_hop);
            let has_reals = u8::from(has_reals(*vlan, current, desired));
            (port.facts.ifindex, VlanPort { has_reals, ..entry })
        })
        .collect();
    Ok(Contents {
        port_slots: slots(&ports),
        ports,
        floating: desired.floating.iter().map(entry_of_floating).collect(),
        virtuals,
        farm_reals: sticky::farm_reals(desired, &reals, &turns),
        schedules: schedules.into_values().filter(|(_, order)| !order.is_empty()).collect(),
        reals: reals.into_values().collect(),
        real_addresses: desired.real_addresses.iter().map(|endpoint| endpoint.key()).collect(),
        next_hops,
    })
}

fn entry_of_port(vlan: u16, port: &Port, hop: impl Fn(usize) -> u32) -> VlanPort {
    VlanPort {
        vlan,
        ifindex: port.facts.ifindex,
        kind: match port.side {
            Side::Client => abi::KIND_CLIENT,
            Side::Server => abi::KIND_SERVER,
        },
        has_reals: 0,
        own_mac: port.facts.mac.0,
        virtual_mac: port.virtual_mac.0,
        ip: port.address.map_or([0; 4], |subnet| subnet.address.octets()),
        mask: port.address.map_or([0; 4], |subnet| subnet.mask().octets()),
        gateway_next_hop: port.gateway.map_or(0, hop),
    }
}

/// Whether reals are on a VLAN, or have been: connections to them may still be open.
fn has_reals(vlan: VlanId, current: &Contents, desired: &Desired) -> bool {
    desired.reals.iter().any(|real| real.vlan == vlan)
        || current.ports.values().any(|port| port.vlan == vlan.get() && port.has_reals != 0)
}

/// A slot for every port; of two that meet in one, the smaller number has it.
fn slots(ports: &BTreeMap<u32, VlanPort>) -> BTreeMap<u32, VlanPort> {
    ports.iter().rev().map(|(ifindex, port)| (abi::slot_of(*ifindex), *port)).collect()
}

fn entry_of_floating(
    ((ip, vlan), kind): (&(std::net::Ipv4Addr, Option<hitless_model::VlanId>), &FloatingKind),
) -> (FloatingKey, Floating) {
    let kind = match kind {
        FloatingKind::Alias => abi::FLOATING_ALIAS,
        FloatingKind::Virtual => abi::FLOATING_VIRTUAL,
    };
    let vlan = vlan.map_or(0, hitless_model::VlanId::get);
    (FloatingKey { ip: ip.octets(), vlan, reserved: 0 }, Floating { kind })
}

/// Positions of farms that a virtual server sends connections to.
fn used_farms(desired: &Desired) -> BTreeSet<usize> {
    desired.virtual_servers.iter().filter_map(|server| server.farm).collect()
}

type ByPosition<T> = BTreeMap<usize, (u32, T)>;

fn assign_reals(
    current: &Contents,
    desired: &Desired,
    index_of_hop: impl Fn(usize) -> u32,
) -> Result<ByPosition<abi::Real>> {
    let known: BTreeMap<abi::Real, u32> =
        current.reals.iter().map(|(index, real)| (*real, *index)).collect();
    let mut free = (0..REAL_ENTRIES).filter(|index| !current.reals.contains_key(index));
    let scheduled: BTreeSet<usize> = used_farms(desired)
        .into_iter()
        .filter_map(|farm| desired.farms.get(farm))
        .flat_map(|farm| farm.schedule.iter().copied())
        .collect();
    let mut assigned = BTreeMap::new();
    for position in scheduled {
        let Some(real) = desired.reals.get(position) else { continue };
        let entry = abi::Real {
            ip: real.ip.octets(),
            port: real.port.map_or([0; 2], u16::to_be_bytes),
            vlan: real.vlan.get(),
            next_hop: index_of_hop(real.next_hop),
            reserved: 0,
        };
        let index = known.get(&entry).copied().or_else(|| free.next());
        let index = index.ok_or(Error::NoRoom { map: abi::map::REALS, limit: REAL_ENTRIES })?;
        assigned.insert(position, (index, entry));
    }
    Ok(assigned)
}

/// First entry and order of every farm in use.
fn assign_schedules(
    current: &Contents,
    desired: &Desired,
    reals: &ByPosition<abi::Real>,
) -> Result<BTreeMap<usize, (u32, Vec<u32>)>> {
    let mut extents = Extents::new(&current.schedules);
    let mut assigned = BTreeMap::new();
    for farm in used_farms(desired) {
        let schedule = desired.farms.get(farm).map_or(&[][..], |farm| &farm.schedule);
        let order: Vec<u32> =
            schedule.iter().filter_map(|real| reals.get(real)).map(|(index, _)| *index).collect();
        let start = extents
            .place(&order)
            .ok_or(Error::NoRoom { map: abi::map::SCHEDULE, limit: abi::MAX_SCHEDULE / 2 })?;
        assigned.insert(farm, (start, order));
    }
    Ok(assigned)
}

fn assign_virtuals(
    current: &Contents,
    desired: &Desired,
    schedules: &BTreeMap<usize, (u32, Vec<u32>)>,
    turns: &BTreeMap<usize, u32>,
) -> Result<BTreeMap<VirtualKey, abi::VirtualServer>> {
    let taken: BTreeSet<u32> = current.virtuals.values().map(|entry| entry.index).collect();
    let mut free = (0..2 * abi::MAX_VIRTUAL).filter(|index| !taken.contains(index));
    let mut assigned = BTreeMap::new();
    for server in &desired.virtual_servers {
        let key = server.endpoint.key();
        let index = current.virtuals.get(&key).map(|entry| entry.index).or_else(|| free.next());
        let index =
            index.ok_or(Error::NoRoom { map: abi::map::VIRTUAL, limit: abi::MAX_VIRTUAL })?;
        let schedule = server.farm.and_then(|farm| schedules.get(&farm));
        let (schedule_start, schedule_len) = match schedule {
            Some((start, order)) if !order.is_empty() => (*start, length(order)),
            Some(_) | None => (0, 0),
        };
        let entry = abi::VirtualServer {
            index,
            flags: if server.in_service { abi::VS_IN_SERVICE } else { 0 }
                | if server.replicate { abi::VS_REPLICATE } else { 0 }
                | server.sticky.map_or(0, |sticky| sticky::flags(&sticky)),
            sticky_group: sticky::group(server),
            reserved: 0,
            schedule_start,
            schedule_len,
            farm: server.farm.and_then(|farm| turns.get(&farm).copied()).unwrap_or(0),
            sticky_mask: sticky::mask(server),
            pending_ns: u64::try_from(server.pending.as_nanos()).unwrap_or(u64::MAX),
        };
        assigned.insert(key, entry);
    }
    Ok(assigned)
}

/// Entry of `TURN` of every farm in use: the one that a virtual server of the farm has, so that its
/// turn goes on where it stood.
fn assign_turns(current: &Contents, desired: &Desired) -> Result<BTreeMap<usize, u32>> {
    let mut taken = BTreeSet::new();
    let mut assigned = BTreeMap::new();
    for server in &desired.virtual_servers {
        let Some(farm) = server.farm else { continue };
        let Some(entry) = current.virtuals.get(&server.endpoint.key()) else { continue };
        if !assigned.contains_key(&farm) && taken.insert(entry.farm) {
            assigned.insert(farm, entry.farm);
        }
    }
    let mut free = (0..abi::MAX_FARMS).filter(|turn| !taken.contains(turn));
    for farm in used_farms(desired) {
        if let std::collections::btree_map::Entry::Vacant(vacant) = assigned.entry(farm) {
            let turn = free.next();
            vacant
                .insert(turn.ok_or(Error::NoRoom { map: abi::map::TURN, limit: abi::MAX_FARMS })?);
        }
    }
    Ok(assigned)
}

fn length(order: &[u32]) -> u32 {
    u32::try_from(order.len()).unwrap_or(u32::MAX)
}
