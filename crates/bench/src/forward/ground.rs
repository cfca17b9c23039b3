//! Who stands where: a client, a server, between them the box under test, behind it its peer.
//!
//! ```text
//!   client ───────────── box-a ───────────── server      a cable on each side, or a cable,
//!   .38.20, .38.100…   .38.10  .39.20        .39.101     a bridge and another cable
//!                         │ .38.30 virtual server
//!                       box-b                             hitless only: replication is on
//! ```

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use hitless_lab::network::{Network, Node};
use hitless_lab::topology::{Cidr, Host, Kind, Port, Route, Segment, Topology};
use serde::Serialize;

use super::sys::{Feature, switch};

/// The virtual server.
pub(crate) const VIRTUAL: Ipv4Addr = Ipv4Addr::new(192, 158, 38, 30);
/// The real.
pub(crate) const REAL: Ipv4Addr = Ipv4Addr::new(192, 158, 39, 101);
/// Where the box sends what is for far clients: the client host.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 158, 38, 20);
/// The box on the client side, and the server's gateway.
const BOX_CLIENT: Ipv4Addr = Ipv4Addr::new(192, 158, 38, 10);
const BOX_SERVER: Ipv4Addr = Ipv4Addr::new(192, 158, 39, 20);
/// The network of far clients; datagrams come from there.
pub(crate) const FAR: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 0);
/// Addresses of the client host, for connections: each has its own ports.
pub(crate) const CLIENTS: u8 = 64;

/// How the box is wired to its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Wiring {
    /// Cables.
    Direct,
    /// Behind a VLAN bridge on each side.
    Bridged,
}

/// Who makes the bridges and configures the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeper {
    /// The laboratory: the box is a Linux router.
    Laboratory,
    /// The daemon.
    Daemon,
    /// The laboratory, and there is a second one that is told what the first one knows.
    Mirrored,
}

/// A client address.
pub(crate) fn client(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 158, 38, 100 + number % CLIENTS)
}

/// The hosts and what joins them.
pub(crate) fn topology(wiring: Wiring, keeper: Keeper) -> Topology {
    let mut hosts = vec![
        station("client", &client_addresses(), BOX_CLIENT),
        station("server", &[REAL], BOX_SERVER),
    ];
    let segments = match (keeper, wiring) {
        (Keeper::Laboratory, Wiring::Direct) => sides(Segment::Cable),
        (Keeper::Laboratory, Wiring::Bridged) => {
            [("sw-client", "client", "eth-client"), ("sw-server", "server", "eth-server")]
                .map(|(bridge, host, port)| {
                    Segment::Switch(bridge, vec![at(host, "eth0"), at("box-a", port)])
                })
                .into()
        }
        (Keeper::Daemon | Keeper::Mirrored, Wiring::Direct | Wiring::Bridged) => {
            hosts.push(if keeper == Keeper::Daemon { chassis("box-b") } else { mirror(1) });
            hosts.push(idle());
            let mut segments = sides(Segment::Cable);
            segments.push(Segment::Cable(at("box-a", "eth-ft"), at("box-b", "eth-ft")));
            segments.push(Segment::Cable(at("box-b", "eth-client"), at("idle", "eth0")));
            segments.push(Segment::Cable(at("box-b", "eth-server"), at("idle", "eth1")));
            segments
        }
    };
    hosts.push(match keeper {
        Keeper::Laboratory => router(),
        Keeper::Daemon => chassis("box-a"),
        Keeper::Mirrored => mirror(0),
    });
    Topology { hosts, segments }
}

/// The network of a topology, its end hosts with rings: frames from a generator need them.
pub(crate) fn build(wiring: Wiring, keeper: Keeper) -> Result<Network> {
    let network = Network::build(&topology(wiring, keeper))?;
    for host in ["client", "server"] {
        set(network.node(host)?, "eth0", Feature::ReceiveOffload, true)?;
    }
    Ok(network)
}

/// Switches a feature of a host's device.
pub(crate) fn set(node: &Node, device: &str, feature: Feature, on: bool) -> Result<()> {
    node.namespace
        .within(|| switch(device, feature, on).with_context(|| format!("{feature:?} of {device}")))
}

