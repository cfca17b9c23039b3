//! What changes in a network namespace, as the kernel tells it.

use futures::{FutureExt, StreamExt};
use netlink_packet_route::RouteNetlinkMessage;
use rtnetlink::MulticastGroup;
use rtnetlink::packet_core::{NetlinkMessage, NetlinkPayload};

use super::{Error, Neighbour, neighbour};

/// A change. Only neighbours say what: for everything else the current state is what counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// An interface came, went or changed.
    Link,
    /// An address came or went.
    Address,
    /// An IPv4 route came or went.
    Route,
    /// A neighbour came or changed.
    Neighbour(Neighbour),
    /// A neighbour went.
    NeighbourGone(Neighbour),
    /// The kernel could not tell everything: look for yourself.
    Lost,
}

/// A stream of changes in one network namespace.
pub struct Events {
    messages: Box<dyn Messages>,
}

type Message = NetlinkMessage<RouteNetlinkMessage>;
trait Messages: futures::Stream<Item = Message> + Send + Sync + Unpin {}
impl<T: futures::Stream<Item = Message> + Send + Sync + Unpin> Messages for T {}

impl Events {
    /// Listens in the network namespace of the calling thread, which must be in a tokio runtime.
    pub fn subscribe(groups: &[MulticastGroup]) -> Result<Self, Error> {
        let (connection, _handle, messages) = rtnetlink::new_multicast_connection(groups)
            .map_err(|error| Error::new("netlink events cannot be heard", error))?;
        tokio::spawn(connection);
        Ok(Self { messages: Box::new(messages.map(|(message, _)| message)) })
    }

    /// Forgets changes that wait already: who looks for himself needs them no more.
    pub fn skip_waiting(&mut self) {
        while let Some(Some(_)) = self.messages.next().now_or_never() {}
    }

    /// The next change; none when the connection broke.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let message = self.messages.next().await?;
            if let Some(event) = parse(&message.payload) {
                return Some(event);
            }
        }
    }
}

fn parse(payload: &NetlinkPayload<RouteNetlinkMessage>) -> Option<Event> {
    use RouteNetlinkMessage::{
        DelAddress, DelLink, DelNeighbour, DelRoute, NewAddress, NewLink, NewNeighbour, NewRoute,
    };
    match payload {
        NetlinkPayload::Overrun(_) => Some(Event::Lost),
        NetlinkPayload::InnerMessage(NewLink(_) | DelLink(_)) => Some(Event::Link),
        NetlinkPayload::InnerMessage(NewAddress(_) | DelAddress(_)) => Some(Event::Address),
        NetlinkPayload::InnerMessage(NewRoute(_) | DelRoute(_)) => Some(Event::Route),
        NetlinkPayload::InnerMessage(NewNeighbour(found)) => {
            neighbour::parse(found).map(Event::Neighbour)
        }
        NetlinkPayload::InnerMessage(DelNeighbour(found)) => {
            neighbour::parse(found).map(Event::NeighbourGone)
        }
        _ => None,
    }
}
