//! Gratuitous ARP: tells switches and neighbours where the floating addresses are.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use hitless_model::Mac;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

/// Family of link-layer addresses, in the type that the address wants.
#[expect(clippy::cast_possible_truncation, reason = "17")]
const FAMILY: libc::sa_family_t = libc::AF_PACKET as libc::sa_family_t;
/// Octets of a link-layer address.
#[expect(clippy::cast_possible_truncation, reason = "20")]
const ADDRESS: libc::socklen_t = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
/// Octets of an Ethernet frame with an ARP packet, without padding.
const FRAME: usize = 42;

/// One floating address to announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Announcement {
    /// Interface of its VLAN.
    pub(crate) ifindex: u32,
    /// The address.
    pub(crate) ip: Ipv4Addr,
    /// The virtual MAC of its VLAN.
    pub(crate) mac: Mac,
}

impl Announcement {
    /// An ARP announcement: a request for its own address (RFC 5227 section 2.3).
    fn frame(&self) -> [u8; FRAME] {
        let mut frame = [0; FRAME];
        let ip = self.ip.octets();
        let parts: [&[u8]; 8] = [
            &Mac::BROADCAST.0,
            &self.mac.0,
            &[0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1],
            &self.mac.0,
            &ip,
            &[0; 6],
            &ip,
            &[],
        ];
        let mut at = 0;
        for part in parts {
            frame[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        frame
    }
}

/// Sends announcements: the first of every VLAN from the calling thread, the rest from its own.
pub(crate) struct Announcer {
    socket: Arc<OwnedFd>,
    first: Vec<Announcement>,
    all: Arc<Vec<Announcement>>,
    rest: SyncSender<Arc<Vec<Announcement>>>,
}

impl Announcer {
    /// Opens the packet socket in the calling thread's namespace.
    pub(crate) fn open(all: Vec<Announcement>) -> io::Result<Self> {
        let socket = Arc::new(socket_with(
            AddressFamily::PACKET,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            None,
        )?);
        // One burst may wait while one is being sent; more would only repeat it.
        let (rest, bursts) = sync_channel(1);
        let sender = Arc::clone(&socket);
        thread::Builder::new()
            .name("announce".into())
            .spawn(move || send_bursts(&sender, &bursts))?;
        let mut first: Vec<Announcement> = Vec::new();
        for one in &all {
            if !first.iter().any(|earlier| earlier.ifindex == one.ifindex) {
                first.push(*one);
            }
        }
        Ok(Self { socket, first, all: Arc::new(all), rest })
    }

    /// One frame per VLAN at once, so that every switch relearns; then all addresses.
    pub(crate) fn announce(&self) {
        for one in &self.first {
            send(&self.socket, one);
        }
        // A full channel means that a burst of the same addresses is waiting already.
        let _already_waiting = self.rest.try_send(Arc::clone(&self.all));
    }
}

fn send_bursts(socket: &OwnedFd, bursts: &Receiver<Arc<Vec<Announcement>>>) {
    for burst in bursts {
        for one in burst.iter() {
            send(socket, one);
        }
    }
}

fn send(socket: &OwnedFd, one: &Announcement) {
    let frame = one.frame();
    let address = libc::sockaddr_ll {
        sll_family: FAMILY,
        sll_protocol: 0x0806_u16.to_be(),
        sll_ifindex: i32::try_from(one.ifindex).unwrap_or(0),
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0],
    };
    #[expect(unsafe_code, reason = "no safe wrapper takes a link-layer address")]
    // SAFETY: frame and address live for the call, and their lengths are those of their types.
    let sent = unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            frame.as_ptr().cast(),
            frame.len(),
            0,
            (&raw const address).cast(),
            ADDRESS,
        )
    };
    if sent < 0 {
        tracing::debug!("announcement of {}: {}", one.ip, io::Error::last_os_error());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_is_an_arp_announcement() {
        let mac = Mac([2, 1, 2, 3, 4, 5]);
        let one = Announcement { ifindex: 1, ip: Ipv4Addr::new(192, 158, 38, 30), mac };
        let frame = one.frame();
        assert_eq!(frame[..6], [0xff; 6]);
        assert_eq!(frame[6..12], mac.0);
        assert_eq!(frame[12..22], [8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
        assert_eq!(frame[22..28], mac.0);
        assert_eq!(frame[28..32], [192, 158, 38, 30]);
        assert_eq!(frame[38..42], [192, 158, 38, 30]);
    }
}