fn client_addresses() -> Vec<Ipv4Addr> {
    std::iter::once(GATEWAY).chain((0..CLIENTS).map(client)).collect()
}

const fn at(host: &'static str, interface: &'static str) -> Port {
    Port { host, interface }
}

fn sides(join: fn(Port, Port) -> Segment) -> Vec<Segment> {
    vec![
        join(at("client", "eth0"), at("box-a", "eth-client")),
        join(at("server", "eth0"), at("box-a", "eth-server")),
    ]
}

fn route(to: Ipv4Addr, prefix: u8, via: Option<Ipv4Addr>, interface: &'static str) -> Route {
    Route { to: Cidr { ip: to, prefix }, via, interface, rto_min: None }
}

fn station(name: &'static str, addresses: &[Ipv4Addr], gateway: Ipv4Addr) -> Host {
    let addresses: Vec<Cidr> = addresses.iter().copied().map(Cidr::in_24).collect();
    let own = addresses.first().map_or(Ipv4Addr::UNSPECIFIED, |first| first.ip);
    Host {
        name,
        kind: Kind::Station,
        interfaces: vec![("eth0", addresses)],
        routes: vec![
            route(own, 24, None, "eth0"),
            route(Ipv4Addr::UNSPECIFIED, 0, Some(gateway), "eth0"),
        ],
    }
}

fn router() -> Host {
    let inside = [BOX_CLIENT, VIRTUAL].map(Cidr::in_24).into();
    Host {
        name: "box-a",
        kind: Kind::Router,
        interfaces: vec![("eth-client", inside), ("eth-server", vec![Cidr::in_24(BOX_SERVER)])],
        routes: vec![
            route(BOX_CLIENT, 24, None, "eth-client"),
            route(BOX_SERVER, 24, None, "eth-server"),
            route(FAR, 16, Some(GATEWAY), "eth-client"),
        ],
    }
}

/// Addresses of two mirrored boxes on the cable between them.
pub(crate) const MIRRORS: [Ipv4Addr; 2] =
    [Ipv4Addr::new(10, 255, 0, 1), Ipv4Addr::new(10, 255, 0, 2)];

/// A router that tells the other one, or is told.
fn mirror(number: usize) -> Host {
    let mut host = router();
    host.name = ["box-a", "box-b"][number % 2];
    let own = MIRRORS[number % 2];
    host.interfaces.push(("eth-ft", vec![Cidr::in_24(own)]));
    host.routes.push(route(own, 24, None, "eth-ft"));
    host
}

fn chassis(name: &'static str) -> Host {
    let interfaces = ["eth-client", "eth-server", "eth-ft"].map(|port| (port, Vec::new()));
    Host { name, kind: Kind::Chassis, interfaces: interfaces.into(), routes: Vec::new() }
}

/// Where the peer's client and server VLANs end: it has no traffic of its own.
fn idle() -> Host {
    let interfaces = ["eth0", "eth1"].map(|port| (port, Vec::new()));
    Host { name: "idle", kind: Kind::Station, interfaces: interfaces.into(), routes: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interface_is_plugged_in_exactly_once() {
        for keeper in [Keeper::Laboratory, Keeper::Daemon, Keeper::Mirrored] {
            for wiring in [Wiring::Direct, Wiring::Bridged] {
                let topology = topology(wiring, keeper);
                let mut declared: Vec<_> = topology
                    .hosts
                    .iter()
                    .flat_map(|host| host.interfaces.iter().map(|(port, _)| (host.name, *port)))
                    .collect();
                let mut plugged: Vec<_> = topology
                    .segments
                    .iter()
                    .flat_map(|segment| match segment {
                        Segment::Cable(a, b) => vec![*a, *b],
                        Segment::Switch(_, ports) => ports.clone(),
                    })
                    .map(|port| (port.host, port.interface))
                    .collect();
                declared.sort_unstable();
                plugged.sort_unstable();
                assert_eq!(declared, plugged);
            }
        }
    }

    #[test]
    fn no_client_has_the_address_of_anybody_else() {
        let all = client_addresses();
        assert_eq!(all.len(), usize::from(CLIENTS) + 1);
        assert!(![VIRTUAL, BOX_CLIENT, BOX_SERVER].iter().any(|other| all.contains(other)));
    }
}
