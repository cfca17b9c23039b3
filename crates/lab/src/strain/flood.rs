//! SYNs from sources that do not exist, each another one, at a fixed rate.
//!
//! A raw socket sends them from a client's namespace by absolute time, a few dozen at once. The real
//! servers throw them away before TCP ([`FLOOD_NETWORK`] is shunned there): the balancer is what is
//! flooded, and the machine must have room to measure it.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::clock;
use crate::namespace::Namespace;
use crate::topology::Cidr;

/// Where the SYNs claim to come from (RFC 2544: for benchmarks; the other half is the far clients').
pub const FLOOD_NETWORK: Cidr = Cidr { ip: Ipv4Addr::new(198, 19, 0, 0), prefix: 16 };
const LENGTH: usize = 40;
const TICK: Duration = Duration::from_micros(500);

/// A running flood.
#[derive(Debug)]
pub struct Flood {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Flood {
    /// Sends `rate` SYNs a second from `namespace` to `target`.
    pub fn start(namespace: &Namespace, target: SocketAddrV4, rate: u32) -> Result<Self> {
        let socket = namespace.within(|| {
            // IPPROTO_RAW: the packets are given whole, IP header included.
            let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(255)));
            socket.context("cannot open a raw socket")
        })?;
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stop_here, count) = (Arc::clone(&stop), Arc::clone(&sent));
        let thread = std::thread::Builder::new()
            .name("flood".to_owned())
            .spawn(move || run(&socket, target, rate, &stop_here, &count))?;
        Ok(Self { stop, sent, thread: Some(thread) })
    }

    /// SYNs sent so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(socket: &Socket, target: SocketAddrV4, rate: u32, stop: &AtomicBool, sent: &AtomicU64) {
    let to = SockAddr::from(target);
    let start = clock::now();
    let (mut number, mut next) = (0_u64, start);
    while !stop.load(Ordering::Relaxed) {
        next = (next + TICK).max(clock::now());
        clock::sleep_until(next);
        let elapsed = clock::now().saturating_since(start);
        let due = elapsed.as_micros() * u128::from(rate) / 1_000_000;
        let due = u64::try_from(due).unwrap_or(u64::MAX);
        // What a late thread has missed is not made up for: the rate is a bound.
        let most = u64::from(rate / 100);
        number = number.max(due.saturating_sub(most));
        while number < due && !stop.load(Ordering::Relaxed) {
            let source = u32::try_from(number & 0xffff_ffff).unwrap_or(0);
            if socket.send_to(&syn(source, target), &to).is_ok() {
                sent.fetch_add(1, Ordering::Relaxed);
            }
            number += 1;
        }
    }
}

/// A SYN; the lower half of `number` is the host of its source, the upper one the port.
fn syn(number: u32, target: SocketAddrV4) -> [u8; LENGTH] {
    let source = u32::from(FLOOD_NETWORK.network()) | (number & 0xffff);
    let port = 1024 + u16::try_from(number >> 16).unwrap_or(0) % 60_000;
    let mut packet = [0; LENGTH];
    let length = u16::try_from(LENGTH).unwrap_or(0);
    packet[0] = 0x45;
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    packet[8] = 64;
    packet[9] = 6;
    packet[12..16].copy_from_slice(&source.to_be_bytes());
    packet[16..20].copy_from_slice(&target.ip().octets());
    packet[20..22].copy_from_slice(&port.to_be_bytes());
    packet[22..24].copy_from_slice(&target.port().to_be_bytes());
    packet[24..28].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_be_bytes());
    packet[32] = 5 << 4;
    packet[33] = 0x02;
    packet[34..36].copy_from_slice(&u16::MAX.to_be_bytes());
    let check = tcp_checksum(&packet);
    packet[36..38].copy_from_slice(&check.to_be_bytes());
    packet
}

/// Over addresses, protocol, length and segment. The IP header's own the kernel fills in.
fn tcp_checksum(packet: &[u8; LENGTH]) -> u16 {
    let words =
        packet[12..].chunks_exact(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let mut sum: u32 = words.sum::<u32>() + 6 + 20;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syn_is_one_by_its_own_checksum_and_sources_differ() {
        let target = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 80);
        let packet = syn(0x0001_0002, target);
        // A checksum over everything with its own checksum in it is zero.
        assert_eq!(tcp_checksum(&packet), 0);
        assert_eq!(packet[12..16], [198, 19, 0, 2]);
        assert_eq!(packet[20..22], 1025_u16.to_be_bytes());
        assert_ne!(syn(7, target)[12..22], syn(8, target)[12..22]);
    }
}
