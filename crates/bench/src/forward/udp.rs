//! Datagrams of the least length, as many as the box can forward on its core.
//!
//! The generator lets frames loose by XDP's live test run: each is written anew with the next flow and leaves by the
//! client's device. The flows are opened before, with an answer each, so that what is measured is
//! established flows and nothing else.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use aya::programs::XdpMode;
use etherparse::PacketBuilder;
use hitless_lab::interrupt::Interrupt;
use hitless_lab::network::{Network, Node};

use super::core_time::spent;
use super::ground::{FAR, REAL};
use super::report::Forwarded;
use super::steer::{OTHERS, mac, poll_on};
use crate::object::Object;
use crate::plan::{CLIENT_IS_DESTINATION, CLIENT_IS_SOURCE, FIRST_PORT, FRAME_LEN, Plan, next};

/// Flows.
pub(crate) const FLOWS: u32 = 16 << 10;
/// Flows opened before their answers are sent: fewer than a ring holds.
const PART: u32 = 128;
/// Frames for which the kernel is called once.
const BURST: u32 = 16 << 10;
/// Tries to open all flows.
const PASSES: usize = 4;
const HEADERS: usize = 14 + 20 + 8;
const PORT: u16 = 80;
const SETTLING: Duration = Duration::from_millis(300);

/// Where datagrams go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aim {
    /// The address that clients know.
    pub(crate) address: [u8; 4],
    /// The box's MACs towards the client and towards the server.
    pub(crate) macs: ([u8; 6], [u8; 6]),
}

/// Generators and sinks at both ends of a network.
pub(crate) struct Range<'a> {
    client: &'a Node,
    server: &'a Node,
    /// Threads that do the box's work.
    pollers: Vec<i32>,
    object: Object,
    forward: Plan,
    reverse: Plan,
}

/// Opens the flows and measures for a while.
pub(crate) fn measure(
    network: &Network,
    (aim, pollers): (Aim, Vec<i32>),
    time: Duration,
    interrupt: &Interrupt,
) -> Result<Forwarded> {
    let mut range = Range::new(network, (aim, pollers), FLOWS)?;
    range.open_flows()?;
    range.flood(SETTLING, interrupt)?;
    range.flood(time, interrupt)
}

impl<'a> Range<'a> {
    /// At the ends of a network, for so many flows (a power of two).
    pub(crate) fn new(
        network: &'a Network,
        (aim, pollers): (Aim, Vec<i32>),
        flows: u32,
    ) -> Result<Self> {
        let (client, server) = (network.node("client")?, network.node("server")?);
        let mut object = Object::bench(1)?;
        object.load("generate")?;
        let sink = object.xdp("sink")?;
        for node in [client, server] {
            let ifindex = node.netlink.index("eth0")?;
            let attached = node
                .namespace
                .within(|| sink.attach_to_if_index(ifindex, XdpMode::Driver).context("no sink"));
            attached?;
            poll_on(&node.namespace, "eth0", (OTHERS, true))?;
        }
        let clients = (FAR.octets(), FIRST_PORT);
        let to =
            frame((mac(&client.namespace, "eth0")?, aim.macs.0), clients, (aim.address, PORT))?;
        let back = (mac(&server.namespace, "eth0")?, aim.macs.1);
        let back = frame(back, (REAL.octets(), PORT), clients)?;
        let plan = |client, node: &Node, frame| -> Result<Plan> {
            let ifindex = node.netlink.index("eth0")?;
            Ok(Plan { state: 0, mask: flows - 1, client, reals: 0, ifindex, frame })
        };
        let forward = plan(CLIENT_IS_SOURCE, client, to)?;
        let reverse = plan(CLIENT_IS_DESTINATION, server, back)?;
        Ok(Self { client, server, pollers, object, forward, reverse })
    }

    /// Opens all flows. The first datagrams find no neighbours, and others may push one out of a ring: what
    /// was lost goes with the next pass.
    fn open_flows(&mut self) -> Result<()> {
        let mut arrived = 0;
        for _ in 0..PASSES {
            arrived = self.open_pass()?;
            if arrived >= u64::from(FLOWS) * 2 {
                break;
            }
        }
        ensure!(
            arrived >= u64::from(FLOWS) * 19 / 10,
            "{arrived} of 2 × {FLOWS} datagrams reached their ends while the flows were opened"
        );
        self.object.set_plan(&self.forward)
    }

    /// Sends a datagram of each flow and an answer to each; how many of both arrived.
    fn open_pass(&mut self) -> Result<u64> {
        let before = self.object.arrived()?;
        let mut state = 0;
        for _ in 0..FLOWS / PART {
            state = self.open_part((state, PART), Duration::from_millis(1))?;
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(20));
        Ok(self.object.arrived()? - before)
    }

    /// Sends a datagram of each of the flows that follow a state, and an answer to each after a pause;
    /// gives the state of the last one.
    pub(crate) fn open_part(&mut self, (state, count): (u32, u32), pause: Duration) -> Result<u32> {
        self.object.set_plan(&Plan { state, ..self.forward })?;
        self.send(self.client, count)?;
        std::thread::sleep(pause);
        self.object.set_plan(&Plan { state, ..self.reverse })?;
        self.send(self.server, count)?;
        Ok((0..count).fold(state, |state, _| next(state)))
    }

    fn send(&self, node: &Node, count: u32) -> Result<()> {
        node.namespace.within(|| self.object.send("generate", &[0; FRAME_LEN], count))
    }

    /// Offers as much as the generator can for a while.
    fn flood(&mut self, time: Duration, interrupt: &Interrupt) -> Result<Forwarded> {
        let (start, work) = (Instant::now(), spent(&self.pollers)?);
        let (before, mut offered) = (self.object.arrived()?, 0_u64);
        while start.elapsed() < time {
            interrupt.check()?;
            self.send(self.client, BURST)?;
            offered += u64::from(BURST);
        }
        let seconds = start.elapsed().as_secs_f64();
        let arrived = self.object.arrived()? - before;
        let busy = spent(&self.pollers)?.saturating_sub(work).as_secs_f64() / seconds;
        Ok(Forwarded::new((offered, arrived), seconds, busy))
    }
}

/// A datagram of the least length.
fn frame(
    macs: ([u8; 6], [u8; 6]),
    from: ([u8; 4], u16),
    to: ([u8; 4], u16),
) -> Result<[u8; FRAME_LEN]> {
    let builder = PacketBuilder::ethernet2(macs.0, macs.1).ipv4(from.0, to.0, 64).udp(from.1, to.1);
    let mut bytes = Vec::new();
    builder.write(&mut bytes, &[0; FRAME_LEN - HEADERS])?;
    bytes.try_into().ok().context("a frame has its length")
}
