//! Network interfaces.

use std::os::fd::{AsRawFd, BorrowedFd};

use futures::TryStreamExt;
use hitless_model::Mac;
use netlink_packet_route::link::{
    BridgeStpState, InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::neighbour::NeighbourFlags;
use rtnetlink::{LinkBridge, LinkMessageBuilder, LinkUnspec, LinkVeth};

use super::{Error, Netlink, refused};

/// What kind of device an interface is, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// A bridge.
    Bridge,
    /// One end of a veth pair.
    Veth,
    /// Anything else.
    Other,
}

/// A network interface as the kernel reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its number in its namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: LinkKind,
    /// Its MAC, if it is an Ethernet device.
    pub mac: Option<Mac>,
    /// Whether it is switched on.
    pub up: bool,
    /// The bridge or bond that it is a port of.
    pub master: Option<u32>,
    /// Its free text.
    pub alias: Option<String>,
}

/// The far end of a veth pair to be made.
#[derive(Clone, Copy, Debug)]
pub struct VethEnd<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its MAC.
    pub mac: Mac,
    /// The network namespace it is made in.
    pub namespace: BorrowedFd<'a>,
}

impl Netlink {
    /// All interfaces.
    pub async fn links(&self) -> Result<Vec<Link>, Error> {
        let messages: Vec<_> = self
            .handle
            .link()
            .get()
            .execute()
            .try_collect()
            .await
            .map_err(refused(|| "the interfaces cannot be listed".into()))?;
        Ok(messages.iter().map(Link::from).collect())
    }

    /// The interface of this name, if there is one.
    pub async fn link(&self, name: &str) -> Result<Option<Link>, Error> {
        let mut found = self.handle.link().get().match_name(name).execute();
        match found.try_next().await.map_err(refused(|| format!("interface {name}"))) {
            Ok(message) => Ok(message.as_ref().map(Link::from)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a plain learning bridge, switched off: no spanning tree, and no multicast snooping,
    /// which without a querier would cut heartbeats off. VLAN filtering is off by default and not
    /// mentioned: a kernel built without it refuses even that.
    pub async fn create_bridge(&self, name: &str, mac: Mac) -> Result<(), Error> {
        let message = LinkMessageBuilder::<LinkBridge>::new(name)
            .address(mac.0.to_vec())
            .stp_state(BridgeStpState::Disabled)
            .mcast_snooping(false)
            .build();
        let made = self.handle.link().add(message).execute().await;
        made.map_err(refused(|| format!("bridge {name} cannot be made")))
    }

    /// Makes a veth pair, both ends switched off: `name` here, `far` in its namespace.
    pub async fn create_veth(&self, name: &str, far: VethEnd<'_>) -> Result<(), Error> {
        let peer = LinkMessageBuilder::<LinkUnspec>::default()
            .name(far.name)
            .address(far.mac.0.to_vec())
            .setns_by_fd(far.namespace.as_raw_fd())
            .build();
        let message = LinkMessageBuilder::<LinkVeth>::new(name, far.name)
            .set_info_data(InfoData::Veth(InfoVeth::Peer(peer)))
            .build();
        let made = self.handle.link().add(message).execute().await;
        made.map_err(refused(|| format!("veth pair {name} cannot be made")))
    }

    /// Makes an interface a port of a bridge, or with none no port of anything.
    pub async fn set_master(&self, index: u32, master: Option<u32>) -> Result<(), Error> {
        let message = LinkUnspec::new_with_index(index).controller(master.unwrap_or(0));
        self.change(message, || format!("bridge of interface {index}")).await
    }

    /// Moves an interface into another network namespace, where it has another name. The kernel
    /// switches it off and takes its addresses off.
    pub async fn move_link(
        &self,
        index: u32,
        namespace: BorrowedFd<'_>,
        name: &str,
    ) -> Result<(), Error> {
        let message = LinkUnspec::new_with_index(index);
        let message = message.setns_by_fd(namespace.as_raw_fd()).name(name);
        self.change(message, || format!("interface {index} cannot become {name} elsewhere")).await
    }

    /// Gives an interface another name.
    pub async fn rename(&self, index: u32, name: &str) -> Result<(), Error> {
        let message = LinkUnspec::new_with_index(index).name(name);
        self.change(message, || format!("interface {index} cannot be renamed to {name}")).await
    }

    /// Has an interface receive what is sent to a MAC besides its own; once is enough.
    pub async fn receive_for(&self, index: u32, mac: Mac) -> Result<(), Error> {
        let request = self.handle.neighbours().add_bridge(index, &mac.0);
        let added = request.flags(NeighbourFlags::Own).execute().await;
        match added.map_err(refused(|| format!("interface {index} cannot receive for {mac}"))) {
            Err(error) if error.is_present() => Ok(()),
            other => other,
        }
    }

    /// Switches an interface on.
    pub async fn set_up(&self, index: u32) -> Result<(), Error> {
        let message = LinkUnspec::new_with_index(index).up();
        self.change(message, || format!("interface {index} cannot be switched on")).await
    }

    /// Switches an interface off.
    pub async fn set_down(&self, index: u32) -> Result<(), Error> {
        let message = LinkUnspec::new_with_index(index).down();
        self.change(message, || format!("interface {index} cannot be switched off")).await
    }

    /// Sets an interface's free text.
    pub async fn set_alias(&self, index: u32, alias: &str) -> Result<(), Error> {
        let message = LinkUnspec::new_with_index(index).alias(alias);
        self.change(message, || format!("alias of interface {index}")).await
    }

    /// Removes an interface, and with one end of a veth pair the other.
    pub async fn delete_link(&self, index: u32) -> Result<(), Error> {
        let removed = self.handle.link().del(index).execute().await;
        removed.map_err(refused(|| format!("interface {index} cannot be removed")))
    }

    async fn change(
        &self,
        message: LinkMessageBuilder<LinkUnspec>,
        what: impl FnOnce() -> String,
    ) -> Result<(), Error> {
        self.handle.link().set(message.build()).execute().await.map_err(refused(what))
    }
}

impl From<&LinkMessage> for Link {
    fn from(message: &LinkMessage) -> Self {
        let mut link = Self {
            index: message.header.index,
            name: String::new(),
            kind: LinkKind::Other,
            mac: None,
            up: message.header.flags.contains(LinkFlags::Up),
            master: None,
            alias: None,
        };
        for attribute in &message.attributes {
            link.take(attribute);
        }
        link
    }
}

impl Link {
    fn take(&mut self, attribute: &LinkAttribute) {
        match attribute {
            LinkAttribute::IfName(name) => self.name.clone_from(name),
            LinkAttribute::Address(octets) => self.mac = mac(octets),
            LinkAttribute::Controller(index) => self.master = Some(*index),
            LinkAttribute::IfAlias(alias) => self.alias = Some(alias.clone()),
            LinkAttribute::LinkInfo(parts) => self.kind = kind(parts),
            _ => {}
        }
    }
}

pub(super) fn mac(octets: &[u8]) -> Option<Mac> {
    <[u8; 6]>::try_from(octets).ok().map(Mac)
}

fn kind(parts: &[LinkInfo]) -> LinkKind {
    for part in parts {
        match part {
            LinkInfo::Kind(InfoKind::Bridge) => return LinkKind::Bridge,
            LinkInfo::Kind(InfoKind::Veth) => return LinkKind::Veth,
            _ => {}
        }
    }
    LinkKind::Other
}
