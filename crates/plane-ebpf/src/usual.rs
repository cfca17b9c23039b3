//! The short way of the usual packet: a segment or datagram of an established connection that comes from
//! the usual side and neither begins nor ends anything.
//!
//! It decides nothing that the long way would decide otherwise, only sooner: headers of fixed lengths, one
//! look-up, and each direction by itself, so that what depends on the direction is settled when the program is
//! compiled. Whatever is not as expected takes the long way from its beginning, which also knows the reasons.

use hitless_model::abi::{KIND_SERVER, VlanPort};

use crate::ctx::Packet;
use crate::ctx::entry::{Entry, Table};
use crate::ctx::local::Local;
use crate::gate::Gate;
use crate::ipv4::Arrival;
use crate::lookup::{Asked, Direction, Found, Stage};
use crate::mac::Mac;
use crate::maps::{CONN_FWD, CONN_REV};
use crate::parse::{self, Ethernet, Ipv4, Transport};
use crate::verdict::Outcome;
use crate::{leave, track};

/// Which way a packet takes.
pub(crate) enum Way {
    /// The short one; it is decided.
    Short(Outcome),
    /// The long one, and nothing has been done to it.
    Long(Asked),
}

/// Decides on a packet, if it is a usual one.
#[inline(always)]
pub(crate) fn handle<P: Packet>(packet: &mut P, port: &VlanPort, local: Local) -> Way {
    let Some(headers) = headers(packet, port) else { return Way::Long(Asked::No) };
    if port.kind == KIND_SERVER {
        onward(packet, (port, local), headers, (&CONN_REV, Direction::Reverse))
    } else {
        onward(packet, (port, local), headers, (&CONN_FWD, Direction::Forward))
    }
}

/// Sends it on its way, if its connection is in the table.
#[inline(always)]
fn onward<P: Packet, T: Table>(
    packet: &mut P,
    (port, local): (&VlanPort, Local),
    (ethernet, ip, transport): (Ethernet, Ipv4, Transport),
    (table, direction): (&'static T, Direction),
) -> Way {
    let Some(entry) = Entry::find(table, &transport.key) else {
        return Way::Long(Asked::InVain);
    };
    let found = Found { key: &transport.key, entry, direction, stage: Stage::Established };
    let now = local.now();
    if !track::is_plain(&found, &transport) || Gate::at(now).forwards().is_err() {
        return Way::Long(Asked::No);
    }
    let (ifindex, asked) = (port.ifindex, Asked::No);
    let arrival = &Arrival { port, ifindex, ethernet, ip, asked, local, now };
    Way::Short(leave::by_connection(packet, arrival, &transport, &found))
}

/// The usual headers, of a packet that is for this box and may go on.
#[inline(always)]
fn headers<P: Packet>(packet: &P, port: &VlanPort) -> Option<(Ethernet, Ipv4, Transport)> {
    if packet.has_tag() {
        return None;
    }
    let (ethernet, ip, transport) = parse::usual(packet)?;
    let [own_mac, virtual_mac] = Mac::of_port(port);
    let is_ours = ethernet.dst == virtual_mac || ethernet.dst == own_mac;
    (is_ours && ip.ttl > 1).then_some((ethernet, ip, transport))
}
