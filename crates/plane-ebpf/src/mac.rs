//! MACs as numbers: a frame holds them where no word begins, and the programs' stack may hold none there.

use hitless_model::Counter;
use hitless_model::abi::{NextHop, VlanPort};
use zerocopy::transmute_ref;

use crate::ctx::{Packet, change};
use crate::parse::header;

/// A MAC as it lies in a frame: the low 48 bits of a little-endian word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mac(u64);

/// Both MACs as a frame begins with them.
#[derive(Clone, Copy)]
pub(crate) struct Macs([u32; 3]);

header! {
    /// The same in a frame.
    struct MacsHeader {
        first: u32,
        second: u32,
        third: u32,
    }
}

impl Mac {
    const BITS: u64 = 0xffff_ffff_ffff;

    /// The one in the low bits of a word.
    #[inline(always)]
    pub(crate) fn low_of(word: u64) -> Self {
        Self(word & Self::BITS)
    }

    /// The one that a map holds.
    #[inline(always)]
    pub(crate) fn of(bytes: [u8; 6]) -> Self {
        let [low @ .., fifth, sixth] = bytes;
        let (low, high) = (u32::from_le_bytes(low), u16::from_le_bytes([fifth, sixth]));
        Self(u64::from(low) | u64::from(high) << 32)
    }

    /// Both of an interface: its own and that of the floating addresses.
    #[inline(always)]
    pub(crate) fn of_port(port: &VlanPort) -> [Self; 2] {
        let words: &[u64; 4] = transmute_ref!(port);
        [Self::low_of(words[0]), Self::low_of(words[1])]
    }

    /// As a map holds it.
    #[inline(always)]
    pub(crate) fn bytes(self) -> [u8; 6] {
        let [bytes @ .., _, _] = self.0.to_le_bytes();
        bytes
    }

    /// The number.
    #[inline(always)]
    pub(crate) fn word(self) -> u64 {
        self.0
    }

    /// Whether it is for many.
    #[inline(always)]
    pub(crate) fn is_group(self) -> bool {
        self.0 & 1 != 0
    }
}

impl Macs {
    /// From one to another.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "they are cut where words end")]
    pub(crate) fn new(dst: Mac, src: Mac) -> Self {
        Self([dst.0 as u32, (dst.0 >> 32 | src.0 << 16) as u32, (src.0 >> 16) as u32])
    }

    /// To a next hop.
    #[inline(always)]
    pub(crate) fn to_hop(hop: &NextHop) -> Self {
        let words: &[u32; 6] = transmute_ref!(hop);
        Self([words[2], words[3], words[4]])
    }

    /// Writes them into a frame.
    #[inline(always)]
    pub(crate) fn put<P: Packet>(self, packet: &mut P) -> Result<(), Counter> {
        let header: &mut MacsHeader = change(packet, 0).ok_or(Counter::DropRewriteFailed)?;
        header.first = self.0[0];
        header.second = self.0[1];
        header.third = self.0[2];
        Ok(())
    }
}
