//! ARP requests for floating addresses.
//!
//! Only the box that may answer does, with the virtual MAC: that is how the network finds the pair.
//! Everything else of ARP is the kernel's.

use hitless_model::Counter;
use hitless_model::abi::{FloatingKey, VlanPort};

use crate::ctx::{Packet, change, local, table, view};
use crate::gate::Gate;
use crate::mac::{Mac, Macs};
use crate::maps::FLOATING;
use crate::parse::{ETHERNET_LEN, header};
use crate::verdict::{Outcome, Verdict};

/// Ethernet, IPv4, their lengths, request.
const REQUEST: u64 = u64::from_ne_bytes([0, 1, 8, 0, 6, 4, 0, 1]);
/// The same of a reply.
const REPLY: u64 = u64::from_ne_bytes([0, 1, 8, 0, 6, 4, 0, 2]);

header! {
    /// ARP for IPv4 over Ethernet; MACs cut where words end.
    struct Arp {
        what: u64,
        sender_mac: u32,
        sender_mac_end: u16,
        sender_ip: u32,
        target_mac: u32,
        target_mac_end: u16,
        target_ip: u32,
    }
}

/// Decides on a frame of ARP.
#[inline(always)]
pub(crate) fn handle<P: Packet>(packet: &mut P, port: &VlanPort) -> Outcome {
    let Some(request) = view::<Arp, P>(packet, ETHERNET_LEN) else { return Ok(Verdict::Pass) };
    let ip = request.target_ip.to_ne_bytes();
    let asked = FloatingKey { ip, vlan: port.vlan, reserved: 0 };
    if request.what != REQUEST || table::get(&FLOATING, &asked).is_none() {
        return Ok(Verdict::Pass);
    }
    Gate::exactly().answers(Counter::DropArpNotActive)?;
    answer(packet, Mac::of(port.virtual_mac))?;
    local::count(Counter::ArpAnswered);
    packet.redirect(packet.ifindex())
}

/// Turns the request into its reply.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "a MAC is cut where words end")]
fn answer<P: Packet>(packet: &mut P, mac: Mac) -> Result<(), Counter> {
    let arp: &mut Arp = change(packet, ETHERNET_LEN).ok_or(Counter::DropRewriteFailed)?;
    let (target_ip, mac_start, mac_end) = (arp.target_ip, arp.sender_mac, arp.sender_mac_end);
    arp.what = REPLY;
    arp.target_mac = mac_start;
    arp.target_mac_end = mac_end;
    arp.target_ip = arp.sender_ip;
    arp.sender_mac = mac.word() as u32;
    arp.sender_mac_end = (mac.word() >> 32) as u16;
    arp.sender_ip = target_ip;
    let sender = Mac::low_of(u64::from(mac_start) | u64::from(mac_end) << 32);
    Macs::new(sender, mac).put(packet)
}
