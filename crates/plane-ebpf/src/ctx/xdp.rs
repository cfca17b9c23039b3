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
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use super::{Covered, Packet, Zero, change, read};
use crate::parse::{EthernetHeader, KIND_PROVIDER_TAG, KIND_TAG};
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
            options(readonly, nostack, preserves_flags)
        )
    };
}

/// A frame at the XDP hook.
pub(crate) struct Frame(*mut xdp_md);

/// Ethernet with a tag.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct Tagged {
    ethernet: EthernetHeader,
    tag: [u8; 2],
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
        let header: Tagged = read(self, 0)?;
        let kind = u16::from_be_bytes(header.ethernet.kind);
        let is_tag = kind == KIND_TAG || kind == KIND_PROVIDER_TAG;
        is_tag.then_some(u16::from_be_bytes(header.tag) & VLAN_NUMBER)
    }

    /// Takes the first tag off.
    #[inline(always)]
    fn untag(&mut self) -> Option<()> {
        let macs: [u8; 12] = read(self, 0)?;
        // SAFETY: the kernel lends the context for the program's run; no address into the packet is
        // kept over the call.
        if unsafe { bpf_xdp_adjust_head(self.0, TAG_LEN) } != 0 {
            return None;
        }
        *change(self, 0)? = macs;
        Some(())
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
    fn is_of_another_vlan(&self) -> bool {
        self.tag().is_some_and(|vlan| vlan != 0)
    }

    /// All of it is; a tag that is only about priority is in the way.
    #[inline(always)]
    fn make_headers_readable(&mut self) {
        if self.tag().is_some() {
            // With the tag still there the frame is dropped.
            let _ = self.untag();
        }
    }

    #[inline(always)]
    fn replace_checksum(&mut self, at: usize, covered: Covered, zero: Zero) -> Result<(), Counter> {
        let sum: &mut [u8; 2] = change(self, at).ok_or(Counter::DropRewriteFailed)?;
        if zero == Zero::IsAbsent && *sum == [0; 2] {
            return Ok(());
        }
        let (from, to) = match covered {
            Covered::Address(from, to) => (from, to),
            Covered::Word(from, to) => ([from[0], from[1], 0, 0], [to[0], to[1], 0, 0]),
        };
        let new = checksum::after_change(*sum, from, to);
        *sum = if zero == Zero::IsAbsent && new == [0; 2] { [0xff; 2] } else { new };
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
    fn redirect_to_neighbour(&mut self, _: u32, _: [u8; 4], own_mac: [u8; 6]) -> Outcome {
        let header: &mut EthernetHeader = change(self, 0).ok_or(Counter::DropRewriteFailed)?;
        header.dst = own_mac;
        Ok(Verdict::Pass)
    }
}
