//! The same fixtures at the XDP hook, where every frame is as it came off the wire: a tag is in the
//! frame, every sum is complete, and the kernel finds a next hop only by routing.

mod arp;
mod balance;
mod closing;
mod exits;
mod floating;
mod icmp;
mod load;
mod malformed;
mod pending;
mod roles;
mod sticky;
mod support;
mod table_full;
mod tags;
mod tcp;
mod udp;

/// The hook under test.
const HOOK: support::kernel::Hook = support::kernel::Hook::Xdp;
