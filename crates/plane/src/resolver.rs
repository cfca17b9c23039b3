//! From the names that the pair uses (addresses, VLAN numbers) to the numbers that this box's maps
//! use (indices, interface numbers). Replaced whole whenever a configuration is applied.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use hitless_model::VlanId;

use crate::desired::{Desired, Port};
use crate::endpoint::Endpoint;
use crate::layout::Contents;
use crate::sticky::Rules;

/// What has to be known of a virtual server to keep its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VirtualFacts {
    pub(crate) index: u32,
    pub(crate) replicate: bool,
    pub(crate) sticks: bool,
    pub(crate) idle: Duration,
    pub(crate) pending: Duration,
}

/// A next hop by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) index: u32,
    pub(crate) ifindex: u32,
    pub(crate) vlan: VlanId,
}

/// All look-ups by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resolver {
    virtual_servers: BTreeMap<Endpoint, VirtualFacts>,
    reals: BTreeMap<Ipv4Addr, Hop>,
    ports: BTreeMap<VlanId, Port>,
    gateways: BTreeMap<VlanId, Hop>,
    /// What holds for clients that stick.
    pub(crate) sticky: Rules,
    /// Neighbours of the configuration in force.
    pub(crate) next_hops: Vec<(Hop, Ipv4Addr)>,
    /// Indices of all neighbours in the map, also of those that only connections still use.
    pub(crate) by_neighbour: BTreeMap<(u32, Ipv4Addr), u32>,
}

impl Resolver {
    /// Look-ups for `desired` as it lies in the maps.
    pub(crate) fn new(desired: &Desired, contents: &Contents) -> Self {
        let by_neighbour: BTreeMap<_, _> = contents
            .next_hops
            .iter()
            .map(|(index, hop)| ((hop.ifindex, Ipv4Addr::from(hop.ip)), *index))
            .collect();
        let hop = |position: usize| -> Option<(Hop, Ipv4Addr)> {
            let wanted = desired.next_hops.get(position)?;
            let ifindex = desired.ports.get(&wanted.vlan)?.facts.ifindex;
            let index = *by_neighbour.get(&(ifindex, wanted.ip))?;
            Some((Hop { index, ifindex, vlan: wanted.vlan }, wanted.ip))
        };
        let reals = desired.reals.iter().filter_map(|real| Some((real.ip, hop(real.next_hop)?.0)));
        let gateways =
            desired.ports.iter().filter_map(|(vlan, port)| Some((*vlan, hop(port.gateway?)?.0)));
        let virtual_servers = desired.virtual_servers.iter().filter_map(|server| {
            let entry = contents.virtuals.get(&server.endpoint.key())?;
            let facts = VirtualFacts {
                index: entry.index,
                replicate: server.replicate,
                sticks: server.sticky.is_some(),
                idle: server.idle,
                pending: server.pending,
            };
            Some((server.endpoint, facts))
        });
        Self {
            virtual_servers: virtual_servers.collect(),
            reals: reals.collect(),
            ports: desired.ports.clone(),
            gateways: gateways.collect(),
            sticky: Rules::new(desired, &contents.virtuals),
            next_hops: (0..desired.next_hops.len()).filter_map(hop).collect(),
            by_neighbour,
        }
    }

    /// The virtual server on `endpoint`.
    pub(crate) fn virtual_server(&self, endpoint: Endpoint) -> Option<VirtualFacts> {
        self.virtual_servers.get(&endpoint).copied()
    }

    /// The way to a real.
    pub(crate) fn real(&self, ip: Ipv4Addr) -> Option<Hop> {
        self.reals.get(&ip).copied()
    }

    /// The way to a client on `vlan`: index 0 if it is on-link, or if no gateway leads on.
    pub(crate) fn client(&self, vlan: VlanId, ip: Ipv4Addr) -> Option<Hop> {
        let port = self.ports.get(&vlan)?;
        let direct = Hop { index: 0, ifindex: port.facts.ifindex, vlan };
        if port.address.is_some_and(|subnet| subnet.contains(ip)) {
            return Some(direct);
        }
        Some(self.gateways.get(&vlan).copied().unwrap_or(direct))
    }
}
