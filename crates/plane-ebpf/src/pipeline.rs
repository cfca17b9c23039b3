//! The way of every packet, up to the protocol that it is of.
//!
//! This is the one place where a dropped packet is counted: everything below returns its reason.

use hitless_model::Counter;

use crate::ctx::local::Local;
use crate::ctx::{Packet, table};
use crate::usual::{self, Way};
use crate::verdict::{Outcome, Verdict};
use crate::{arp, ipv4, parse};

/// Decides on one packet.
#[inline(always)]
pub(crate) fn handle<P: Packet>(packet: &mut P) -> Verdict {
    // Never none: the map has one element on every processor.
    let Some(local) = Local::this() else { return Verdict::Drop };
    match decide(packet, local) {
        Ok(verdict) => verdict,
        Err(reason) => {
            local.count(reason);
            Verdict::Drop
        }
    }
}

#[inline(always)]
fn decide<P: Packet>(packet: &mut P, local: Local) -> Outcome {
    let Some(port) = table::port(packet.ifindex()) else { return Ok(Verdict::Pass) };
    let asked = match usual::handle(packet, port, local) {
        Way::Short(outcome) => return outcome,
        Way::Long(asked) => asked,
    };
    if !packet.take_in() {
        return Ok(Verdict::Pass);
    }
    let Some(ethernet) = parse::ethernet(packet) else { return Ok(Verdict::Pass) };
    match ethernet.kind {
        parse::KIND_IPV4 => ipv4::handle(packet, (port, local, asked), ethernet),
        parse::KIND_ARP => arp::handle(packet, port),
        // A tag within a priority tag: the kernel would take off both and look at what is in it.
        parse::KIND_TAG | parse::KIND_PROVIDER_TAG => Err(Counter::DropMalformed),
        _ => Ok(Verdict::Pass),
    }
}
