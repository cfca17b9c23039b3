//! Indices of next hops. Connections hold them, so an index is never given to another neighbour
//! while an unused one is left, and a neighbour whose interface was made anew keeps its index.

use std::collections::{BTreeMap, BTreeSet};

use hitless_model::abi::{self, NextHop};

use super::{ByPosition, Contents};
use crate::desired::Desired;
use crate::error::{Error, Result};

/// Index and entry of every next hop, by position in `desired`.
pub(super) fn assign(current: &Contents, desired: &Desired) -> Result<ByPosition<NextHop>> {
    let mut wanted = BTreeMap::new();
    for (position, hop) in desired.next_hops.iter().enumerate() {
        if let Some(port) = desired.ports.get(&hop.vlan) {
            let entry = NextHop {
                ifindex: port.facts.ifindex,
                ip: hop.ip.octets(),
                own_mac: port.facts.mac.0,
                ..NextHop::default()
            };
            wanted.insert(position, entry);
        }
    }
    let known: BTreeMap<(u32, [u8; 4]), u32> =
        current.next_hops.iter().map(|(index, hop)| ((hop.ifindex, hop.ip), *index)).collect();
    let mut assigned = BTreeMap::new();
    for (position, entry) in &wanted {
        if let Some(index) = known.get(&(entry.ifindex, entry.ip)) {
            assigned.insert(*position, (*index, with_mac_of(*entry, &current.next_hops[index])));
        }
    }
    give_rest(current, desired, &wanted, &mut assigned)?;
    Ok(assigned)
}

fn with_mac_of(entry: NextHop, old: &NextHop) -> NextHop {
    NextHop { mac: old.mac, state: old.state, ..entry }
}

fn give_rest(
    current: &Contents,
    desired: &Desired,
    wanted: &BTreeMap<usize, NextHop>,
    assigned: &mut ByPosition<NextHop>,
) -> Result<()> {
    let claimed: BTreeSet<u32> = assigned.values().map(|(index, _)| *index).collect();
    let interfaces: BTreeSet<u32> = desired.ports.values().map(|port| port.facts.ifindex).collect();
    let mut orphans: BTreeMap<[u8; 4], u32> = current
        .next_hops
        .iter()
        .filter(|(_, hop)| !interfaces.contains(&hop.ifindex))
        .map(|(index, hop)| (hop.ip, *index))
        .collect();
    let never_used = (1..abi::MAX_NEXT_HOPS).filter(|i| !current.next_hops.contains_key(i));
    let retired = current.next_hops.keys().copied().filter(|i| !claimed.contains(i));
    let mut free = never_used.chain(retired);
    let mut given = BTreeSet::new();
    for (position, entry) in wanted {
        if assigned.contains_key(position) {
            continue;
        }
        let index = orphans
            .remove(&entry.ip)
            .or_else(|| free.find(|index| !given.contains(index)))
            .ok_or(Error::NoRoom { map: abi::map::NEXT_HOPS, limit: abi::MAX_NEXT_HOPS - 1 })?;
        given.insert(index);
        assigned.insert(*position, (index, *entry));
    }
    Ok(())
}
