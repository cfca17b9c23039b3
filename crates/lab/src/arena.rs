//! Figure 7-1 in operation: network, daemons, servers, connections, probes, all in one value.
//!
//! Scenarios let events happen to an [`Arena`] and get back what was measured. Dropping it takes
//! everything down again: load first, then the daemons, the active one last, then the namespaces.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hitless_model::{Instant, Role};

use crate::chassis::{Chassis, Programs};
use crate::clock;
use crate::config_text::Timers;
use crate::console::Console;
use crate::interrupt::Interrupt;
use crate::load::clients::{ClientGroup, Load, Tally};
use crate::load::servers::Servers;
use crate::load::{TCP_PORT, UDP_PORT};
use crate::network::{Network, Node};
use crate::probe::{Position, ProbePath, Probes, Window};
use crate::sampler::{Sampler, Seen};
use crate::topology::{self, FAR, NEAR, SERVER_HOSTS, SERVERS, VIRTUAL};

/// A connection that makes no progress for so long after an event is broken.
const PATIENCE: Duration = Duration::from_secs(10);
/// A daemon starts, listens and synchronises within this, failover times not counted.
const STARTING: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(100);
const GLANCE: Duration = Duration::from_millis(2);

/// Letters of the two chassis.
pub const LETTERS: [&str; 2] = ["A", "B"];

/// What a run is about.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Timers of the pair.
    pub timers: Timers,
    /// TCP connections to open.
    pub connections: usize,
}

/// Dropped packets by reason.
pub type Drops = BTreeMap<String, u64>;

/// Counters of the pair over several lives of its daemons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoleCounts {
    /// Role changes.
    pub changes: u64,
    /// Leases that ran out while active.
    pub expiries: u64,
}

/// The whole laboratory.
#[derive(Debug)]
pub struct Arena {
    // In the order in which they are dropped.
    load: Option<Load>,
    probes: Option<Probes>,
    sampler: Sampler,
    chassis: [Chassis; 2],
    servers: Servers,
    network: Network,
    _folder: Folder,
    /// The plan.
    pub plan: Plan,
    /// Where to tell what happens.
    pub console: Console,
    /// Asked in every wait.
    pub interrupt: Interrupt,
    counted: [RoleCounts; 2],
    counts: RoleCounts,
}

