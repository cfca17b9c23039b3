//! The ABI between the BPF programs and user space: map names, keys and values.
//!
//! Every struct derives zerocopy's `IntoBytes`, which refuses padding at compile time: a padded key
//! holds unspecified bytes, and then every look-up misses without an error. No `bool`, `enum` or
//! `Option` in a map: a number, and `TryFrom` in user space. Addresses and ports are arrays in
//! network byte order; all other numbers are in host byte order. User space writes every map unless
//! its line says otherwise.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::Counter;

/// Grows with every change below; part of the name of the pin folder.
pub const ABI_VERSION: u32 = 3;

pub mod map;

/// Name of the TC program in the BPF object.
pub const PROGRAM_TC: &str = "hitless_tc";
/// Name of the XDP program in the BPF object.
pub const PROGRAM_XDP: &str = "hitless_xdp";

/// Entries of `PORTS`: VLANs of one module.
pub const MAX_PORTS: u32 = 512;
/// Entries of `PORT_SLOTS`. Interfaces that are made one after another have slots of their own, however
/// large their numbers.
pub const PORT_SLOTS: u32 = 1_024;
/// Entries of `FLOATING`: aliases and virtual addresses on all VLANs.
pub const MAX_FLOATING: u32 = 16_384;
/// Entries of `VIRTUAL`, the original's limit of virtual servers.
pub const MAX_VIRTUAL: u32 = 4_096;
/// Entries of `REALS`, the original's limit.
pub const MAX_REALS: u32 = 16_384;
/// Entries of `SCHEDULE`, in halves: one is filled while the other is in force, for reals of weight 16.
pub const MAX_SCHEDULE: u32 = 524_288;
/// Entries of `TURN`, the original's limit of server farms.
pub const MAX_FARMS: u32 = 4_096;
/// Entries of `NEXT_HOPS`.
pub const MAX_NEXT_HOPS: u32 = 16_384;
/// Entries of `CONN_FWD` and of `CONN_REV` unless `variable MAX_CONNECTIONS` says otherwise.
pub const DEFAULT_CONNECTIONS: u32 = 131_072;
/// Entries of `EMB_FWD` and of `EMB_REV`: small, because a flood lives here and nowhere else.
pub const MAX_EMBRYONIC: u32 = 16_384;
/// Entries of `STICKY`, the original's limit. They are not preallocated: most modules have none.
pub const MAX_STICKY: u32 = 262_144;
/// Entries of `FARM_REALS`: two for every real, and the last configuration's until this one's are there.
pub const MAX_FARM_REALS: u32 = 4 * MAX_REALS;
/// Bytes of `EVENTS`, a power of two: some 40,000 events.
pub const EVENT_RING_BYTES: u32 = 4 << 20;

