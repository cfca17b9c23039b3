//! Making and swallowing frames at the two ends of a measurement.

use crate::frame::{Frame, read};
use crate::maps::ARRIVED;
use crate::restore;

const IPV4: u16 = 0x0800_u16.to_be();
const UDP: u8 = 17;

/// Sends the next frame of the plan out of the plan's interface.
#[inline(always)]
pub(crate) fn generate<F: Frame>(frame: &mut F) -> i32 {
    match restore::next_frame(frame) {
        Some(ifindex) => frame.redirect(ifindex),
        None => F::DROP,
    }
}

/// Counts a datagram and drops it; what is anything else passes.
#[inline(always)]
pub(crate) fn sink<F: Frame>(frame: &F) -> i32 {
    let Some(bytes) = frame.bytes() else { return F::PASS };
    // SAFETY: both lie within a frame of the least length.
    let (kind, protocol): (u16, u8) = unsafe { (read(bytes, 12), read(bytes, 23)) };
    if kind != IPV4 || protocol != UDP {
        return F::PASS;
    }
    if let Some(count) = ARRIVED.get_ptr_mut(0) {
        // SAFETY: a live element of this CPU; the program cannot be interrupted by itself.
        unsafe { *count += 1 }
    }
    F::DROP
}
