//! The edge to the kernel: a frame at either hook, and numbers in it.

use core::ffi::c_void;

use aya_ebpf::bindings::{
    BPF_F_MARK_MANGLED_0, BPF_F_PSEUDO_HDR, TC_ACT_SHOT, TC_ACT_UNSPEC, xdp_action,
};
use aya_ebpf::helpers::generated::bpf_redirect;
use aya_ebpf::maps::ProgramArray;
use aya_ebpf::programs::{TcContext, XdpContext};

use crate::plan::FRAME_LEN;

/// A change under a TCP or UDP checksum: an address and a port, before and after.
pub(crate) struct Change {
    pub(crate) ip: (u32, u32),
    pub(crate) port: (u16, u16),
}

/// A checksum after a change of what it covers (RFC 1624); all in network byte order.
#[inline(always)]
pub(crate) fn after_change(checksum: u16, from: u32, to: u32) -> u16 {
    let mut sum = u32::from(!checksum);
    sum += u32::from(!halves(from).0) + u32::from(!halves(from).1);
    sum += u32::from(halves(to).0) + u32::from(halves(to).1);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    #[expect(clippy::cast_possible_truncation, reason = "folded twice, it fits")]
    let folded = !(sum as u16);
    folded
}

#[expect(clippy::cast_possible_truncation, reason = "that is what halves are")]
#[inline(always)]
fn halves(word: u32) -> (u16, u16) {
    (word as u16, (word >> 16) as u16)
}

/// A frame at a hook.
pub(crate) trait Frame {
    /// The hook's verdicts.
    const PASS: i32;
    const DROP: i32;

    /// Addresses of the first byte and after the last.
    fn bounds(&self) -> (usize, usize);
    /// Brings the checksum at an offset up to date; false if that cannot be done.
    fn replace_checksum(&mut self, at: usize, change: &Change, zero_is_absent: bool) -> bool;
    /// Goes on in the program of a map; comes back only if there is none.
    fn run(&self, programs: &'static ProgramArray);

    /// The frame's bytes, if there are enough.
    #[inline(always)]
    fn bytes(&self) -> Option<*mut u8> {
        let (start, end) = self.bounds();
        (start + FRAME_LEN <= end).then_some(start as *mut u8)
    }

    /// The verdict that sends the frame out.
    #[inline(always)]
    fn redirect(&self, ifindex: u32) -> i32 {
        // SAFETY: takes numbers only.
        let action = unsafe { bpf_redirect(ifindex, 0) };
        #[expect(clippy::cast_possible_truncation, reason = "verdicts are small")]
        let verdict = action as i32;
        verdict
    }
}

/// Reads at an offset of a frame.
///
/// # Safety
/// The frame, from [`Frame::bytes`] with no helper called since, has those bytes.
#[inline(always)]
pub(crate) unsafe fn read<T: Copy>(frame: *const u8, at: usize) -> T {
    // SAFETY: the caller's promise; read without regard to alignment.
    unsafe { frame.add(at).cast::<T>().read_unaligned() }
}

/// Writes at an offset of a frame.
///
/// # Safety
/// As with [`read`].
#[inline(always)]
pub(crate) unsafe fn write<T: Copy>(frame: *mut u8, at: usize, value: T) {
    // SAFETY: the caller's promise; written without regard to alignment.
    unsafe { frame.add(at).cast::<T>().write_unaligned(value) }
}

/// A frame at the TC hook.
pub(crate) struct Tc(TcContext);

/// A frame at the XDP hook.
pub(crate) struct Xdp(XdpContext);

impl Tc {
    #[inline(always)]
    pub(crate) fn new(context: *mut c_void) -> Self {
        Self(TcContext::new(context.cast()))
    }
}

impl Xdp {
    #[inline(always)]
    pub(crate) fn new(context: *mut c_void) -> Self {
        Self(XdpContext::new(context.cast()))
    }
}

impl Frame for Tc {
    const PASS: i32 = TC_ACT_UNSPEC;
    const DROP: i32 = TC_ACT_SHOT;

    #[inline(always)]
    fn bounds(&self) -> (usize, usize) {
        (self.0.data(), self.0.data_end())
    }

    #[inline(always)]
    fn replace_checksum(&mut self, at: usize, change: &Change, zero_is_absent: bool) -> bool {
        let mangled = if zero_is_absent { u64::from(BPF_F_MARK_MANGLED_0) } else { 0 };
        let ((from, to), (from_port, to_port)) = (change.ip, change.port);
        let how = u64::from(BPF_F_PSEUDO_HDR) | 4 | mangled;
        if self.0.l4_csum_replace(at, from.into(), to.into(), how).is_err() {
            return false;
        }
        from_port == to_port
            || self.0.l4_csum_replace(at, from_port.into(), to_port.into(), 2 | mangled).is_ok()
    }

    #[inline(always)]
    fn run(&self, programs: &'static ProgramArray) {
        // SAFETY: there is nothing here to drop.
        unsafe { programs.tail_call(&self.0, 0) }
    }
}

impl Frame for Xdp {
    const PASS: i32 = xdp_action::XDP_PASS.cast_signed();
    const DROP: i32 = xdp_action::XDP_DROP.cast_signed();

    #[inline(always)]
    fn bounds(&self) -> (usize, usize) {
        (self.0.data(), self.0.data_end())
    }

    #[inline(always)]
    fn replace_checksum(&mut self, at: usize, change: &Change, zero_is_absent: bool) -> bool {
        let Some(frame) = self.bytes() else { return false };
        if at + 2 > FRAME_LEN {
            return false;
        }
        // SAFETY: within the frame, as just compared.
        let old: u16 = unsafe { read(frame, at) };
        if zero_is_absent && old == 0 {
            return true;
        }
        let ((from, to), (from_port, to_port)) = (change.ip, change.port);
        let mut sum = after_change(old, from, to);
        if from_port != to_port {
            sum = after_change(sum, from_port.into(), to_port.into());
        }
        // SAFETY: as above.
        unsafe { write(frame, at, sum) };
        true
    }

    #[inline(always)]
    fn run(&self, programs: &'static ProgramArray) {
        // SAFETY: there is nothing here to drop.
        unsafe { programs.tail_call(&self.0, 0) }
    }
}
