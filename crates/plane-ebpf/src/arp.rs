//! ARP requests for floating addresses.
//!
//! Only the box that may answer does, with the virtual MAC: that is how the network finds the pair.
//! Everything else of ARP is the kernel's.

use hitless_model::Counter;
use hitless_model::abi::{FloatingKey, VlanPort};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use crate::ctx::{Packet, change, read, table};
use crate::gate::Gate;
use crate::maps::FLOATING;
use crate::parse::EthernetHeader;
use crate::verdict::{Outcome, Verdict};

/// Ethernet, IPv4, their lengths, request.
const REQUEST: [u8; 8] = [0, 1, 8, 0, 6, 4, 0, 1];
/// The same of a reply.
const REPLY: [u8; 8] = [0, 1, 8, 0, 6, 4, 0, 2];

/// A frame of ARP for IPv4 over Ethernet.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct Arp {
    ethernet: EthernetHeader,
    what: [u8; 8],
    sender_mac: [u8; 6],
    sender_ip: [u8; 4],
    target_mac: [u8; 6],
    target_ip: [u8; 4],
}

/// Decides on a frame of ARP.
#[inline(always)]
pub(crate) fn handle<P: Packet>(packet: &mut P, port: &VlanPort) -> Outcome {
    let Some(request) = read::<Arp, P>(packet, 0) else { return Ok(Verdict::Pass) };
    let asked = FloatingKey { ip: request.target_ip, vlan: port.vlan, reserved: 0 };
    if request.what != REQUEST || table::get(&FLOATING, &asked).is_none() {
        return Ok(Verdict::Pass);
    }
    Gate::exactly().answers(Counter::DropArpNotActive)?;
    answer(packet, &request, port.virtual_mac)?;
    table::count(Counter::ArpAnswered);
    packet.redirect(packet.ifindex())
}

/// Turns the request into its reply.
#[inline(always)]
fn answer<P: Packet>(packet: &mut P, request: &Arp, mac: [u8; 6]) -> Result<(), Counter> {
    let reply: &mut Arp = change(packet, 0).ok_or(Counter::DropRewriteFailed)?;
    reply.ethernet.dst = request.sender_mac;
    reply.ethernet.src = mac;
    reply.what = REPLY;
    reply.target_mac = request.sender_mac;
    reply.target_ip = request.sender_ip;
    reply.sender_mac = mac;
    reply.sender_ip = request.target_ip;
    Ok(())
}
