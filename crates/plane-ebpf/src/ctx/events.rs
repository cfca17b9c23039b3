//! What user space is told, through the ring buffer.

use aya_ebpf::maps::ring_buf::RingBufEntry;
use hitless_model::Counter;
use hitless_model::abi::{Conn, EVENT_STICKY, Event, FlowKey, StickyEntry, StickyEvent, StickyKey};

use super::local::count;
use crate::maps::EVENTS;

/// Tells user space about a connection. A full ring loses the event, which is counted: user space
/// then compares the tables as a whole.
#[inline(always)]
pub(crate) fn tell(kind: u32, key: &FlowKey, conn: &Conn) {
    let place: Option<RingBufEntry<Event>> = EVENTS.reserve(0);
    let Some(mut place) = place else {
        count(Counter::EventsLost);
        return;
    };
    let event = place.as_mut_ptr();
    // SAFETY: the ring lent room for one event, aligned to 8 bytes, until it is submitted below.
    unsafe {
        (&raw mut (*event).kind).write(kind);
        (&raw mut (*event).reserved).write(0);
        (&raw mut (*event).key).write(*key);
        (&raw mut (*event).conn).write(*conn);
    }
    place.submit(0);
}

/// Tells user space whom an entry is about and which real it names.
#[inline(always)]
pub(crate) fn tell_sticky(key: &StickyKey, entry: &StickyEntry) {
    let place: Option<RingBufEntry<StickyEvent>> = EVENTS.reserve(0);
    let Some(mut place) = place else {
        count(Counter::EventsLost);
        return;
    };
    let event = place.as_mut_ptr();
    // SAFETY: as in `tell`.
    unsafe {
        (&raw mut (*event).kind).write(EVENT_STICKY);
        (&raw mut (*event).reserved).write(0);
        (&raw mut (*event).key).write(*key);
        (&raw mut (*event).entry).write(*entry);
    }
    place.submit(0);
}
