//! The first packet of a flow: a real is chosen and both entries are made.

use hitless_model::Counter;
use hitless_model::abi::{
    CONN_MAC_KNOWN, CONN_REPLICATE, CONN_STICKY, Conn, EVENT_EMBRYONIC, FlowKey, Real,
    VS_IN_SERVICE, VS_REPLICATE, VS_STICKY_DESTINATION, VS_STICKY_SOURCE, VirtualServer, VlanPort,
};

use crate::ctx::entry::{self, Entry};
use crate::ctx::{events, local, table};
use crate::gate::Gate;
use crate::ipv4::Arrival;
use crate::lookup::{self, Direction, Found, Keys, Stage};
use crate::maps::{CONN_REV, EMB_FWD, EMB_REV, NEXT_HOPS, REALS, SCHEDULE};
use crate::{sticky, track};

/// How many places of the schedule are tried: a client port that meets the same real by two virtual
/// servers is rare, three such reals in a row do not happen by chance.
const ATTEMPTS: u64 = 4;

/// Makes the connection that a packet to a virtual server opens.
#[inline(always)]
pub(crate) fn connection<'a>(
    arrival: &Arrival<'_>,
    key: &'a FlowKey,
    server: &VirtualServer,
) -> Result<Found<'a>, Counter> {
    if server.flags & VS_IN_SERVICE == 0 {
        return Err(Counter::DropOutOfService);
    }
    if track::is_table_full() {
        return Err(Counter::DropTableFull);
    }
    let real = choose(arrival, key, server)?;
    sticky::begin(key, server, (real.ip, port_of(real, key)), arrival.now);
    let forward = forward(arrival, key, server, real);
    entry::insert(&EMB_FWD, key, &forward).map_err(|_| Counter::DropTableFull)?;
    local::count(Counter::ConnectionsCreated);
    if arrival.gate() == Gate::Draining && forward.flags & CONN_REPLICATE != 0 {
        events::tell(EVENT_EMBRYONIC, key, &forward);
    }
    let entry = Entry::find(&EMB_FWD, key).ok_or(Counter::DropTableFull)?;
    Ok(Found { key, entry, direction: Direction::Forward, stage: Stage::Begun })
}

/// The real that the client sticks to, else the one whose turn it is, if its reverse key is free; the reverse
/// entry is made.
#[inline(always)]
fn choose(
    arrival: &Arrival<'_>,
    key: &FlowKey,
    server: &VirtualServer,
) -> Result<&'static Real, Counter> {
    let (first, turn) = first(arrival, key, server).ok_or(Counter::DropNoReal)?;
    let mut reverse = reverse(arrival, key, server);
    // A real has as many places in a row as it weighs: its neighbours in the schedule are itself.
    let stride = (u64::from(server.schedule_len) / ATTEMPTS).max(1);
    for attempt in 0..ATTEMPTS {
        let place = turn.wrapping_add(attempt * stride);
        let scheduled = if attempt == 0 { Some(first) } else { scheduled(server, place) };
        let index = scheduled.ok_or(Counter::DropNoReal)?;
        let real = table::element(&REALS, index).ok_or(Counter::DropNoReal)?;
        reverse.in_vlan = real.vlan;
        let address = (real.ip, port_of(real, key));
        if claim(key, &key.reverse_of_forward(address), &reverse, arrival.now) {
            return Ok(real);
        }
    }
    Err(Counter::DropReverseOccupied)
}

/// The index of the real that is tried first, and the turn that the others follow from. A client that sticks
/// takes nobody's turn; if it cannot have its real, any other one is as good.
#[inline(always)]
fn first(arrival: &Arrival<'_>, key: &FlowKey, server: &VirtualServer) -> Option<(u32, u64)> {
    let stuck = sticky::real(key, server, arrival.now);
    if stuck == sticky::NONE {
        let turn = table::take_turn(server.farm)?;
        return Some((scheduled(server, turn)?, turn));
    }
    arrival.local.count(Counter::StuckToReal);
    Some((stuck, arrival.now))
}

