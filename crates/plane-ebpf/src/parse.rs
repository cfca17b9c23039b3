//! Headers: what of them is needed, and what makes a frame malformed.

use hitless_model::Counter;
use hitless_model::abi::FlowKey;
use zerocopy::{FromBytes, Immutable, Unaligned};

use crate::ctx::{Packet, view};
use crate::mac::Mac;

/// Ethernet type of IPv4.
pub(crate) const KIND_IPV4: u16 = 0x0800;
/// Ethernet type of ARP.
pub(crate) const KIND_ARP: u16 = 0x0806;
/// Ethernet type of a VLAN tag.
pub(crate) const KIND_TAG: u16 = 0x8100;
/// Ethernet type of a provider's VLAN tag.
pub(crate) const KIND_PROVIDER_TAG: u16 = 0x88a8;
/// IP protocol number of ICMP.
pub(crate) const ICMP: u8 = 1;
/// IP protocol number of TCP.
pub(crate) const TCP: u8 = 6;
/// IP protocol number of UDP.
pub(crate) const UDP: u8 = 17;
/// Bytes of both MACs.
pub(crate) const MACS_LEN: usize = 12;
/// Bytes of an Ethernet header.
pub(crate) const ETHERNET_LEN: usize = 14;
/// More fragments follow, or this is not the first.
const FRAGMENT: u16 = 0x3fff;

/// A header as it lies in a frame: numbers in network byte order, anywhere.
macro_rules! header {
    ($(#[$doc:meta])* struct $name:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        #[derive(
            zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::Unaligned,
        )]
        #[repr(C, packed)]
        pub(crate) struct $name { $(pub(crate) $field: $type,)* }
    };
}
pub(crate) use header;

header! {
    /// Ethernet: both MACs, cut where words end, and what follows.
    struct EthernetHeader {
        dst_and_src: u64,
        src_end: u32,
        kind: u16,
    }
}

header! {
    /// IPv4 without options.
    struct Ipv4Header {
        version_and_length: u8,
        service: u8,
        total_len: u16,
        id: u16,
        fragment: u16,
        ttl: u8,
        protocol: u8,
        checksum: u16,
        src: u32,
        dst: u32,
    }
}

header! {
    /// What TCP and UDP begin with.
    struct PortsHeader {
        src: u16,
        dst: u16,
    }
}

header! {
    /// TCP without options.
    struct TcpHeader {
        src_port: u16,
        dst_port: u16,
        sequence: u32,
        acknowledged: u32,
        length: u8,
        flags: u8,
        window: u16,
        checksum: u16,
        urgent: u16,
    }
}

header! {
    /// UDP.
    struct UdpHeader {
        src_port: u16,
        dst_port: u16,
        length: u16,
        checksum: u16,
    }
}

/// What is needed of the Ethernet header.
pub(crate) struct Ethernet {
    /// Destination.
    pub(crate) dst: Mac,
    /// Source.
    pub(crate) src: Mac,
    /// What follows.
    pub(crate) kind: u16,
}

/// What is needed of the IPv4 header; addresses as they lie there.
pub(crate) struct Ipv4 {
    /// Source.
    pub(crate) src: u32,
    /// Destination.
    pub(crate) dst: u32,
    /// What follows.
    pub(crate) protocol: u8,
    /// Time to live.
    pub(crate) ttl: u8,
    /// Bytes of header and payload.
    pub(crate) total_len: u16,
    /// Offset in the frame of what follows.
    pub(crate) payload: usize,
    /// Whether it is a part of a packet.
    pub(crate) is_fragment: bool,
}

/// Ports as they lie in a packet, and TCP's flags.
struct Segment {
    src: u16,
    dst: u16,
    flags: u8,
}

/// What is needed of a TCP or UDP header.
pub(crate) struct Transport {
    /// The flow as this packet shows it.
    pub(crate) key: FlowKey,
    /// TCP's flags; none with UDP.
    pub(crate) flags: u8,
}

/// The Ethernet header; `None` if the frame is shorter.
#[inline(always)]
pub(crate) fn ethernet<P: Packet>(packet: &P) -> Option<Ethernet> {
    let header: &EthernetHeader = view(packet, 0)?;
    let (start, end) = (u64::from_le(header.dst_and_src), u32::from_le(header.src_end));
    Some(Ethernet {
        dst: Mac::low_of(start),
        src: Mac::low_of(start >> 48 | u64::from(end) << 16),
        kind: u16::from_be(header.kind),
    })
}

/// The IPv4 header, checked.
#[inline(always)]
pub(crate) fn ipv4<P: Packet>(packet: &P) -> Result<Ipv4, Counter> {
    let header: &Ipv4Header = view(packet, ETHERNET_LEN).ok_or(Counter::DropMalformed)?;
    let total_len = u16::from_be(header.total_len);
    let header_len = usize::from(header.version_and_length & 0x0f) * 4;
    let is_sound = header.version_and_length >> 4 == 4
        && header_len >= size_of::<Ipv4Header>()
        && usize::from(total_len) >= header_len
        && ETHERNET_LEN + usize::from(total_len) <= packet.frame_len() as usize;
    if !is_sound {
        return Err(Counter::DropMalformed);
    }
    Ok(Ipv4 {
        src: header.src,
        dst: header.dst,
        protocol: header.protocol,
        ttl: header.ttl,
        total_len,
        payload: ETHERNET_LEN + header_len,
        is_fragment: u16::from_be(header.fragment) & FRAGMENT != 0,
    })
}

/// The TCP or UDP header, checked; `None` if the packet has none: another protocol, or a fragment.
#[inline(always)]
pub(crate) fn transport<P: Packet>(packet: &P, ip: &Ipv4) -> Result<Option<Transport>, Counter> {
    if ip.is_fragment {
        return Ok(None);
    }
    let segment = match ip.protocol {
        TCP => tcp(packet, ip)?,
        UDP => udp(packet, ip)?,
        _ => return Ok(None),
    };
    let end = |ip: u32, port: u16| (ip.to_ne_bytes(), port.to_ne_bytes());
    let key = FlowKey::new(end(ip.src, segment.src), end(ip.dst, segment.dst), ip.protocol);
    Ok(Some(Transport { key, flags: segment.flags }))
}

#[inline(always)]
fn tcp<P: Packet>(packet: &P, ip: &Ipv4) -> Result<Segment, Counter> {
    let header: &TcpHeader = segment(packet, ip)?;
    let header_len = usize::from(header.length >> 4) * 4;
    if header_len < size_of::<TcpHeader>() {
        return Err(Counter::DropMalformed);
    }
    Ok(Segment { src: header.src_port, dst: header.dst_port, flags: header.flags })
}

#[inline(always)]
fn udp<P: Packet>(packet: &P, ip: &Ipv4) -> Result<Segment, Counter> {
    let header: &UdpHeader = segment(packet, ip)?;
    if usize::from(u16::from_be(header.length)) < size_of::<UdpHeader>() {
        return Err(Counter::DropMalformed);
    }
    Ok(Segment { src: header.src_port, dst: header.dst_port, flags: 0 })
}

/// The header after IPv4's, which must lie within the IPv4 packet, not in the frame's padding.
#[inline(always)]
pub(crate) fn segment<'a, T, P>(packet: &'a P, ip: &Ipv4) -> Result<&'a T, Counter>
where
    T: FromBytes + Immutable + Unaligned,
    P: Packet,
{
    if ip.payload + size_of::<T>() > ETHERNET_LEN + usize::from(ip.total_len) {
        return Err(Counter::DropMalformed);
    }
    view(packet, ip.payload).ok_or(Counter::DropMalformed)
}
