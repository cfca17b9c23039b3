//! Writing a frame anew, with the next flow in it.
//!
//! Every store is as wide as the widest load that a program could make of it (the frame is cut at 14, 22, 30,
//! … where the headers' own words lie): a load that spans two fresh stores would wait for both, and a
//! program under test would be charged for it.

use crate::frame::{Frame, read, write};
use crate::maps::{PLAN, UNDER_TEST};
use crate::plan::{CLIENT_IS_SOURCE, PORTS, Plan, next};

/// IP protocol number of TCP.
const TCP: u8 = 6;

/// What a flow adds to the frame of flow 0.
struct Flow {
    /// To the client's address.
    address: u16,
    /// To the client's port.
    port: u16,
    /// To the real's address.
    real: u16,
}

/// Writes the next frame and goes on in the program under test.
#[inline(always)]
pub(crate) fn and_run<F: Frame>(frame: &mut F) -> i32 {
    if next_frame(frame).is_some() {
        frame.run(&UNDER_TEST);
    }
    F::DROP
}

/// Writes the next frame; where it would leave.
#[inline(always)]
pub(crate) fn next_frame<F: Frame>(frame: &mut F) -> Option<u32> {
    let bytes = frame.bytes()?;
    // SAFETY: the element of this benchmark alone, and one program uses it at a time.
    let plan = unsafe { &mut *PLAN.get_ptr_mut(0)? };
    plan.state = next(plan.state);
    let flow = plan.state & plan.mask;
    #[expect(clippy::cast_possible_truncation, reason = "flows are fewer than 2^26")]
    let flow = Flow {
        address: (flow / PORTS) as u16,
        port: (flow % PORTS) as u16,
        real: (flow & plan.reals) as u16,
    };
    // SAFETY: both have the length of a frame.
    unsafe { put(bytes, plan, &flow) };
    Some(plan.ifindex)
}

/// # Safety
/// There are bytes of a whole frame.
#[inline(always)]
unsafe fn put(bytes: *mut u8, plan: &Plan, flow: &Flow) {
    let from = plan.frame.as_ptr();
    let word = |at| {
        // SAFETY: all offsets below leave eight bytes to the end of a frame.
        u64::from_le(unsafe { read(from, at) })
    };
    let place = |value: u16, byte: u32| u64::from(value.to_be()) << (8 * byte);
    let is_source = plan.client == CLIENT_IS_SOURCE;
    let real = if is_source { 0 } else { flow.real };
    let of_address = u32::from(flow.address) + u32::from(real);
    let of_segment = of_address + u32::from(flow.port);
    let is_tcp = plan.frame[23] == TCP;
    let mut words = [word(14), word(22), word(30), word(38), word(46), word(52)];
    words[1] = with_sum(words[1], 2, of_address);
    if is_source {
        words[1] |= place(flow.address, 6);
        words[2] |= place(flow.port, 4);
    } else {
        words[1] += u64::from(real) << 56;
        words[2] |= place(flow.address, 2) | place(flow.port, 6);
    }
    if is_tcp {
        words[4] = with_sum(words[4], 4, of_segment);
    } else {
        words[3] = with_sum(words[3], 2, of_segment);
    }
    // SAFETY: the caller's promise. The last one overlaps the one before it in bytes that are alike.
    unsafe {
        write(bytes, 0, word(0).to_le());
        write(bytes, 6, word(6).to_le());
        write(bytes, 14, words[0].to_le());
        write(bytes, 22, words[1].to_le());
        write(bytes, 30, words[2].to_le());
        write(bytes, 38, words[3].to_le());
        write(bytes, 52, words[5].to_le());
        write(bytes, 46, words[4].to_le());
    }
}

/// A word with the checksum at one of its bytes brought up to date: what it covers grows by `more`.
#[inline(always)]
fn with_sum(word: u64, byte: u32, more: u32) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "two bytes are wanted")]
    let old = u16::from_be((word >> (8 * byte)) as u16);
    let mut sum = u32::from(!old) + more;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    #[expect(clippy::cast_possible_truncation, reason = "folded twice, it fits")]
    let new = !(sum as u16);
    word & !(0xffff << (8 * byte)) | u64::from(new.to_be()) << (8 * byte)
}
