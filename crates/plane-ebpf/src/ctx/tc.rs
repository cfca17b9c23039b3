//! The TC hook: `__sk_buff`, the helpers of traffic control, and its verdicts.
//!
//! Checksums of segments go through the kernel's helpers: a frame from a virtual interface may carry
//! a sum that a network card is still to finish, and only the kernel knows.

use core::ffi::c_void;

use aya_ebpf::bindings::{
    BPF_F_MARK_MANGLED_0, BPF_F_PSEUDO_HDR, TC_ACT_REDIRECT, TC_ACT_SHOT, TC_ACT_UNSPEC,
    bpf_redir_neigh, bpf_redir_neigh__bindgen_ty_1,
};
use aya_ebpf::helpers::generated::{bpf_redirect, bpf_redirect_neigh};
use aya_ebpf::programs::TcContext;
use hitless_model::Counter;

use super::{Change, Packet, Zero};
use crate::mac::Mac;
use crate::pipeline;
use crate::verdict::{Outcome, Verdict};

/// Ethernet, the longest IPv4 header, TCP without options.
const HEADERS: u32 = 14 + 60 + 20;
/// `PACKET_HOST` of the kernel.
const PACKET_HOST: u32 = 0;
/// `AF_INET` of the kernel.
const AF_INET: u32 = 2;
/// Length of what `bpf_redirect_neigh` is told of the neighbour.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a structure of 20 bytes"
)]
const NEIGHBOUR_LEN: i32 = size_of::<bpf_redir_neigh>() as i32;
/// The VLAN number in a tag; 0 marks a tag that is only about priority.
const VLAN_NUMBER: u32 = 0x0fff;

/// A frame at the TC hook.
pub(crate) struct Frame(TcContext);

/// Runs the program; the only place that knows the numbers of TC's verdicts.
#[inline(always)]
pub(crate) fn run(skb: *mut c_void) -> i32 {
    match pipeline::handle(&mut Frame(TcContext::new(skb.cast()))) {
        // Not TC_ACT_OK: somebody else's programs at this hook have their turn too.
        Verdict::Pass => TC_ACT_UNSPEC,
        Verdict::Drop => TC_ACT_SHOT,
        Verdict::Redirect => TC_ACT_REDIRECT,
    }
}

/// What a redirect helper returned, as an outcome.
#[inline(always)]
fn redirected(action: i64) -> Outcome {
    if action == i64::from(TC_ACT_REDIRECT) {
        Ok(Verdict::Redirect)
    } else {
        Err(Counter::DropRewriteFailed)
    }
}

impl Packet for Frame {
    #[inline(always)]
    fn data(&self) -> usize {
        self.0.data()
    }

    #[inline(always)]
    fn data_end(&self) -> usize {
        self.0.data_end()
    }

    #[inline(always)]
    fn frame_len(&self) -> u32 {
        self.0.len()
    }

    #[inline(always)]
    fn ifindex(&self) -> u32 {
        // SAFETY: the kernel lends the context for the program's run.
        unsafe { (*self.0.skb.skb).ifindex }
    }

    #[inline(always)]
    fn has_tag(&self) -> bool {
        // SAFETY: as above.
        unsafe { (*self.0.skb.skb).vlan_present != 0 }
    }

    #[inline(always)]
    fn take_in(&mut self) -> bool {
        // SAFETY: as above.
        if self.has_tag() && unsafe { (*self.0.skb.skb).vlan_tci } & VLAN_NUMBER != 0 {
            return false;
        }
        let wanted = self.frame_len().min(HEADERS);
        if self.data() + wanted as usize > self.data_end() {
            // What cannot be made readable will be found too short.
            let _ = self.0.pull_data(wanted);
        }
        true
    }

    #[inline(always)]
    fn replace_checksum(&mut self, at: usize, change: &Change, zero: Zero) -> Result<(), Counter> {
        let mangled = match zero {
            Zero::IsSum => 0,
            Zero::IsAbsent => u64::from(BPF_F_MARK_MANGLED_0),
        };
        let (from, to) = change.ip;
        if from != to {
            let how = u64::from(BPF_F_PSEUDO_HDR) | 4 | mangled;
            let done = self.0.l4_csum_replace(at, from.into(), to.into(), how);
            done.map_err(|_| Counter::DropRewriteFailed)?;
        }
        let (from, to) = change.word;
        if from != to {
            let done = self.0.l4_csum_replace(at, from.into(), to.into(), 2 | mangled);
            done.map_err(|_| Counter::DropRewriteFailed)?;
        }
        Ok(())
    }

    #[inline(always)]
    fn to_host(&mut self) -> Result<(), Counter> {
        self.0.change_type(PACKET_HOST).map_err(|_| Counter::DropRewriteFailed)
    }

    #[inline(always)]
    fn redirect(&mut self, ifindex: u32) -> Outcome {
        // SAFETY: takes numbers only.
        redirected(unsafe { bpf_redirect(ifindex, 0) })
    }

    #[inline(always)]
    fn redirect_to_neighbour(&mut self, ifindex: u32, ip: u32, _: Mac) -> Outcome {
        let mut neighbour = bpf_redir_neigh {
            nh_family: AF_INET,
            __bindgen_anon_1: bpf_redir_neigh__bindgen_ty_1 { ipv6_nh: [0; 4] },
        };
        neighbour.__bindgen_anon_1.ipv4_nh = ip;
        // SAFETY: the parameters live on the stack and have the length that is passed.
        redirected(unsafe { bpf_redirect_neigh(ifindex, &raw mut neighbour, NEIGHBOUR_LEN, 0) })
    }
}
