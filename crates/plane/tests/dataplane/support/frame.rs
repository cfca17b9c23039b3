//! Frames, built by etherparse: every checksum in them is summed from scratch.

use std::net::{Ipv4Addr, SocketAddrV4};

use etherparse::{ArpOperation, ArpPacket, EtherType, PacketBuilder, SlicedPacket, TransportSlice};
use hitless_model::tcp::{ACK, FIN, RST, SYN};

/// What a frame carries.
#[derive(Clone, Debug)]
pub(crate) enum Carries {
    /// A TCP segment with these flags.
    Tcp(u8),
    /// A UDP datagram.
    Udp,
    /// A UDP datagram whose sender made no checksum.
    UdpWithoutChecksum,
}

/// A TCP or UDP frame.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// Source and destination MAC.
    pub(crate) macs: ([u8; 6], [u8; 6]),
    pub(crate) src: SocketAddrV4,
    pub(crate) dst: SocketAddrV4,
    pub(crate) ttl: u8,
    pub(crate) carries: Carries,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The frame's bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let ip = PacketBuilder::ethernet2(self.macs.0, self.macs.1).ipv4(
            self.src.ip().octets(),
            self.dst.ip().octets(),
            self.ttl,
        );
        let (from, to) = (self.src.port(), self.dst.port());
        let mut bytes = Vec::new();
        match self.carries {
            Carries::Tcp(flags) => {
                let mut tcp = ip.tcp(from, to, 0x0102_0304, 8192);
                tcp = if flags & SYN == 0 { tcp } else { tcp.syn() };
                tcp = if flags & ACK == 0 { tcp } else { tcp.ack(0x0506_0708) };
                tcp = if flags & FIN == 0 { tcp } else { tcp.fin() };
                tcp = if flags & RST == 0 { tcp } else { tcp.rst() };
                tcp.write(&mut bytes, &self.payload).expect("it fits");
            }
            Carries::Udp => ip.udp(from, to).write(&mut bytes, &self.payload).expect("it fits"),
            Carries::UdpWithoutChecksum => {
                ip.udp(from, to).write(&mut bytes, &self.payload).expect("it fits");
                bytes[40..42].fill(0);
            }
        }
        bytes
    }

    /// The same with a payload.
    pub(crate) fn with_payload(self, payload: &[u8]) -> Self {
        Self { payload: payload.to_vec(), ..self }
    }
}

/// An ICMP echo request or its reply.
pub(crate) fn echo(
    macs: ([u8; 6], [u8; 6]),
    from: Ipv4Addr,
    to: Ipv4Addr,
    (ttl, is_reply): (u8, bool),
) -> Vec<u8> {
    let ip = PacketBuilder::ethernet2(macs.0, macs.1).ipv4(from.octets(), to.octets(), ttl);
    let icmp = if is_reply { ip.icmpv4_echo_reply(7, 21) } else { ip.icmpv4_echo_request(7, 21) };
    let mut bytes = Vec::new();
    icmp.write(&mut bytes, b"are you there, address?").expect("it fits");
    bytes
}

/// An ARP request or reply.
pub(crate) fn arp(
    macs: ([u8; 6], [u8; 6]),
    operation: ArpOperation,
    sender: ([u8; 6], Ipv4Addr),
    target: ([u8; 6], Ipv4Addr),
) -> Vec<u8> {
    let packet = ArpPacket::new(
        etherparse::ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        operation,
        &sender.0,
        &sender.1.octets(),
        &target.0,
        &target.1.octets(),
    )
    .expect("lengths of Ethernet and IPv4");
    let mut bytes = Vec::new();
    PacketBuilder::ethernet2(macs.0, macs.1).arp(packet).write(&mut bytes).expect("it fits");
    bytes
}

/// Stops unless every checksum of the frame is right, summed from scratch.
pub(crate) fn check_sums(frame: &[u8]) {
    let packet = SlicedPacket::from_ethernet(frame).expect("headers that parse");
    let Some(etherparse::NetSlice::Ipv4(ip)) = packet.net else { return };
    let header = ip.header().to_header();
    assert_eq!(header.header_checksum, header.calc_header_checksum(), "IPv4 header checksum");
    let source = (header.source, header.destination);
    match packet.transport {
        Some(TransportSlice::Tcp(tcp)) => {
            let sum = tcp.calc_checksum_ipv4(source.0, source.1).expect("a sum");
            assert_eq!(tcp.checksum(), sum, "TCP checksum");
        }
        Some(TransportSlice::Udp(udp)) if udp.checksum() != 0 => {
            let sum = udp.to_header().calc_checksum_ipv4(&header, udp.payload()).expect("a sum");
            assert_eq!(udp.checksum(), sum, "UDP checksum");
        }
        Some(TransportSlice::Icmpv4(icmp)) => {
            let sum = icmp.icmp_type().calc_checksum(icmp.payload());
            assert_eq!(icmp.checksum(), sum, "ICMP checksum");
        }
        Some(_) | None => {}
    }
}
