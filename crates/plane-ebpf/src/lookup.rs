//! Finding the connection that a packet belongs to.
//!
//! A flow is looked for in its VLAN's usual direction first: from a client VLAN it is most likely on
//! its way to a virtual server, from a server VLAN on its way back. After that its destination tells: what is
//! for a floating address is on its way to a virtual server, and nothing else is.

use hitless_model::abi::{Conn, FlowKey, KIND_SERVER, VirtualKey, VlanPort};
use hitless_model::tcp::seen;
use zerocopy::transmute;

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
    /// In the small table, since this packet.
    Begun,
    /// In the small table.
    Embryonic,
    /// In the main table.
    Established,
}

/// A connection found by one of its packets.
pub(crate) struct Found<'a> {
    /// The packet's key.
    pub(crate) key: &'a FlowKey,
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

impl Found<'_> {
    /// Both keys.
    #[inline(always)]
    pub(crate) fn keys(&self) -> Keys {
        let conn = self.entry.conn();
        let rewrite = (conn.rewrite_ip, conn.rewrite_port);
        match self.direction {
            Direction::Forward => {
                Keys { forward: *self.key, reverse: self.key.reverse_of_forward(rewrite) }
            }
            Direction::Reverse => {
                Keys { forward: self.key.forward_of_reverse(rewrite), reverse: *self.key }
            }
        }
    }
}

/// The virtual server that a flow is addressed to, as a key.
#[inline(always)]
pub(crate) fn destination(key: &FlowKey) -> VirtualKey {
    VirtualKey { ip: key.dst, port: key.dst_port, protocol: key.protocol, reserved: 0 }
}

/// Whether two keys are one, word by word.
#[inline(always)]
pub(crate) fn is_same(one: &FlowKey, other: &FlowKey) -> bool {
    let (one, other): ([u64; 2], [u64; 2]) = (transmute!(*one), transmute!(*other));
    one == other
}

/// The established connection of a packet that goes the way that is usual on its VLAN.
#[inline(always)]
pub(crate) fn usual(key: &FlowKey, kind: u8) -> Option<Found<'_>> {
    if kind == KIND_SERVER {
        found(&CONN_REV, key, (Direction::Reverse, Stage::Established))
    } else {
        found(&CONN_FWD, key, (Direction::Forward, Stage::Established))
    }
}

/// What is known of a packet before it is looked for everywhere.
#[derive(Clone, Copy)]
pub(crate) struct Hints<'a> {
    /// The interface that it arrived on.
    pub(crate) port: &'a VlanPort,
    /// Whether the usual direction's table was asked.
    pub(crate) asked: Asked,
    /// Whether it is for a floating address.
    pub(crate) to_floating: bool,
}

/// Whether the table of a packet's usual direction was asked for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// No, or it has the packet's connection.
    No,
    /// It does not have it.
    InVain,
}

/// The connection of a packet, on its way to a virtual server or back. An embryonic one counts while it
/// is alive.
#[inline(always)]
pub(crate) fn connection<'a>(key: &'a FlowKey, hints: Hints<'_>, now: u64) -> Option<Found<'a>> {
    let known = match hints.asked {
        Asked::No => usual(key, hints.port.kind),
        Asked::InVain => None,
    };
    if let Some(found) = known.or_else(|| unusual(key, hints)) {
        return Some(found);
    }
    let embryonic = if hints.to_floating {
        found(&EMB_FWD, key, (Direction::Forward, Stage::Embryonic))
    } else if may_be_of_real(hints.port) {
        found(&EMB_REV, key, (Direction::Reverse, Stage::Embryonic))
    } else {
        None
    };
    match embryonic {
        Some(found) if is_alive(&found.keys(), now) => Some(found),
        Some(_) | None => None,
    }
}

/// The established connection of a packet that goes the other way.
#[inline(always)]
fn unusual<'a>(key: &'a FlowKey, hints: Hints<'_>) -> Option<Found<'a>> {
    if hints.port.kind == KIND_SERVER {
        // Also when the virtual server is configured no more: its connections go on.
        found(&CONN_FWD, key, (Direction::Forward, Stage::Established))
    } else if !hints.to_floating && may_be_of_real(hints.port) {
        found(&CONN_REV, key, (Direction::Reverse, Stage::Established))
    } else {
        None
    }
}

/// Whether reals answer from this VLAN: what says there that it is a real's is forged otherwise.
#[inline(always)]
fn may_be_of_real(port: &VlanPort) -> bool {
    port.kind == KIND_SERVER || port.has_reals != 0
}

/// What a table has for a key.
#[inline(always)]
fn found<'a, T: Table>(
    table: &'static T,
    key: &'a FlowKey,
    (direction, stage): (Direction, Stage),
) -> Option<Found<'a>> {
    Entry::find(table, key).map(|entry| Found { key, entry, direction, stage })
}

/// Whether both entries are in the small table, belong together and are not too old. Entries are
/// evicted and overwritten one by one: what is left of a connection may meet what was made later, and
/// would send the answers of one real to a client that talks to another.
#[inline(always)]
pub(crate) fn is_alive(keys: &Keys, now: u64) -> bool {
    let Some(forward) = Entry::find(&EMB_FWD, &keys.forward) else { return false };
    let Some(reverse) = Entry::find(&EMB_REV, &keys.reverse) else { return false };
    let (conn, back) = (forward.conn(), reverse.conn());
    let is_pair = (conn.rewrite_ip, conn.rewrite_port) == (keys.reverse.src, keys.reverse.src_port)
        && (back.rewrite_ip, back.rewrite_port) == (keys.forward.dst, keys.forward.dst_port);
    is_pair && (seen::is_established(conn.seen) || is_young(&keys.forward, conn, now))
}

/// Whether an embryonic connection is not too old.
#[inline(always)]
fn is_young(forward: &FlowKey, conn: &Conn, now: u64) -> bool {
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
