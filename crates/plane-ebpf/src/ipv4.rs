//! The way of an IPv4 packet: a known connection, a floating address, or the rest.

use hitless_model::abi::{FloatingKey, KIND_CLIENT, VirtualKey, VlanPort};
use hitless_model::{Counter, tcp};

use crate::ctx::{Packet, change, clock, table};
use crate::gate::Gate;
use crate::lookup::{self, Direction, Found};
use crate::maps::{FLOATING, REAL_ADDRS, VIRTUAL};
use crate::parse::{self, Ethernet, EthernetHeader, Ipv4, Transport};
use crate::verdict::{Outcome, Verdict};
use crate::{create, icmp, leave, track};

/// Whom the frame is addressed to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Addressee {
    /// This box.
    Own,
    /// Whichever box is active.
    Virtual,
    /// Many.
    Group,
}

/// A packet with all that has been found out about it.
pub(crate) struct Arrival<'a> {
    /// What the interface is.
    pub(crate) port: &'a VlanPort,
    /// The interface.
    pub(crate) ifindex: u32,
    /// Its Ethernet header.
    pub(crate) ethernet: Ethernet,
    /// Its IPv4 header.
    pub(crate) ip: Ipv4,
    /// What this box may do with what it knows.
    pub(crate) gate: Gate,
    /// Coarse time.
    pub(crate) now: u64,
}

/// Decides on an IPv4 packet.
#[inline(always)]
pub(crate) fn handle<P: Packet>(packet: &mut P, port: &VlanPort, ethernet: Ethernet) -> Outcome {
    let addressee = addressee(port, &ethernet)?;
    let ip = parse::ipv4(packet)?;
    let transport = parse::transport(packet, &ip)?;
    let now = clock::coarse();
    let arrival =
        &Arrival { port, ifindex: packet.ifindex(), ethernet, ip, gate: Gate::at(now), now };
    let Some(transport) = transport else {
        return without_ports(packet, arrival, addressee);
    };
    let found = match known(arrival, addressee, &transport)? {
        Some(found) => found,
        None if is_to_floating(arrival, addressee)? => open(arrival, &transport)?,
        None => {
            refuse_stray_of_real(arrival, &transport)?;
            return to_kernel(packet, arrival, addressee);
        }
    };
    leave::by_connection(packet, arrival, &transport, &found)
}

/// Decides on a packet that no connection can be known by.
#[inline(always)]
fn without_ports<P: Packet>(
    packet: &mut P,
    arrival: &Arrival<'_>,
    addressee: Addressee,
) -> Outcome {
    if !is_to_floating(arrival, addressee)? {
        return to_kernel(packet, arrival, addressee);
    }
    match (arrival.ip.is_fragment, arrival.ip.protocol) {
        (true, _) => Err(Counter::DropFragment),
        (false, parse::ICMP) => icmp::to_floating(packet, arrival),
        (false, _) => Err(Counter::DropNoVirtualServer),
    }
}

/// Whom the frame is addressed to, if that is for us to take.
#[inline(always)]
fn addressee(port: &VlanPort, ethernet: &Ethernet) -> Result<Addressee, Counter> {
    if ethernet.dst == port.own_mac {
        Ok(Addressee::Own)
    } else if ethernet.dst == port.virtual_mac {
        Ok(Addressee::Virtual)
    } else if ethernet.dst[0] & 1 != 0 {
        Ok(Addressee::Group)
    } else {
        Err(Counter::DropNotForUs)
    }
}

/// The connection of a packet, unless the packet begins another one in its place. What was sent to
/// many is never forwarded (RFC 1812, 5.3.4), so it has none.
#[inline(always)]
fn known(
    arrival: &Arrival<'_>,
    addressee: Addressee,
    transport: &Transport,
) -> Result<Option<Found>, Counter> {
    if addressee == Addressee::Group {
        return Ok(None);
    }
    let Some(found) = lookup::connection(&transport.key, arrival.port.kind, arrival.now) else {
        return Ok(None);
    };
    arrival.gate.forwards()?;
    if is_forged(&found, arrival.port) {
        return Ok(None);
    }
    Ok((!track::is_opened_again(&found, transport)).then_some(found))
}

/// Whether a packet that says it is a real's comes from a VLAN of clients where that real is not:
/// otherwise a client could answer itself, and fill the main table with addresses it does not have.
#[inline(always)]
fn is_forged(found: &Found, port: &VlanPort) -> bool {
    found.direction == Direction::Reverse
        && port.kind == KIND_CLIENT
        && found.entry.conn().in_vlan != port.vlan
}

/// Whether a packet of no known connection is for an alias or a virtual address, and this box may take
/// it. Such a packet never reaches the kernel.
#[inline(always)]
fn is_to_floating(arrival: &Arrival<'_>, addressee: Addressee) -> Result<bool, Counter> {
    let anywhere = FloatingKey { ip: arrival.ip.dst, vlan: 0, reserved: 0 };
    if table::get(&FLOATING, &anywhere).is_none() {
        return Ok(false);
    }
    if addressee == Addressee::Group {
        return Err(Counter::DropNotForUs);
    }
    Gate::exactly().forwards()?;
    Ok(true)
}

/// Makes the connection that a packet to a floating address opens.
#[inline(always)]
fn open(arrival: &Arrival<'_>, transport: &Transport) -> Result<Found, Counter> {
    let server = table::get(&VIRTUAL, &lookup::destination(&transport.key))
        .ok_or(Counter::DropNoVirtualServer)?;
    if transport.key.protocol == parse::TCP && !tcp::opens(transport.flags) {
        return Err(Counter::DropNoConnection);
    }
    create::connection(arrival, &transport.key, server)
}

/// A segment from a real of a translating farm that belongs to no connection must not be routed: it
/// would show the real's address to the client. What answers this box itself may pass.
#[inline(always)]
fn refuse_stray_of_real(arrival: &Arrival<'_>, transport: &Transport) -> Result<(), Counter> {
    let key = &transport.key;
    if key.protocol != parse::TCP || tcp::opens(transport.flags) || key.dst == arrival.port.ip {
        return Ok(());
    }
    let source =
        VirtualKey { ip: key.src, port: key.src_port, protocol: key.protocol, reserved: 0 };
    match table::get(&REAL_ADDRS, &source) {
        Some(_) => Err(Counter::DropRealNoConnection),
        None => Ok(()),
    }
}

/// The kernel's turn. It takes only what is addressed to the interface's own MAC.
#[inline(always)]
fn to_kernel<P: Packet>(packet: &mut P, arrival: &Arrival<'_>, addressee: Addressee) -> Outcome {
    match addressee {
        Addressee::Own | Addressee::Group => Ok(Verdict::Pass),
        Addressee::Virtual => {
            arrival.gate.forwards()?;
            packet.to_host()?;
            let header: &mut EthernetHeader =
                change(packet, 0).ok_or(Counter::DropRewriteFailed)?;
            header.dst = arrival.port.own_mac;
            table::count(Counter::RoutedByKernel);
            Ok(Verdict::Pass)
        }
    }
}
