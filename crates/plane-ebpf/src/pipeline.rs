//! The way of every packet, up to the protocol that it is of.
//!
//! This is the one place where a dropped packet is counted: everything below returns its reason.

use hitless_model::Counter;

use crate::ctx::{Packet, table};
use crate::maps::PORTS;
use crate::verdict::{Outcome, Verdict};
use crate::{arp, ipv4, parse};

/// Decides on one packet.
#[inline(always)]
pub(crate) fn handle<P: Packet>(packet: &mut P) -> Verdict {
    match decide(packet) {
        Ok(verdict) => verdict,
        Err(reason) => {
            table::count(reason);
            Verdict::Drop
        }
    }
}

#[inline(always)]
fn decide<P: Packet>(packet: &mut P) -> Outcome {
    let Some(port) = table::get(&PORTS, &packet.ifindex()) else { return Ok(Verdict::Pass) };
    if packet.is_of_another_vlan() {
        return Ok(Verdict::Pass);
    }
    packet.make_headers_readable();
    let Some(ethernet) = parse::ethernet(packet) else { return Ok(Verdict::Pass) };
    match ethernet.kind {
        parse::KIND_IPV4 => ipv4::handle(packet, port, ethernet),
        parse::KIND_ARP => arp::handle(packet, port),
        // A tag within a priority tag: the kernel would take off both and look at what is in it.
        parse::KIND_TAG | parse::KIND_PROVIDER_TAG => Err(Counter::DropMalformed),
        _ => Ok(Verdict::Pass),
    }
}
