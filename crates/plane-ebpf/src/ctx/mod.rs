//! The edge to the kernel: packet memory, maps and helper calls. All that is unsafe is here.
//!
//! [`Packet`] is what a hook has to offer. Addresses into the packet are never kept: a helper that
//! changes the packet may move it, so every access begins at [`Packet::data`] again and is checked
//! against [`Packet::data_end`]. What is read out of a packet is plain bytes in any combination
//! (`FromBytes`), what is changed in place as well.

pub(crate) mod clock;
pub(crate) mod entry;
pub(crate) mod events;
pub(crate) mod local;
pub(crate) mod sticky;
pub(crate) mod table;
pub(crate) mod tc;
pub(crate) mod xdp;

use hitless_model::Counter;
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use crate::mac::Mac;
use crate::verdict::Outcome;

/// A change in what a TCP or UDP checksum covers, before and after, as it lies in the packet.
#[derive(Clone, Copy)]
pub(crate) struct Change {
    /// An address: part of the pseudo header.
    pub(crate) ip: (u32, u32),
    /// A port, or another two bytes of the segment.
    pub(crate) word: (u16, u16),
}

/// How the checksum of a transport protocol is to be treated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zero {
    /// Zero is a sum like any other.
    IsSum,
    /// Zero says that there is no checksum (UDP).
    IsAbsent,
}

/// What a hook offers.
pub(crate) trait Packet {
    /// Address of the frame's first byte.
    fn data(&self) -> usize;
    /// Address after the last byte that can be read directly.
    fn data_end(&self) -> usize;
    /// Length of the whole frame.
    fn frame_len(&self) -> u32;
    /// The interface that it arrived on.
    fn ifindex(&self) -> u32;
    /// Whether it carries a VLAN tag that is not in the frame.
    fn has_tag(&self) -> bool;
    /// Makes all headers readable directly, as far as the frame goes. False if it carries a VLAN tag: it
    /// is not of the VLAN whose interface this is.
    fn take_in(&mut self) -> bool;
    /// Brings the transport checksum at offset `at` up to date.
    fn replace_checksum(&mut self, at: usize, change: &Change, zero: Zero) -> Result<(), Counter>;
    /// Makes the kernel take the frame for its own.
    fn to_host(&mut self) -> Result<(), Counter>;
    /// Sends it out as it is.
    fn redirect(&mut self, ifindex: u32) -> Outcome;
    /// Sends it to a neighbour whose MAC the kernel finds out; `own_mac` is that of the interface that
    /// it arrived on.
    fn redirect_to_neighbour(&mut self, ifindex: u32, ip: u32, own_mac: Mac) -> Outcome;
}

/// Lends a header at an offset; `None` if the frame is shorter. It stays where it is: a copy would lie on the
/// stack, where the verifier lets no number lie anywhere.
#[inline(always)]
pub(crate) fn view<T, P>(packet: &P, at: usize) -> Option<&T>
where
    T: FromBytes + Immutable + Unaligned,
    P: Packet,
{
    let start = packet.data() + at;
    if start + size_of::<T>() > packet.data_end() {
        return None;
    }
    // SAFETY: the bytes lie within the packet, as just compared; T is valid for any bits and needs no
    // alignment. The borrow of the packet keeps every helper that could move it away for as long.
    Some(unsafe { &*(start as *const T) })
}

/// Lends a header at an offset for changing; `None` if the frame is shorter.
#[inline(always)]
pub(crate) fn change<T, P>(packet: &mut P, at: usize) -> Option<&mut T>
where
    T: FromBytes + IntoBytes + Immutable + Unaligned,
    P: Packet,
{
    let start = packet.data() + at;
    if start + size_of::<T>() > packet.data_end() {
        return None;
    }
    // SAFETY: as in `view`.
    Some(unsafe { &mut *(start as *mut T) })
}
