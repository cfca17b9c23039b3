//! Topologies as data: who exists, which cables and switches join them, which addresses they have.
//!
//! ```text
//!  clients 198.18.0.0/24 ── gateway 192.158.38.20 ─┐
//!  clients 192.158.38.100-163 ─────────────────────┤ client switch (VLAN 2)
//!                                    ┌─────────────┴─────────────┐
//!                                chassis A ── ft switch ──── chassis B      virtual server
//!                                    └─────────────┬─────────────┘          192.158.38.30
//!                                                  │ server switch (VLAN 3)
//!                        servers 192.158.39.101, .102, .103, default gateway 192.158.39.20 (alias)
//! ```
//!
//! [`figure_7_1`] is that picture. [`stand_in`] is the same with a plain router in chassis A's
//! place: the laboratory is proved on it, without a balancer.

mod figures;

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

pub use figures::{FtWay, RELAY_PORTS, figure_7_1, stand_in};

/// Client addresses on each side of the gateway.
pub const CLIENT_ADDRESSES: u8 = 64;
/// The virtual server's address.
pub const VIRTUAL: Ipv4Addr = Ipv4Addr::new(192, 158, 38, 30);
/// The router between the far clients and VLAN 2.
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 158, 38, 20);
/// What the servers use as default gateway.
pub const ALIAS: Ipv4Addr = Ipv4Addr::new(192, 158, 39, 20);
/// The real servers.
pub const SERVERS: [Ipv4Addr; 3] = [
    Ipv4Addr::new(192, 158, 39, 101),
    Ipv4Addr::new(192, 158, 39, 102),
    Ipv4Addr::new(192, 158, 39, 103),
];
/// Namespaces of the servers.
pub const SERVER_HOSTS: [&str; 3] = ["server-1", "server-2", "server-3"];
/// Namespace of the clients on VLAN 2 itself.
pub const NEAR: &str = "near";
/// Namespace of the clients behind the gateway.
pub const FAR: &str = "far";
/// Namespace of who passes frames on between the two chassis.
pub const RELAY: &str = "relay";
/// Interfaces of a chassis: client side, server side, fault-tolerant VLAN.
pub const CHASSIS_PORTS: [&str; 3] = ["eth-client", "eth-server", "eth-ft"];

/// An address with the length of its network's mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    /// The address.
    pub ip: Ipv4Addr,
    /// Length of the mask.
    pub prefix: u8,
}

impl Cidr {
    /// `ip/24`, the only size in use.
    pub const fn in_24(ip: Ipv4Addr) -> Self {
        Self { ip, prefix: 24 }
    }

    /// The network's own address.
    pub fn network(self) -> Ipv4Addr {
        let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
        Ipv4Addr::from(u32::from(self.ip) & mask)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.prefix)
    }
}

/// A route; connected ones are written down like all others, because of their metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Destination network.
    pub to: Cidr,
    /// Next hop, if not connected.
    pub via: Option<Ipv4Addr>,
    /// Interface.
    pub interface: &'static str,
    /// Lowest retransmission time-out, for hosts that end TCP connections.
    pub rto_min: Option<Duration>,
}

/// What a host is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ends connections.
    Station,
    /// Forwards packets between its interfaces.
    Router,
    /// A daemon runs here and configures the rest.
    Chassis,
}

/// A namespace with its interfaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name in the laboratory.
    pub name: &'static str,
    /// What it is there for.
    pub kind: Kind,
    /// Interfaces with their addresses.
    pub interfaces: Vec<(&'static str, Vec<Cidr>)>,
    /// Routes, connected ones included.
    pub routes: Vec<Route>,
}

/// An interface of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// The host's name.
    pub host: &'static str,
    /// The interface's name.
    pub interface: &'static str,
}

/// What joins interfaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A cable between two: each sees the other's end go down.
    Cable(Port, Port),
    /// A switch; the name is also the bridge's.
    Switch(&'static str, Vec<Port>),
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// The hosts.
    pub hosts: Vec<Host>,
    /// Cables and switches.
    pub segments: Vec<Segment>,
}

/// Client addresses on VLAN 2.
pub fn near_clients() -> Vec<Ipv4Addr> {
    (0..CLIENT_ADDRESSES).map(|i| Ipv4Addr::new(192, 158, 38, 100 + i)).collect()
}

/// Client addresses behind the gateway.
pub fn far_clients() -> Vec<Ipv4Addr> {
    (0..CLIENT_ADDRESSES).map(|i| Ipv4Addr::new(198, 18, 0, 10 + i)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::figures::{EVERYWHERE, port};
    use super::*;

    fn ports(segment: &Segment) -> Vec<Port> {
        match segment {
            Segment::Cable(a, b) => vec![*a, *b],
            Segment::Switch(_, ports) => ports.clone(),
        }
    }

    #[test]
    fn every_interface_is_plugged_in_exactly_once() {
        for topology in [figure_7_1(FtWay::Switch), figure_7_1(FtWay::Relay), stand_in()] {
            let mut plugged: Vec<_> = topology.segments.iter().flat_map(ports).collect();
            let mut declared: Vec<_> = topology
                .hosts
                .iter()
                .flat_map(|h| h.interfaces.iter().map(|(interface, _)| port(h.name, interface)))
                .collect();
            let by_name = |p: &Port| (p.host, p.interface);
            plugged.sort_by_key(by_name);
            declared.sort_by_key(by_name);
            assert_eq!(plugged, declared);
        }
    }

    #[test]
    fn no_address_is_given_twice() {
        let topology = figure_7_1(FtWay::Relay);
        let addresses: Vec<_> = topology
            .hosts
            .iter()
            .flat_map(|h| h.interfaces.iter().flat_map(|(_, all)| all.iter().map(|c| c.ip)))
            .collect();
        let distinct: BTreeSet<_> = addresses.iter().collect();
        assert_eq!(distinct.len(), addresses.len());
        assert!(!distinct.contains(&VIRTUAL));
    }

    #[test]
    fn a_network_address_has_no_host_part() {
        assert_eq!(Cidr::in_24(SERVERS[0]).network(), Ipv4Addr::new(192, 158, 39, 0));
        assert_eq!(EVERYWHERE.network(), Ipv4Addr::UNSPECIFIED);
    }
}
