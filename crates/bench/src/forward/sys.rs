//! Two system calls that no crate in use wraps. All `unsafe` of the crate is here.

use std::io;
use std::os::fd::AsRawFd;

/// A feature of a device that can be switched, by its number in `ethtool`'s interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Feature {
    /// Checksums are left to the card.
    TransmitChecksum = 0x17,
    /// Segments are put together on arrival; a virtual cable has a ring then.
    ReceiveOffload = 0x2c,
}

const SIOCETHTOOL: libc::c_ulong = 0x8946;
/// Longest name of a device, with its end.
const NAME: usize = 16;

#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

#[repr(C)]
struct Request {
    name: [u8; NAME],
    value: *mut Value,
    rest: [u8; 16],
}

/// Switches a feature of a device of the calling thread's namespace.
pub(crate) fn switch(device: &str, feature: Feature, on: bool) -> io::Result<()> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0")?;
    let mut name = [0; NAME];
    let room = name.get_mut(..device.len()).filter(|room| room.len() < NAME);
    room.ok_or(io::ErrorKind::InvalidInput)?.copy_from_slice(device.as_bytes());
    let mut value = Value { command: feature as u32, data: u32::from(on) };
    let mut request = Request { name, value: &raw mut value, rest: [0; 16] };
    #[expect(unsafe_code, reason = "no crate in use wraps ethtool")]
    // SAFETY: the request has the size of `struct ifreq`, its pointer leads to a live value of the kind
    // that all these commands take, and both outlive the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL, &raw mut request) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Lets a thread go before all ordinary ones.
pub(crate) fn become_prompt(thread: i32) -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: 1 };
    #[expect(unsafe_code, reason = "no crate in use wraps sched_setscheduler")]
    // SAFETY: the structure outlives the call, which only reads it.
    let result =
        unsafe { libc::sched_setscheduler(thread, libc::SCHED_FIFO, &raw const parameters) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
