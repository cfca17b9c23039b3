//! Headers: what of them is needed, and what makes a frame malformed.

use hitless_model::Counter;
use hitless_model::abi::FlowKey;
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use crate::ctx::{Packet, read};

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
/// Bytes of an Ethernet header.
pub(crate) const ETHERNET_LEN: usize = 14;
/// More fragments follow, or this is not the first.
const FRAGMENT: u16 = 0x3fff;

macro_rules! header {
    ($(#[$doc:meta])* struct $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, Unaligned)]
        #[repr(C)]
        pub(crate) struct $name { $($(#[$field_doc])* pub(crate) $field: $type,)* }
    };
}

header! {
    /// Ethernet.
    struct EthernetHeader {
        dst: [u8; 6],
        src: [u8; 6],
        kind: [u8; 2],
    }
}

header! {
    /// IPv4 without options.
    struct Ipv4Header {
        version_and_length: u8,
        service: u8,
        total_len: [u8; 2],
        id: [u8; 2],
        fragment: [u8; 2],
        ttl: u8,
        protocol: u8,
        checksum: [u8; 2],
        src: [u8; 4],
        dst: [u8; 4],
    }
}

header! {
    /// Ethernet and IPv4 together.
    struct Headers {
        ethernet: EthernetHeader,
        ip: Ipv4Header,
    }
}

header! {
    /// What TCP and UDP begin with.
    struct PortsHeader {
        src: [u8; 2],
        dst: [u8; 2],
    }
}

header! {
    /// TCP without options.
    struct TcpHeader {
        ports: PortsHeader,
        sequence: [u8; 4],
        acknowledged: [u8; 4],
        length: u8,
        flags: u8,
        window: [u8; 2],
        checksum: [u8; 2],
        urgent: [u8; 2],
    }
}

header! {
    /// UDP.
    struct UdpHeader {
        ports: PortsHeader,
        length: [u8; 2],
        checksum: [u8; 2],
    }
}

/// What is needed of the Ethernet header.
pub(crate) struct Ethernet {
    /// Destination.
    pub(crate) dst: [u8; 6],
    /// Source.
    pub(crate) src: [u8; 6],
    /// What follows.
    pub(crate) kind: u16,
}

/// What is needed of the IPv4 header.
pub(crate) struct Ipv4 {
    /// Source.
    pub(crate) src: [u8; 4],
    /// Destination.
    pub(crate) dst: [u8; 4],
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
    let header: EthernetHeader = read(packet, 0)?;
    Some(Ethernet { dst: header.dst, src: header.src, kind: u16::from_be_bytes(header.kind) })
}

/// The IPv4 header, checked.
#[inline(always)]
pub(crate) fn ipv4<P: Packet>(packet: &P) -> Result<Ipv4, Counter> {
    let header: Ipv4Header = read(packet, ETHERNET_LEN).ok_or(Counter::DropMalformed)?;
    let total_len = u16::from_be_bytes(header.total_len);
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
        is_fragment: u16::from_be_bytes(header.fragment) & FRAGMENT != 0,
    })
}

/// The TCP or UDP header, checked; `None` if the packet has none: another protocol, or a fragment.
#[inline(always)]
pub(crate) fn transport<P: Packet>(packet: &P, ip: &Ipv4) -> Result<Option<Transport>, Counter> {
    if ip.is_fragment {
        return Ok(None);
    }
    let (ports, flags) = match ip.protocol {
        TCP => tcp(packet, ip)?,
        UDP => udp(packet, ip)?,
        _ => return Ok(None),
    };
    let key = FlowKey {
        src: ip.src,
        dst: ip.dst,
        src_port: ports.src,
        dst_port: ports.dst,
        protocol: ip.protocol,
        reserved: [0; 3],
    };
    Ok(Some(Transport { key, flags }))
}

#[inline(always)]
fn tcp<P: Packet>(packet: &P, ip: &Ipv4) -> Result<(PortsHeader, u8), Counter> {
    let header: TcpHeader = segment(packet, ip)?;
    let header_len = usize::from(header.length >> 4) * 4;
    if header_len < size_of::<TcpHeader>() {
        return Err(Counter::DropMalformed);
    }
    Ok((header.ports, header.flags))
}

#[inline(always)]
fn udp<P: Packet>(packet: &P, ip: &Ipv4) -> Result<(PortsHeader, u8), Counter> {
    let header: UdpHeader = segment(packet, ip)?;
    if usize::from(u16::from_be_bytes(header.length)) < size_of::<UdpHeader>() {
        return Err(Counter::DropMalformed);
    }
    Ok((header.ports, 0))
}

/// The header after IPv4's, which must lie within the IPv4 packet, not in the frame's padding.
#[inline(always)]
pub(crate) fn segment<T, P>(packet: &P, ip: &Ipv4) -> Result<T, Counter>
where
    T: Copy + FromBytes + Unaligned,
    P: Packet,
{
    if ip.payload + size_of::<T>() > ETHERNET_LEN + usize::from(ip.total_len) {
        return Err(Counter::DropMalformed);
    }
    read(packet, ip.payload).ok_or(Counter::DropMalformed)
}