/// Derives what every struct of the ABI needs. Keys are aligned to words: programs put them together
/// on their stack, where the verifier lets no word lie across another.
macro_rules! abi {
    ($(#[$doc:meta])* pub struct $name:ident, $size:literal { $($body:tt)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
        #[repr(C)]
        pub struct $name { $($body)* }
        const _: () = assert!(core::mem::size_of::<$name>() == $size);
    };
}

abi! {
    /// The one word that gates everything floating.
    pub struct RoleWord, 32 {
        /// [`crate::Role`] as a number.
        pub role: u32,
        /// Bits for user space: the programs ignore them.
        pub flags: u32,
        /// Epoch of the role.
        pub epoch: u64,
        /// CLOCK_MONOTONIC nanoseconds; from then on an active or draining program acts as standby.
        pub lease_until: u64,
        /// CLOCK_MONOTONIC nanoseconds since when this box forwards; replicated entries idle from then.
        pub active_since: u64,
    }
}

impl RoleWord {
    /// [`Self::flags`]: the lease was renewed without a peer.
    pub const ALONE: u32 = 1;
}

mod sticky;

pub use sticky::{
    FarmRealKey, STICKY_FROM_PEER, STICKY_REPLICATE, StickyEntry, StickyEvent, StickyKey,
};

/// [`VlanPort::kind`]: clients are here.
pub const KIND_CLIENT: u8 = 1;
/// [`VlanPort::kind`]: reals are here.
pub const KIND_SERVER: u8 = 2;

abi! {
    /// An interface of the module, one per VLAN. Each MAC begins a word.
    #[repr(align(8))]
    pub struct VlanPort, 32 {
        /// The interface's own MAC: source of every forwarded frame.
        pub own_mac: [u8; 6],
        /// VLAN number.
        pub vlan: u16,
        /// MAC of the floating addresses on this VLAN.
        pub virtual_mac: [u8; 6],
        /// [`KIND_CLIENT`] or [`KIND_SERVER`].
        pub kind: u8,
        /// On a VLAN of clients: not 0 if reals may answer from there.
        pub has_reals: u8,
        /// The interface's number; 0 in a slot that is empty.
        pub ifindex: u32,
        /// The interface's own address; with `mask` it says which clients are on-link.
        pub ip: [u8; 4],
        /// Mask of the VLAN's subnet.
        pub mask: [u8; 4],
        /// Entry of `NEXT_HOPS` towards clients that are not on-link; 0 = none: they are answered
        /// at the MAC that their packets came from.
        pub gateway_next_hop: u32,
    }
}

/// The entry of `PORT_SLOTS` for an interface's number.
pub const fn slot_of(ifindex: u32) -> u32 {
    ifindex % PORT_SLOTS
}

abi! {
    /// A floating address on a VLAN.
    #[repr(align(8))]
    pub struct FloatingKey, 8 {
        /// The address.
        pub ip: [u8; 4],
        /// VLAN number; 0 = wherever it arrives (asked for packets, not for ARP).
        pub vlan: u16,
        /// Not used, zero.
        pub reserved: u16,
    }
}

/// [`Floating::kind`]: an alias; the kernel routes what comes to its MAC.
pub const FLOATING_ALIAS: u32 = 1;
/// [`Floating::kind`]: a virtual address; nothing to it may reach the kernel.
pub const FLOATING_VIRTUAL: u32 = 2;

abi! {
    /// What kind of floating address it is.
    pub struct Floating, 4 {
        /// [`FLOATING_ALIAS`] or [`FLOATING_VIRTUAL`].
        pub kind: u32,
    }
}

abi! {
    /// An address, port and protocol: a virtual server, or a real.
    #[repr(align(8))]
    pub struct VirtualKey, 8 {
        /// The address.
        pub ip: [u8; 4],
        /// The port.
        pub port: [u8; 2],
        /// IP protocol number.
        pub protocol: u8,
        /// Not used, zero.
        pub reserved: u8,
    }
}

/// [`VirtualServer::flags`]: takes connections.
pub const VS_IN_SERVICE: u16 = 1;
/// [`VirtualServer::flags`]: `replicate csrp connection`.
pub const VS_REPLICATE: u16 = 2;
/// [`VirtualServer::flags`]: clients stick by their own address.
pub const VS_STICKY_SOURCE: u16 = 4;
/// [`VirtualServer::flags`]: clients stick by the virtual address.
pub const VS_STICKY_DESTINATION: u16 = 8;
/// [`VirtualServer::flags`]: `replicate csrp sticky`.
pub const VS_REPLICATE_STICKY: u16 = 16;

abi! {
    /// A virtual server.
    pub struct VirtualServer, 32 {
        /// Number of this virtual server in the local configuration.
        pub index: u32,
        /// `VS_*` bits.
        pub flags: u16,
        /// The group that shares what sticks; 0 = this one for itself.
        pub sticky_group: u8,
        /// Not used, zero.
        pub reserved: u8,
        /// First entry of its farm in `SCHEDULE`.
        pub schedule_start: u32,
        /// Entries of its farm in `SCHEDULE`; 0 = no real in service.
        pub schedule_len: u32,
        /// Its farm's entry in `TURN`.
        pub farm: u32,
        /// How much of an address tells clients apart.
        pub sticky_mask: [u8; 4],
        /// Nanoseconds after which an embryonic connection is forgotten (`pending`).
        pub pending_ns: u64,
    }
}

abi! {
    /// A real server of one farm.
    pub struct Real, 16 {
        /// Its address.
        pub ip: [u8; 4],
        /// Its port; zero = the virtual server's.
        pub port: [u8; 2],
        /// VLAN it is reached on.
        pub vlan: u16,
        /// Its entry in `NEXT_HOPS`.
        pub next_hop: u32,
        /// Not used, zero.
        pub reserved: u32,
    }
}

/// [`NextHop::state`]: not resolved; the TC hook asks the kernel.
pub const NEXT_HOP_UNKNOWN: u16 = 0;
/// [`NextHop::state`]: `mac` is good.
pub const NEXT_HOP_VALID: u16 = 1;

abi! {
    /// Where frames leave: a real on a connected VLAN, or a gateway.
    pub struct NextHop, 24 {
        /// Interface number.
        pub ifindex: u32,
        /// Address of the next hop, for resolving.
        pub ip: [u8; 4],
        /// Its MAC.
        pub mac: [u8; 6],
        /// MAC of the interface: source of the frame, as it follows the other one there.
        pub own_mac: [u8; 6],
        /// `NEXT_HOP_*`.
        pub state: u16,
        /// Not used, zero.
        pub reserved: u16,
    }
}

abi! {
    /// A direction of a flow as its packets show it.
    #[repr(align(8))]
    pub struct FlowKey, 16 {
        /// Source address.
        pub src: [u8; 4],
        /// Destination address.
        pub dst: [u8; 4],
        /// Source port.
        pub src_port: [u8; 2],
        /// Destination port.
        pub dst_port: [u8; 2],
        /// IP protocol number.
        pub protocol: u8,
        /// Not used, zero.
        pub reserved: u8,
        /// Not used, zero: no array, which compilers clear by a call.
        pub reserved_too: u16,
    }
}

/// [`Conn::flags`]: events about it go to user space for replication.
pub const CONN_REPLICATE: u8 = 1;
/// [`Conn::flags`]: came from the peer.
pub const CONN_FROM_PEER: u8 = 2;
/// [`Conn::flags`]: `mac` holds the client's MAC (reverse entries of on-link clients).
pub const CONN_MAC_KNOWN: u8 = 4;
/// [`Conn::flags`]: the last thing that came from this direction's side was a RST.
pub const CONN_RESET: u8 = 8;
/// [`Conn::flags`]: its client sticks.
pub const CONN_STICKY: u8 = 16;

abi! {
    /// One direction of a connection. The forward entry rewrites the destination, the reverse one
    /// the source; each holds what is needed to make the other one's key.
    pub struct Conn, 64 {
        /// CLOCK_MONOTONIC nanoseconds (coarse) of the last packet of this direction.
        pub last_seen: u64,
        /// Packets of this direction that this box forwarded.
        pub packets: u64,
        /// CLOCK_MONOTONIC nanoseconds (coarse) of the first packet, or of the replication.
        pub created: u64,
        /// Bytes (IP length) of this direction that this box forwarded.
        pub bytes: u64,
        /// Forward: the real's address. Reverse: the virtual address.
        pub rewrite_ip: [u8; 4],
        /// Forward: the real's port. Reverse: the virtual server's port.
        pub rewrite_port: [u8; 2],
        /// Bits of [`crate::tcp::seen`], the same in both entries.
        pub seen: u8,
        /// `CONN_*` bits.
        pub flags: u8,
        /// Entry of `NEXT_HOPS` where this direction leaves; 0 = on-link client, see `mac`.
        pub next_hop: u32,
        /// Number of the virtual server in the local configuration.
        pub virtual_server: u32,
        /// Where this direction leaves when `next_hop` is 0.
        pub out_ifindex: u32,
        /// VLAN that this direction's packets arrive on.
        pub in_vlan: u16,
        /// VLAN that this direction's packets leave on.
        pub out_vlan: u16,
        /// MAC of the on-link client, if [`CONN_MAC_KNOWN`].
        pub mac: [u8; 6],
        /// Not used, zero.
        pub reserved: u16,
    }
}

/// What each processor has for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Local {
    /// The kernel's tick in which `now` was read.
    pub tick: u64,
    /// CLOCK_MONOTONIC nanoseconds when this processor first saw that tick: its coarse clock.
    pub now: u64,
    /// By [`Counter`].
    pub counters: [u64; Counter::COUNT as usize],
}

