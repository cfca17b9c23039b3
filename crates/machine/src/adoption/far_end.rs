//! The other side of the module's client VLAN: a host that asks for the virtual address.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hitless_model::Counter;
use hitless_plane::CounterReader;

use super::parts::VIRTUAL;
use super::{CLIENT_SIDE, SERVER_SIDE};
use crate::netlink;

const OWN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);
/// An answer takes microseconds; a machine that is emulated and busy may take longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// That there is no answer shows after the kernel's first request at the latest.
const SILENCE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(10);

/// The far end's interface.
pub(super) struct FarEnd {
    device: u32,
}

impl FarEnd {
    /// Makes both VLANs' pairs of interfaces and gives the client its address.
    pub(super) fn build() -> Result<Self> {
        for (near, far) in [CLIENT_SIDE, SERVER_SIDE] {
            netlink::make_veth(near, far).context("cannot make a pair of interfaces")?;
            for name in [near, far] {
                netlink::set_up(netlink::number_of(name)?, true)?;
            }
        }
        let device = netlink::number_of(CLIENT_SIDE.1)?;
        netlink::add_address(device, OWN, 24).context("cannot add an address")?;
        Ok(Self { device })
    }

    /// Asks for the virtual address; the number of answers that the programs count. An answer that XDP
    /// sends back goes through a pair of joined interfaces only where the far one is set for it, so
    /// counting is what tells for both hooks.
    pub(super) fn asks(&self, pins: &Path) -> Result<u64> {
        let counters = CounterReader::open(pins)?;
        let before = counters.get(Counter::ArpAnswered)?;
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            self.is_answered()?;
            let answered = counters.get(Counter::ArpAnswered)? - before;
            if answered > 0 {
                return Ok(answered);
            }
        }
        bail!("nobody answers for {VIRTUAL}")
    }

    /// Whether anybody answers for the virtual address.
    pub(super) fn is_answered(&self) -> Result<bool> {
        self.forget_neighbours()?;
        let socket = UdpSocket::bind((OWN, 0)).context("no socket of the far end")?;
        let start = Instant::now();
        let mut patience = PATIENCE;
        while start.elapsed() < patience {
            // Sending makes the kernel ask; what is sent matters to nobody.
            let _ = socket.send_to(&[0], (VIRTUAL, 9));
            match neighbour_of(CLIENT_SIDE.1)? {
                Neighbour::Known => return Ok(true),
                Neighbour::Asked => patience = patience.min(start.elapsed() + SILENCE),
                Neighbour::Unknown => {}
            }
            sleep(PAUSE);
        }
        Ok(false)
    }

    /// An interface that goes down forgets whom it knew.
    fn forget_neighbours(&self) -> Result<()> {
        netlink::set_up(self.device, false)?;
        netlink::set_up(self.device, true)?;
        Ok(())
    }
}

#[derive(Debug, PartialEq)]
enum Neighbour {
    Unknown,
    Asked,
    Known,
}

fn neighbour_of(device: &str) -> Result<Neighbour> {
    let table = std::fs::read_to_string("/proc/thread-self/net/arp")?;
    Ok(neighbour_in(&table, device))
}

/// What the kernel's table, a line each, knows of the virtual address.
fn neighbour_in(table: &str, device: &str) -> Neighbour {
    let own = VIRTUAL.to_string();
    let entry = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let entry = entry.filter(|words| words.first() == Some(&own.as_str()));
    match entry.into_iter().find(|words| words.last() == Some(&device)) {
        // Flag 2 of linux/if_arp.h: complete.
        Some(words) if words.get(2) == Some(&"0x2") => Neighbour::Known,
        Some(_) => Neighbour::Asked,
        None => Neighbour::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_is_known_asked_for_or_neither() {
        let table = |flags: &str| {
            format!("IP address HW type\n192.0.2.30  0x1  {flags}  06:00:00:00:00:01  *  far\n")
        };
        assert_eq!(neighbour_in(&table("0x2"), "far"), Neighbour::Known);
        assert_eq!(neighbour_in(&table("0x0"), "far"), Neighbour::Asked);
        assert_eq!(neighbour_in(&table("0x2"), "elsewhere"), Neighbour::Unknown);
        assert_eq!(neighbour_in("IP address HW type\n", "far"), Neighbour::Unknown);
    }
}