/// A folder that is removed with everything in it.
#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Arena {
    /// Builds the network and the servers; no daemon runs yet.
    pub fn build(plan: Plan, console: Console, interrupt: Interrupt) -> Result<Self> {
        let programs = Programs::beside_this()?;
        let folder = std::env::temp_dir().join(format!("hitless-lab-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let folder = Folder(folder);
        let network = Network::build(&topology::figure_7_1())?;
        let servers = start_servers(&network)?;
        let chassis = |number| Chassis::new(number, &folder.0, &programs, plan.timers);
        let chassis = [chassis(0)?, chassis(1)?];
        Ok(Self {
            load: None,
            probes: None,
            sampler: Sampler::start()?,
            chassis,
            servers,
            network,
            _folder: folder,
            plan,
            console,
            interrupt,
            counted: [RoleCounts::default(); 2],
            counts: RoleCounts::default(),
        })
    }

    /// Starts one daemon and waits until it is active, or standby to a peer.
    pub fn power_on(&mut self, number: usize) -> Result<()> {
        let node = self.network.node(self.chassis[number].host())?;
        self.chassis[number].power_on(node)?;
        let most = STARTING + self.plan.timers.failover * 3;
        let interrupt = self.interrupt.clone();
        let chassis = &mut self.chassis[number];
        let mut newest = String::new();
        let result = interrupt.wait_until("the daemon takes its role", most, POLL, || {
            chassis.check_daemon()?;
            let ft = chassis.ft();
            newest = format!("{ft:?}");
            Ok(ft.is_ok_and(|ft| match ft.status.role {
                Role::Active => true,
                Role::Standby => ft.status.peer.is_some(),
                Role::Initializing | Role::Draining => false,
            }))
        });
        result.with_context(|| format!("chassis {}, newest answer {newest}", LETTERS[number]))?;
        self.sampler.watch(number, chassis.role_handle()?);
        self.counted[number] = counters(chassis)?;
        // The sampler's next look.
        self.interrupt.sleep(Duration::from_millis(5))
    }

    /// Waits until the active one says that its peer holds everything.
    pub fn await_step(&mut self) -> Result<()> {
        let active = self.active()?;
        let chassis = &self.chassis[active];
        self.interrupt.wait_until("the pair is in step", STARTING, POLL, || {
            let status = chassis.ft()?.status;
            Ok(status.in_step && status.at_risk == 0 && status.peer.is_some())
        })
    }

    /// Opens all connections, half from each side of the gateway, and starts the probes.
    pub fn start_load(&mut self) -> Result<()> {
        let group = |name, addresses| -> Result<ClientGroup<'_>> {
            Ok(ClientGroup { namespace: &self.network.node(name)?.namespace, addresses })
        };
        let groups = [group(FAR, topology::far_clients())?, group(NEAR, topology::near_clients())?];
        let count = self.plan.connections;
        let load = Load::start(&groups, SocketAddrV4::new(VIRTUAL, TCP_PORT), count)?;
        let most = PATIENCE + Duration::from_millis(count as u64);
        let opened = self
            .interrupt
            .wait_until("all connections are open", most, POLL, || Ok(load.open() == count));
        opened.with_context(|| format!("{} of {count} opened; {:?}", load.open(), load.tally()))?;
        self.load = Some(load);
        self.start_probes()
    }

    fn start_probes(&mut self) -> Result<()> {
        let path = |name, from| -> Result<ProbePath<'_>> {
            let namespace = &self.network.node(name)?.namespace;
            Ok(ProbePath { namespace, from, to: SocketAddrV4::new(VIRTUAL, UDP_PORT) })
        };
        let far = path(FAR, topology::far_clients()[0])?;
        let near = path(NEAR, topology::near_clients()[0])?;
        self.probes = Some(Probes::start(&[far, near])?);
        // The first datagrams make the flow's entries and resolve neighbours.
        self.interrupt.sleep(Duration::from_millis(500))
    }

    /// Lets everything run without an event and judges the probes of that time.
    pub fn rest(&self, time: Duration) -> Result<Window> {
        let start = self.probes()?.position();
        self.interrupt.sleep(time)?;
        let end = self.probes()?.position();
        Ok(self.probes()?.window(start, end))
    }

    /// The active one hands over by command; waits until the other one is active.
    pub fn hand_over(&mut self) -> Result<()> {
        let active = self.active()?;
        let line = format!("clear module csm {} ft active", self.chassis[active].slot());
        self.chassis[active].command(&line)?;
        self.await_active(1 - active)
    }

    /// The active one loses its power; waits until the other one is active.
    pub fn cut_power(&mut self) -> Result<usize> {
        let active = self.active()?;
        self.count_roles(active)?;
        let node = self.network.node(self.chassis[active].host())?;
        self.chassis[active].cut_power(node)?;
        self.await_active(1 - active)?;
        Ok(active)
    }

    /// Removes what a chassis without power would have forgotten.
    pub fn forget(&mut self, number: usize) -> Result<()> {
        let node = self.network.node(self.chassis[number].host())?;
        self.chassis[number].forget(node)
    }

    fn await_active(&self, number: usize) -> Result<()> {
        let most = STARTING + self.plan.timers.failover * 3;
        let what = format!("chassis {} becomes active", LETTERS[number]);
        self.interrupt.wait_until(&what, most, GLANCE, || Ok(self.sampler.active() == Some(number)))
    }

    /// Waits until every connection has made progress since `event`, at most as long as patience
    /// lasts, and gives the others up.
    pub fn settle(&self, event: Instant) -> Result<Tally> {
        let load = self.load.as_ref().context("no load")?;
        let start = clock::now();
        // TCP's own next try may be as far away as the outage was long.
        let patience = PATIENCE + 2 * self.plan.timers.failover;
        while load.waiting(event) > 0 && clock::now().saturating_since(start) < patience {
            self.interrupt.sleep(GLANCE)?;
        }
        Ok(load.settle(event))
    }

    /// The longest exchange of any connection since the last call.
    pub fn longest_exchange(&self) -> Duration {
        let all = self.load.as_ref().map(Load::take_longest).unwrap_or_default();
        all.last().copied().unwrap_or_default()
    }

    /// Messages exchanged so far.
    pub fn exchanges(&self) -> u64 {
        self.load.as_ref().map_or(0, Load::exchanges)
    }

    /// Connections open on each server since the start.
    pub fn spread(&self) -> Vec<u64> {
        self.servers.accepted()
    }

    /// How the connections are now.
    pub fn tally(&self) -> Tally {
        self.load.as_ref().map(Load::tally).unwrap_or_default()
    }

    /// The probes.
    pub fn probes(&self) -> Result<&Probes> {
        self.probes.as_ref().context("no probes")
    }

    /// Now, in the probe stream.
    pub fn position(&self) -> Result<Position> {
        Ok(self.probes()?.position())
    }

    /// The one that is active.
    pub fn active(&self) -> Result<usize> {
        let seen = self.sampler.now();
        self.sampler.active().with_context(|| format!("nobody is active: {seen:?}"))
    }

    /// Slot of a chassis' module.
    pub fn slot(&self, number: usize) -> u8 {
        self.chassis[number].slot()
    }

    /// Packets that each data plane has dropped so far, by reason; none of one without power.
    pub fn drops(&self) -> [Drops; 2] {
        [0, 1].map(|number| {
            let stats = self.chassis[number].stats();
            let counters = stats.map(|stats| stats.counters).unwrap_or_default();
            counters
                .into_iter()
                .filter(|counter| counter.name.starts_with("drop_"))
                .map(|counter| (counter.name, counter.value))
                .collect()
        })
    }

    /// The role words' observer.
    pub fn sampler(&self) -> &Sampler {
        &self.sampler
    }

    /// Counters of the pair since it was complete.
    pub fn role_counts(&mut self) -> Result<RoleCounts> {
        for number in [0, 1] {
            if self.sampler.now()[number] != Seen::Nothing {
                self.count_roles(number)?;
            }
        }
        Ok(self.counts)
    }

    /// Forgets what was counted so far: the start of a pair is not part of a scenario.
    pub fn start_counting(&mut self) -> Result<()> {
        self.role_counts()?;
        self.counts = RoleCounts::default();
        Ok(())
    }

    /// Adds what a daemon has counted since it was asked last.
    fn count_roles(&mut self, number: usize) -> Result<()> {
        let now = counters(&self.chassis[number])?;
        let before = std::mem::replace(&mut self.counted[number], now);
        self.counts.changes += now.changes.saturating_sub(before.changes);
        self.counts.expiries += now.expiries.saturating_sub(before.expiries);
        Ok(())
    }

    /// Stops the daemons, the standby one first, and says what they left behind.
    pub fn take_down(mut self) -> Result<()> {
        self.load = None;
        self.probes = None;
        let first = self.sampler.active().map_or(1, |active| 1 - active);
        for number in [first, 1 - first] {
            self.chassis[number].stop();
        }
        let remains: Vec<_> = self.chassis.iter().flat_map(Chassis::remains).collect();
        ensure!(remains.is_empty(), "left behind: {remains:?}");
        Ok(())
    }

    /// Copies configurations and logs of both daemons.
    pub fn keep_logs(&self, to: &Path) -> Result<()> {
        std::fs::create_dir_all(to)?;
        for file in self.chassis.iter().flat_map(Chassis::files) {
            let folder = file.parent().and_then(Path::file_name).unwrap_or_default();
            let name = file.file_name().unwrap_or_default();
            let name = format!("{}-{}", folder.display(), name.display());
            std::fs::copy(&file, to.join(name)).with_context(|| file.display().to_string())?;
        }
        Ok(())
    }

    /// The ends of both logs, for a failure.
    pub fn log_ends(&self) -> String {
        let end = |number: usize| {
            format!("── log of chassis {}\n{}", LETTERS[number], self.chassis[number].log_end())
        };
        [end(0), end(1)].join("\n")
    }

    /// A host by its name.
    pub fn node(&self, name: &str) -> Result<&Node> {
        self.network.node(name)
    }
}

fn counters(chassis: &Chassis) -> Result<RoleCounts> {
    let status = chassis.ft()?.status;
    Ok(RoleCounts { changes: status.role_changes, expiries: status.lease_expiries })
}

fn start_servers(network: &Network) -> Result<Servers> {
    let places = SERVER_HOSTS
        .iter()
        .zip(SERVERS)
        .map(|(name, address)| Ok((&network.node(name)?.namespace, address)))
        .collect::<Result<Vec<_>>>()?;
    Servers::start(&places)
}
