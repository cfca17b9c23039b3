//! The UDP sockets between the two boxes: two lanes on each VLAN, so that a flood of replication
//! never stands in front of a heartbeat.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use hitless_core::node::{Destination, Lane, PathId, Transmit};
use hitless_model::VlanId;
use socket2::{Domain, Protocol, Socket, Type};

use crate::names::Names;

/// The pair's group on the fault-tolerant VLAN: transient, link-local scope (RFC 4291 section 2.7).
const GROUP: Ipv6Addr = Ipv6Addr::new(0xff12, 0, 0, 0, 0, 0, 0x6869, 0x746c);
/// Port of [`Lane::Heartbeat`].
const HEARTBEAT_PORT: u16 = 7009;
/// Port of [`Lane::Replication`].
const REPLICATION_PORT: u16 = 7010;
/// Room for heartbeats, set so that it does not depend on the host's default: the kernel doubles it
/// and charges at least 640 octets for a datagram, so fewer than 512 wait.
const HEARTBEAT_BUFFER: usize = 128 << 10;
/// Room for some 6,000 datagrams of records while the core does something else.
const REPLICATION_BUFFER: usize = 8 << 20;

/// Largest datagram that is looked at: an Ethernet MTU less IPv6 and UDP headers.
pub(crate) const DATAGRAM: usize = 1_452;

/// Both lanes of one VLAN.
struct Path {
    ifindex: u32,
    heartbeat: UdpSocket,
    replication: UdpSocket,
}

/// All sockets of the core thread.
pub(crate) struct Sockets {
    paths: BTreeMap<VlanId, Path>,
}

impl Sockets {
    /// Opens both lanes on the fault-tolerant VLAN and on every second path.
    pub(crate) fn open(ft_vlan: VlanId, ports: &BTreeMap<VlanId, u32>) -> io::Result<Self> {
        let mut paths = BTreeMap::new();
        for (&vlan, &ifindex) in ports {
            let heartbeat = lane(vlan, HEARTBEAT_PORT)?;
            let replication = lane(vlan, REPLICATION_PORT)?;
            socket2::SockRef::from(&heartbeat).set_recv_buffer_size(HEARTBEAT_BUFFER)?;
            let kept =
                socket2::SockRef::from(&replication).set_recv_buffer_size(REPLICATION_BUFFER);
            if let Err(error) = kept {
                tracing::debug!("receive buffer of the replication lane: {error}");
            }
            if vlan == ft_vlan {
                heartbeat.join_multicast_v6(&GROUP, ifindex)?;
                heartbeat.set_multicast_loop_v6(false)?;
            }
            paths.insert(vlan, Path { ifindex, heartbeat, replication });
        }
        Ok(Self { paths })
    }

    /// How many sockets each lane has.
    pub(crate) fn count(&self) -> usize {
        self.paths.len()
    }

    /// The descriptors of a lane to wait for.
    pub(crate) fn descriptors(&self, lane: Lane) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.paths.values().map(move |path| path.lane(lane).as_fd())
    }

    /// Takes up to `limit` datagrams of a lane from each VLAN, so that a flood on one of them leaves
    /// the others their turn; returns how many it took.
    pub(crate) fn receive(
        &self,
        lane: Lane,
        limit: usize,
        mut taken: impl FnMut(PathId, [u8; 16], &[u8]),
    ) -> usize {
        let mut buffer = [0; DATAGRAM + 1];
        let mut count = 0;
        for (&vlan, path) in &self.paths {
            let socket = path.lane(lane);
            for _ in 0..limit {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else { break };
                count += 1;
                if let (SocketAddr::V6(from), Some(bytes)) = (from, buffer.get(..length)) {
                    taken(PathId(vlan), from.ip().octets(), bytes);
                }
            }
        }
        count
    }

    /// Sends one datagram; what the kernel does not take is lost as on the wire, and made good alike.
    pub(crate) fn send(&self, transmit: &Transmit) {
        let Some(path) = self.paths.get(&transmit.path.0) else { return };
        let (ip, port) = match (transmit.to, transmit.lane) {
            (Destination::Multicast, lane) => (GROUP, port(lane)),
            (Destination::Peer(address), lane) => (Ipv6Addr::from(address), port(lane)),
        };
        let to = SocketAddrV6::new(ip, port, 0, path.ifindex);
        let _lost = path.lane(transmit.lane).send_to(&transmit.bytes, to);
    }
}

impl Path {
    fn lane(&self, lane: Lane) -> &UdpSocket {
        match lane {
            Lane::Heartbeat => &self.heartbeat,
            Lane::Replication => &self.replication,
        }
    }
}

fn port(lane: Lane) -> u16 {
    match lane {
        Lane::Heartbeat => HEARTBEAT_PORT,
        Lane::Replication => REPLICATION_PORT,
    }
}

fn lane(vlan: VlanId, port: u16) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV6, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    socket.set_only_v6(true)?;
    socket.set_reuse_address(true)?;
    socket.bind_device(Some(Names::vlan(vlan).as_bytes()))?;
    // Nobody beyond the segment is ever meant.
    socket.set_unicast_hops_v6(1)?;
    socket.bind(&SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port, 0, 0).into())?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> Path {
        let socket = || {
            let socket = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket
        };
        Path { ifindex: 1, heartbeat: socket(), replication: socket() }
    }

    #[test]
    fn a_flood_on_one_vlan_leaves_the_others_their_turn() {
        let vlans = [2, 9].map(|number| VlanId::try_from(number).unwrap());
        let sockets = Sockets { paths: vlans.map(|vlan| (vlan, path())).into() };
        for path in sockets.paths.values() {
            let to = path.heartbeat.local_addr().unwrap();
            for _ in 0..3 {
                path.replication.send_to(b"x", to).unwrap();
            }
        }
        let mut heard = Vec::new();
        let count = sockets.receive(Lane::Heartbeat, 2, |path, _, _| heard.push(path.0));
        assert_eq!(count, 4);
        assert_eq!(heard, [vlans[0], vlans[0], vlans[1], vlans[1]]);
    }
}
