//! Finding the connection that a packet belongs to.
//!
//! A flow is looked for in its VLAN's usual direction first: from a client VLAN it is most likely on
//! its way to a virtual server, from a server VLAN on its way back.

use hitless_model::abi::{Conn, FlowKey, KIND_SERVER, VirtualKey};
use hitless_model::tcp::seen;

use crate::ctx::entry::{Entry, Table};
use crate::ctx::table;
use crate::maps::{CONN_FWD, CONN_REV, EMB_FWD, EMB_REV, VIRTUAL};
use crate::parse;

/// Which way a packet of a connection goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the client to the real.
    Forward,
    /// From the real to the client.
    Reverse,
}

/// Where a connection is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// In the small table.
    Embryonic,
    /// In the main table.
    Established,
}

/// A connection found by one of its packets.
pub(crate) struct Found {
    /// The packet's key.
    pub(crate) key: FlowKey,
    /// The entry of the packet's direction.
    pub(crate) entry: Entry,
    /// The packet's direction.
    pub(crate) direction: Direction,
    /// Where it is kept.
    pub(crate) stage: Stage,
}

/// Both keys of a connection.
pub(crate) struct Keys {
    /// From the client to the virtual server.
    pub(crate) forward: FlowKey,
    /// From the real to the client.
    pub(crate) reverse: FlowKey,
}

impl Found {
    /// Both keys.
    #[inline(always)]
    pub(crate) fn keys(&self) -> Keys {
        let conn = self.entry.conn();
        let rewrite = (conn.rewrite_ip, conn.rewrite_port);
        match self.direction {
            Direction::Forward => {
                Keys { forward: self.key, reverse: self.key.reverse_of_forward(rewrite) }
            }
            Direction::Reverse => {
                Keys { forward: self.key.forward_of_reverse(rewrite), reverse: self.key }
            }
        }
    }
}

/// The virtual server that a flow is addressed to, as a key.
#[inline(always)]
pub(crate) fn destination(key: &FlowKey) -> VirtualKey {
    VirtualKey { ip: key.dst, port: key.dst_port, protocol: key.protocol, reserved: 0 }
}

/// The connection of a packet. An embryonic one counts while it has both entries and is not too old.
#[inline(always)]
pub(crate) fn connection(key: &FlowKey, kind: u8, now: u64) -> Option<Found> {
    if let Some((entry, direction)) = either(&CONN_FWD, &CONN_REV, key, kind) {
        return Some(Found { key: *key, entry, direction, stage: Stage::Established });
    }
    let (entry, direction) = either(&EMB_FWD, &EMB_REV, key, kind)?;
    let found = Found { key: *key, entry, direction, stage: Stage::Embryonic };
    let keys = found.keys();
    let is_whole = match direction {
        Direction::Forward => Entry::find(&EMB_REV, &keys.reverse).is_some(),
        Direction::Reverse => true,
    };
    (is_whole && is_alive(&keys.forward, now)).then_some(found)
}

/// The entry of a key in one direction's table or the other's.
#[inline(always)]
fn either<T: Table>(
    forward: &'static T,
    reverse: &'static T,
    key: &FlowKey,
    kind: u8,
) -> Option<(Entry, Direction)> {
    let forward = || Entry::find(forward, key).map(|entry| (entry, Direction::Forward));
    let reverse = || Entry::find(reverse, key).map(|entry| (entry, Direction::Reverse));
    if kind == KIND_SERVER { reverse().or_else(forward) } else { forward().or_else(reverse) }
}

/// Whether the connection of this forward key is in the small table and not too old.
#[inline(always)]
pub(crate) fn is_alive(forward: &FlowKey, now: u64) -> bool {
    let Some(entry) = Entry::find(&EMB_FWD, forward) else { return false };
    let conn = entry.conn();
    if seen::is_established(conn.seen) {
        return true;
    }
    let Some(server) = table::get(&VIRTUAL, &destination(forward)) else { return false };
    age(forward, conn, now) < server.pending_ns
}

/// How long a connection has been embryonic. A flow of datagrams may never be answered: what counts
/// for it is the last one.
#[inline(always)]
fn age(forward: &FlowKey, conn: &Conn, now: u64) -> u64 {
    let since = if forward.protocol == parse::TCP { conn.created } else { conn.last_seen };
    now.saturating_sub(since)
}
