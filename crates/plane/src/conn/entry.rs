//! Between a connection as the pair speaks of it and its two entries in this box's maps. Pure.

use hitless_model::abi::{CONN_FROM_PEER, CONN_REPLICATE, CONN_STICKY, Conn, FlowKey};
use hitless_model::{ConnKey, ConnRecord, Instant, Protocol, VlanId};

use crate::endpoint::{Endpoint, socket};
use crate::resolver::Resolver;

/// Both entries of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) forward: (FlowKey, Conn),
    pub(crate) reverse: (FlowKey, Conn),
}

/// Why this box cannot carry a connection on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Refusal {
    /// No virtual server listens there in this box's configuration.
    #[error("unknown virtual server")]
    UnknownVirtualServer,
    /// No farm has that real.
    #[error("unknown real")]
    UnknownReal,
    /// The client's VLAN is not one of this module's.
    #[error("unknown VLAN")]
    UnknownVlan,
    /// The table is full.
    #[error("table full")]
    TableFull,
}

/// Entries for a record of the peer, in this box's numbers.
pub(crate) fn pair(
    record: &ConnRecord,
    resolver: &Resolver,
    now: Instant,
) -> Result<Pair, Refusal> {
    let virtual_server = resolver
        .virtual_server(Endpoint::virtual_server_of(&record.key))
        .ok_or(Refusal::UnknownVirtualServer)?;
    let to_real = resolver.real(*record.real.ip()).ok_or(Refusal::UnknownReal)?;
    let to_client =
        resolver.client(record.client_vlan, record.client_ip()).ok_or(Refusal::UnknownVlan)?;
    let common = Conn {
        last_seen: now.saturating_sub(record.idle).as_nanos(),
        created: now.as_nanos(),
        seen: record.seen,
        flags: CONN_FROM_PEER
            | if virtual_server.replicate { CONN_REPLICATE } else { 0 }
            | if virtual_server.sticks { CONN_STICKY } else { 0 },
        virtual_server: virtual_server.index,
        ..Conn::default()
    };
    let forward = Conn {
        rewrite_ip: record.real.ip().octets(),
        rewrite_port: record.real.port().to_be_bytes(),
        next_hop: to_real.index,
        out_ifindex: to_real.ifindex,
        in_vlan: record.client_vlan.get(),
        out_vlan: to_real.vlan.get(),
        ..common
    };
    let reverse = Conn {
        rewrite_ip: record.key.virtual_server.ip().octets(),
        rewrite_port: record.key.virtual_server.port().to_be_bytes(),
        next_hop: to_client.index,
        out_ifindex: to_client.ifindex,
        in_vlan: to_real.vlan.get(),
        out_vlan: to_client.vlan.get(),
        ..common
    };
    let key = forward_key(&record.key);
    Ok(Pair { forward: (key, forward), reverse: (reverse_key(&key, &forward), reverse) })
}

/// Key of the forward entry.
pub(crate) fn forward_key(key: &ConnKey) -> FlowKey {
    let end = |socket: std::net::SocketAddrV4| (socket.ip().octets(), socket.port().to_be_bytes());
    FlowKey::new(end(key.client), end(key.virtual_server), key.protocol.number())
}

/// Key of the reverse entry, from the forward one.
pub(crate) fn reverse_key(key: &FlowKey, forward: &Conn) -> FlowKey {
    key.reverse_of_forward((forward.rewrite_ip, forward.rewrite_port))
}

/// What identifies the connection of a forward entry; `None` if it is of no protocol that is balanced.
pub(crate) fn conn_key(key: &FlowKey) -> Option<ConnKey> {
    Some(ConnKey {
        client: socket(key.src, key.src_port),
        virtual_server: socket(key.dst, key.dst_port),
        protocol: Protocol::from_number(key.protocol)?,
    })
}

/// The record of a forward entry; `None` if no program of this release can have made the entry.
pub(crate) fn record(key: &FlowKey, forward: &Conn, now: Instant) -> Option<ConnRecord> {
    Some(ConnRecord {
        key: conn_key(key)?,
        real: socket(forward.rewrite_ip, forward.rewrite_port),
        client_vlan: VlanId::try_from(u64::from(forward.in_vlan)).ok()?,
        server_vlan: VlanId::try_from(u64::from(forward.out_vlan)).ok()?,
        seen: forward.seen,
        idle: now.saturating_since(Instant::from_nanos(forward.last_seen)),
    })
}

#[cfg(test)]
mod tests;
