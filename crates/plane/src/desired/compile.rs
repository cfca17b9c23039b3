//! From the typed configuration to [`Desired`], in a deterministic order: VLANs by number, farms and
//! virtual servers by name, reals as configured.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use hitless_config::model::{self as config, Module, Name, Side};
use hitless_model::{Mac, VlanId, abi};

use super::paths::Paths;
use super::sticky;
use super::{
    Desired, Farm, FloatingKind, NextHop, Port, PortFacts, Real, Sticky, Unsupported, VirtualServer,
};
use crate::endpoint::Endpoint;

/// Schedule entries that all farms together may need: half of the map, so that a farm's new order
/// can be written while its old one is in force.
const SCHEDULE_LIMIT: usize = abi::MAX_SCHEDULE as usize / 2;

/// What the data plane should hold for `module`, whose VLANs have the interfaces `ports`.
pub fn desired(module: &Module, ports: &BTreeMap<VlanId, PortFacts>) -> Desired {
    let mut compiler = Compiler {
        paths: Paths { module, ports },
        out: Desired::default(),
        hops: BTreeMap::new(),
        reals: BTreeMap::new(),
        farms: BTreeMap::new(),
    };
    compiler.ports();
    compiler.aliases();
    compiler.farms();
    compiler.virtual_servers();
    compiler.limits();
    compiler.out
}

struct Compiler<'a> {
    paths: Paths<'a>,
    out: Desired,
    hops: BTreeMap<NextHop, usize>,
    reals: BTreeMap<Real, usize>,
    farms: BTreeMap<&'a Name, usize>,
}

