//! As much netlink as it takes to try a device type: a request, its attributes, the kernel's answer.
//!
//! Not a library: the daemons use rtnetlink. This one needs no runtime, speaks to `nf_tables` as well,
//! and keeps the doctor quick to build.

use std::ffi::CString;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketType, netlink, recv, send, socket,
};

/// Links, addresses and queueing disciplines: protocol 0, which needs no name.
const ROUTE: Option<Protocol> = None;
const HEADER: usize = 16;
/// More than the kernel ever takes.
const PATIENCE: Duration = Duration::from_secs(10);
/// Make it, unless it is there, and say how that went.
const MAKE: i32 = libc::NLM_F_REQUEST | libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_EXCL;

// Not in libc: attributes of linux/if_link.h and linux/veth.h.
const VETH_PEER: u16 = 1;
const VLAN_ID: u16 = 1;
// Places of linux/pkt_sched.h.
const AT_ROOT: u32 = 0xffff_ffff;
const AT_CLSACT: u32 = 0xffff_fff1;
const CLSACT_HANDLE: u32 = 0xffff_0000;
/// `NFT_MSG_GETGEN`: asks for the number of the rules' generation.
const GET_GENERATION: u16 = 16;

/// Attributes of a message, one behind the other.
#[derive(Default)]
struct Attributes(Vec<u8>);

