//! Out of the box again: by which interface, to which MAC.

use hitless_model::Counter;
use hitless_model::abi::{CONN_MAC_KNOWN, NEXT_HOP_VALID};

use crate::ctx::{Packet, table};
use crate::ipv4::Arrival;
use crate::lookup::{Direction, Found};
use crate::mac::{Mac, Macs};
use crate::maps::NEXT_HOPS;
use crate::parse::Transport;
use crate::rewrite::{self, Rewrite};
use crate::track;
use crate::verdict::Outcome;

/// The way out.
enum Exit {
    /// Everything is known.
    Direct(u32, Macs),
    /// The kernel finds out the MAC.
    Neighbour(u32, u32),
}

/// Sends a packet of a connection on its way.
#[inline(always)]
pub(crate) fn by_connection<P: Packet>(
    packet: &mut P,
    arrival: &Arrival<'_>,
    transport: &Transport,
    found: &Found<'_>,
) -> Outcome {
    let exit = exit(found, arrival)?;
    if arrival.ip.ttl <= 1 {
        return Err(Counter::DropTtlExpired);
    }
    let conn = found.entry.conn();
    let rewrite = Rewrite {
        direction: found.direction,
        ip: u32::from_ne_bytes(conn.rewrite_ip),
        port: u16::from_ne_bytes(conn.rewrite_port),
    };
    found.entry.touch(arrival.now, arrival.ip.total_len);
    // From here on the entry may be gone: following a connection can move it.
    track::follow(found, transport);
    rewrite::segment(packet, arrival, transport, &rewrite)?;
    arrival.local.count(match found.direction {
        Direction::Forward => Counter::ForwardedToReal,
        Direction::Reverse => Counter::ForwardedToClient,
    });
    match exit {
        Exit::Direct(ifindex, macs) => {
            macs.put(packet)?;
            packet.redirect(ifindex)
        }
        Exit::Neighbour(ifindex, ip) => {
            packet.redirect_to_neighbour(ifindex, ip, Mac::of(arrival.port.own_mac))
        }
    }
}

/// The way out that the entry shows.
#[inline(always)]
fn exit(found: &Found<'_>, arrival: &Arrival<'_>) -> Result<Exit, Counter> {
    let conn = found.entry.conn();
    if conn.next_hop == 0 {
        return to_client(found, arrival);
    }
    let hop = table::element(&NEXT_HOPS, conn.next_hop).ok_or(Counter::DropNoNextHop)?;
    match hop.ifindex {
        0 => Err(Counter::DropNoNextHop),
        ifindex if hop.state == NEXT_HOP_VALID => Ok(Exit::Direct(ifindex, Macs::to_hop(hop))),
        ifindex => Ok(Exit::Neighbour(ifindex, u32::from_ne_bytes(hop.ip))),
    }
}

/// The way out to a client without a next hop: at the MAC that its packets came from, or where the
/// kernel finds it.
#[inline(always)]
fn to_client(found: &Found<'_>, arrival: &Arrival<'_>) -> Result<Exit, Counter> {
    let conn = found.entry.conn();
    let port = table::port(conn.out_ifindex).ok_or(Counter::DropNoNextHop)?;
    if conn.flags & CONN_MAC_KNOWN == 0 {
        return Ok(Exit::Neighbour(conn.out_ifindex, arrival.ip.dst));
    }
    let macs = Macs::new(Mac::of(conn.mac), Mac::of(port.own_mac));
    Ok(Exit::Direct(conn.out_ifindex, macs))
}
