//! Between an entry as the pair speaks of it and as it lies in this box's map. Pure.

use std::net::Ipv4Addr;

use hitless_model::abi::{StickyEntry, StickyKey};
use hitless_model::{Instant, Protocol, StickyClient, StickyGroup, StickyOwner, StickyRecord};

use crate::endpoint::socket;

/// The key of an entry about a client.
pub(crate) fn key(client: &StickyClient) -> StickyKey {
    let common = StickyKey {
        source: client.source.octets(),
        destination: client.destination.octets(),
        ..StickyKey::default()
    };
    match client.owner {
        StickyOwner::Group(group) => StickyKey { group: group.get(), ..common },
        StickyOwner::Server { listens, protocol } => StickyKey {
            server_ip: listens.ip().octets(),
            server_port: listens.port().to_be_bytes(),
            protocol: protocol.number(),
            ..common
        },
    }
}

/// Whom an entry is about; `None` if no program of this release can have made it.
pub(crate) fn client(key: &StickyKey) -> Option<StickyClient> {
    let owner = if key.group == 0 {
        let protocol = Protocol::from_number(key.protocol)?;
        StickyOwner::Server { listens: socket(key.server_ip, key.server_port), protocol }
    } else {
        StickyOwner::Group(StickyGroup::try_from(u64::from(key.group)).ok()?)
    };
    let (source, destination) = (Ipv4Addr::from(key.source), Ipv4Addr::from(key.destination));
    Some(StickyClient { owner, source, destination })
}

/// The record of an entry; `None` if no program of this release can have made it.
pub(crate) fn record(key: &StickyKey, entry: &StickyEntry, now: Instant) -> Option<StickyRecord> {
    Some(StickyRecord {
        client: client(key)?,
        real: socket(entry.real_ip, entry.real_port),
        idle: now.saturating_since(Instant::from_nanos(entry.last_used)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_and_its_client_are_each_others() {
        let alone = StickyKey {
            source: [10, 1, 2, 0],
            server_ip: [10, 6, 0, 200],
            server_port: [0, 80],
            protocol: 6,
            ..StickyKey::default()
        };
        let grouped = StickyKey { destination: [10, 6, 0, 200], group: 35, ..StickyKey::default() };
        for one in [alone, grouped] {
            assert_eq!(key(&client(&one).unwrap()), one);
        }
        assert_eq!(client(&StickyKey::default()), None, "no protocol, no group");
    }
}