impl Compiler<'_> {
    fn next_hop(&mut self, hop: NextHop) -> usize {
        *self.hops.entry(hop).or_insert_with(|| {
            self.out.next_hops.push(hop);
            self.out.next_hops.len() - 1
        })
    }

    fn ports(&mut self) {
        let paths = self.paths;
        for id in paths.module.vlans.keys().filter(|id| !paths.ports.contains_key(id)) {
            self.out.unsupported.push(Unsupported::NoInterface(*id));
        }
        for (id, vlan, facts) in paths.vlans() {
            let gateways: Vec<usize> = vlan
                .gateways
                .iter()
                .filter_map(|gateway| self.gateway(id, *gateway, vlan.side))
                .collect();
            let port = Port {
                facts,
                side: vlan.side,
                address: vlan.address,
                virtual_mac: virtual_mac(paths.module, id, facts),
                gateway: gateways.first().copied(),
            };
            self.out.ports.insert(id, port);
        }
        for (id, vlan, _) in paths.vlans() {
            for route in &vlan.routes {
                self.gateway(id, route.gateway, vlan.side);
            }
        }
    }

    fn gateway(&mut self, vlan: VlanId, gateway: Ipv4Addr, side: Side) -> Option<usize> {
        let hop = self.paths.on_link(gateway, side);
        if hop.is_none() {
            self.out.unsupported.push(Unsupported::StrayGateway { vlan, gateway });
        }
        hop.map(|hop| self.next_hop(hop))
    }

    fn aliases(&mut self) {
        for (id, vlan, _) in self.paths.vlans() {
            for alias in &vlan.aliases {
                for on in [Some(id), None] {
                    self.out.floating.insert((alias.address, on), FloatingKind::Alias);
                }
            }
        }
    }

    /// Every farm, used or not: the standby has to know the reals of connections that outlive a
    /// change of farms, and their neighbours are kept.
    fn farms(&mut self) {
        for (name, farm) in &self.paths.module.farms {
            if !farm.nat_server {
                self.out.unsupported.push(Unsupported::NoTranslation(name.clone()));
                continue;
            }
            let schedule = self.schedule(name, farm);
            let by_address = sticky::by_address(farm, &schedule, &self.out.reals);
            self.farms.insert(name, self.out.farms.len());
            self.out.farms.push(Farm { name: name.clone(), schedule, by_address });
        }
    }

    /// Weight n gives n consecutive places; weight 0 and out of service give none.
    fn schedule(&mut self, name: &Name, farm: &config::ServerFarm) -> Vec<usize> {
        let mut schedule = Vec::new();
        for real in &farm.reals {
            let Some(hop) = self.paths.towards(real.address, Side::Server) else {
                let farm = name.clone();
                self.out.unsupported.push(Unsupported::NoWay { farm, real: real.address });
                continue;
            };
            let next_hop = self.next_hop(hop);
            let real_entry = Real { ip: real.address, port: real.port, vlan: hop.vlan, next_hop };
            let weight = if real.in_service.is_yes() { usize::from(real.weight) } else { 0 };
            let position = self.real(real_entry);
            schedule.extend(std::iter::repeat_n(position, weight));
        }
        schedule
    }

    fn real(&mut self, real: Real) -> usize {
        *self.reals.entry(real).or_insert_with(|| {
            self.out.reals.push(real);
            self.out.reals.len() - 1
        })
    }

    fn virtual_servers(&mut self) {
        let mut taken: BTreeMap<Endpoint, &Name> = BTreeMap::new();
        for (name, server) in &self.paths.module.virtual_servers {
            let Some(listens) = server.listens else { continue };
            if listens.address.prefix < 32 {
                self.out.unsupported.push(Unsupported::VirtualNetwork(name.clone()));
                continue;
            }
            self.float(listens.address.address);
            if listens.port == 0 {
                self.out.unsupported.push(Unsupported::AnyPort(name.clone()));
                continue;
            }
            let Some(protocol) = listens.protocol.transport() else {
                self.out.unsupported.push(Unsupported::OtherProtocol(name.clone()));
                continue;
            };
            let endpoint = Endpoint::new(listens.address.address, listens.port, protocol);
            let first = *taken.entry(endpoint).or_insert(name);
            if first != name {
                let (first, second) = (first.clone(), name.clone());
                self.out.unsupported.push(Unsupported::SameEndpoint { first, second, endpoint });
                continue;
            }
            self.virtual_server(name, server, endpoint);
        }
    }

    fn float(&mut self, ip: Ipv4Addr) {
        let subnets = self.paths.vlans().filter_map(|(id, vlan, _)| Some((id, vlan.address?)));
        for (id, subnet) in subnets {
            if subnet.contains(ip) {
                self.out.floating.insert((ip, Some(id)), FloatingKind::Virtual);
            }
        }
        self.out.floating.insert((ip, None), FloatingKind::Virtual);
    }

    fn virtual_server(&mut self, name: &Name, server: &config::VirtualServer, endpoint: Endpoint) {
        let farm = server.farm.as_ref().and_then(|farm| self.farms.get(farm).copied());
        if let Some(named) = server.farm.as_ref()
            && let Some(configured) = self.paths.module.farms.get(named)
        {
            self.real_addresses(configured, endpoint);
        } else if let Some(missing) = server.farm.clone() {
            let vserver = name.clone();
            self.out.unsupported.push(Unsupported::NoFarm { vserver, farm: missing });
        }
        let sticky = self.sticky(name, server);
        self.out.virtual_servers.push(VirtualServer {
            name: name.clone(),
            endpoint,
            in_service: server.in_service.is_yes() && farm.is_some(),
            replicate: server.replicate_connections,
            farm,
            idle: server.idle,
            pending: server.pending,
            sticky,
        });
    }

    fn sticky(&mut self, name: &Name, server: &config::VirtualServer) -> Option<Sticky> {
        sticky::of(self.paths.module, server).unwrap_or_else(|group| {
            self.out.unsupported.push(Unsupported::StickyContent { vserver: name.clone(), group });
            None
        })
    }

    /// Also of reals that are out of service: their last segments are the ones that stray.
    fn real_addresses(&mut self, farm: &config::ServerFarm, endpoint: Endpoint) {
        for real in farm.reals.iter().filter(|_| farm.nat_server) {
            let port = real.port.unwrap_or(endpoint.socket.port());
            let stray = Endpoint::new(real.address, port, endpoint.protocol);
            self.out.real_addresses.insert(stray);
        }
    }

    fn limits(&mut self) {
        let wanted: usize = self.out.farms.iter().map(|farm| farm.schedule.len()).sum();
        for (what, limit, found) in [
            ("VLANs", abi::MAX_PORTS as usize, self.out.ports.len()),
            ("floating addresses", abi::MAX_FLOATING as usize, self.out.floating.len()),
            ("virtual servers", abi::MAX_VIRTUAL as usize, self.out.virtual_servers.len()),
            ("server farms", abi::MAX_FARMS as usize, self.out.farms.len()),
            ("reals", abi::MAX_REALS as usize, self.out.reals.len()),
            ("next hops", abi::MAX_NEXT_HOPS as usize - 1, self.out.next_hops.len()),
            ("reals times weight", SCHEDULE_LIMIT, wanted),
        ] {
            if found > limit {
                let limit = u32::try_from(limit).unwrap_or(u32::MAX);
                self.out.unsupported.push(Unsupported::TooMany { what, limit, found });
            }
        }
    }
}

/// MAC of the floating addresses on a VLAN: the pair's, or the interface's own without a pair.
fn virtual_mac(module: &Module, vlan: VlanId, facts: PortFacts) -> Mac {
    module.ft.as_ref().map_or(facts.mac, |ft| Mac::virtual_for(ft.group, ft.vlan, vlan))
}
