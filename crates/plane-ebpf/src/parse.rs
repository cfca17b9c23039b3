//! Headers: what of them is needed, and what makes a frame malformed.

use hitless_model::Counter;
use hitless_model::abi::FlowKey;
use zerocopy::{FromBytes, Immutable, Unaligned, transmute};

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

/// Kind of IPv4, version and length of its header without options, as they lie in a frame; the octet after
/// them says nothing here.
const USUAL: u32 = u32::from_ne_bytes([0x08, 0x00, 0x45, 0]);
const USUAL_MASK: u32 = u32::from_ne_bytes([0xff, 0xff, 0xff, 0]);
/// Where TCP or UDP begins after an IPv4 header without options.
const USUAL_PAYLOAD: usize = 34;

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
        ports: u32,
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
        ports: u32,
        length: u16,
        checksum: u16,
    }
}

header! {
    /// What the usual frame begins with: Ethernet, IPv4 without options, UDP or the beginning of TCP.
    struct UsualHeader {
        dst_and_src: u64,
        src_end: u32,
        kind_and_version: u32,
        total_len: u16,
        id: u16,
        fragment: u16,
        ttl: u8,
        protocol: u8,
        checksum: u16,
        src_and_dst: u64,
        ports: u32,
        udp_length: u16,
        udp_checksum: u16,
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

/// Both ports as they lie in a packet, and TCP's flags.
struct Segment {
    ports: u32,
    flags: u8,
}

/// What is needed of a TCP or UDP header.
pub(crate) struct Transport {
    /// The flow as this packet shows it.
    pub(crate) key: FlowKey,
    /// TCP's flags; none with UDP.
    pub(crate) flags: u8,
}

/// Headers as most packets have them, checked; `None` if they are different, or not sound.
#[inline(always)]
pub(crate) fn usual<P: Packet>(packet: &P) -> Option<(Ethernet, Ipv4, Transport)> {
    let header: &UsualHeader = view(packet, 0)?;
    let is_usual =
        header.kind_and_version & USUAL_MASK == USUAL && header.fragment & FRAGMENT.to_be() == 0;
    if !is_usual {
        return None;
    }
    let (least, flags) = match header.protocol {
        TCP => {
            let tcp: &TcpHeader = view(packet, USUAL_PAYLOAD)?;
            (size_of::<TcpHeader>(), (tcp.length >= 0x50).then_some(tcp.flags)?)
        }
        UDP => {
            let length = usize::from(u16::from_be(header.udp_length));
            (size_of::<UdpHeader>(), (length >= size_of::<UdpHeader>()).then_some(0)?)
        }
        _ => return None,
    };
    let total_len = u16::from_be(header.total_len);
    let end = ETHERNET_LEN + usize::from(total_len);
    if end < USUAL_PAYLOAD + least || end > packet.frame_len() as usize {
        return None;
    }
    let [src, dst]: [u32; 2] = transmute!(header.src_and_dst);
    let (protocol, ttl) = (header.protocol, header.ttl);
    let ip =
        Ipv4 { src, dst, protocol, ttl, total_len, payload: USUAL_PAYLOAD, is_fragment: false };
    let key = key_of(header.src_and_dst, header.ports, protocol);
    let ethernet = macs(header.dst_and_src, header.src_end, KIND_IPV4);
    Some((ethernet, ip, Transport { key, flags }))
}

/// The Ethernet header; `None` if the frame is shorter.
#[inline(always)]
pub(crate) fn ethernet<P: Packet>(packet: &P) -> Option<Ethernet> {
    let header: &EthernetHeader = view(packet, 0)?;
    Some(macs(header.dst_and_src, header.src_end, u16::from_be(header.kind)))
}

/// What is needed of an Ethernet header, from its words.
#[inline(always)]
fn macs(dst_and_src: u64, src_end: u32, kind: u16) -> Ethernet {
    let (start, end) = (u64::from_le(dst_and_src), u64::from(u32::from_le(src_end)));
    Ethernet { dst: Mac::low_of(start), src: Mac::low_of(start >> 48 | end << 16), kind }
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
    let key = key_of(transmute!([ip.src, ip.dst]), segment.ports, ip.protocol);
    Ok(Some(Transport { key, flags: segment.flags }))
}

/// A key, written to the stack in two whole words: the kernel reads words of it at once, and a processor that
/// has to put a word together from several stores waits until they are done.
#[inline(always)]
fn key_of(src_and_dst: u64, ports: u32, protocol: u8) -> FlowKey {
    let ports_and_protocol = u64::from(ports) | u64::from(protocol) << 32;
    transmute!([src_and_dst, ports_and_protocol])
}

#[inline(always)]
fn tcp<P: Packet>(packet: &P, ip: &Ipv4) -> Result<Segment, Counter> {
    let header: &TcpHeader = segment(packet, ip)?;
    let header_len = usize::from(header.length >> 4) * 4;
    if header_len < size_of::<TcpHeader>() {
        return Err(Counter::DropMalformed);
    }
    Ok(Segment { ports: header.ports, flags: header.flags })
}

#[inline(always)]
fn udp<P: Packet>(packet: &P, ip: &Ipv4) -> Result<Segment, Counter> {
    let header: &UdpHeader = segment(packet, ip)?;
    if usize::from(u16::from_be(header.length)) < size_of::<UdpHeader>() {
        return Err(Counter::DropMalformed);
    }
    Ok(Segment { ports: header.ports, flags: 0 })
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
