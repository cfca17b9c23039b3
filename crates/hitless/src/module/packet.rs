//! Packet sockets: ARP frames as they are on the wire, sent by interface, and received through a
//! filter in the kernel.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};

use hitless_model::Mac;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use socket2::SockFilter;

/// Family of link-layer addresses, in the type that the address wants.
#[expect(clippy::cast_possible_truncation, reason = "17")]
const FAMILY: libc::sa_family_t = libc::AF_PACKET as libc::sa_family_t;
/// Octets of a link-layer address.
#[expect(clippy::cast_possible_truncation, reason = "20")]
const ADDRESS: libc::socklen_t = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
/// The protocol, in the order of octets that the address wants.
const ARP: u16 = 0x0806_u16.to_be();

/// Octets of an Ethernet frame with an ARP packet, without padding.
pub(super) const FRAME: usize = 42;

/// What an ARP frame says, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arp {
    pub(super) to: Mac,
    pub(super) sender: (Mac, Ipv4Addr),
    pub(super) target: Ipv4Addr,
}

impl Arp {
    /// As a request.
    pub(super) fn request(&self) -> [u8; FRAME] {
        let (mac, ip) = (self.sender.0.0, self.sender.1.octets());
        let target = self.target.octets();
        let parts: [&[u8]; 7] = [
            &self.to.0,
            &mac,
            &[0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1],
            &mac,
            &ip,
            &[0; 6],
            &target,
        ];
        let mut frame = [0; FRAME];
        let mut octets = parts.into_iter().flatten();
        frame.fill_with(|| octets.next().copied().unwrap_or(0));
        frame
    }
}

/// A socket that receives nothing yet, in the calling thread's namespace.
pub(super) fn socket(flags: SocketFlags) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | flags;
    Ok(socket_with(AddressFamily::PACKET, SocketType::RAW, flags, None)?)
}

fn address(ifindex: u32, to: Mac) -> libc::sockaddr_ll {
    let mut mac = to.0.into_iter();
    libc::sockaddr_ll {
        sll_family: FAMILY,
        sll_protocol: ARP,
        sll_ifindex: i32::try_from(ifindex).unwrap_or(0),
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: std::array::from_fn(|_| mac.next().unwrap_or(0)),
    }
}

/// Sends one frame over an interface.
pub(super) fn send(socket: &OwnedFd, frame: &[u8], ifindex: u32, to: Mac) -> io::Result<()> {
    let address = address(ifindex, to);
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
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Has the socket receive the ARP frames of an interface that the filter lets through.
pub(super) fn receive_arp(socket: &OwnedFd, ifindex: u32, filter: &[SockFilter]) -> io::Result<()> {
    // First the filter: nothing else is ever to wait in the socket.
    socket2::SockRef::from(socket).attach_filter(filter)?;
    let address = address(ifindex, Mac::default());
    #[expect(unsafe_code, reason = "no safe wrapper takes a link-layer address")]
    // SAFETY: the address lives for the call, and its length is that of its type.
    let bound = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), ADDRESS) };
    if bound < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
