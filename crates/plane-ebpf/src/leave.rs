//! Out of the box again: by which interface, to which MAC.

use hitless_model::Counter;
use hitless_model::abi::{CONN_MAC_KNOWN, NEXT_HOP_VALID};

use crate::ctx::{Packet, table};
use crate::ipv4::Arrival;
use crate::lookup::{Direction, Found};
use crate::maps::{NEXT_HOPS, PORTS};
use crate::parse::Transport;
use crate::rewrite::{self, Macs, Rewrite};
use crate::track;
use crate::verdict::Outcome;

/// The way out.
enum Exit {
    /// Everything is known.
    Direct(u32, Macs),
    /// The kernel finds out the MAC.
    Neighbour(u32, [u8; 4]),
}

/// Sends a packet of a connection on its way.
#[inline(always)]
pub(crate) fn by_connection<P: Packet>(
    packet: &mut P,
    arrival: &Arrival<'_>,
    transport: &Transport,
    found: &Found,
) -> Outcome {
    let exit = exit(found, arrival)?;
    if arrival.ip.ttl <= 1 {
        return Err(Counter::DropTtlExpired);
    }
    let conn = found.entry.conn();
    let rewrite =
        Rewrite { direction: found.direction, ip: conn.rewrite_ip, port: conn.rewrite_port };
    found.entry.touch(arrival.now, arrival.ip.total_len);
    // From here on the entry may be gone: following a connection can move it.
    track::follow(found, transport);
    rewrite::segment(packet, arrival, transport, &rewrite)?;
    table::count(match found.direction {
        Direction::Forward => Counter::ForwardedToReal,
        Direction::Reverse => Counter::ForwardedToClient,
    });
    match exit {
        Exit::Direct(ifindex, macs) => {
            rewrite::macs(packet, &macs)?;
            packet.redirect(ifindex)
        }
        Exit::Neighbour(ifindex, ip) => {
            packet.redirect_to_neighbour(ifindex, ip, arrival.port.own_mac)
        }
    }
}

/// The way out that the entry shows.
#[inline(always)]
fn exit(found: &Found, arrival: &Arrival<'_>) -> Result<Exit, Counter> {
    let conn = found.entry.conn();
    if conn.next_hop == 0 {
        return to_client(found, arrival);
    }
    let hop = table::element(&NEXT_HOPS, conn.next_hop).ok_or(Counter::DropNoNextHop)?;
    match hop.ifindex {
        0 => Err(Counter::DropNoNextHop),
        ifindex if hop.state == NEXT_HOP_VALID => {
            Ok(Exit::Direct(ifindex, Macs { dst: hop.mac, src: hop.own_mac }))
        }
        ifindex => Ok(Exit::Neighbour(ifindex, hop.ip)),
    }
}

/// The way out to a client without a next hop: at the MAC that its packets came from, or where the
/// kernel finds it.
#[inline(always)]
fn to_client(found: &Found, arrival: &Arrival<'_>) -> Result<Exit, Counter> {
    let conn = found.entry.conn();
    let port = table::get(&PORTS, &conn.out_ifindex).ok_or(Counter::DropNoNextHop)?;
    if conn.flags & CONN_MAC_KNOWN == 0 {
        return Ok(Exit::Neighbour(conn.out_ifindex, arrival.ip.dst));
    }
    Ok(Exit::Direct(conn.out_ifindex, Macs { dst: conn.mac, src: port.own_mac }))
}
