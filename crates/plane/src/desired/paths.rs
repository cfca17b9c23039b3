//! Which way leads to an address: the module's subnets, routes and gateways.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use hitless_config::model::{Module, ModuleVlan, Side};
use hitless_model::VlanId;

use super::{NextHop, PortFacts};

/// The module's view of the network.
#[derive(Clone, Copy)]
pub(super) struct Paths<'a> {
    pub(super) module: &'a Module,
    pub(super) ports: &'a BTreeMap<VlanId, PortFacts>,
}

impl<'a> Paths<'a> {
    /// VLANs that have an interface.
    pub(super) fn vlans(self) -> impl Iterator<Item = (VlanId, &'a ModuleVlan, PortFacts)> {
        self.module
            .vlans
            .iter()
            .filter_map(move |(id, vlan)| Some((*id, vlan, *self.ports.get(id)?)))
    }

    /// The VLAN whose subnet holds `ip`: the longest mask, then the side asked for, then the lowest
    /// number (the two sides of a bridged pair have the same subnet).
    pub(super) fn on_link(self, ip: Ipv4Addr, side: Side) -> Option<NextHop> {
        self.vlans()
            .filter_map(|(id, vlan, _)| Some((id, vlan.side, vlan.address?)))
            .filter(|(_, _, subnet)| subnet.contains(ip))
            .max_by_key(|(id, its_side, subnet)| {
                (subnet.prefix, *its_side == side, std::cmp::Reverse(*id))
            })
            .map(|(vlan, _, _)| NextHop { vlan, ip })
    }

    /// The next hop towards `ip`: itself if on-link, else by the longest route, else by a gateway.
    pub(super) fn towards(self, ip: Ipv4Addr, side: Side) -> Option<NextHop> {
        self.on_link(ip, side).or_else(|| self.by_route(ip, side)).or_else(|| self.by_gateway(side))
    }

    fn by_route(self, ip: Ipv4Addr, side: Side) -> Option<NextHop> {
        let mut best: Option<(u8, NextHop)> = None;
        for route in self.vlans().flat_map(|(_, vlan, _)| &vlan.routes) {
            let Some(hop) = self.on_link(route.gateway, side) else { continue };
            let longer = best.is_none_or(|(prefix, _)| route.network.prefix > prefix);
            if route.network.contains(ip) && longer {
                best = Some((route.network.prefix, hop));
            }
        }
        best.map(|(_, hop)| hop)
    }

    fn by_gateway(self, side: Side) -> Option<NextHop> {
        let of_side = |wanted: bool| {
            self.vlans()
                .filter(move |(_, vlan, _)| (vlan.side == side) == wanted)
                .flat_map(|(_, vlan, _)| &vlan.gateways)
                .find_map(|gateway| self.on_link(*gateway, side))
        };
        of_side(true).or_else(|| of_side(false))
    }
}
