//! Segments of connections that no host knows: what both sides of each say is written here.

use std::net::{Ipv4Addr, SocketAddrV4};

use crate::load::message;
use crate::topology::Cidr;

/// Octets of headers: Ethernet, IPv4, TCP.
const HEADERS: usize = 14 + 20 + 20;
/// Octets of the longest segment.
pub(super) const LONGEST: usize = HEADERS + message::LENGTH;
/// Octets that a segment with something in it carries.
#[expect(clippy::cast_possible_truncation, reason = "32")]
const SAID: u32 = message::LENGTH as u32;
/// Clients have ports from here on.
const FIRST_PORT: u16 = 1024;
/// Bits of a flow's number that are its client's host part.
const HOST_BITS: u32 = 16;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;

/// A segment in the life of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The client opens.
    Syn,
    /// The real takes it.
    SynAck,
    /// The client completes the handshake.
    Ack,
    /// The client says something.
    Ask,
    /// The real answers.
    Answer,
    /// The client closes.
    ClientFin,
    /// So does the real.
    ServerFin,
    /// The last acknowledgement, of the client.
    LastAck,
}

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client.
    Client,
    /// The real.
    Server,
}

impl Step {
    /// A handshake.
    pub const OPENING: [Self; 3] = [Self::Syn, Self::SynAck, Self::Ack];
    /// A whole life: handshake, a question, an answer, good-byes.
    pub const LIFE: [Self; 8] = [
        Self::Syn,
        Self::SynAck,
        Self::Ack,
        Self::Ask,
        Self::Answer,
        Self::ClientFin,
        Self::ServerFin,
        Self::LastAck,
    ];

    /// Whose segment it is.
    pub const fn side(self) -> Side {
        match self {
            Self::Syn | Self::Ack | Self::Ask | Self::ClientFin | Self::LastAck => Side::Client,
            Self::SynAck | Self::Answer | Self::ServerFin => Side::Server,
        }
    }

    const fn flags(self) -> u8 {
        match self {
            Self::Syn => SYN,
            Self::SynAck => SYN | ACK,
            Self::Ack | Self::LastAck => ACK,
            Self::Ask | Self::Answer => PSH | ACK,
            Self::ClientFin | Self::ServerFin => FIN | ACK,
        }
    }

    /// How far sender and receiver have come, counted from their first numbers.
    const fn progress(self) -> (u32, u32) {
        let said = 1 + SAID;
        match self {
            Self::Syn => (0, 0),
            Self::SynAck => (0, 1),
            Self::Ack | Self::Ask => (1, 1),
            Self::Answer => (1, said),
            Self::ClientFin => (said, said),
            Self::ServerFin => (said, said + 1),
            Self::LastAck => (said + 1, said + 1),
        }
    }

    const fn carries(self) -> usize {
        match self {
            Self::Ask | Self::Answer => message::LENGTH,
            Self::Syn
            | Self::SynAck
            | Self::Ack
            | Self::ClientFin
            | Self::ServerFin
            | Self::LastAck => 0,
        }
    }
}

/// Many connections to one virtual server, which is in front of one real: so both sides know what to say
/// without hearing each other.
#[derive(Clone, Copy, Debug)]
pub struct Flows {
    /// Where the clients claim to be: a network of 65,536 addresses.
    pub network: Cidr,
    /// What they connect to.
    pub virtual_server: SocketAddrV4,
    /// Who answers.
    pub real: SocketAddrV4,
}

/// What was seen of a connection at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// What it carries, whole.
    Message(u32),
    /// It was reset.
    Reset,
}

impl Flows {
    /// The client of a connection.
    pub fn client(&self, number: u32) -> SocketAddrV4 {
        let host = number & ((1 << HOST_BITS) - 1);
        let port = FIRST_PORT.wrapping_add(u16::try_from(number >> HOST_BITS).unwrap_or(u16::MAX));
        SocketAddrV4::new(Ipv4Addr::from(u32::from(self.network.network()) | host), port)
    }

    fn number(&self, client: SocketAddrV4) -> Option<u32> {
        let host = u32::from(*client.ip()) ^ u32::from(self.network.network());
        let high = u32::from(client.port().checked_sub(FIRST_PORT)?);
        (host >> HOST_BITS == 0).then_some(high << HOST_BITS | host)
    }

    /// Writes a segment as it is put on the wire; its length.
    pub(super) fn write(
        &self,
        (step, number): (Step, u32),
        (from, to): ([u8; 6], [u8; 6]),
        frame: &mut [u8; LONGEST],
    ) -> usize {
        let client = self.client(number);
        let (source, target) = match step.side() {
            Side::Client => (client, self.virtual_server),
            Side::Server => (self.real, client),
        };
        let (own, other) = step.progress();
        let first = [number.wrapping_mul(0x9e37_79b9), number.wrapping_mul(0x85eb_ca6b)];
        let [own_first, other_first] = match step.side() {
            Side::Client => first,
            Side::Server => [first[1], first[0]],
        };
        let acknowledged = if step == Step::Syn { 0 } else { other_first.wrapping_add(other) };
        let carries = step.carries();
        frame[..6].copy_from_slice(&to);
        frame[6..12].copy_from_slice(&from);
        frame[12..14].copy_from_slice(&[0x08, 0x00]);
        ip_header(&mut frame[14..34], (*source.ip(), *target.ip()), 40 + carries);
        let segment = &mut frame[34..HEADERS + carries];
        segment[..2].copy_from_slice(&source.port().to_be_bytes());
        segment[2..4].copy_from_slice(&target.port().to_be_bytes());
        segment[4..8].copy_from_slice(&own_first.wrapping_add(own).to_be_bytes());
        segment[8..12].copy_from_slice(&acknowledged.to_be_bytes());
        segment[12..20].copy_from_slice(&[5 << 4, step.flags(), 0xff, 0xff, 0, 0, 0, 0]);
        if carries > 0 {
            segment[20..].copy_from_slice(&message::make(number, 0));
        }
        let pseudo = sum(&[source.ip().octets(), target.ip().octets()].concat());
        let length = u32::try_from(segment.len()).unwrap_or(0);
        let check = folded(pseudo + 6 + length + sum(segment));
        frame[50..52].copy_from_slice(&check.to_be_bytes());
        HEADERS + carries
    }

