//! What should be true inside a module's namespace.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};

use hitless_config::model::{FtGroup, Module, Side, Subnet};
use hitless_model::{Mac, VlanId};

/// The network of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// Its interfaces: client, server and fault-tolerant VLANs.
    pub interfaces: BTreeMap<VlanId, Interface>,
    /// Its routes, the default one included.
    pub routes: BTreeSet<DesiredRoute>,
}

/// An interface of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// The module's own addresses; floating ones are the data plane's.
    pub addresses: BTreeSet<Subnet>,
    /// Gateways and reals on this segment, kept resolved.
    pub next_hops: BTreeSet<Ipv4Addr>,
    /// Link-local addresses of the peer, entered for good: a heartbeat never waits for discovery.
    pub peers: BTreeMap<Ipv6Addr, Mac>,
    /// A MAC that the interface has to receive for besides its own: a network card takes no other
    /// station's frames, where a port of a bridge is shown them all.
    pub receives: Option<Mac>,
}

/// A route of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DesiredRoute {
    /// Destination, host part zero.
    pub network: Subnet,
    /// Next hop.
    pub gateway: Ipv4Addr,
    /// VLAN that the next hop is on.
    pub vlan: VlanId,
}

impl Desired {
    /// What a module's configuration asks for; the peer comes later, by [`Desired::set_peer`].
    pub fn from_module(module: &Module) -> Self {
        let mut desired = Self::default();
        let ft = module.ft.as_ref().map(|ft| ft.vlan);
        for &vlan in module.vlans.keys().chain(&module.ft_vlans).chain(&ft) {
            desired.interfaces.entry(vlan).or_default();
        }
        for (vlan, settings) in &module.vlans {
            if let Some(interface) = desired.interfaces.get_mut(vlan) {
                interface.addresses.extend(settings.address);
                let virtual_mac = |ft: &FtGroup| Mac::virtual_for(ft.group, ft.vlan, *vlan);
                let group = module.ft.as_ref().filter(|_| settings.attach.is_some());
                interface.receives = group.map(virtual_mac);
            }
        }
        desired.add_routes(module);
        desired.add_next_hops(module);
        desired
    }

    /// Enters the peer's link-local address on a VLAN; says whether that was news.
    pub fn set_peer(&mut self, vlan: VlanId, mac: Mac) -> bool {
        let Some(interface) = self.interfaces.get_mut(&vlan) else { return false };
        let peers = BTreeMap::from([(Ipv6Addr::from(mac.link_local()), mac)]);
        let is_news = interface.peers != peers;
        interface.peers = peers;
        is_news
    }

    /// Takes over where the peer is.
    pub fn keep_peers_of(&mut self, before: &Self) {
        for (vlan, interface) in &mut self.interfaces {
            if let Some(known) = before.interfaces.get(vlan) {
                interface.peers.clone_from(&known.peers);
            }
        }
    }

    /// The VLAN whose subnet an address lies in.
    pub fn vlan_of(&self, address: Ipv4Addr) -> Option<VlanId> {
        self.interfaces.iter().find_map(|(vlan, interface)| {
            let is_here = interface.addresses.iter().any(|subnet| subnet.contains(address));
            is_here.then_some(*vlan)
        })
    }

    fn add_routes(&mut self, module: &Module) {
        // A client VLAN's gateway leads out; a server VLAN's only if there is no other.
        let gateways = |side| {
            let of_side = module.vlans.values().filter(move |vlan| vlan.side == side);
            of_side.flat_map(|vlan| vlan.gateways.iter().copied())
        };
        let first = gateways(Side::Client).chain(gateways(Side::Server)).next();
        let default = first.map(|gateway| (EVERYWHERE, gateway));
        let fixed = module.vlans.values().flat_map(|vlan| &vlan.routes);
        let fixed = fixed.map(|route| (network_of(route.network), route.gateway));
        for (network, gateway) in default.into_iter().chain(fixed) {
            if let Some(vlan) = self.vlan_of(gateway) {
                self.routes.insert(DesiredRoute { network, gateway, vlan });
            }
        }
    }

    fn add_next_hops(&mut self, module: &Module) {
        let vlans = module.vlans.values();
        let gateways = vlans.clone().flat_map(|vlan| vlan.gateways.iter().copied());
        let routers = vlans.flat_map(|vlan| vlan.routes.iter().map(|route| route.gateway));
        let farms = module.farms.values();
        let reals = farms.flat_map(|farm| farm.reals.iter().map(|real| real.address));
        for address in gateways.chain(routers).chain(reals) {
            // An address that lies on no segment is reached through a router.
            let vlan = self.vlan_of(address);
            if let Some(interface) = vlan.and_then(|vlan| self.interfaces.get_mut(&vlan)) {
                interface.next_hops.insert(address);
            }
        }
    }
}

const EVERYWHERE: Subnet = Subnet { address: Ipv4Addr::UNSPECIFIED, prefix: 0 };

fn network_of(subnet: Subnet) -> Subnet {
    let bits = u32::from(subnet.address) & u32::from(subnet.mask());
    Subnet { address: Ipv4Addr::from(bits), prefix: subnet.prefix }
}
