//! Figure 7-1 in operation: network, daemons and traffic in one value.
//!
//! Scenarios let events happen to an [`Arena`] and get back what was measured. Dropping it takes
//! everything down again: traffic first, then the daemons, then the namespaces.

use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Result, ensure};

use crate::config_text::{Manner, Setting, Timers};
use crate::console::Console;
use crate::gauge::Gauge;
use crate::interrupt::Interrupt;
use crate::network::Network;
use crate::pair::Pair;
use crate::scenario::fault::Findings;
use crate::strain::relay::Relay;
use crate::strain::{Busy, Flood, Gathered};
use crate::topology;
use crate::traffic::Traffic;

/// What a run is about.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Timers of the pair.
    pub timers: Timers,
    /// TCP connections to open.
    pub connections: usize,
    /// How the pair is configured apart from its times.
    pub manner: Manner,
    /// Connections of a crowd, in scenarios that have one.
    pub crowd: u32,
}

impl Plan {
    fn setting(self) -> Setting {
        Setting { timers: self.timers, manner: self.manner, crowd: self.crowd }
    }
}

/// The whole laboratory.
#[derive(Debug)]
pub struct Arena {
    // In the order in which they are dropped.
    /// What strains machine and pair just now.
    pub strain: Strain,
    /// Connections and probes.
    pub traffic: Traffic,
    /// Looks at replication.
    pub gauge: Gauge,
    /// The two chassis.
    pub pair: Pair,
    /// What passes between the two on the fault-tolerant VLAN, if that has its weather.
    pub relay: Option<Relay>,
    /// Hosts, cables, switches.
    pub network: Rc<Network>,
    _folder: Folder,
    /// What faults found out beside what is measured of every one.
    pub findings: Findings,
    /// The plan.
    pub plan: Plan,
    /// Where to tell what happens.
    pub console: Console,
    /// Asked in every wait.
    pub interrupt: Interrupt,
}

/// What strains machine and pair; ends with the value.
#[derive(Debug, Default)]
pub struct Strain {
    /// Busy loops.
    pub busy: Option<Busy>,
    /// A flood of SYNs.
    pub flood: Option<Flood>,
    /// A crowd of connections.
    pub crowd: Option<Gathered>,
}

/// A folder that is removed with everything in it.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("hitless-lab-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Arena {
    /// Builds the network and the servers; no daemon runs yet.
    pub fn build(plan: Plan, console: Console, interrupt: Interrupt) -> Result<Self> {
        let folder = Folder::new()?;
        let is_stormy = plan.manner == Manner::Stormy;
        let ft = if is_stormy { topology::FtWay::Relay } else { topology::FtWay::Switch };
        let network = Rc::new(Network::build(&topology::figure_7_1(ft))?);
        let relay = is_stormy.then(|| Relay::start(network.node(topology::RELAY)?)).transpose()?;
        let pair = Pair::new(Rc::clone(&network), &folder.0, plan.setting(), interrupt.clone())?;
        let traffic = Traffic::new(&network, interrupt.clone())?;
        Ok(Self {
            strain: Strain::default(),
            traffic,
            gauge: Gauge::start(pair.sockets())?,
            pair,
            relay,
            network,
            _folder: folder,
            findings: Findings::default(),
            plan,
            console,
            interrupt,
        })
    }

    /// Opens the plan's connections and starts the probes.
    pub fn start_traffic(&mut self) -> Result<()> {
        self.traffic.start(&self.network, self.plan.connections)
    }

    /// Stops traffic and daemons, and complains of what they left behind.
    pub fn take_down(mut self) -> Result<()> {
        self.strain = Strain::default();
        self.traffic.stop();
        let remains = self.pair.stop();
        ensure!(remains.is_empty(), "left behind: {remains:?}");
        Ok(())
    }
}
