//! What the programs and the benchmark agree on; compiled into both.
//!
//! A [`Plan`] is a frame and the rule by which it differs from flow to flow. Both sides follow the rule:
//! the programs when they write a frame, user space when it opens the connections that the frames
//! belong to.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Octets of every frame: the least that Ethernet carries, its check sequence left out.
pub const FRAME_LEN: usize = 60;
/// Reals that the flows are spread over.
pub const REALS: u32 = 4;
/// Flows of one client address; the next flow is of the next address.
pub const PORTS: u32 = 1024;
/// The first client port; its low bits are free for the flow.
pub const FIRST_PORT: u16 = 0x4000;

/// [`Plan::client`]: the client sends.
pub const CLIENT_IS_SOURCE: u32 = 0;
/// [`Plan::client`]: the client is sent to.
pub const CLIENT_IS_DESTINATION: u32 = 1;

/// The next flow in an order that visits each of 2ⁿ flows once before any is visited again, and never
/// one after its neighbour (a full-period congruential sequence; its low bits are one as well).
pub const fn next(state: u32) -> u32 {
    state.wrapping_mul(0x915f_77f5).wrapping_add(0x6a09_e667)
}

/// The frame that is written before each run, and what differs in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Plan {
    /// Where the sequence of flows has got to.
    pub state: u32,
    /// Flows less one; their number is a power of two.
    pub mask: u32,
    /// `CLIENT_*`.
    pub client: u32,
    /// Reals less one; their number is a power of two.
    pub reals: u32,
    /// Where a generated frame leaves.
    pub ifindex: u32,
    /// The frame of flow 0; the low halves of the client's address and port are free.
    pub frame: [u8; FRAME_LEN],
}

/// A flow as the floor's tables know it, in network byte order: words, so that no octet is moved alone.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C, align(8))]
pub struct Key {
    /// Source address.
    pub src: u32,
    /// Destination address.
    pub dst: u32,
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// IP protocol number.
    pub protocol: u32,
}

impl Key {
    /// The key of the answers, from what the flow's packets are rewritten to.
    pub const fn reversed(&self, target: &Target) -> Self {
        Self {
            src: target.ip,
            dst: self.src,
            src_port: target.port,
            dst_port: self.src_port,
            protocol: self.protocol,
        }
    }
}

/// An entry of the floor's tables: all that rewriting needs, in network byte order.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Target {
    /// The address put in.
    pub ip: u32,
    /// The port put in.
    pub port: u16,
    /// Not used, zero.
    pub reserved: u16,
    /// Destination and source MAC as they lie in a frame.
    pub macs: [u32; 3],
    /// Interface.
    pub ifindex: u32,
}

/// What the floor knows of its one virtual server.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Service {
    /// To the first real; the others follow it in address and MAC.
    pub forward: Target,
    /// To the client, with the virtual server's address and port.
    pub reverse: Target,
}

impl Target {
    /// Puts an address, a port and both MACs in, and sends out of an interface.
    pub const fn new(to: ([u8; 4], [u8; 2]), macs: ([u8; 6], [u8; 6]), ifindex: u32) -> Self {
        let (dst, src) = macs;
        Self {
            ip: u32::from_ne_bytes(to.0),
            port: u16::from_ne_bytes(to.1),
            reserved: 0,
            macs: [
                u32::from_ne_bytes([dst[0], dst[1], dst[2], dst[3]]),
                u32::from_ne_bytes([dst[4], dst[5], src[0], src[1]]),
                u32::from_ne_bytes([src[2], src[3], src[4], src[5]]),
            ],
            ifindex,
        }
    }

    /// The same for the real that is so many after it.
    pub const fn of_real(&self, number: u32) -> Self {
        // Neither last octet overflows into its neighbour: there are few reals.
        let ip = u32::from_be(self.ip).wrapping_add(number).to_be();
        let [dst, both, src] = self.macs;
        let both = u32::from_be(both).wrapping_add(number << 16).to_be();
        Self { ip, macs: [dst, both, src], ..*self }
    }
}
