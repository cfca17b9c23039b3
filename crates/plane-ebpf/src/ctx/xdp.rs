//! The XDP hook: `xdp_md`, and the verdicts of programs that run in a driver.
//!
//! There is no socket buffer yet. Every checksum is complete in the frame and is brought up to date
//! there; a frame whose sum a network card was still to finish, as one veth end hands it to the other,
//! cannot be told from a good one. The kernel's neighbour table is out of reach: what needs it goes up
//! to the kernel, rewritten, and is routed on from there.

use core::arch::asm;
use core::ffi::c_void;

use aya_ebpf::bindings::xdp_action::{XDP_DROP, XDP_PASS, XDP_REDIRECT};
use aya_ebpf::bindings::xdp_md;
use aya_ebpf::helpers::generated::{bpf_redirect, bpf_xdp_adjust_head};
use hitless_model::{Counter, checksum};

use super::{Change, Packet, Zero, change, view};
use crate::mac::{Mac, Macs};
use crate::parse::{self, KIND_PROVIDER_TAG, KIND_TAG, header};
use crate::pipeline;
use crate::verdict::{Outcome, Verdict};

/// Bytes of a VLAN tag.
const TAG_LEN: i32 = 4;
/// The VLAN number in a tag; 0 marks a tag that is only about priority.
const VLAN_NUMBER: u16 = 0x0fff;

/// Reads one of the two addresses in the context. They have 32 bits there, and the kernel makes whole
/// ones of them where they are read; LLVM would keep the 32 bits and widen them later, of which the
/// verifier has no idea.
macro_rules! address_at {
    ($offset:literal, $context:expr, $address:ident) => {
        asm!(
            concat!("{address} = *(u32 *)({context} + ", $offset, ")"),
            address = out(reg) $address,
            context = in(reg) $context,
            options(pure, readonly, nostack, preserves_flags)
        )
    };
}

/// A frame at the XDP hook.
pub(crate) struct Frame(*mut xdp_md);

header! {
    /// What follows the MACs.
    struct Tag {
        kind: u16,
        tag: u16,
    }
}

header! {
    /// A checksum.
    struct Sum {
        sum: u16,
    }
}

/// Runs the program; the only place that knows the numbers of XDP's verdicts.
#[inline(always)]
pub(crate) fn run(xdp: *mut c_void) -> u32 {
    match pipeline::handle(&mut Frame(xdp.cast())) {
        Verdict::Pass => XDP_PASS,
        Verdict::Drop => XDP_DROP,
        Verdict::Redirect => XDP_REDIRECT,
    }
}

impl Frame {
    /// The VLAN of the tag in front of everything else, if there is one.
    #[inline(always)]
    fn tag(&self) -> Option<u16> {
        let Tag { kind, tag } = *view(self, parse::MACS_LEN)?;
        let is_tag = kind == KIND_TAG.to_be() || kind == KIND_PROVIDER_TAG.to_be();
        is_tag.then_some(u16::from_be(tag) & VLAN_NUMBER)
    }

    /// Takes the first tag off.
    #[inline(always)]
    fn untag(&mut self) -> Option<()> {
        let macs = parse::ethernet(self)?;
        // SAFETY: the kernel lends the context for the program's run; no address into the packet is
        // kept over the call.
        if unsafe { bpf_xdp_adjust_head(self.0, TAG_LEN) } != 0 {
            return None;
        }
        Macs::new(macs.dst, macs.src).put(self).ok()
    }
}

impl Packet for Frame {
    #[inline(always)]
    fn data(&self) -> usize {
        let address;
        // SAFETY: the kernel lends the context for the program's run; this reads its first word.
        unsafe { address_at!("0", self.0, address) }
        address
    }

    #[inline(always)]
    fn data_end(&self) -> usize {
        let address;
        // SAFETY: as above; the second word.
        unsafe { address_at!("4", self.0, address) }
        address
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "a frame is no longer than a page")]
    fn frame_len(&self) -> u32 {
        (self.data_end() - self.data()) as u32
    }

    #[inline(always)]
    fn ifindex(&self) -> u32 {
        // SAFETY: as above.
        unsafe { (*self.0).ingress_ifindex }
    }

    #[inline(always)]
    fn has_tag(&self) -> bool {
        false
    }

    /// All of it is readable; a tag that is only about priority is in the way.
    #[inline(always)]
    fn take_in(&mut self) -> bool {
        match self.tag() {
            None => true,
            Some(0) => {
                // With the tag still there the frame is dropped.
                let _ = self.untag();
                true
            }
            Some(_) => false,
        }
    }

    #[inline(always)]
    fn replace_checksum(&mut self, at: usize, change: &Change, zero: Zero) -> Result<(), Counter> {
        let header: &mut Sum = self::change(self, at).ok_or(Counter::DropRewriteFailed)?;
        let old = header.sum;
        if zero == Zero::IsAbsent && old == 0 {
            return Ok(());
        }
        let (word, ip) = (change.word, change.ip);
        let mut new = checksum::after_change(old, ip.0, ip.1);
        if word.0 != word.1 {
            new = checksum::after_change(new, word.0.into(), word.1.into());
        }
        header.sum = if zero == Zero::IsAbsent && new == 0 { 0xffff } else { new };
        Ok(())
    }

    #[inline(always)]
    fn to_host(&mut self) -> Result<(), Counter> {
        Ok(())
    }

    #[inline(always)]
    fn redirect(&mut self, ifindex: u32) -> Outcome {
        // SAFETY: takes numbers only.
        if unsafe { bpf_redirect(ifindex, 0) } == i64::from(XDP_REDIRECT) {
            Ok(Verdict::Redirect)
        } else {
            Err(Counter::DropRewriteFailed)
        }
    }

    #[inline(always)]
    fn redirect_to_neighbour(&mut self, _: u32, _: u32, own_mac: Mac) -> Outcome {
        let ethernet = parse::ethernet(self).ok_or(Counter::DropRewriteFailed)?;
        Macs::new(own_mac, ethernet.src).put(self)?;
        Ok(Verdict::Pass)
    }
}
