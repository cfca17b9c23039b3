//! The way of an IPv4 packet: a known connection, a floating address, or the rest.

use hitless_model::abi::{FloatingKey, KIND_CLIENT, VirtualKey, VlanPort};
use hitless_model::{Counter, tcp};

use crate::ctx::local::Local;
use crate::ctx::{Packet, table};
use crate::gate::Gate;
use crate::lookup::{self, Asked, Direction, Found, Hints};
use crate::mac::{Mac, Macs};
use crate::maps::{FLOATING, REAL_ADDRS, VIRTUAL};
use crate::parse::{self, Ethernet, Ipv4, Transport};
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
    /// Whether it is not the usual packet of a connection.
    pub(crate) asked: Asked,
    /// What this processor has for itself.
    pub(crate) local: Local,
    /// Coarse time.
    pub(crate) now: u64,
}

impl Arrival<'_> {
    /// What this box may do with what it knows.
    #[inline(always)]
    pub(crate) fn gate(&self) -> Gate {
        Gate::at(self.now)
    }
}

/// Decides on an IPv4 packet.
#[inline(always)]
pub(crate) fn handle<P: Packet>(
    packet: &mut P,
    (port, local, asked): (&VlanPort, Local, Asked),
    ethernet: Ethernet,
) -> Outcome {
    let addressee = addressee(port, &ethernet)?;
    let ip = parse::ipv4(packet)?;
    let transport = parse::transport(packet, &ip)?;
    let ifindex = port.ifindex;
    let now = local.now();
    let arrival = &Arrival { port, ifindex, ethernet, ip, asked, local, now };
    let Some(transport) = transport else {
        return without_ports(packet, arrival, addressee);
    };
    with_ports(packet, arrival, addressee, &transport)
}

/// Decides on a packet of TCP or UDP.
#[inline(always)]
fn with_ports<P: Packet>(
    packet: &mut P,
    arrival: &Arrival<'_>,
    addressee: Addressee,
    transport: &Transport,
) -> Outcome {
    let to_floating = is_to_floating(arrival);
    let found = match addressee {
        Addressee::Own | Addressee::Virtual => {
            let hints = Hints { port: arrival.port, asked: arrival.asked, to_floating };
            lookup::connection(&transport.key, hints, arrival.now)
        }
        // What was sent to many is never forwarded (RFC 1812, 5.3.4), so it has no connection.
        Addressee::Group => None,
    };
    let found = match known(arrival, found, transport)? {
        Some(found) => found,
        None if to_floating => {
            admit(addressee)?;
            open(arrival, transport)?
        }
        None => {
            refuse_stray_of_real(arrival, transport)?;
            return to_kernel(packet, arrival, addressee);
        }
    };
    leave::by_connection(packet, arrival, transport, &found)
}

/// Decides on a packet that no connection can be known by.
#[inline(always)]
fn without_ports<P: Packet>(
    packet: &mut P,
    arrival: &Arrival<'_>,
    addressee: Addressee,
) -> Outcome {
    if !is_to_floating(arrival) {
        return to_kernel(packet, arrival, addressee);
    }
    admit(addressee)?;
    match (arrival.ip.is_fragment, arrival.ip.protocol) {
        (true, _) => Err(Counter::DropFragment),
        (false, parse::ICMP) => icmp::to_floating(packet, arrival),
        (false, _) => Err(Counter::DropNoVirtualServer),
    }
}

/// Whom the frame is addressed to, if that is for us to take.
#[inline(always)]
fn addressee(port: &VlanPort, ethernet: &Ethernet) -> Result<Addressee, Counter> {
    let [own_mac, virtual_mac] = Mac::of_port(port);
    if ethernet.dst == virtual_mac {
        Ok(Addressee::Virtual)
    } else if ethernet.dst == own_mac {
        Ok(Addressee::Own)
    } else if ethernet.dst.is_group() {
        Ok(Addressee::Group)
    } else {
        Err(Counter::DropNotForUs)
    }
}

/// The connection that was found for a packet, unless the packet begins another one in its place.
#[inline(always)]
fn known<'a>(
    arrival: &Arrival<'_>,
    found: Option<Found<'a>>,
    transport: &Transport,
) -> Result<Option<Found<'a>>, Counter> {
    let Some(found) = found else { return Ok(None) };
    arrival.gate().forwards()?;
    if is_forged(&found, arrival.port) {
        return Ok(None);
    }
    Ok((!track::is_opened_again(&found, transport)).then_some(found))
}

/// Whether a packet that says it is a real's comes from a VLAN of clients where that real is not:
/// otherwise a client could answer itself, and fill the main table with addresses it does not have.
#[inline(always)]
fn is_forged(found: &Found<'_>, port: &VlanPort) -> bool {
    found.direction == Direction::Reverse
        && port.kind == KIND_CLIENT
        && found.entry.conn().in_vlan != port.vlan
}

/// Whether a packet is for an alias or a virtual address. If it is of no connection, it never reaches
/// the kernel.
#[inline(always)]
fn is_to_floating(arrival: &Arrival<'_>) -> bool {
    let ip = arrival.ip.dst.to_ne_bytes();
    table::get(&FLOATING, &FloatingKey { ip, vlan: 0, reserved: 0 }).is_some()
}

/// Goes on if this box may take a packet to a floating address that is of no connection.
#[inline(always)]
fn admit(addressee: Addressee) -> Result<(), Counter> {
    match addressee {
        Addressee::Group => Err(Counter::DropNotForUs),
        Addressee::Own | Addressee::Virtual => Gate::exactly().forwards(),
    }
}

/// Makes the connection that a packet to a floating address opens.
#[inline(always)]
fn open<'a>(arrival: &Arrival<'_>, transport: &'a Transport) -> Result<Found<'a>, Counter> {
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
            arrival.gate().forwards()?;
            packet.to_host()?;
            Macs::new(Mac::of(arrival.port.own_mac), arrival.ethernet.src).put(packet)?;
            arrival.local.count(Counter::RoutedByKernel);
            Ok(Verdict::Pass)
        }
    }
}
