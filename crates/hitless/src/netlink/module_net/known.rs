//! What the data plane has been told, so that it is told each change once. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use hitless_model::{Mac, VlanId};

use crate::names::Names;
use crate::netlink::{Link, Neighbour};

/// Something that the data plane has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A neighbour's MAC became known, changed, or is not known any more.
    Neighbour {
        /// The interface.
        index: u32,
        /// Its address.
        address: IpAddr,
        /// Its MAC.
        mac: Option<Mac>,
    },
    /// A VLAN's interface came, went, or is another one: programs must be attached again.
    Interface {
        /// The VLAN.
        vlan: VlanId,
        /// The interface, if there is one.
        state: Option<InterfaceState>,
    },
}

/// An interface of the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceState {
    /// Its number.
    pub index: u32,
    /// Its MAC.
    pub mac: Mac,
}

/// Everything told so far.
#[derive(Debug, Default)]
pub(super) struct Known {
    neighbours: BTreeMap<(u32, IpAddr), Mac>,
    interfaces: BTreeMap<VlanId, InterfaceState>,
}

impl Known {
    /// Takes one event in.
    pub(super) fn neighbour(&mut self, found: &Neighbour, mac: Option<Mac>) -> Option<Change> {
        let key = (found.index, found.address);
        let before = match mac {
            Some(mac) => self.neighbours.insert(key, mac),
            None => self.neighbours.remove(&key),
        };
        let change = Change::Neighbour { index: found.index, address: found.address, mac };
        (before != mac).then_some(change)
    }

    /// Takes a whole dump of neighbours in.
    pub(super) fn all_neighbours(&mut self, found: &[Neighbour]) -> Vec<Change> {
        let mut changes = Vec::new();
        let there: BTreeSet<_> = found.iter().map(|one| (one.index, one.address)).collect();
        let gone: Vec<_> =
            self.neighbours.keys().copied().filter(|key| !there.contains(key)).collect();
        for (index, address) in gone {
            self.neighbours.remove(&(index, address));
            changes.push(Change::Neighbour { index, address, mac: None });
        }
        changes.extend(found.iter().filter_map(|one| self.neighbour(one, one.mac)));
        changes
    }

    /// Takes a whole dump of interfaces in, as far as they are those of `vlans`.
    pub(super) fn all_interfaces(
        &mut self,
        vlans: impl Iterator<Item = VlanId>,
        links: &[Link],
    ) -> Vec<Change> {
        let mut found = BTreeMap::new();
        for vlan in vlans {
            let name = Names::vlan(vlan);
            let link = links.iter().find(|link| link.name == name);
            if let Some((index, mac)) = link.and_then(|link| Some((link.index, link.mac?))) {
                found.insert(vlan, InterfaceState { index, mac });
            }
        }
        let before = std::mem::replace(&mut self.interfaces, found);
        let after = &self.interfaces;
        let gone = before.keys().filter(|vlan| !after.contains_key(vlan));
        let gone = gone.map(|&vlan| Change::Interface { vlan, state: None });
        let news = after.iter().filter(|(vlan, state)| before.get(vlan) != Some(state));
        let news = news.map(|(&vlan, &state)| Change::Interface { vlan, state: Some(state) });
        gone.chain(news).collect()
    }

    /// The interfaces that are there.
    pub(super) fn interfaces(&self) -> &BTreeMap<VlanId, InterfaceState> {
        &self.interfaces
    }
}
