//! The two chassis together: who is active, whether they are in step, what happens to them.

mod faults;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use hitless_model::Role;

use crate::chassis::{Chassis, Programs};
use crate::config_text::Setting;
use crate::interrupt::Interrupt;
use crate::network::Network;
use crate::sampler::{Sampler, Seen};

pub use faults::Way;

/// A daemon starts, listens and synchronises within this, failover times not counted: an emulated
/// machine takes many times as long as any other.
const STARTING: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(100);
const GLANCE: Duration = Duration::from_millis(2);

/// Letters of the two chassis.
pub const LETTERS: [&str; 2] = ["A", "B"];

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

/// Both chassis, each in its namespace.
#[derive(Debug)]
pub struct Pair {
    sampler: Sampler,
    chassis: [Chassis; 2],
    network: Rc<Network>,
    interrupt: Interrupt,
    setting: Setting,
    counted: [RoleCounts; 2],
    counts: RoleCounts,
}

impl Pair {
    /// Prepares both in folders of their own under `folder`; starts no daemon.
    pub fn new(
        network: Rc<Network>,
        folder: &Path,
        setting: Setting,
        interrupt: Interrupt,
    ) -> Result<Self> {
        let programs = Programs::beside_this()?;
        let chassis = |number| Chassis::new(number, folder, &programs, setting);
        Ok(Self {
            sampler: Sampler::start()?,
            chassis: [chassis(0)?, chassis(1)?],
            network,
            interrupt,
            setting,
            counted: [RoleCounts::default(); 2],
            counts: RoleCounts::default(),
        })
    }

    /// Starts one daemon and waits until it is active, or standby to a peer.
    pub fn power_on(&mut self, number: usize) -> Result<()> {
        let chassis = &mut self.chassis[number];
        chassis.power_on(self.network.node(chassis.host())?)?;
        self.await_role(number)?;
        let chassis = &self.chassis[number];
        self.sampler.watch(number, chassis.pins());
        self.counted[number] = counters(chassis)?;
        // The sampler's next look.
        self.interrupt.sleep(Duration::from_millis(5))
    }

    /// Waits until a daemon is active, or standby to a peer.
    pub fn await_role(&mut self, number: usize) -> Result<()> {
        let most = self.patience();
        let chassis = &mut self.chassis[number];
        let mut newest = String::new();
        let result = self.interrupt.wait_until("the daemon takes its role", most, POLL, || {
            chassis.check_daemon()?;
            let ft = chassis.ft();
            newest = format!("{ft:?}");
            Ok(ft.is_ok_and(|ft| match ft.status.role {
                Role::Active => true,
                Role::Standby => ft.status.peer.is_some(),
                Role::Initializing | Role::Draining => false,
            }))
        });
        result.with_context(|| format!("chassis {}, newest answer {newest}", LETTERS[number]))
    }

    /// Waits until the active one says that its peer holds everything.
    pub fn await_step(&self) -> Result<()> {
        self.interrupt.wait_until("the pair is in step", self.patience(), POLL, || {
            let Some(active) = self.sampler.active() else { return Ok(false) };
            // A module that begins anew does not answer for a moment.
            let Ok(ft) = self.chassis[active].ft() else { return Ok(false) };
            let status = ft.status;
            Ok(status.in_step && status.at_risk == 0 && status.peer.is_some())
        })
    }

    /// The command that makes a chassis hand over.
    pub fn handover_command(&self, number: usize) -> String {
        format!("clear module csm {} ft active", self.chassis[number].slot())
    }

    /// The active one hands over by command; waits until the other one is active.
    pub fn hand_over(&self) -> Result<()> {
        let active = self.active()?;
        self.chassis[active].command(&self.handover_command(active))?;
        self.await_active(1 - active)
    }

    /// The active one loses its power; waits until the other one is active.
    pub fn cut_power(&mut self) -> Result<()> {
        let active = self.active()?;
        self.count_roles(active)?;
        let chassis = &self.chassis[active];
        chassis.cut_power(self.network.node(chassis.host())?)?;
        self.await_active(1 - active)
    }

    /// Removes what a chassis without power would have forgotten.
    pub fn forget(&mut self, number: usize) -> Result<()> {
        let chassis = &mut self.chassis[number];
        chassis.forget(self.network.node(chassis.host())?)
    }

    /// Waits until a chassis is active and the other one is not.
    pub fn await_active(&self, number: usize) -> Result<()> {
        let what = format!("chassis {} becomes active", LETTERS[number]);
        self.await_seen(&what, |seen| {
            [0, 1].map(|chassis| seen[chassis] == Seen::Acts(Role::Active))
                == [number == 0, number == 1]
        })
    }

    fn await_seen(&self, what: &str, holds: impl Fn([Seen; 2]) -> bool) -> Result<()> {
        let sampler = &self.sampler;
        self.interrupt.wait_until(what, self.patience(), GLANCE, || Ok(holds(sampler.now())))
    }

    /// No start and no takeover takes longer.
    fn patience(&self) -> Duration {
        STARTING + self.setting.timers.failover * 3
    }

    /// The one that is active.
    pub fn active(&self) -> Result<usize> {
        let seen = self.sampler.now();
        self.sampler.active().with_context(|| format!("nobody is active: {seen:?}"))
    }

    /// The role words' observer.
    pub fn sampler(&self) -> &Sampler {
        &self.sampler
    }

    /// Packets that each data plane has dropped so far, by reason; none of one that is silent by
    /// force: without power or stopped, it would not answer.
    pub fn drops(&self) -> [Drops; 2] {
        let seen = self.sampler.now();
        [0, 1].map(|number| {
            if seen[number] == Seen::Fenced {
                return Drops::new();
            }
            let stats = self.chassis[number].stats();
            let counters = stats.map(|stats| stats.counters).unwrap_or_default();
            counters
                .into_iter()
                .filter(|counter| counter.name.starts_with("drop_"))
                .map(|counter| (counter.name, counter.value))
                .collect()
        })
    }

    /// Counters of the pair since [`Self::start_counting`].
    pub fn role_counts(&mut self) -> Result<RoleCounts> {
        for number in [0, 1] {
            if self.chassis[number].is_on() {
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
        self.counts.changes += grown(before.changes, now.changes);
        self.counts.expiries += grown(before.expiries, now.expiries);
        Ok(())
    }

    /// Stops both daemons, the standby one first, and gives what they left behind.
    pub fn stop(&mut self) -> Vec<PathBuf> {
        let first = self.sampler.active().map_or(1, |active| 1 - active);
        for number in [first, 1 - first] {
            self.chassis[number].stop();
        }
        self.chassis.iter().flat_map(Chassis::remains).collect()
    }

    /// The sockets of both daemons' APIs.
    pub fn sockets(&self) -> [PathBuf; 2] {
        [0, 1].map(|number| self.chassis[number].socket())
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
}

/// What a counter has grown by; a process that began anew has counted from nothing.
fn grown(before: u64, now: u64) -> u64 {
    now.checked_sub(before).unwrap_or(now)
}

fn counters(chassis: &Chassis) -> Result<RoleCounts> {
    let status = chassis.ft()?.status;
    Ok(RoleCounts { changes: status.role_changes, expiries: status.lease_expiries })
}
