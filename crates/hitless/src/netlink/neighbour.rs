//! Neighbours: which MAC an IP address on a segment has.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use futures::TryStreamExt;
use hitless_model::Mac;
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourExtFlags, NeighbourFlags, NeighbourMessage,
    NeighbourState,
};

use super::link::mac;
use super::{Error, Netlink, refused};

/// An entry of the neighbour table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The interface.
    pub index: u32,
    /// The address.
    pub address: IpAddr,
    /// Its MAC, while the kernel believes in it.
    pub mac: Option<Mac>,
    /// Entered by hand: never aged, never asked for.
    pub permanent: bool,
    /// Kept resolved by the kernel, whether there is traffic or not.
    pub managed: bool,
}

impl Netlink {
    /// All neighbours with an address of one host.
    pub async fn neighbours(&self) -> Result<Vec<Neighbour>, Error> {
        let messages: Vec<_> = self
            .handle
            .neighbours()
            .get()
            .execute()
            .try_collect()
            .await
            .map_err(refused(|| "the neighbours cannot be listed".into()))?;
        Ok(messages.iter().filter_map(parse).collect())
    }

    /// Enters the MAC of a peer's link-local address for good, in place of what was known.
    pub async fn set_permanent_neighbour(
        &self,
        index: u32,
        address: Ipv6Addr,
        mac: Mac,
    ) -> Result<(), Error> {
        let request = self.handle.neighbours().add(index, address.into());
        let entered = request.link_layer_address(&mac.0).replace().execute().await;
        entered.map_err(refused(|| format!("neighbour {address}")))
    }

    /// Has the kernel find out the MAC of a next hop now and keep it resolved from then on.
    pub async fn add_managed_neighbour(&self, index: u32, address: Ipv4Addr) -> Result<(), Error> {
        let mut request = self
            .handle
            .neighbours()
            .add(index, address.into())
            .state(NeighbourState::None)
            .flags(NeighbourFlags::Use)
            .replace();
        let managed = NeighbourAttribute::ExtFlags(NeighbourExtFlags::Managed);
        request.message_mut().attributes.push(managed);
        request.execute().await.map_err(refused(|| format!("neighbour {address}")))
    }

    /// Forgets a neighbour; one that is gone already is fine.
    pub async fn remove_neighbour(&self, index: u32, address: IpAddr) -> Result<(), Error> {
        let mut message = NeighbourMessage::default();
        message.header.ifindex = index;
        message.header.family = match address {
            IpAddr::V4(_) => netlink_packet_route::AddressFamily::Inet,
            IpAddr::V6(_) => netlink_packet_route::AddressFamily::Inet6,
        };
        let destination = match address {
            IpAddr::V4(address) => NeighbourAddress::Inet(address),
            IpAddr::V6(address) => NeighbourAddress::Inet6(address),
        };
        message.attributes.push(NeighbourAttribute::Destination(destination));
        let removed = self.handle.neighbours().del(message).execute().await;
        Error::absent_is_fine(
            removed.map_err(refused(|| format!("removal of neighbour {address}"))),
        )
    }
}

pub(super) fn parse(message: &NeighbourMessage) -> Option<Neighbour> {
    let (mut address, mut known, mut managed) = (None, None, false);
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(found)) => {
                address = Some(IpAddr::V4(*found));
            }
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(found)) => {
                address = Some(IpAddr::V6(*found));
            }
            NeighbourAttribute::LinkLayerAddress(octets) => known = mac(octets),
            NeighbourAttribute::ExtFlags(flags) => {
                managed = flags.contains(NeighbourExtFlags::Managed);
            }
            _ => {}
        }
    }
    let state = message.header.state;
    // NOARP entries are made by the kernel itself, for multicast and broadcast.
    let address = address.filter(|_| state != NeighbourState::Noarp)?;
    let permanent = state == NeighbourState::Permanent;
    let mac = known.filter(|_| is_believed(state));
    Some(Neighbour { index: message.header.ifindex, address, mac, permanent, managed })
}

fn is_believed(state: NeighbourState) -> bool {
    use NeighbourState::{Delay, Permanent, Probe, Reachable, Stale};
    matches!(state, Reachable | Stale | Delay | Probe | Permanent)
}
