//! What the tests of this crate share: a small configuration, and a kernel sandbox of their own.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use hitless_config::model::{
    FtGroup, InService, Module, ModuleVlan, Name, Real, ServerFarm, Side, Subnet, VirtualAddress,
    VirtualServer,
};
use hitless_model::tcp::seen;
use hitless_model::{ConnKey, ConnRecord, Mac, Protocol, VlanId};

use crate::desired::PortFacts;

pub(crate) const CLIENT_VLAN: u16 = 272;
pub(crate) const SERVER_VLAN: u16 = 71;
pub(crate) const ESTABLISHED: u8 = seen::REAL_ANSWERED | seen::CLIENT_CONFIRMED;
pub(crate) const VIP: Ipv4Addr = Ipv4Addr::new(10, 6, 0, 200);

pub(crate) fn vlan(number: u16) -> VlanId {
    u64::from(number).try_into().unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    text.to_owned().try_into().unwrap()
}

pub(crate) fn subnet(text: &str, prefix: u8) -> Subnet {
    Subnet { address: text.parse().unwrap(), prefix }
}

pub(crate) fn module_vlan(side: Side, address: Subnet) -> ModuleVlan {
    ModuleVlan { address: Some(address), ..ModuleVlan::new(side) }
}

pub(crate) fn real(last: u8, weight: u8) -> Real {
    let address = Ipv4Addr::new(10, 7, 0, last);
    Real { weight, in_service: InService::Yes, ..Real::new(address, None) }
}

pub(crate) fn farm(reals: Vec<Real>) -> ServerFarm {
    ServerFarm { reals, ..ServerFarm::default() }
}

pub(crate) fn virtual_server(farm: &str, protocol: Protocol, port: u16) -> VirtualServer {
    VirtualServer {
        listens: Some(VirtualAddress {
            address: Subnet { address: VIP, prefix: 32 },
            protocol: protocol.into(),
            port,
            service: None,
        }),
        farm: Some(name(farm)),
        idle: Duration::from_secs(100),
        pending: Duration::from_secs(30),
        replicate_connections: true,
        in_service: InService::Yes,
        ..VirtualServer::default()
    }
}

/// A client VLAN with a gateway, a server VLAN with an alias, two reals of weights 2 and 1, a TCP and
/// a UDP virtual server.
pub(crate) fn module() -> Module {
    let mut module = Module::default();
    let mut clients = module_vlan(Side::Client, subnet("10.6.0.245", 24));
    clients.gateways.push(Ipv4Addr::new(10, 6, 0, 1));
    let mut servers = module_vlan(Side::Server, subnet("10.7.0.5", 24));
    servers.aliases.push(subnet("10.7.0.1", 24));
    module.vlans.insert(vlan(CLIENT_VLAN), clients);
    module.vlans.insert(vlan(SERVER_VLAN), servers);
    module.farms.insert(name("web"), farm(vec![real(11, 2), real(12, 1)]));
    module.virtual_servers.insert(name("http"), virtual_server("web", Protocol::Tcp, 80));
    module.virtual_servers.insert(name("dns"), virtual_server("web", Protocol::Udp, 53));
    module.ft = Some(FtGroup::new(90.try_into().unwrap(), vlan(9)));
    module
}

pub(crate) fn ports() -> BTreeMap<VlanId, PortFacts> {
    [(CLIENT_VLAN, 3), (SERVER_VLAN, 4)]
        .map(|(number, ifindex)| {
            (vlan(number), PortFacts { ifindex, mac: Mac::derived_from(u64::from(ifindex)) })
        })
        .into()
}

/// An established connection of client number `number` to the HTTP server of [`module`].
pub(crate) fn record(number: u32) -> ConnRecord {
    let [high, a, b, low] = number.to_be_bytes();
    let client = Ipv4Addr::new(172, 16 + high, a, b);
    ConnRecord {
        key: ConnKey {
            client: SocketAddrV4::new(client, 10_000 + u16::from(low)),
            virtual_server: SocketAddrV4::new(VIP, 80),
            protocol: Protocol::Tcp,
        },
        real: SocketAddrV4::new(Ipv4Addr::new(10, 7, 0, 11 + (low & 1)), 80),
        client_vlan: vlan(CLIENT_VLAN),
        server_vlan: vlan(SERVER_VLAN),
        seen: ESTABLISHED,
        idle: Duration::ZERO,
    }
}
