//! What goes through the pair: servers, connections, probes.

use std::net::SocketAddrV4;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use hitless_model::Instant;

use crate::clock;
use crate::config_text::Timers;
use crate::interrupt::Interrupt;
use crate::load::clients::{self, ClientGroup, Load, Pace, Tally};
use crate::load::servers::Servers;
use crate::load::{TCP_PORT, UDP_PORT};
use crate::network::Network;
use crate::probe::{self, Position, ProbePath, Probes, Window};
use crate::topology::{self, FAR, NEAR, SERVER_HOSTS, SERVERS, VIRTUAL};

/// A connection that makes no progress for so long after an event is broken.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);
const GLANCE: Duration = Duration::from_millis(2);
/// The first datagrams make the flows' entries and resolve neighbours.
const WARMING: Duration = Duration::from_millis(500);

/// What others may look at on other threads: nothing before the traffic flows.
pub type Onlookers = Arc<Mutex<Option<(clients::Onlooker, probe::Onlooker)>>>;

/// Servers, and from [`Self::start`] on connections and probes through the virtual server.
#[derive(Debug)]
pub struct Traffic {
    // In the order in which they are dropped.
    further: Option<Load>,
    flowing: Option<(Load, Probes)>,
    servers: Servers,
    onlookers: Onlookers,
    interrupt: Interrupt,
}

impl Traffic {
    /// Starts the servers.
    pub fn new(network: &Network, interrupt: Interrupt) -> Result<Self> {
        let places = SERVER_HOSTS
            .iter()
            .zip(SERVERS)
            .map(|(name, address)| Ok((&network.node(name)?.namespace, address)))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self {
            further: None,
            flowing: None,
            servers: Servers::start(&places)?,
            onlookers: Arc::default(),
            interrupt,
        })
    }

    /// Opens `count` connections, half from each side of the gateway, and starts the probes.
    pub fn start(&mut self, network: &Network, count: usize) -> Result<()> {
        let load = open(network, Pace::default(), count)?;
        let most = PATIENCE + Duration::from_millis(count as u64);
        self.interrupt
            .wait_until("all connections are open", most, POLL, || Ok(load.open() == count))
            .with_context(|| format!("{} of {count} opened; {:?}", load.open(), load.tally()))?;
        let probes = Probes::start(&[
            probe_path(network, FAR, &topology::far_clients())?,
            probe_path(network, NEAR, &topology::near_clients())?,
        ])?;
        *self.lock() = Some((load.onlooker(), probes.onlooker()));
        self.flowing = Some((load, probes));
        self.interrupt.sleep(WARMING)
    }

    /// Begins to open further connections, which are watched apart from the others.
    pub fn open_further(&mut self, network: &Network, pace: Pace, count: usize) -> Result<()> {
        self.further = Some(open(network, pace, count)?);
        Ok(())
    }

    /// The further connections, if there are any.
    pub fn further(&self) -> Option<&Load> {
        self.further.as_ref()
    }

    /// Closes the further connections.
    pub fn close_further(&mut self) {
        self.further = None;
    }

    /// For others to look on, on other threads.
    pub fn onlookers(&self) -> Onlookers {
        Arc::clone(&self.onlookers)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(clients::Onlooker, probe::Onlooker)>> {
        self.onlookers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends connections and probes.
    pub fn stop(&mut self) {
        self.lock().take();
        self.further = None;
        self.flowing = None;
    }

    /// Lets everything run without an event and judges the probes of that time.
    pub fn rest(&self, time: Duration) -> Result<Window> {
        let start = self.position()?;
        self.interrupt.sleep(time)?;
        self.window_since(start)
    }

    /// Now, in the probe stream.
    pub fn position(&self) -> Result<Position> {
        Ok(self.probes()?.position())
    }

    /// Judges the probes from `start` until now.
    pub fn window_since(&self, start: Position) -> Result<Window> {
        let probes = self.probes()?;
        Ok(probes.window(start, probes.position()))
    }

    /// How long probes from `start` until now took to be answered, shortest first.
    pub fn answer_times(&self, start: Position) -> Result<Vec<Duration>> {
        let probes = self.probes()?;
        Ok(probes.answer_times(start, probes.position()))
    }

    /// Waits until every connection has made progress since `event`, at most as long as patience
    /// lasts, and gives the others up.
    pub fn settle(&self, event: Instant, timers: Timers) -> Result<Tally> {
        let (load, _) = self.flowing.as_ref().context("no connections")?;
        let start = clock::now();
        // TCP's own next try may be as far away as the outage was long.
        let patience = PATIENCE + 2 * timers.failover;
        while load.waiting(event) > 0 && clock::now().saturating_since(start) < patience {
            self.interrupt.sleep(GLANCE)?;
        }
        Ok(load.settle(event))
    }

    /// The longest exchange of any connection since the last call.
    pub fn longest_exchange(&self) -> Duration {
        self.longest_exchanges().last().copied().unwrap_or_default()
    }

    /// The longest exchange of each connection since the last call, shortest first.
    pub fn longest_exchanges(&self) -> Vec<Duration> {
        self.flowing.as_ref().map(|(load, _)| load.take_longest()).unwrap_or_default()
    }

    /// Messages exchanged so far.
    pub fn exchanges(&self) -> u64 {
        self.flowing.as_ref().map_or(0, |(load, _)| load.exchanges())
    }

    /// How the connections are now.
    pub fn tally(&self) -> Tally {
        self.flowing.as_ref().map(|(load, _)| load.tally()).unwrap_or_default()
    }

    /// Connections that each server has taken since the start.
    pub fn spread(&self) -> Vec<u64> {
        self.servers.accepted()
    }

    fn probes(&self) -> Result<&Probes> {
        let flowing = self.flowing.as_ref();
        flowing.map(|(_, probes)| probes).context("no probes")
    }
}

fn open(network: &Network, pace: Pace, count: usize) -> Result<Load> {
    let group = |name, addresses| -> Result<ClientGroup<'_>> {
        Ok(ClientGroup { namespace: &network.node(name)?.namespace, addresses })
    };
    let groups = [group(FAR, topology::far_clients())?, group(NEAR, topology::near_clients())?];
    Load::start_at(pace, &groups, SocketAddrV4::new(VIRTUAL, TCP_PORT), count)
}

fn probe_path<'a>(
    network: &'a Network,
    host: &str,
    clients: &[std::net::Ipv4Addr],
) -> Result<ProbePath<'a>> {
    let from = clients.first().copied().context("no clients")?;
    let namespace = &network.node(host)?.namespace;
    Ok(ProbePath { namespace, from, to: SocketAddrV4::new(VIRTUAL, UDP_PORT) })
}
