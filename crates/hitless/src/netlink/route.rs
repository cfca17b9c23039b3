//! IPv4 routes of the main table that carry our own protocol number.

use std::net::Ipv4Addr;

use futures::TryStreamExt;
use hitless_config::model::Subnet;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteType,
};
use rtnetlink::RouteMessageBuilder;

use super::{Error, Netlink, refused};

/// Marks the routes that are ours: only those are ever removed. A number that neither the kernel
/// nor iproute2's rt_protos gives to anybody.
pub const ROUTE_PROTOCOL: u8 = 117;

/// A route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// Destination, host part zero.
    pub network: Subnet,
    /// Next hop.
    pub gateway: Ipv4Addr,
    /// Interface that the next hop is on.
    pub index: u32,
}

impl Netlink {
    /// Our own routes.
    pub async fn routes(&self) -> Result<Vec<Route>, Error> {
        let all = RouteMessageBuilder::<Ipv4Addr>::new().build();
        let messages: Vec<_> = self
            .handle
            .route()
            .get(all)
            .execute()
            .try_collect()
            .await
            .map_err(refused(|| "the routes cannot be listed".into()))?;
        Ok(messages.iter().filter_map(parse).collect())
    }

    /// Adds a route.
    pub async fn add_route(&self, route: Route) -> Result<(), Error> {
        let added = self.handle.route().add(message(route)).execute().await;
        added.map_err(refused(|| text(route)))
    }

    /// Puts a route in the place of the one to the same destination, without a gap.
    pub async fn replace_route(&self, route: Route) -> Result<(), Error> {
        let replaced = self.handle.route().add(message(route)).replace().execute().await;
        replaced.map_err(refused(|| text(route)))
    }

    /// Removes a route; one that is gone already is fine.
    pub async fn remove_route(&self, route: Route) -> Result<(), Error> {
        let removed = self.handle.route().del(message(route)).execute().await;
        Error::absent_is_fine(removed.map_err(refused(|| format!("removal of {}", text(route)))))
    }
}

fn text(route: Route) -> String {
    let Route { network, gateway, index: _ } = route;
    format!("route {}/{} via {gateway}", network.address, network.prefix)
}

fn message(route: Route) -> RouteMessage {
    RouteMessageBuilder::<Ipv4Addr>::new()
        .destination_prefix(route.network.address, route.network.prefix)
        .gateway(route.gateway)
        .output_interface(route.index)
        .protocol(RouteProtocol::Other(ROUTE_PROTOCOL))
        .build()
}

fn parse(message: &RouteMessage) -> Option<Route> {
    let header = &message.header;
    let ours = header.protocol == RouteProtocol::Other(ROUTE_PROTOCOL)
        && header.table == RouteHeader::RT_TABLE_MAIN
        && header.kind == RouteType::Unicast;
    if !ours {
        return None;
    }
    let (mut address, mut gateway, mut index) = (Ipv4Addr::UNSPECIFIED, None, None);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(RouteAddress::Inet(found)) => address = *found,
            RouteAttribute::Gateway(RouteAddress::Inet(found)) => gateway = Some(*found),
            RouteAttribute::Oif(found) => index = Some(*found),
            _ => {}
        }
    }
    let network = Subnet { address, prefix: header.destination_prefix_length };
    Some(Route { network, gateway: gateway?, index: index? })
}
