//! Every reason for which the data plane drops a packet, and what else it counts.

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// Index into the per-CPU counter map. One definition: enum, name and help text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u32)]
        pub enum Counter {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Counter {
            /// All of them, in map order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];
            /// Number of entries of the counter map.
            #[expect(clippy::cast_possible_truncation, reason = "a few dozen counters")]
            pub const COUNT: u32 = Self::ALL.len() as u32;

            /// The name in `show`, in JSON and in metrics.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// One sentence for people.
            pub const fn help(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+),)+ }
            }
        }
    };
}

counters! {
    /// Packets of connections forwarded to reals.
    ForwardedToReal = "forwarded_to_real",
    /// Packets of connections forwarded to clients.
    ForwardedToClient = "forwarded_to_client",
    /// Packets for the alias handed to the kernel, which routes them.
    RoutedByKernel = "routed_by_kernel",
    /// ARP requests for floating addresses answered.
    ArpAnswered = "arp_answered",
    /// Pings of floating addresses answered.
    PingAnswered = "ping_answered",
    /// Connections begun.
    ConnectionsCreated = "connections_created",
    /// Connections that completed their handshake or got their first answer.
    ConnectionsEstablished = "connections_established",
    /// Dropped: this box is not active, or draining, for the address.
    DropNotActive = "drop_not_active",
    /// Dropped: the role says active but the lease is over.
    DropLeaseExpired = "drop_lease_expired",
    /// Dropped: ARP request for a floating address while not active.
    DropArpNotActive = "drop_arp_not_active",
    /// Dropped: the frame is malformed or its headers are cut short.
    DropMalformed = "drop_malformed",
    /// Dropped: fragment of a packet to a virtual address.
    DropFragment = "drop_fragment",
    /// Dropped: the frame's destination MAC is another host's.
    DropNotForUs = "drop_not_for_us",
    /// Dropped: packet to a virtual address that no virtual server listens on.
    DropNoVirtualServer = "drop_no_virtual_server",
    /// Dropped: the virtual server is out of service.
    DropOutOfService = "drop_out_of_service",
    /// Dropped: the virtual server has no real in service.
    DropNoReal = "drop_no_real",
    /// Dropped: TCP segment to a virtual server that belongs to no connection and opens none.
    DropNoConnection = "drop_no_connection",
    /// Dropped: TCP segment from a real's address and port that belongs to no connection.
    DropRealNoConnection = "drop_real_no_connection",
    /// Dropped: the connection table is full.
    DropTableFull = "drop_table_full",
    /// Dropped: every real tried already talks to this client address and port for another virtual server.
    DropReverseOccupied = "drop_reverse_occupied",
    /// Dropped: time to live is used up.
    DropTtlExpired = "drop_ttl_expired",
    /// Dropped: the next hop's MAC is not known.
    DropNoNextHop = "drop_no_next_hop",
    /// Dropped: ICMP for a virtual address that is not an echo request.
    DropIcmp = "drop_icmp",
    /// Dropped: the kernel refused to rewrite the packet.
    DropRewriteFailed = "drop_rewrite_failed",
    /// Events for user space that found the ring full; a resynchronisation repairs what they told.
    EventsLost = "events_lost",
    /// Connections established while the table was full; they live in the evicting table.
    EstablishedInSmallTable = "established_in_small_table",
    /// Connections whose client sticks to a real.
    StuckToReal = "stuck_to_real",
    /// Clients that found no room in the table of those that stick.
    StickyTableFull = "sticky_table_full",
}

impl Counter {
    /// Whether this one counts dropped packets.
    pub fn is_drop(self) -> bool {
        self.name().starts_with("drop_")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_helped() {
        for (index, counter) in Counter::ALL.iter().enumerate() {
            assert_eq!(*counter as usize, index);
            assert!(!counter.help().is_empty());
            assert!(!Counter::ALL[..index].iter().any(|earlier| earlier.name() == counter.name()));
        }
    }
}