/// The index of the real at a place of the farm's schedule; none if no real is in service.
#[inline(always)]
fn scheduled(server: &VirtualServer, turn: u64) -> Option<u32> {
    let place = turn.checked_rem(u64::from(server.schedule_len))?;
    let index = u64::from(server.schedule_start).wrapping_add(place);
    table::element(&SCHEDULE, u32::try_from(index).ok()?).copied()
}

/// The port that a real listens on.
#[inline(always)]
fn port_of(real: &Real, key: &FlowKey) -> [u8; 2] {
    if real.port == [0; 2] { key.dst_port } else { real.port }
}

/// Makes the reverse entry if its key is free: nobody has it, or this connection itself from an
/// earlier attempt, or an embryonic one that is too old.
#[inline(always)]
fn claim(key: &FlowKey, reverse_key: &FlowKey, reverse: &Conn, now: u64) -> bool {
    if Entry::find(&CONN_REV, reverse_key).is_some() {
        return false;
    }
    if entry::insert_new(&EMB_REV, reverse_key, reverse).is_ok() {
        return true;
    }
    let Some(holder) = Entry::find(&EMB_REV, reverse_key) else { return false };
    let held = (holder.conn().rewrite_ip, holder.conn().rewrite_port);
    let other = Keys { forward: reverse_key.forward_of_reverse(held), reverse: *reverse_key };
    let is_free = lookup::is_same(&other.forward, key) || !lookup::is_alive(&other, now);
    is_free && entry::insert(&EMB_REV, reverse_key, reverse).is_ok()
}

/// The entry from the client to the real.
#[inline(always)]
fn forward(arrival: &Arrival<'_>, key: &FlowKey, server: &VirtualServer, real: &Real) -> Conn {
    let out_ifindex = table::element(&NEXT_HOPS, real.next_hop).map_or(0, |hop| hop.ifindex);
    Conn {
        rewrite_ip: real.ip,
        rewrite_port: port_of(real, key),
        next_hop: real.next_hop,
        out_ifindex,
        in_vlan: arrival.port.vlan,
        out_vlan: real.vlan,
        ..blank(arrival, server)
    }
}

/// The entry from the real to the client; the VLAN it comes from is not known yet. A client that is
/// not on-link is answered through the gateway, whose MAC may change, if there is one.
#[inline(always)]
fn reverse(arrival: &Arrival<'_>, key: &FlowKey, server: &VirtualServer) -> Conn {
    let port = arrival.port;
    let mut conn = Conn {
        rewrite_ip: key.dst,
        rewrite_port: key.dst_port,
        out_ifindex: arrival.ifindex,
        out_vlan: port.vlan,
        ..blank(arrival, server)
    };
    if port.gateway_next_hop == 0 || is_on_link(port, arrival.ip.src) {
        conn.mac = arrival.ethernet.src.bytes();
        conn.flags |= CONN_MAC_KNOWN;
    } else {
        conn.next_hop = port.gateway_next_hop;
    }
    conn
}

/// What both entries have in common.
#[inline(always)]
fn blank(arrival: &Arrival<'_>, server: &VirtualServer) -> Conn {
    let flag = |asked: u16, flag: u8| if server.flags & asked == 0 { 0 } else { flag };
    let flags = flag(VS_REPLICATE, CONN_REPLICATE)
        | flag(VS_STICKY_SOURCE | VS_STICKY_DESTINATION, CONN_STICKY);
    Conn {
        last_seen: arrival.now,
        created: arrival.now,
        virtual_server: server.index,
        flags,
        ..Conn::default()
    }
}

/// Whether an address is in the VLAN's subnet.
#[inline(always)]
fn is_on_link(port: &VlanPort, ip: u32) -> bool {
    let mask = u32::from_ne_bytes(port.mask);
    ip & mask == u32::from_ne_bytes(port.ip) & mask
}