abi! {
    /// Entries of the main connection table made and removed by one writer; both only grow.
    /// In use = made - removed, summed over `USE_BPF` and `USE_USER`.
    pub struct TableUse, 24 {
        /// Connections inserted.
        pub made: u64,
        /// Connections removed.
        pub removed: u64,
        /// Entries that the table has; user space writes it (in `USE_USER` only).
        pub capacity: u64,
    }
}

/// [`Event::kind`]: a connection became established.
pub const EVENT_ESTABLISHED: u32 = 1;
/// [`Event::kind`]: an established connection saw FIN or RST.
pub const EVENT_CHANGED: u32 = 2;
/// [`Event::kind`]: the programs removed an established connection (its client opened it anew).
pub const EVENT_REMOVED: u32 = 3;
/// [`Event::kind`]: a connection was begun; told only while draining.
pub const EVENT_EMBRYONIC: u32 = 4;
/// [`StickyEvent::kind`]: a client sticks, to another real than before perhaps.
pub const EVENT_STICKY: u32 = 5;

abi! {
    /// What the programs tell user space.
    pub struct Event, 88 {
        /// `EVENT_*`.
        pub kind: u32,
        /// Not used, zero.
        pub reserved: u32,
        /// Key of the forward entry.
        pub key: FlowKey,
        /// The forward entry.
        pub conn: Conn,
    }
}

impl FlowKey {
    /// The key of a flow from `src` to `dst`.
    pub const fn new(src: ([u8; 4], [u8; 2]), dst: ([u8; 4], [u8; 2]), protocol: u8) -> Self {
        Self {
            src: src.0,
            dst: dst.0,
            src_port: src.1,
            dst_port: dst.1,
            protocol,
            reserved: 0,
            reserved_too: 0,
        }
    }

    /// Key of the reverse entry, from the key and the rewrite (the real) of the forward entry.
    pub const fn reverse_of_forward(&self, real: ([u8; 4], [u8; 2])) -> Self {
        Self::new(real, (self.src, self.src_port), self.protocol)
    }

    /// Key of the forward entry, from the key and the rewrite (the virtual server) of the reverse entry.
    pub const fn forward_of_reverse(&self, virtual_server: ([u8; 4], [u8; 2])) -> Self {
        Self::new((self.dst, self.dst_port), virtual_server, self.protocol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_direction_finds_the_other() {
        let client = ([10, 0, 0, 1], 40_000_u16.to_be_bytes());
        let vip = ([192, 158, 38, 30], 80_u16.to_be_bytes());
        let real = ([192, 158, 39, 101], 8080_u16.to_be_bytes());
        let forward = FlowKey::new(client, vip, 6);
        let reverse = forward.reverse_of_forward(real);
        assert_eq!(reverse, FlowKey::new(real, client, 6));
        assert_eq!(reverse.forward_of_reverse(vip), forward);
    }
}
