//! A packet socket at one end: frames are put on an interface as they are, many with one call, or taken off.

use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;

use anyhow::{Context, Result};
use rustix::io::Errno;
use rustix::net::sockopt::set_socket_send_buffer_size_force;
use rustix::net::{
    AddressFamily, MMsgHdr, RecvFlags, SendAncillaryBuffer, SendFlags, SocketFlags, SocketType,
    recv, sendmmsg, socket_with,
};

use super::segment::LONGEST;
use crate::namespace::Namespace;
use crate::network::Node;
use crate::system;

/// Frames that are handed over with one call.
const AT_ONCE: usize = 64;
/// Octets on their way that do not keep the sender waiting.
const SEND_BUFFER: usize = 4 << 20;
/// Room for what comes in before somebody looks.
const RECEIVE_BUFFER: usize = 64 << 20;
/// `ETH_P_IP`.
const IPV4: u16 = 0x0800;

/// A frame and its length.
pub(super) type Frame = ([u8; LONGEST], usize);

/// An interface of a host.
#[derive(Debug)]
pub(super) struct Port {
    namespace: Namespace,
    ifindex: u32,
}

impl Port {
    pub(super) fn of(node: &Node, interface: &str) -> Result<Self> {
        Ok(Self { namespace: node.namespace.share()?, ifindex: node.netlink.index(interface)? })
    }
}

/// Puts frames on an interface.
#[derive(Debug)]
pub(super) struct Sender(OwnedFd);

/// Takes frames off an interface that came in there.
#[derive(Debug)]
pub(super) struct Receiver(OwnedFd);

impl Sender {
    pub(super) fn open(port: &Port) -> Result<Self> {
        let socket = open(port, 0, SocketFlags::empty())?;
        set_socket_send_buffer_size_force(&socket, SEND_BUFFER).context("send buffer")?;
        Ok(Self(socket))
    }

    /// Sends all; gives how many there was no room for on the way.
    pub(super) fn send(&self, frames: &[Frame]) -> Result<u64> {
        let mut refused = 0;
        for part in frames.chunks(AT_ONCE) {
            refused += self.send_part(part)?;
        }
        Ok(refused)
    }

    fn send_part(&self, frames: &[Frame]) -> Result<u64> {
        let slices: Vec<[IoSlice<'_>; 1]> =
            frames.iter().map(|(frame, length)| [IoSlice::new(&frame[..*length])]).collect();
        let mut controls: Vec<SendAncillaryBuffer<'_, '_, '_>> =
            frames.iter().map(|_| SendAncillaryBuffer::default()).collect();
        let mut messages: Vec<MMsgHdr<'_>> = slices
            .iter()
            .zip(&mut controls)
            .map(|(slice, control)| MMsgHdr::new(slice, control))
            .collect();
        let (mut done, mut refused) = (0, 0);
        while let Some(rest) = messages.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match sendmmsg(&self.0, rest, SendFlags::empty()) {
                Ok(sent) => done += sent,
                Err(Errno::INTR) => {}
                Err(Errno::NOBUFS) => {
                    refused += 1;
                    done += 1;
                }
                Err(error) => return Err(error).context("cannot send frames"),
            }
        }
        Ok(refused)
    }
}

impl Receiver {
    pub(super) fn open(port: &Port) -> Result<Self> {
        let socket = open(port, IPV4, SocketFlags::NONBLOCK)?;
        rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER)
            .context("receive buffer")?;
        system::ignore_outgoing(&socket).context("cannot leave out what goes out")?;
        Ok(Self(socket))
    }

    /// Hands on every frame that waits.
    pub(super) fn take_all(&self, mut take: impl FnMut(&[u8])) -> Result<()> {
        let mut buffer = [0; 256];
        loop {
            match recv(&self.0, &mut buffer, RecvFlags::empty()) {
                Ok((length, _)) => take(&buffer[..length]),
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error).context("cannot receive frames"),
            }
        }
    }
}

fn open(port: &Port, protocol: u16, flags: SocketFlags) -> Result<OwnedFd> {
    port.namespace.within(|| {
        let flags = SocketFlags::CLOEXEC | flags;
        let socket = socket_with(AddressFamily::PACKET, SocketType::RAW, flags, None)
            .map_err(io::Error::from)
            .context("cannot open a packet socket")?;
        system::bind_packets(&socket, port.ifindex, protocol)
            .context("cannot bind a packet socket")?;
        Ok(socket)
    })
}
