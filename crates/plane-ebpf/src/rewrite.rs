//! Changing a packet: address and port of one side, time to live, MACs, and the checksums over them.

use hitless_model::{Counter, checksum};

use crate::ctx::{Covered, Packet, Zero, change};
use crate::ipv4::Arrival;
use crate::lookup::Direction;
use crate::parse::{ETHERNET_LEN, EthernetHeader, Ipv4Header, PortsHeader, TCP, Transport};

/// Offset of the checksum in a TCP header.
const TCP_CHECKSUM: usize = 16;
/// Offset of the checksum in a UDP header.
const UDP_CHECKSUM: usize = 6;

/// What is put in the place of the virtual server, or of the real.
pub(crate) struct Rewrite {
    /// Forward: the destination is changed. Reverse: the source.
    pub(crate) direction: Direction,
    /// The address.
    pub(crate) ip: [u8; 4],
    /// The port.
    pub(crate) port: [u8; 2],
}

/// Both MACs of a frame that leaves.
pub(crate) struct Macs {
    /// Destination.
    pub(crate) dst: [u8; 6],
    /// Source.
    pub(crate) src: [u8; 6],
}

/// Changes IPv4 and transport headers. The helper for the transport checksum goes first: it may move
/// the packet.
#[inline(always)]
pub(crate) fn segment<P: Packet>(
    packet: &mut P,
    arrival: &Arrival<'_>,
    transport: &Transport,
    to: &Rewrite,
) -> Result<(), Counter> {
    transport_checksum(packet, arrival, transport, to)?;
    let header: &mut Ipv4Header = change(packet, ETHERNET_LEN).ok_or(Counter::DropRewriteFailed)?;
    let aged = [header.ttl.wrapping_sub(1), header.protocol, 0, 0];
    let place = match to.direction {
        Direction::Forward => &mut header.dst,
        Direction::Reverse => &mut header.src,
    };
    let from = core::mem::replace(place, to.ip);
    let sum = checksum::after_change(header.checksum, from, to.ip);
    header.checksum = checksum::after_change(sum, [header.ttl, header.protocol, 0, 0], aged);
    header.ttl = aged[0];
    let ports: &mut PortsHeader =
        change(packet, arrival.ip.payload).ok_or(Counter::DropRewriteFailed)?;
    match to.direction {
        Direction::Forward => ports.dst = to.port,
        Direction::Reverse => ports.src = to.port,
    }
    Ok(())
}

/// Brings the checksum of TCP or UDP up to date, as far as anything under it changes.
#[inline(always)]
fn transport_checksum<P: Packet>(
    packet: &mut P,
    arrival: &Arrival<'_>,
    transport: &Transport,
    to: &Rewrite,
) -> Result<(), Counter> {
    let key = &transport.key;
    let (ip, port) = match to.direction {
        Direction::Forward => (key.dst, key.dst_port),
        Direction::Reverse => (key.src, key.src_port),
    };
    let (offset, zero) = match key.protocol {
        TCP => (TCP_CHECKSUM, Zero::IsSum),
        _ => (UDP_CHECKSUM, Zero::IsAbsent),
    };
    let at = arrival.ip.payload + offset;
    if ip != to.ip {
        packet.replace_checksum(at, Covered::Address(ip, to.ip), zero)?;
    }
    if port != to.port {
        packet.replace_checksum(at, Covered::Word(port, to.port), zero)?;
    }
    Ok(())
}

/// Changes the MACs.
#[inline(always)]
pub(crate) fn macs<P: Packet>(packet: &mut P, macs: &Macs) -> Result<(), Counter> {
    let header: &mut EthernetHeader = change(packet, 0).ok_or(Counter::DropRewriteFailed)?;
    header.dst = macs.dst;
    header.src = macs.src;
    Ok(())
}
