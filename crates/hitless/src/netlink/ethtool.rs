//! What only `ethtool` can ask a driver, or tell it: by name, in the calling thread's network
//! namespace.

use std::ffi::{CStr, c_char};
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, OwnedFd};

use super::Error;

/// `ETHTOOL_GDRVINFO` of linux/ethtool.h.
const DRIVER: u32 = 0x03;
/// `ETHTOOL_STXCSUM`.
const SET_CHECKSUM_OFFLOAD: u32 = 0x17;
/// `ETHTOOL_SGRO`.
const SET_RECEIVE_OFFLOAD: u32 = 0x2c;

/// `struct ethtool_drvinfo`.
#[repr(C)]
struct DriverInfo {
    command: u32,
    driver: [c_char; 32],
    rest: [u8; 160],
}

/// `struct ethtool_value`.
#[repr(C)]
struct Setting {
    command: u32,
    value: u32,
}

/// The name of an interface's driver.
pub fn driver(name: &str) -> Result<String, Error> {
    let mut info = DriverInfo { command: DRIVER, driver: [0; 32], rest: [0; 160] };
    ask(name, &mut info).map_err(|error| Error::new(format!("driver of {name}"), error))?;
    let octets: Vec<u8> = info.driver.iter().map(|octet| octet.cast_unsigned()).collect();
    let text = CStr::from_bytes_until_nul(&octets).unwrap_or_default();
    Ok(text.to_string_lossy().into_owned())
}

/// Switches generic receive offload of an interface on. A veth takes frames that a program in a
/// driver redirects to its other end only with this.
pub fn set_receive_offload(name: &str) -> Result<(), Error> {
    let mut setting = Setting { command: SET_RECEIVE_OFFLOAD, value: 1 };
    ask(name, &mut setting).map_err(|error| Error::new(format!("receive offload of {name}"), error))
}

/// Has the kernel complete the sums of frames before it gives them to an interface. A program in the
/// driver of a veth needs this of its other end: from there no network card comes in between.
pub fn complete_checksums(name: &str) -> Result<(), Error> {
    let mut setting = Setting { command: SET_CHECKSUM_OFFLOAD, value: 0 };
    ask(name, &mut setting)
        .map_err(|error| Error::new(format!("checksum offload of {name}"), error))
}

fn ask<T>(name: &str, question: &mut T) -> io::Result<()> {
    let socket = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        None,
    )?;
    let mut request_name = [0; libc::IFNAMSIZ];
    if name.len() >= request_name.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (place, octet) in request_name.iter_mut().zip(name.bytes()) {
        *place = octet.cast_signed();
    }
    let data = std::ptr::from_mut(question).cast();
    let request = libc::ifreq {
        ifr_name: request_name,
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_data: data },
    };
    call(&socket, request)
}

#[expect(unsafe_code, reason = "no crate at hand has a safe SIOCETHTOOL")]
fn call(socket: &OwnedFd, mut request: libc::ifreq) -> io::Result<()> {
    // SAFETY: the request names one of the two structures above, alive and of the layout that its
    // command has in the kernel, which writes nothing beyond it.
    let answer = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

const _: () = assert!(size_of::<DriverInfo>() == 196 && size_of::<Setting>() == 8);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::testing::in_own_namespace;
    use crate::netlink::{Netlink, VethEnd};

    #[test]
    fn a_veth_says_that_it_is_one_and_takes_the_settings() {
        in_own_namespace(async || {
            let netlink = Netlink::connect().unwrap();
            let here = std::fs::File::open("/proc/thread-self/ns/net").unwrap();
            let mac = hitless_model::Mac([6, 0, 0, 0, 0, 9]);
            let namespace = std::os::fd::AsFd::as_fd(&here);
            netlink.create_veth("one", VethEnd { name: "two", mac, namespace }).await.unwrap();
            assert_eq!(driver("one").unwrap(), "veth");
            set_receive_offload("one").unwrap();
            complete_checksums("two").unwrap();
            assert!(driver("three").is_err());
        });
    }
}
