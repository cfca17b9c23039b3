//! Ping of floating addresses, answered here: the kernel does not have them.

use hitless_model::{Counter, checksum};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use crate::ctx::{Covered, Packet, Zero, change, table};
use crate::ipv4::Arrival;
use crate::parse::{self, Headers};
use crate::verdict::Outcome;

/// Type and code of an echo request.
const ECHO_REQUEST: [u8; 2] = [8, 0];
/// Type and code of its answer.
const ECHO_REPLY: [u8; 2] = [0, 0];
/// Offset of the checksum in an ICMP message.
const CHECKSUM: usize = 2;
/// Time to live of an answer, as the kernel's own.
const TTL: u8 = 64;

/// What every echo message begins with.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct Echo {
    kind: [u8; 2],
    checksum: [u8; 2],
    id_and_sequence: [u8; 4],
}

/// Decides on an ICMP packet to a floating address.
#[inline(always)]
pub(crate) fn to_floating<P: Packet>(packet: &mut P, arrival: &Arrival<'_>) -> Outcome {
    let ip = &arrival.ip;
    arrival.gate.answers(Counter::DropNotActive)?;
    let echo: Echo = parse::segment(packet, ip)?;
    if echo.kind != ECHO_REQUEST {
        return Err(Counter::DropIcmp);
    }
    packet.replace_checksum(
        ip.payload + CHECKSUM,
        Covered::Word(ECHO_REQUEST, ECHO_REPLY),
        Zero::IsSum,
    )?;
    turn_round(packet, arrival).ok_or(Counter::DropRewriteFailed)?;
    table::count(Counter::PingAnswered);
    packet.redirect(packet.ifindex())
}

/// Sends it back to where it came from.
#[inline(always)]
fn turn_round<P: Packet>(packet: &mut P, arrival: &Arrival<'_>) -> Option<()> {
    let ip = &arrival.ip;
    let headers: &mut Headers = change(packet, 0)?;
    headers.ethernet.dst = arrival.ethernet.src;
    headers.ethernet.src = arrival.port.own_mac;
    headers.ip.src = ip.dst;
    headers.ip.dst = ip.src;
    headers.ip.checksum = checksum::after_change(
        headers.ip.checksum,
        [headers.ip.ttl, headers.ip.protocol, 0, 0],
        [TTL, headers.ip.protocol, 0, 0],
    );
    headers.ip.ttl = TTL;
    let echo: &mut Echo = change(packet, ip.payload)?;
    echo.kind = ECHO_REPLY;
    Some(())
}