impl Attributes {
    fn with(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    fn text(self, kind: u16, text: &str) -> Self {
        self.with(kind, &[text.as_bytes(), &[0]].concat())
    }
}

/// A link as a message describes it: `struct ifinfomsg`.
fn link(number: u32, flags: u32) -> Vec<u8> {
    let mut body = vec![0; 4];
    body.extend(number.to_ne_bytes());
    body.extend(flags.to_ne_bytes());
    // The only flag that is to change.
    body.extend(libc::IFF_UP.cast_unsigned().to_ne_bytes());
    body
}

/// Sends one request and waits for what the kernel says to it.
fn ask(protocol: Option<Protocol>, kind: u16, flags: i32, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(HEADER + body.len()).map_err(io::Error::other)?;
    let mut message = Vec::from(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(u16::try_from(flags).map_err(io::Error::other)?.to_ne_bytes());
    // Sequence number and sender: there is only this request, and the kernel knows the socket.
    message.extend([0; 8]);
    message.extend(body);
    let kernel = socket(AddressFamily::NETLINK, SocketType::RAW, protocol)?;
    set_socket_timeout(&kernel, Timeout::Recv, Some(PATIENCE))?;
    send(&kernel, &message, SendFlags::empty())?;
    let mut answer = [0_u8; 4096];
    let (length, _) = recv(&kernel, &mut answer[..], RecvFlags::empty())?;
    verdict(&answer[..length])
}

/// What an answer says: an error message holds a negative error number, zero is consent. Any other
/// message is what was asked for.
fn verdict(answer: &[u8]) -> io::Result<()> {
    let cut_short = || io::Error::other("the kernel's answer is cut short");
    let kind = answer.get(4..6).and_then(|b| b.try_into().ok()).ok_or_else(cut_short)?;
    if i32::from(u16::from_ne_bytes(kind)) != libc::NLMSG_ERROR {
        return Ok(());
    }
    let code = answer.get(HEADER..HEADER + 4).and_then(|b| b.try_into().ok());
    match i32::from_ne_bytes(code.ok_or_else(cut_short)?) {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(-code)),
    }
}

fn make_link(
    name: &str,
    kind: &str,
    data: Option<Attributes>,
    over: Option<u32>,
) -> io::Result<()> {
    let mut info = Attributes::default().text(libc::IFLA_INFO_KIND, kind);
    if let Some(data) = data {
        info = info.with(libc::IFLA_INFO_DATA, &data.0);
    }
    let mut attributes = Attributes::default().text(libc::IFLA_IFNAME, name);
    if let Some(number) = over {
        attributes = attributes.with(libc::IFLA_LINK, &number.to_ne_bytes());
    }
    attributes = attributes.with(libc::IFLA_LINKINFO, &info.0);
    ask(ROUTE, libc::RTM_NEWLINK, MAKE, &[link(0, 0), attributes.0].concat())
}

/// Makes a device of a type that needs no more than its name.
pub(crate) fn make_device(name: &str, kind: &str) -> io::Result<()> {
    make_link(name, kind, None, None)
}

/// Makes a pair of joined devices.
pub(crate) fn make_veth(near: &str, far: &str) -> io::Result<()> {
    let peer = [link(0, 0), Attributes::default().text(libc::IFLA_IFNAME, far).0].concat();
    make_link(near, "veth", Some(Attributes::default().with(VETH_PEER, &peer)), None)
}

/// Makes an 802.1Q device on top of another.
pub(crate) fn make_vlan(name: &str, over: u32, number: u16) -> io::Result<()> {
    let data = Attributes::default().with(VLAN_ID, &number.to_ne_bytes());
    make_link(name, "vlan", Some(data), Some(over))
}

/// Sets a device up or down.
pub(crate) fn set_up(number: u32, up: bool) -> io::Result<()> {
    let flags = if up { libc::IFF_UP.cast_unsigned() } else { 0 };
    let wanted = libc::NLM_F_REQUEST | libc::NLM_F_ACK;
    ask(ROUTE, libc::RTM_NEWLINK, wanted, &link(number, flags))
}

/// Gives a device an address.
pub(crate) fn add_address(number: u32, address: Ipv4Addr, prefix: u8) -> io::Result<()> {
    let family = u8::try_from(libc::AF_INET).map_err(io::Error::other)?;
    let mut body = vec![family, prefix, 0, 0];
    body.extend(number.to_ne_bytes());
    let octets = address.octets();
    let attributes =
        Attributes::default().with(libc::IFA_LOCAL, &octets).with(libc::IFA_ADDRESS, &octets);
    body.extend(attributes.0);
    ask(ROUTE, libc::RTM_NEWADDR, MAKE, &body)
}

/// Puts a queueing discipline on a device, with its options as the kernel wants them.
fn add_qdisc(device: u32, kind: &str, place: (u32, u32), options: &[u8]) -> io::Result<()> {
    let (handle, parent) = place;
    let mut body = vec![0; 4];
    for number in [device, handle, parent, 0] {
        body.extend(number.to_ne_bytes());
    }
    let attributes =
        Attributes::default().text(libc::TCA_KIND, kind).with(libc::TCA_OPTIONS, options);
    body.extend(attributes.0);
    ask(ROUTE, libc::RTM_NEWQDISC, MAKE, &body)
}

/// Puts `clsact` on a device: the hook of kernels without TCX.
pub(crate) fn add_clsact(device: u32) -> io::Result<()> {
    add_qdisc(device, "clsact", (CLSACT_HANDLE, AT_CLSACT), &[])
}

/// Puts `netem` on a device, with a queue of 1000 packets and no other effect.
pub(crate) fn add_netem(device: u32) -> io::Result<()> {
    let [latency, limit, loss, gap, duplicate, jitter] = [0_u32, 1000, 0, 0, 0, 0];
    let options = [latency, limit, loss, gap, duplicate, jitter].map(u32::to_ne_bytes).concat();
    add_qdisc(device, "netem", (0, AT_ROOT), &options)
}

/// Asks `nf_tables` for anything at all.
pub(crate) fn ask_nf_tables() -> io::Result<()> {
    let subsystem = u16::try_from(libc::NFNL_SUBSYS_NFTABLES).map_err(io::Error::other)?;
    // `struct nfgenmsg`: any family, version 0, no resource.
    let flags = libc::NLM_F_REQUEST | libc::NLM_F_ACK;
    ask(Some(netlink::NETFILTER), subsystem << 8 | GET_GENERATION, flags, &[0; 4])
}

/// The number of a device of this thread's namespace.
pub(crate) fn number_of(name: &str) -> io::Result<u32> {
    let name = CString::new(name).map_err(io::Error::other)?;
    nix::net::if_::if_nametoindex(name.as_c_str()).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_but_their_length_is_not() {
        let bytes = Attributes::default().text(3, "ab").with(1, &[7; 4]).0;
        let first = [&7_u16.to_ne_bytes()[..], &3_u16.to_ne_bytes(), b"ab\0\0"].concat();
        let second = [&8_u16.to_ne_bytes()[..], &1_u16.to_ne_bytes(), &[7; 4]].concat();
        assert_eq!(bytes, [first, second].concat());
    }

    #[test]
    fn an_answer_is_consent_an_error_or_cut_short() {
        let answer = |code: i32| {
            let kind = u16::try_from(libc::NLMSG_ERROR).unwrap();
            [&[0; 4][..], &kind.to_ne_bytes(), &[0; 10], &code.to_ne_bytes()].concat()
        };
        assert!(verdict(&answer(0)).is_ok());
        let refused = verdict(&answer(-libc::EOPNOTSUPP)).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::EOPNOTSUPP));
        assert!(verdict(&answer(0)[..17]).is_err());
        assert!(verdict(&[]).is_err());
    }
}
