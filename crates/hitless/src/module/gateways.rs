//! Asks gateways whether they hear this box, where that decides who is active alone.
//!
//! The question is an ARP request from the module's own address and MAC, the answer its reply. It
//! goes to the MAC that answered before, and to everybody if that did not answer the last time. The
//! kernel lets nothing through but replies of configured gateways to this very box, and the core
//! thread waits for them only while a question is open: whatever anybody sends on a client VLAN, it
//! wakes that thread but once a question.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use hitless_model::Mac;
use rustix::net::{RecvFlags, SocketFlags};
use socket2::SockFilter;

use super::packet::{self, Arp, FRAME};

/// Gateways asked at a time, those first that answered before.
const ASKED_AT_A_TIME: usize = 8;
/// Replies read of a VLAN in one turn.
const REPLIES_A_TURN: usize = 16;
/// Room for a few hundred replies.
const BUFFER: usize = 64 << 10;

/// A VLAN with the gateways that are reached over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Interface of the VLAN.
    pub(crate) ifindex: u32,
    /// The module's own MAC there.
    pub(crate) mac: Mac,
    /// The module's own address there, or none.
    pub(crate) own: Ipv4Addr,
    /// Who is asked.
    pub(crate) gateways: Vec<Ipv4Addr>,
}

struct Gateway {
    ip: Ipv4Addr,
    /// The MAC that answered the last question.
    mac: Option<Mac>,
}

struct Link {
    socket: OwnedFd,
    ifindex: u32,
    sender: (Mac, Ipv4Addr),
    gateways: Vec<Gateway>,
}

/// All gateways of a module.
pub(crate) struct Gateways {
    links: Vec<Link>,
    /// A question is open.
    is_open: bool,
    /// Where the next question begins among those that do not answer.
    turn: usize,
}

impl Gateways {
    /// Opens a socket for each segment in the calling thread's namespace.
    pub(crate) fn open(segments: Vec<Segment>) -> io::Result<Self> {
        let links = segments.into_iter().map(Link::open).collect::<io::Result<_>>()?;
        Ok(Self { links, is_open: false, turn: 0 })
    }

    /// What to wait for: nothing while no question is open.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.links.iter().filter(|_| self.is_open).map(|link| link.socket.as_fd())
    }

    /// Asks. What has come in since the last answer is too old to count.
    pub(crate) fn ask(&mut self) {
        self.is_open = true;
        self.turn = self.turn.wrapping_add(ASKED_AT_A_TIME);
        for link in &mut self.links {
            link.read();
            link.ask(self.turn);
        }
    }

    /// Whether the open question was answered since the last call.
    pub(crate) fn answered(&mut self) -> bool {
        if !self.is_open {
            return false;
        }
        // All links are read: who answers is asked by unicast the next time.
        let answers = self.links.iter_mut().map(Link::read).filter(|answered| *answered).count();
        self.is_open = answers == 0;
        !self.is_open
    }
}

impl Link {
    fn open(segment: Segment) -> io::Result<Self> {
        let Segment { ifindex, mac, own, gateways } = segment;
        let socket = packet::socket(SocketFlags::NONBLOCK)?;
        packet::receive_arp(&socket, ifindex, &filter(mac, &gateways))?;
        socket2::SockRef::from(&socket).set_recv_buffer_size(BUFFER)?;
        let gateways = gateways.into_iter().map(|ip| Gateway { ip, mac: None }).collect();
        Ok(Self { socket, ifindex, sender: (mac, own), gateways })
    }

    fn ask(&mut self, turn: usize) {
        let Self { socket, ifindex, sender, gateways } = self;
        let count = gateways.len().max(1);
        let mut order: Vec<usize> = (0..gateways.len()).map(|at| (at + turn) % count).collect();
        order.sort_by_key(|at| gateways[*at].mac.is_none());
        for at in order.into_iter().take(ASKED_AT_A_TIME) {
            let gateway = &mut gateways[at];
            let to = gateway.mac.take().unwrap_or(Mac::BROADCAST);
            let arp = Arp { to, sender: *sender, target: gateway.ip };
            if let Err(error) = packet::send(socket, &arp.request(), *ifindex, to) {
                tracing::debug!("question to gateway {}: {error}", gateway.ip);
            }
        }
    }

    /// Reads what waits; whether there was a reply.
    fn read(&mut self) -> bool {
        let mut frame = [0; FRAME];
        let mut answered = false;
        for _ in 0..REPLIES_A_TURN {
            let Ok((length, _)) = rustix::net::recv(&self.socket, &mut frame, RecvFlags::empty())
            else {
                break;
            };
            let Some((mac, ip)) = sender(frame.get(..length).unwrap_or_default()) else { continue };
            for gateway in self.gateways.iter_mut().filter(|gateway| gateway.ip == ip) {
                gateway.mac = Some(mac);
                answered = true;
            }
        }
        answered
    }
}

/// The sender of an ARP reply that the filter let through.
fn sender(frame: &[u8]) -> Option<(Mac, Ipv4Addr)> {
    let (mac, ip) = frame.get(22..32)?.split_first_chunk::<6>()?;
    let ip = Ipv4Addr::from(<[u8; 4]>::try_from(ip).ok()?);
    Some((Mac(*mac), ip))
}

/// Places in a frame.
const TO_FIRST_FOUR: u32 = 0;
const TO_LAST_TWO: u32 = 4;
const OPERATION: u32 = 20;
const SENDER_IP: u32 = 28;
const REPLY: u32 = 2;

/// A program of the classic packet filter: replies of these gateways to this MAC.
fn filter(mac: Mac, gateways: &[Ipv4Addr]) -> Vec<SockFilter> {
    let load = |size: u32, at: u32| step(libc::BPF_LD | size | libc::BPF_ABS, at, 0, 0);
    let test = |value: u32, yes: u8, no: u8| {
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, value, yes, no)
    };
    let give = |octets: u32| step(libc::BPF_RET | libc::BPF_K, octets, 0, 0);
    let number =
        |octets: &[u8]| octets.iter().fold(0, |number, octet| number << 8 | u32::from(*octet));
    let (first, last) = mac.0.split_at(4);
    let (first, last) = (number(first), number(last));
    let drop = || give(0);
    let mut program = vec![
        load(libc::BPF_W, TO_FIRST_FOUR),
        test(first, 1, 0),
        drop(),
        load(libc::BPF_H, TO_LAST_TWO),
        test(last, 1, 0),
        drop(),
        load(libc::BPF_H, OPERATION),
        test(REPLY, 1, 0),
        drop(),
        load(libc::BPF_W, SENDER_IP),
    ];
    for gateway in gateways.iter().take(usize::from(u8::MAX)) {
        program.push(test(u32::from(*gateway), 0, 1));
        program.push(give(u32::try_from(FRAME).unwrap_or(u32::MAX)));
    }
    program.push(drop());
    program
}

fn step(code: u32, k: u32, jt: u8, jf: u8) -> SockFilter {
    // All codes of the classic filter fit into an octet.
    SockFilter::new(u16::try_from(code).unwrap_or(0), jt, jf, k)
}

#[cfg(test)]
mod tests;
