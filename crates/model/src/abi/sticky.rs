//! Stickiness in the maps: whom an entry is about, which real it names, and who told it.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{FlowKey, VS_STICKY_DESTINATION, VS_STICKY_SOURCE, VirtualServer};

abi! {
    /// A client, or a network of clients, of a group or of a virtual server that has no group.
    #[repr(align(8))]
    pub struct StickyKey, 16 {
        /// The client's address as far as the mask goes; zero if it does not count.
        pub source: [u8; 4],
        /// The virtual address as far as the mask goes; zero if it does not count.
        pub destination: [u8; 4],
        /// Address of the virtual server; zero for a group.
        pub server_ip: [u8; 4],
        /// Port of the virtual server; zero for a group.
        pub server_port: [u8; 2],
        /// IP protocol number of the virtual server; zero for a group.
        pub protocol: u8,
        /// Number of the group; zero for a virtual server.
        pub group: u8,
    }
}

/// [`StickyEntry::flags`]: the peer is told of it.
pub const STICKY_REPLICATE: u16 = 1;
/// [`StickyEntry::flags`]: came from the peer.
pub const STICKY_FROM_PEER: u16 = 2;

abi! {
    /// The real that a client sticks to.
    pub struct StickyEntry, 16 {
        /// CLOCK_MONOTONIC nanoseconds (coarse) of the last connection that was begun; user space moves
        /// it on while connections are open.
        pub last_used: u64,
        /// The real's address.
        pub real_ip: [u8; 4],
        /// The port that the real was reached at.
        pub real_port: [u8; 2],
        /// `STICKY_*` bits.
        pub flags: u16,
    }
}

abi! {
    /// A real of a farm: by address and port as configured, or with port 0 by its address alone.
    #[repr(align(8))]
    pub struct FarmRealKey, 16 {
        /// The farm's entry in `TURN`.
        pub farm: u32,
        /// The real's address.
        pub ip: [u8; 4],
        /// The real's port, or zero.
        pub port: [u8; 2],
        /// Not used, zero.
        pub reserved: u16,
        /// Not used, zero.
        pub reserved_too: u32,
    }
}

abi! {
    /// What the programs tell user space of stickiness.
    pub struct StickyEvent, 40 {
        /// [`super::EVENT_STICKY`].
        pub kind: u32,
        /// Not used, zero.
        pub reserved: u32,
        /// Whom it is about.
        pub key: StickyKey,
        /// The entry.
        pub entry: StickyEntry,
    }
}

impl StickyKey {
    /// Whom an entry for a flow to a virtual server is about; none if its clients do not stick.
    #[inline]
    pub const fn of(flow: &FlowKey, server: &VirtualServer) -> Option<Self> {
        if server.flags & (VS_STICKY_SOURCE | VS_STICKY_DESTINATION) == 0 {
            return None;
        }
        let is_group = server.sticky_group != 0;
        Some(Self {
            source: masked(flow.src, server, VS_STICKY_SOURCE),
            destination: masked(flow.dst, server, VS_STICKY_DESTINATION),
            server_ip: if is_group { [0; 4] } else { flow.dst },
            server_port: if is_group { [0; 2] } else { flow.dst_port },
            protocol: if is_group { 0 } else { flow.protocol },
            group: server.sticky_group,
        })
    }
}

#[inline]
const fn masked(address: [u8; 4], server: &VirtualServer, counts: u16) -> [u8; 4] {
    if server.flags & counts == 0 {
        return [0; 4];
    }
    let mask = u32::from_ne_bytes(server.sticky_mask);
    (u32::from_ne_bytes(address) & mask).to_ne_bytes()
}

impl FarmRealKey {
    /// The key of a real.
    #[inline]
    pub const fn new(farm: u32, (ip, port): ([u8; 4], [u8; 2])) -> Self {
        Self { farm, ip, port, reserved: 0, reserved_too: 0 }
    }
}

impl StickyEntry {
    /// The real's address and port.
    pub const fn real(&self) -> ([u8; 4], [u8; 2]) {
        (self.real_ip, self.real_port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOW: FlowKey = FlowKey::new(([10, 9, 8, 7], [1, 2]), ([10, 6, 0, 200], [0, 80]), 6);

    fn server(flags: u16, mask: [u8; 4], sticky_group: u8) -> VirtualServer {
        VirtualServer { flags, sticky_mask: mask, sticky_group, ..VirtualServer::default() }
    }

    #[test]
    fn only_the_addresses_that_count_are_in_the_key_and_only_as_far_as_the_mask_goes() {
        let both = VS_STICKY_SOURCE | VS_STICKY_DESTINATION;
        let key = |flags| StickyKey::of(&FLOW, &server(flags, [255, 255, 0, 0], 7)).unwrap();
        let addresses = |flags| (key(flags).source, key(flags).destination);
        assert_eq!(addresses(VS_STICKY_SOURCE), ([10, 9, 0, 0], [0; 4]));
        assert_eq!(addresses(VS_STICKY_DESTINATION), ([0; 4], [10, 6, 0, 0]));
        assert_eq!(addresses(both), ([10, 9, 0, 0], [10, 6, 0, 0]));
        assert_eq!(StickyKey::of(&FLOW, &server(0, [255; 4], 7)), None);
    }

    #[test]
    fn a_group_hides_the_virtual_server_and_without_one_it_is_part_of_the_key() {
        let alone = StickyKey::of(&FLOW, &server(VS_STICKY_SOURCE, [255; 4], 0)).unwrap();
        assert_eq!((alone.server_ip, alone.server_port), ([10, 6, 0, 200], [0, 80]));
        assert_eq!((alone.protocol, alone.group), (6, 0));
        let grouped = StickyKey::of(&FLOW, &server(VS_STICKY_SOURCE, [255; 4], 35)).unwrap();
        assert_eq!((grouped.server_ip, grouped.server_port), ([0; 4], [0; 2]));
        assert_eq!((grouped.protocol, grouped.group), (0, 35));
    }
}
