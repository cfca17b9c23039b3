//! Changing a packet: address and port of one side, time to live, MACs, and the checksums over them.

use hitless_model::{Counter, checksum};

use crate::ctx::{Change, Packet, Zero, change};
use crate::ipv4::Arrival;
use crate::lookup::Direction;
use crate::parse::{ETHERNET_LEN, Ipv4Header, PortsHeader, TCP, Transport};

/// Offset of the checksum in a TCP header.
const TCP_CHECKSUM: usize = 16;
/// Offset of the checksum in a UDP header.
const UDP_CHECKSUM: usize = 6;

/// What is put in the place of the virtual server, or of the real; as it lies in a packet.
pub(crate) struct Rewrite {
    /// Forward: the destination is changed. Reverse: the source.
    pub(crate) direction: Direction,
    /// The address.
    pub(crate) ip: u32,
    /// The port.
    pub(crate) port: u16,
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
    let key = &transport.key;
    let (ip, port) = match to.direction {
        Direction::Forward => (key.dst, key.dst_port),
        Direction::Reverse => (key.src, key.src_port),
    };
    let ip = (u32::from_ne_bytes(ip), to.ip);
    let word = (u16::from_ne_bytes(port), to.port);
    let (offset, zero) = match key.protocol {
        TCP => (TCP_CHECKSUM, Zero::IsSum),
        _ => (UDP_CHECKSUM, Zero::IsAbsent),
    };
    packet.replace_checksum(arrival.ip.payload + offset, &Change { ip, word }, zero)?;
    let header: &mut Ipv4Header = change(packet, ETHERNET_LEN).ok_or(Counter::DropRewriteFailed)?;
    age(header, arrival);
    header.checksum = checksum::after_change(header.checksum, ip.0, ip.1);
    match to.direction {
        Direction::Forward => header.dst = to.ip,
        Direction::Reverse => header.src = to.ip,
    }
    let ports: &mut PortsHeader =
        change(packet, arrival.ip.payload).ok_or(Counter::DropRewriteFailed)?;
    match to.direction {
        Direction::Forward => ports.dst = to.port,
        Direction::Reverse => ports.src = to.port,
    }
    Ok(())
}

/// One hop less to live.
#[inline(always)]
fn age(header: &mut Ipv4Header, arrival: &Arrival<'_>) {
    let ttl = arrival.ip.ttl;
    let word = |ttl: u8| u32::from_ne_bytes([ttl, arrival.ip.protocol, 0, 0]);
    let aged = ttl.wrapping_sub(1);
    header.checksum = checksum::after_change(header.checksum, word(ttl), word(aged));
    header.ttl = aged;
}
