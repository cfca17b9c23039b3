//! What the laboratory asks of the kernel inside one namespace: links, addresses, routes.
//!
//! A thin blocking face of `rtnetlink`. One socket per namespace is opened at the start, so that a
//! fault (links down) costs one system call when its moment comes.

mod filter;

use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd};

use anyhow::{Context, Result};
use futures::{TryStreamExt, future};
use netlink_packet_route::address::{AddressAttribute, AddressFlags};
use netlink_packet_route::link::{LinkAttribute, LinkMessage};
use netlink_packet_route::route::{RouteAttribute, RouteMetric, RouteScope, RouteType};
use rtnetlink::{Handle, LinkBridge, LinkUnspec, LinkVeth, RouteMessageBuilder};
use tokio::runtime::Runtime;

use crate::namespace::Namespace;
use crate::topology::{Cidr, Host, Route};

pub use filter::Frames;

/// Number of the metric `rto_min`, as its lock's bit.
const RTAX_RTO_MIN: u32 = 13;

/// A netlink socket inside a namespace.
#[derive(Debug)]
pub struct Netlink {
    runtime: Runtime,
    handle: Handle,
}

/// Whether a link is to be up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// As plugged in.
    Up,
    /// As unplugged.
    Down,
}

impl Netlink {
    /// Opens a socket in `namespace`.
    pub fn open(namespace: &Namespace) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let guard = runtime.enter();
        let (connection, handle, _) = namespace.within(|| Ok(rtnetlink::new_connection()?))?;
        drop(guard);
        runtime.spawn(connection);
        Ok(Self { runtime, handle })
    }

    /// The number of an interface.
    pub fn index(&self, name: &str) -> Result<u32> {
        let query = self.handle.link().get().match_name(name.to_owned()).execute();
        let link = self.runtime.block_on(async move {
            futures::pin_mut!(query);
            query.try_next().await
        });
        let link = link.with_context(|| format!("interface {name}"))?;
        Ok(link.with_context(|| format!("there is no interface {name}"))?.header.index)
    }

    /// Numbers and names of all interfaces.
    pub fn links(&self) -> Result<Vec<(u32, String)>> {
        let query = self.handle.link().get().execute();
        let links: Vec<LinkMessage> = self.runtime.block_on(query.try_collect())?;
        Ok(links.into_iter().filter_map(named).collect())
    }

    /// Makes a cable: `near` here, `far` in `other`.
    pub fn cable(&self, near: &str, far: &str, other: &Namespace) -> Result<()> {
        let aside = format!("x-{near}");
        let pair = LinkVeth::new(near, &aside).build();
        self.runtime
            .block_on(self.handle.link().add(pair).execute())
            .with_context(|| format!("cannot make the cable {near}-{far}"))?;
        let moved = LinkUnspec::new_with_index(self.index(&aside)?)
            .name(far)
            .setns_by_fd(other.as_fd().as_raw_fd())
            .build();
        self.runtime
            .block_on(self.handle.link().set(moved).execute())
            .with_context(|| format!("cannot plug in {far}"))
    }

    /// Makes a bridge, up, without spanning tree and without multicast snooping.
    pub fn bridge(&self, name: &str) -> Result<()> {
        let bridge = LinkBridge::new(name).mcast_snooping(false).up().build();
        self.runtime
            .block_on(self.handle.link().add(bridge).execute())
            .with_context(|| format!("cannot make the bridge {name}"))
    }

    /// Makes `port` a port of `bridge`, up.
    pub fn attach(&self, port: &str, bridge: &str) -> Result<()> {
        let link = LinkUnspec::new_with_index(self.index(port)?)
            .controller(self.index(bridge)?)
            .up()
            .build();
        self.runtime
            .block_on(self.handle.link().set(link).execute())
            .with_context(|| format!("cannot attach {port} to {bridge}"))
    }

    /// Sets several links at once: all requests are sent before the first answer is awaited.
    pub fn set_links(&self, indices: &[u32], state: LinkState) -> Result<()> {
        let requests = indices.iter().map(|index| {
            let link = LinkUnspec::new_with_index(*index);
            let link = if state == LinkState::Up { link.up() } else { link.down() };
            self.handle.link().set(link.build()).execute()
        });
        self.runtime.block_on(future::try_join_all(requests)).context("cannot set links")?;
        Ok(())
    }

    /// Removes an interface.
    pub fn delete_link(&self, index: u32) -> Result<()> {
        self.runtime
            .block_on(self.handle.link().del(index).execute())
            .context("cannot remove a link")
    }

    /// Brings a host's interfaces up and gives it its addresses and routes.
    pub fn configure(&self, host: &Host) -> Result<()> {
        for (interface, addresses) in &host.interfaces {
            let index = self.index(interface)?;
            self.set_links(&[index], LinkState::Up)?;
            for address in addresses {
                self.address(index, *address)?;
            }
        }
        host.routes.iter().try_for_each(|route| self.route(route))
    }

    /// Adds an address without its connected route: routes carry metrics and are all explicit.
    fn address(&self, index: u32, address: Cidr) -> Result<()> {
        let mut request = self.handle.address().add(index, address.ip.into(), address.prefix);
        request.message_mut().attributes.push(AddressAttribute::Flags(AddressFlags::Noprefixroute));
        self.runtime
            .block_on(request.execute())
            .with_context(|| format!("cannot add the address {address}"))
    }

    /// Makes packets to and from a network unwelcome.
    pub fn shun(&self, network: Cidr) -> Result<()> {
        let route = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(network.network(), network.prefix)
            .kind(RouteType::BlackHole);
        self.runtime
            .block_on(self.handle.route().add(route.build()).replace().execute())
            .with_context(|| format!("cannot shun {network}"))
    }

    fn route(&self, route: &Route) -> Result<()> {
        let mut builder = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(route.to.network(), route.to.prefix)
            .output_interface(self.index(route.interface)?);
        builder = match route.via {
            Some(gateway) => builder.gateway(gateway),
            None => builder.scope(RouteScope::Link),
        };
        let mut message = builder.build();
        if let Some(rto) = route.rto_min {
            let rto = u32::try_from(rto.as_millis()).unwrap_or(u32::MAX);
            // TCP heeds this metric only if it is locked.
            let metrics = vec![
                RouteMetric::Lock(1 << RTAX_RTO_MIN),
                RouteMetric::RtoMin(rto),
                RouteMetric::QuickAck(1),
            ];
            message.attributes.push(RouteAttribute::Metrics(metrics));
        }
        self.runtime
            .block_on(self.handle.route().add(message).execute())
            .with_context(|| format!("cannot add the route to {}", route.to))
    }
}

fn named(link: LinkMessage) -> Option<(u32, String)> {
    let index = link.header.index;
    link.attributes.into_iter().find_map(|attribute| {
        if let LinkAttribute::IfName(name) = attribute { Some((index, name)) } else { None }
    })
}
