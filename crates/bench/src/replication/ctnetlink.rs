//! Asks the kernel of a namespace whether it tracks a connection (`ctnetlink`).

use std::io;
use std::os::fd::OwnedFd;

use anyhow::{Context, Result, bail};
use hitless_model::abi::FlowKey;
use rustix::net::{
    AddressFamily, Protocol, RawProtocol, RecvFlags, SendFlags, SocketFlags, SocketType, recv,
    send, socket_with,
};

use super::lag::Lookup;

/// `NETLINK_NETFILTER`.
const NETFILTER: u32 = 12;
/// `NFNL_SUBSYS_CTNETLINK` and `IPCTNL_MSG_CT_GET`.
const GET: u16 = 1 << 8 | 1;
/// `IPCTNL_MSG_CT_NEW`, which an answer is.
const NEW: u16 = 1 << 8;
/// `NLMSG_ERROR`.
const ERROR: u16 = 2;
/// `NLM_F_REQUEST`.
const REQUEST: u16 = 1;
const NESTED: u16 = 0x8000;
const HEADER: usize = 16;
const NO_ENTRY: i32 = -libc::ENOENT;

/// A socket in the namespace of a kernel table.
pub(super) struct Tracked(OwnedFd);

impl Tracked {
    /// In the calling thread's namespace.
    pub(super) fn open() -> Result<Self> {
        let protocol = RawProtocol::new(NETFILTER).map(Protocol::from_raw);
        let (family, kind) = (AddressFamily::NETLINK, SocketType::RAW);
        let socket = socket_with(family, kind, SocketFlags::CLOEXEC, protocol);
        Ok(Self(socket.map_err(io::Error::from).context("cannot ask the kernel's tracking")?))
    }
}

impl Lookup for Tracked {
    fn has(&mut self, key: &FlowKey) -> Result<bool> {
        send(&self.0, &question(key), SendFlags::empty())?;
        let mut answer = [0; 4096];
        let (_, length) = recv(&self.0, &mut answer, RecvFlags::empty())?;
        verdict(&answer[..length.min(answer.len())])
    }
}

fn question(key: &FlowKey) -> Vec<u8> {
    let addresses = [attribute(1, &key.src), attribute(2, &key.dst)].concat();
    let ports =
        [attribute(1, &[key.protocol]), attribute(2, &key.src_port), attribute(3, &key.dst_port)];
    let tuple =
        [attribute(NESTED | 1, &addresses), attribute(NESTED | 2, &ports.concat())].concat();
    let tuple = attribute(NESTED | 1, &tuple);
    // `struct nfgenmsg`: IPv4, version 0, no resource.
    let family = u8::try_from(libc::AF_INET).unwrap_or(2);
    let body = [&[family, 0, 0, 0], tuple.as_slice()].concat();
    let length = u32::try_from(HEADER + body.len()).unwrap_or(0);
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(GET.to_ne_bytes());
    message.extend(REQUEST.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    message
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap_or(0);
    let mut octets = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    octets.extend(value);
    octets.resize(octets.len().next_multiple_of(4), 0);
    octets
}

fn verdict(answer: &[u8]) -> Result<bool> {
    let kind = answer.get(4..6).and_then(|octets| octets.try_into().ok()).map(u16::from_ne_bytes);
    match kind {
        Some(NEW) => Ok(true),
        Some(ERROR) => {
            let code = answer.get(HEADER..HEADER + 4).and_then(|octets| octets.try_into().ok());
            match code.map(i32::from_ne_bytes) {
                Some(NO_ENTRY) => Ok(false),
                Some(code) => Err(io::Error::from_raw_os_error(-code).into()),
                None => bail!("an error without its number"),
            }
        }
        Some(_) | None => bail!("the kernel's tracking gave no answer to the question"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_as_long_as_it_says_and_answers_are_told_apart() {
        let key = FlowKey::new(([1, 2, 3, 4], [0, 80]), ([5, 6, 7, 8], [1, 0]), 6);
        let message = question(&key);
        assert_eq!(message[..4], u32::try_from(message.len()).unwrap().to_ne_bytes());
        assert_eq!(message.len() % 4, 0);
        let answer = |kind: u16, code: i32| {
            let mut answer = vec![0; HEADER + 4];
            answer[4..6].copy_from_slice(&kind.to_ne_bytes());
            answer[HEADER..].copy_from_slice(&code.to_ne_bytes());
            verdict(&answer)
        };
        assert!(answer(NEW, 0).unwrap() && !answer(ERROR, NO_ENTRY).unwrap());
        assert!(answer(ERROR, -libc::EPERM).is_err() && verdict(&[]).is_err());
    }
}
