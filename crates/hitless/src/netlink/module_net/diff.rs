//! The difference between what should be and what is, as operations. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hitless_config::model::Subnet;
use hitless_model::Mac;

use super::desired::{Desired, Interface};
use crate::names::Names;
use crate::netlink::{Address, Link, Neighbour, Route};

/// A dump of a module's namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actual {
    /// Interfaces.
    pub links: Vec<Link>,
    /// IPv4 addresses.
    pub addresses: Vec<Address>,
    /// IPv6 link-local addresses.
    pub link_locals: Vec<(u32, Ipv6Addr)>,
    /// Routes with our protocol number.
    pub routes: Vec<Route>,
    /// Neighbours.
    pub neighbours: Vec<Neighbour>,
}

/// One step from what is to what should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Switch an interface on.
    SetUp(u32),
    /// Remove an address.
    RemoveAddress(Address),
    /// Add an address.
    AddAddress(Address),
    /// Add the link-local address. The kernel makes it too, but only once, and some time after the
    /// interface was switched on.
    AddLinkLocal(u32, Ipv6Addr),
    /// Remove a route.
    RemoveRoute(Route),
    /// Put a route in the place of ours to the same destination.
    ReplaceRoute(Route),
    /// Add a route.
    AddRoute(Route),
    /// Forget a neighbour.
    RemoveNeighbour(u32, IpAddr),
    /// Enter a peer's MAC for good.
    SetPeer(u32, Ipv6Addr, Mac),
    /// Keep a next hop resolved.
    KeepResolved(u32, Ipv4Addr),
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let net = |subnet: &Subnet| format!("{}/{}", subnet.address, subnet.prefix);
        match self {
            Self::SetUp(index) => write!(f, "interface {index} switched on"),
            Self::RemoveAddress(address) => write!(f, "address {} removed", net(&address.subnet)),
            Self::AddAddress(address) => write!(f, "address {} added", net(&address.subnet)),
            Self::AddLinkLocal(_, address) => write!(f, "address {address} added"),
            Self::RemoveRoute(route) => write!(f, "route {} removed", net(&route.network)),
            Self::ReplaceRoute(route) | Self::AddRoute(route) => {
                write!(f, "route {} via {} set", net(&route.network), route.gateway)
            }
            Self::RemoveNeighbour(_, address) => write!(f, "neighbour {address} forgotten"),
            Self::SetPeer(_, address, mac) => write!(f, "peer {address} is at {mac}"),
            Self::KeepResolved(_, address) => write!(f, "next hop {address} kept resolved"),
        }
    }
}

/// What to do, in the order in which it can be done. VLANs without an interface are left out: their
/// interface is the supervisor's to make.
pub fn diff(desired: &Desired, actual: &Actual) -> Vec<Operation> {
    let mut operations: Vec<_> = actual
        .links
        .iter()
        .filter(|link| link.name == "lo" && !link.up)
        .map(|link| Operation::SetUp(link.index))
        .collect();
    for (&vlan, interface) in &desired.interfaces {
        let name = Names::vlan(vlan);
        if let Some(link) = actual.links.iter().find(|link| link.name == name) {
            links_and_addresses(link, interface, actual, &mut operations);
            neighbours(link.index, interface, actual, &mut operations);
        }
    }
    routes(desired, actual, &mut operations);
    // The order of the variants is the order of doing: a route needs its address first.
    operations.sort();
    operations
}

fn links_and_addresses(
    link: &Link,
    interface: &Interface,
    actual: &Actual,
    operations: &mut Vec<Operation>,
) {
    if !link.up {
        operations.push(Operation::SetUp(link.index));
    }
    let own = link.mac.map(|mac| (link.index, mac.link_local().into()));
    if let Some((index, address)) = own.filter(|own| !actual.link_locals.contains(own)) {
        operations.push(Operation::AddLinkLocal(index, address));
    }
    let wanted = interface.addresses.iter().map(|&subnet| Address { index: link.index, subnet });
    let wanted: BTreeSet<_> = wanted.collect();
    let found = actual.addresses.iter().filter(|address| address.index == link.index).copied();
    let found: BTreeSet<_> = found.collect();
    operations.extend(found.difference(&wanted).copied().map(Operation::RemoveAddress));
    operations.extend(wanted.difference(&found).copied().map(Operation::AddAddress));
}

fn neighbours(index: u32, interface: &Interface, actual: &Actual, operations: &mut Vec<Operation>) {
    let here = || actual.neighbours.iter().filter(|neighbour| neighbour.index == index);
    for neighbour in here() {
        let is_wanted = match neighbour.address {
            // One entered by hand would never be asked for again.
            IpAddr::V4(address) => interface.next_hops.contains(&address) && !neighbour.permanent,
            IpAddr::V6(address) => interface.peers.contains_key(&address),
        };
        if !is_wanted && (neighbour.managed || neighbour.permanent) {
            operations.push(Operation::RemoveNeighbour(index, neighbour.address));
        }
    }
    // There may be as many as reals.
    let known: BTreeMap<IpAddr, &Neighbour> = here().map(|one| (one.address, one)).collect();
    let find = |address: IpAddr| known.get(&address);
    for &address in &interface.next_hops {
        if find(address.into()).is_none_or(|neighbour| !neighbour.managed || neighbour.permanent) {
            operations.push(Operation::KeepResolved(index, address));
        }
    }
    for (&address, &mac) in &interface.peers {
        let is_set = |found: &Neighbour| found.permanent && found.mac == Some(mac);
        if !find(address.into()).is_some_and(|found| is_set(found)) {
            operations.push(Operation::SetPeer(index, address, mac));
        }
    }
}

fn routes(desired: &Desired, actual: &Actual, operations: &mut Vec<Operation>) {
    let mut wanted = BTreeSet::new();
    for route in &desired.routes {
        let name = Names::vlan(route.vlan);
        if let Some(link) = actual.links.iter().find(|link| link.name == name) {
            let (network, gateway) = (route.network, route.gateway);
            wanted.insert(Route { network, gateway, index: link.index });
        }
    }
    let found: BTreeSet<_> = actual.routes.iter().copied().collect();
    let is_kept = |route: &Route| wanted.iter().any(|other| other.network == route.network);
    for &route in found.difference(&wanted) {
        // One to a wanted destination goes by being replaced.
        if !is_kept(&route) || wanted_is_present(&wanted, &found, route) {
            operations.push(Operation::RemoveRoute(route));
        }
    }
    for &route in wanted.difference(&found) {
        let replaces = found.iter().any(|other| other.network == route.network);
        operations.push(if replaces {
            Operation::ReplaceRoute(route)
        } else {
            Operation::AddRoute(route)
        });
    }
}

/// Whether the wanted route to the same destination is there besides `extra`.
fn wanted_is_present(wanted: &BTreeSet<Route>, found: &BTreeSet<Route>, extra: Route) -> bool {
    wanted.iter().any(|route| route.network == extra.network && found.contains(route))
}
