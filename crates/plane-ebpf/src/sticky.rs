//! Which real a client sticks to: asked and noted only when a connection begins.
//!
//! An entry is provisional until a connection of its client is established: a flood of first segments fills
//! and evicts only what is provisional. A lasting entry is never evicted; how long it lasts is user space's to
//! judge, which sees the ends of connections. An entry whose real takes no connections is passed over, and made
//! again for the real that the client gets instead.

use hitless_model::Counter;
use hitless_model::abi::{
    Conn, FarmRealKey, FlowKey, STICKY_REPLICATE, StickyEntry, StickyKey, VS_REPLICATE_STICKY,
    VirtualServer,
};

use crate::ctx::sticky::{self, Place};
use crate::ctx::{events, local, table};
use crate::lookup;
use crate::maps::{FARM_REALS, VIRTUAL};

/// No real: no index is that large.
pub(crate) const NONE: u32 = u32::MAX;

/// The index of the real that the client of a new flow sticks to, if it does and that one takes connections;
/// else [`NONE`]. A number and no pointer: the verifier goes on from every way to here, and takes numbers for
/// one and the same.
#[inline(always)]
pub(crate) fn real(flow: &FlowKey, server: &VirtualServer, now: u64) -> u32 {
    let Some(key) = StickyKey::of(flow, server) else { return NONE };
    if let Some(place) = Place::lasting(&key) {
        let real = in_service(server.farm, place.entry());
        if real != NONE {
            use_again(&key, place, server, now);
            return real;
        }
    }
    let Some(place) = Place::provisional(&key) else { return NONE };
    if now.saturating_sub(place.entry().last_used) >= server.pending_ns {
        return NONE;
    }
    in_service(server.farm, place.entry())
}

/// Notes which real the client of a new flow got, if clients of its virtual server stick: until one of its
/// connections is established. Beside a lasting entry it says nothing.
#[inline(always)]
pub(crate) fn begin(flow: &FlowKey, server: &VirtualServer, real: ([u8; 4], [u8; 2]), now: u64) {
    let Some(key) = StickyKey::of(flow, server) else { return };
    sticky::keep_for_now(&key, &entry(real, 0, now));
}

/// Notes that a connection is established of a client that sticks: its entry lasts. One that names another
/// real which takes connections stays: this connection went elsewhere by exception.
#[inline(always)]
pub(crate) fn confirm(flow: &FlowKey, conn: &Conn) {
    let Some(server) = table::get(&VIRTUAL, &lookup::destination(flow)) else { return };
    let Some(key) = StickyKey::of(flow, server) else { return };
    sticky::forget_provisional(&key);
    if let Some(place) = Place::lasting(&key)
        && in_service(server.farm, place.entry()) != NONE
    {
        return;
    }
    let is_told = server.flags & VS_REPLICATE_STICKY != 0;
    let flags = if is_told { STICKY_REPLICATE } else { 0 };
    let entry = entry((conn.rewrite_ip, conn.rewrite_port), flags, conn.last_seen);
    if !sticky::keep(&key, &entry) {
        local::count(Counter::StickyTableFull);
        return;
    }
    if is_told {
        events::tell_sticky(&key, &entry);
    }
}

/// Another connection by a lasting entry, of which the peer hears as soon as a virtual server uses it that
/// replicates.
#[inline(always)]
fn use_again(key: &StickyKey, place: Place, server: &VirtualServer, now: u64) {
    place.touch(now);
    let flags = place.entry().flags;
    if server.flags & VS_REPLICATE_STICKY != 0 && flags & STICKY_REPLICATE == 0 {
        place.set_flags(flags | STICKY_REPLICATE);
        events::tell_sticky(key, place.entry());
    }
}

/// The real that an entry names, if it takes connections in this farm: the very one, or the one that its
/// address stands for where another virtual server of the group has other ports.
#[inline(always)]
fn in_service(farm: u32, entry: &StickyEntry) -> u32 {
    let (ip, port) = entry.real();
    for port in [port, [0; 2]] {
        if let Some(index) = table::get(&FARM_REALS, &FarmRealKey::new(farm, (ip, port))) {
            return *index;
        }
    }
    NONE
}

/// A new entry.
#[inline(always)]
fn entry((real_ip, real_port): ([u8; 4], [u8; 2]), flags: u16, now: u64) -> StickyEntry {
    StickyEntry { last_used: now, real_ip, real_port, flags }
}
