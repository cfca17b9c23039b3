//! A crowd in figure 7-1: behind the gateway its clients, on the first server its real.

use std::net::SocketAddrV4;

use anyhow::Result;
use hitless_model::Mac;

use super::FLOOD_NETWORK;
use super::crowd::{Checked, Crowd, Flows, Place, Step};
use crate::load::CROWD_PORT;
use crate::network::Network;
use crate::topology::{SERVER_HOSTS, SERVERS, VIRTUAL};

/// Host and interface where the clients' segments are put on VLAN 2.
const GATEWAY: (&str, &str) = ("gateway", "eth-inside");
/// Connections that are looked at one by one.
const SAMPLE: u32 = 2_000;

/// A crowd, and how many of its connections were opened.
#[derive(Debug)]
pub struct Gathered {
    crowd: Crowd,
    opened: u32,
    sample: Vec<u32>,
}

impl Gathered {
    /// Nobody yet. The hosts at both ends learn to throw away what is not theirs.
    pub fn new(network: &Network) -> Result<Self> {
        let [real, ..] = SERVERS;
        let [server, ..] = SERVER_HOSTS;
        let flows = Flows {
            network: FLOOD_NETWORK,
            virtual_server: SocketAddrV4::new(VIRTUAL, CROWD_PORT),
            real: SocketAddrV4::new(real, CROWD_PORT),
        };
        for (host, interface) in [GATEWAY, (server, "eth0")] {
            let node = network.node(host)?;
            for interface in ["all", interface] {
                node.namespace.sysctl(&format!("ipv4/conf/{interface}/rp_filter"), "1")?;
            }
            node.netlink.shun(FLOOD_NETWORK)?;
        }
        let place = |(host, interface), vlan| -> Result<Place<'_>> {
            Ok(Place { node: network.node(host)?, interface, to: virtual_mac(vlan)? })
        };
        let ends = [place(GATEWAY, 2)?, place((server, "eth0"), 3)?];
        Ok(Self { crowd: Crowd::between(flows, ends)?, opened: 0, sample: Vec::new() })
    }

    /// Connections opened so far.
    pub fn opened(&self) -> u32 {
        self.opened
    }

    /// Opens some more, so many a second; gives how many a second it came to.
    pub fn open(
        &mut self,
        count: u32,
        rate: u32,
        mut check: impl FnMut() -> Result<()>,
    ) -> Result<f64> {
        let flows = self.opened..self.opened + count;
        let took = self.crowd.run((&Step::OPENING, flows), rate, |_, _| check())?;
        self.opened += count;
        Ok(f64::from(count) / took.as_secs_f64())
    }

    /// Some of all that were opened, of whom each is alive now; gives how many are not.
    pub fn sample(&mut self) -> Result<Checked> {
        let stride = usize::try_from((self.opened / SAMPLE).max(1))?;
        let all: Vec<u32> = (0..self.opened).step_by(stride).collect();
        let checked = self.crowd.check(all.iter().copied())?;
        self.sample = all;
        Ok(checked)
    }

    /// Whether those go on.
    pub fn check(&mut self) -> Result<Checked> {
        let sample = self.sample.clone();
        self.crowd.check(sample)
    }
}

/// The MAC of the pair's floating addresses on a VLAN.
fn virtual_mac(vlan: u64) -> Result<Mac> {
    Ok(Mac::virtual_for(90_u64.try_into()?, 9_u64.try_into()?, vlan.try_into()?))
}
