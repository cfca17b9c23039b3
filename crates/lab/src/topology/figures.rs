//! The topologies that exist: who stands where in figure 7-1, and in its stand-in.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::{
    ALIAS, CHASSIS_PORTS, Cidr, FAR, GATEWAY, Host, Kind, NEAR, Port, RELAY, Route, SERVER_HOSTS,
    SERVERS, Segment, Topology, far_clients, near_clients,
};

/// Linux retransmits after 200 ms at the earliest; with this metric on the routes of clients and
/// servers TCP notices shorter outages too.
const RTO_MIN: Duration = Duration::from_millis(5);
/// How the two chassis are joined on the fault-tolerant VLAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FtWay {
    /// By a switch.
    Switch,
    /// By a host that passes frames on, or does not.
    Relay,
}

/// Interfaces of the relay, to A and to B.
pub const RELAY_PORTS: [&str; 2] = ["eth-a", "eth-b"];

/// Figure 7-1: two chassis that a daemon will fill, clients on both sides of the gateway, servers.
pub fn figure_7_1(ft: FtWay) -> Topology {
    let chassis = |name| Host {
        name,
        kind: Kind::Chassis,
        interfaces: CHASSIS_PORTS.map(|port| (port, Vec::new())).into(),
        routes: Vec::new(),
    };
    let mut hosts = stations();
    hosts.extend([chassis("chassis-a"), chassis("chassis-b")]);
    let both = |interface| [port("chassis-a", interface), port("chassis-b", interface)];
    let [a, b] = both("eth-ft");
    let ft = match ft {
        FtWay::Switch => vec![Segment::Switch("sw-ft", vec![a, b])],
        FtWay::Relay => {
            let interfaces = RELAY_PORTS.map(|port| (port, Vec::new())).into();
            hosts.push(Host { name: RELAY, kind: Kind::Station, interfaces, routes: Vec::new() });
            let [to_a, to_b] = RELAY_PORTS.map(|interface| port(RELAY, interface));
            vec![Segment::Cable(a, to_a), Segment::Cable(b, to_b)]
        }
    };
    Topology { hosts, segments: segments(&both("eth-client"), &both("eth-server"), ft) }
}

/// The same clients and servers around one plain router: no virtual server, clients talk to the
/// servers' own addresses.
pub fn stand_in() -> Topology {
    let router = Ipv4Addr::new(192, 158, 38, 10);
    let mut hosts = stations();
    for host in &mut hosts {
        let interface = match host.name {
            NEAR => "eth0",
            "gateway" => "eth-inside",
            _ => continue,
        };
        host.routes.push(Route {
            to: Cidr::in_24(ALIAS),
            via: Some(router),
            interface,
            rto_min: Some(RTO_MIN),
        });
    }
    hosts.push(Host {
        name: "chassis-a",
        kind: Kind::Router,
        interfaces: vec![
            ("eth-client", vec![Cidr::in_24(router)]),
            ("eth-server", vec![Cidr::in_24(ALIAS)]),
        ],
        routes: vec![
            connected(Cidr::in_24(router), "eth-client", None),
            connected(Cidr::in_24(ALIAS), "eth-server", None),
            via(Cidr::in_24(far_network()), GATEWAY, "eth-client", None),
        ],
    });
    let one = |interface| [port("chassis-a", interface)];
    Topology { hosts, segments: segments(&one("eth-client"), &one("eth-server"), Vec::new()) }
}

pub(super) const fn port(host: &'static str, interface: &'static str) -> Port {
    Port { host, interface }
}

const fn far_network() -> Ipv4Addr {
    Ipv4Addr::new(198, 18, 0, 1)
}

const fn connected(to: Cidr, interface: &'static str, rto_min: Option<Duration>) -> Route {
    Route { to, via: None, interface, rto_min }
}

const fn via(
    to: Cidr,
    gateway: Ipv4Addr,
    interface: &'static str,
    rto_min: Option<Duration>,
) -> Route {
    Route { to, via: Some(gateway), interface, rto_min }
}

pub(super) const EVERYWHERE: Cidr = Cidr { ip: Ipv4Addr::UNSPECIFIED, prefix: 0 };

/// A host with one interface and a default gateway.
fn station(name: &'static str, addresses: &[Ipv4Addr], gateway: Ipv4Addr) -> Host {
    let addresses: Vec<Cidr> = addresses.iter().copied().map(Cidr::in_24).collect();
    let own = addresses.first().copied().unwrap_or(EVERYWHERE);
    Host {
        name,
        kind: Kind::Station,
        interfaces: vec![("eth0", addresses)],
        routes: vec![
            connected(own, "eth0", Some(RTO_MIN)),
            via(EVERYWHERE, gateway, "eth0", Some(RTO_MIN)),
        ],
    }
}

/// Everybody but the chassis.
fn stations() -> Vec<Host> {
    let mut hosts = vec![
        station(FAR, &far_clients(), far_network()),
        station(NEAR, &near_clients(), GATEWAY),
        Host {
            name: "gateway",
            kind: Kind::Router,
            interfaces: vec![
                ("eth-outside", vec![Cidr::in_24(far_network())]),
                ("eth-inside", vec![Cidr::in_24(GATEWAY)]),
            ],
            routes: vec![
                connected(Cidr::in_24(far_network()), "eth-outside", None),
                connected(Cidr::in_24(GATEWAY), "eth-inside", None),
            ],
        },
    ];
    hosts.extend(
        SERVER_HOSTS.iter().zip(SERVERS).map(|(name, address)| station(name, &[address], ALIAS)),
    );
    hosts
}

fn segments(client: &[Port], server: &[Port], ft: Vec<Segment>) -> Vec<Segment> {
    let mut client_side = vec![port("gateway", "eth-inside"), port(NEAR, "eth0")];
    client_side.extend_from_slice(client);
    let mut server_side: Vec<Port> = SERVER_HOSTS.iter().map(|name| port(name, "eth0")).collect();
    server_side.extend_from_slice(server);
    let mut all = vec![
        Segment::Cable(port(FAR, "eth0"), port("gateway", "eth-outside")),
        Segment::Switch("sw-client", client_side),
        Segment::Switch("sw-server", server_side),
    ];
    all.extend(ft);
    all
}
