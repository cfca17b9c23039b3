//! IPv4 addresses of interfaces, and the IPv6 link-local ones that heartbeats run over.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use futures::TryStreamExt;
use hitless_config::model::Subnet;
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
use rtnetlink::AddressMessageBuilder;

use super::{Error, Netlink, refused};

/// An address on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// The interface.
    pub index: u32,
    /// The address with its mask.
    pub subnet: Subnet,
}

impl Netlink {
    /// All IPv4 addresses.
    pub async fn addresses(&self) -> Result<Vec<Address>, Error> {
        Ok(self.address_messages().await?.iter().filter_map(parse).collect())
    }

    /// All IPv6 link-local addresses, with their interfaces.
    pub async fn link_locals(&self) -> Result<Vec<(u32, Ipv6Addr)>, Error> {
        Ok(self.address_messages().await?.iter().filter_map(parse_link_local).collect())
    }

    async fn address_messages(&self) -> Result<Vec<AddressMessage>, Error> {
        let all = self.handle.address().get().execute().try_collect().await;
        all.map_err(refused(|| "the addresses cannot be listed".into()))
    }

    /// Adds a link-local address, usable at once: it is made from the interface's own MAC, which
    /// nobody else on the segment may have.
    pub async fn add_link_local(&self, index: u32, address: Ipv6Addr) -> Result<(), Error> {
        let mut request = self.handle.address().add(index, address.into(), 64).replace();
        request.message_mut().header.flags = AddressHeaderFlags::Nodad;
        request.execute().await.map_err(refused(|| format!("address {address}")))
    }

    /// Adds an address; one that is there already is fine.
    pub async fn add_address(&self, address: Address) -> Result<(), Error> {
        let Address { index, subnet } = address;
        let request = self.handle.address().add(index, subnet.address.into(), subnet.prefix);
        match request.execute().await.map_err(refused(|| format!("address {}", text(subnet)))) {
            Err(error) if error.is_present() => Ok(()),
            other => other,
        }
    }

    /// Removes an address; one that is gone already is fine.
    pub async fn remove_address(&self, address: Address) -> Result<(), Error> {
        let Address { index, subnet } = address;
        let message = AddressMessageBuilder::<Ipv4Addr>::new()
            .index(index)
            .address(subnet.address, subnet.prefix)
            .build();
        let removed = self.handle.address().del(message).execute().await;
        let removed = removed.map_err(refused(|| format!("removal of {}", text(subnet))));
        Error::absent_is_fine(removed)
    }
}

fn text(subnet: Subnet) -> String {
    format!("{}/{}", subnet.address, subnet.prefix)
}

fn parse(message: &AddressMessage) -> Option<Address> {
    // On a point-to-point interface IFA_ADDRESS is the far end: IFA_LOCAL is the own one.
    let address = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(IpAddr::V4(address)) => Some(*address),
        _ => None,
    })?;
    let subnet = Subnet { address, prefix: message.header.prefix_len };
    Some(Address { index: message.header.index, subnet })
}

fn parse_link_local(message: &AddressMessage) -> Option<(u32, Ipv6Addr)> {
    let address = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Address(IpAddr::V6(address)) => Some(*address),
        _ => None,
    })?;
    address.is_unicast_link_local().then_some((message.header.index, address))
}