    /// What a frame is that came out at an end.
    pub(super) fn read(&self, side: Side, frame: &[u8]) -> Option<Seen> {
        let ethernet = frame.get(12..14)?;
        let ip = frame.get(14..34)?;
        if ethernet != [0x08, 0x00] || ip.first() != Some(&0x45) || ip.get(9) != Some(&6) {
            return None;
        }
        let address =
            |at: usize| Some(Ipv4Addr::from(<[u8; 4]>::try_from(ip.get(at..at + 4)?).ok()?));
        let port = |at: usize| Some(u16::from_be_bytes(frame.get(at..at + 2)?.try_into().ok()?));
        let source = SocketAddrV4::new(address(12)?, port(34)?);
        let target = SocketAddrV4::new(address(16)?, port(36)?);
        let number = match side {
            Side::Server if target == self.real => self.number(source)?,
            Side::Client if source == self.virtual_server => self.number(target)?,
            Side::Server | Side::Client => return None,
        };
        if frame.get(47)? & RST != 0 {
            return Some(Seen::Reset);
        }
        let said = frame.get(HEADERS..HEADERS + message::LENGTH)?;
        (said == message::make(number, 0)).then_some(Seen::Message(number))
    }
}

fn ip_header(header: &mut [u8], (from, to): (Ipv4Addr, Ipv4Addr), length: usize) {
    let [high, low] = u16::try_from(length).unwrap_or(0).to_be_bytes();
    header[..12].copy_from_slice(&[0x45, 0, high, low, 0, 0, 0x40, 0, 64, 6, 0, 0]);
    header[12..16].copy_from_slice(&from.octets());
    header[16..20].copy_from_slice(&to.octets());
    let check = folded(sum(header));
    header[10..12].copy_from_slice(&check.to_be_bytes());
}

/// The sum of 16-bit words; all lengths here are even.
fn sum(octets: &[u8]) -> u32 {
    octets.chunks_exact(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum()
}

fn folded(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strain::FLOOD_NETWORK;

    fn flows() -> Flows {
        let at = |host, port| SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, host), port);
        Flows { network: FLOOD_NETWORK, virtual_server: at(1, 8080), real: at(2, 8080) }
    }

    fn written(step: Step, number: u32) -> Vec<u8> {
        let mut frame = [0; LONGEST];
        let length = flows().write((step, number), ([2; 6], [4; 6]), &mut frame);
        frame[..length].to_vec()
    }

    #[test]
    fn every_segment_is_one_by_its_own_checksums() {
        for step in Step::LIFE {
            let frame = written(step, 0x0012_3456);
            assert_eq!(folded(sum(&frame[14..34])), 0, "{step:?}");
            let length = u32::try_from(frame.len() - 34).unwrap();
            assert_eq!(folded(sum(&frame[26..34]) + 6 + length + sum(&frame[34..])), 0, "{step:?}");
        }
    }

    #[test]
    fn each_side_acknowledges_exactly_what_the_other_one_has_said() {
        let number =
            |frame: &[u8], at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().unwrap());
        let mut next: [Option<u32>; 2] = [None; 2];
        for step in Step::LIFE {
            let frame = written(step, 77);
            let (own, other) = match step.side() {
                Side::Client => (0, 1),
                Side::Server => (1, 0),
            };
            assert_eq!(next[own].unwrap_or(number(&frame, 38)), number(&frame, 38), "{step:?}");
            if let Some(said) = next[other] {
                assert_eq!(number(&frame, 42), said, "{step:?}");
            }
            let advances = u32::from(step.flags() & (SYN | FIN) != 0);
            let carries = u32::try_from(step.carries()).unwrap();
            next[own] = Some(number(&frame, 38).wrapping_add(advances + carries));
        }
    }

    #[test]
    fn what_comes_out_is_known_again_and_a_million_clients_differ() {
        let mut question = written(Step::Ask, 1_000_003);
        // As the balancer gives it on.
        question[30..34].copy_from_slice(&flows().real.ip().octets());
        assert_eq!(flows().read(Side::Server, &question), Some(Seen::Message(1_000_003)));
        assert_eq!(flows().read(Side::Client, &question), None);
        question[60] ^= 1;
        assert_eq!(flows().read(Side::Server, &question), None, "not what was said");
        question[47] |= RST;
        assert_eq!(flows().read(Side::Server, &question), Some(Seen::Reset));
        assert_ne!(flows().client(65_536), flows().client(0));
        assert_eq!(flows().number(flows().client(999_999)), Some(999_999));
    }
}
