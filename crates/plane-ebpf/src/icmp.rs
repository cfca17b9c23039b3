//! Ping of floating addresses, answered here: the kernel does not have them.

use hitless_model::{Counter, checksum};

use crate::ctx::{Change, Packet, Zero, change, local};
use crate::ipv4::Arrival;
use crate::mac::{Mac, Macs};
use crate::parse::{self, ETHERNET_LEN, Ipv4Header, header};
use crate::verdict::Outcome;

/// Type and code of an echo request.
const ECHO_REQUEST: u16 = u16::from_ne_bytes([8, 0]);
/// Type and code of its answer.
const ECHO_REPLY: u16 = u16::from_ne_bytes([0, 0]);
/// Offset of the checksum in an ICMP message.
const CHECKSUM: usize = 2;
/// Time to live of an answer, as the kernel's own.
const TTL: u8 = 64;

header! {
    /// What every echo message begins with.
    struct Echo {
        kind: u16,
        checksum: u16,
        id_and_sequence: u32,
    }
}

/// Decides on an ICMP packet to a floating address.
#[inline(always)]
pub(crate) fn to_floating<P: Packet>(packet: &mut P, arrival: &Arrival<'_>) -> Outcome {
    let ip = &arrival.ip;
    arrival.gate().answers(Counter::DropNotActive)?;
    let echo: &Echo = parse::segment(packet, ip)?;
    if echo.kind != ECHO_REQUEST {
        return Err(Counter::DropIcmp);
    }
    let change = Change { ip: (0, 0), word: (ECHO_REQUEST, ECHO_REPLY) };
    packet.replace_checksum(ip.payload + CHECKSUM, &change, Zero::IsSum)?;
    turn_round(packet, arrival).ok_or(Counter::DropRewriteFailed)?;
    local::count(Counter::PingAnswered);
    packet.redirect(packet.ifindex())
}

/// Sends it back to where it came from.
#[inline(always)]
fn turn_round<P: Packet>(packet: &mut P, arrival: &Arrival<'_>) -> Option<()> {
    let ip = &arrival.ip;
    Macs::new(arrival.ethernet.src, Mac::of(arrival.port.own_mac)).put(packet).ok()?;
    let header: &mut Ipv4Header = change(packet, ETHERNET_LEN)?;
    let with = |ttl: u8| u32::from_ne_bytes([ttl, ip.protocol, 0, 0]);
    header.checksum = checksum::after_change(header.checksum, with(ip.ttl), with(TTL));
    header.ttl = TTL;
    header.src = ip.dst;
    header.dst = ip.src;
    let echo: &mut Echo = change(packet, ip.payload)?;
    echo.kind = ECHO_REPLY;
    Some(())
}
