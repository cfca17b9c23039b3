//! What user space is told, through the ring buffer.

use aya_ebpf::maps::ring_buf::RingBufEntry;
use hitless_model::Counter;
use hitless_model::abi::{Conn, Event, FlowKey};

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
