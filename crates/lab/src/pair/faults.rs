//! What may happen to the pair: its processes and the ways between the two.

use anyhow::{Context, Result};
use hitless::api::types::FtState;
use hitless_model::Role;
use hitless_plane::RoleHandle;
use nix::sys::signal::Signal;

use super::{GLANCE, LETTERS, Pair};
use crate::config_text::VLANS;
use crate::netlink::{Frames, LinkState};
use crate::sampler::Seen;
use crate::topology::Port;
use crate::work::Work;

/// A VLAN that the two chassis hear each other over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Towards the clients.
    Client,
    /// Towards the servers.
    Server,
    /// The fault-tolerant VLAN.
    Ft,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Client, Self::Server, Self::Ft];

    /// The chassis' interface, and the VLAN's number.
    const fn place(self) -> (&'static str, u16) {
        VLANS[self as usize]
    }
}

impl Pair {
    /// Sends a signal to the process of a module.
    pub fn signal_module(&self, number: usize, signal: Signal) -> Result<()> {
        self.chassis[number].signal_module(signal)
    }

    /// Kills a supervisor alone.
    pub fn kill_supervisor(&mut self, number: usize) -> Result<()> {
        self.count_roles(number)?;
        self.chassis[number].kill_supervisor()
    }

    /// Starts a supervisor again, as systemd would, and waits until it answers for its module.
    pub fn start_again(&mut self, number: usize) -> Result<()> {
        let chassis = &mut self.chassis[number];
        chassis.power_on(self.network.node(chassis.host())?)?;
        self.await_role(number)
    }

    /// SIGTERM to a supervisor; waits until it has ended.
    pub fn terminate(&mut self, number: usize) -> Result<()> {
        self.count_roles(number)?;
        self.chassis[number].terminate()
    }

    /// Starts a supervisor that was stopped, and returns when its module begins to be told what the
    /// active one holds.
    pub fn begin(&mut self, number: usize) -> Result<()> {
        let chassis = &mut self.chassis[number];
        chassis.power_on(self.network.node(chassis.host())?)?;
        let (pins, most) = (chassis.pins(), self.patience());
        self.interrupt.wait_until("the standby has begun", most, GLANCE, || {
            let role = RoleHandle::open_pinned(&pins).and_then(|handle| handle.read());
            Ok(role.is_ok_and(|word| word.role == u32::from(Role::Standby as u8)))
        })
    }

    /// Adds lines to the fault-tolerance submode of a chassis.
    pub fn configure_ft(&self, number: usize, lines: &[String]) -> Result<()> {
        let chassis = &self.chassis[number];
        let mode = format!("module csm {}", chassis.slot());
        let mode = ["configure terminal", &mode, "ft group 90 vlan 9"];
        let lines: Vec<&str> = mode.into_iter().chain(lines.iter().map(String::as_str)).collect();
        chassis.commands(&lines).map(drop)
    }

    /// What a chassis says of its part in the pair.
    pub fn ft(&self, number: usize) -> Result<FtState> {
        self.chassis[number].ft()
    }

    /// The number of a module's process.
    pub fn module_process(&self, number: usize) -> Result<i32> {
        self.chassis[number].module_process()
    }

    /// What the processes of each chassis have done so far.
    pub fn work(&self) -> Result<[Work; 2]> {
        Ok([self.chassis[0].work()?, self.chassis[1].work()?])
    }

    /// Established connections in each table.
    pub fn connections(&self) -> Result<[u64; 2]> {
        let one = |number: usize| Ok::<_, anyhow::Error>(self.chassis[number].stats()?.connections);
        Ok([one(0)?, one(1)?])
    }

    /// The same, as far as the two answer.
    pub fn connections_now(&self) -> [Option<u64>; 2] {
        [0, 1].map(|number| self.chassis[number].stats().ok().map(|stats| stats.connections))
    }

    /// `reload daemon`, and waits until the daemon answers for its module again.
    pub fn reload(&mut self, number: usize) -> Result<()> {
        self.count_roles(number)?;
        self.chassis[number].command("reload daemon")?;
        self.await_role(number)
    }

    /// Drops what one chassis sends to the other over these VLANs; the other way, and what others
    /// say to either, goes on.
    pub fn cut(&self, from: usize, ways: &[Way]) -> Result<()> {
        for way in ways {
            let (interface, vlan) = way.place();
            let frames = match way {
                // Nobody else is there.
                Way::Ft => Frames::All,
                Way::Client | Way::Server => Frames::To(self.chassis[1 - from].mac(vlan)?),
            };
            let host = self.chassis[from].host();
            self.network.drop_from(Port { host, interface }, frames)?;
        }
        Ok(())
    }

    /// Ends [`Self::cut`].
    pub fn mend(&self, from: usize, ways: &[Way]) -> Result<()> {
        ways.iter().try_for_each(|way| {
            let host = self.chassis[from].host();
            self.network.pass_from(Port { host, interface: way.place().0 })
        })
    }

    /// Pulls out or plugs in a cable of a chassis at its switch.
    pub fn set_cable(&self, number: usize, way: Way, state: LinkState) -> Result<()> {
        let host = self.chassis[number].host();
        self.network.set_switch_port(Port { host, interface: way.place().0 }, state)
    }

    /// Waits until both are active: that is what some faults must lead to.
    pub fn await_both(&self) -> Result<()> {
        self.await_seen("both chassis become active", |seen| seen == [Seen::Acts(Role::Active); 2])
    }

    /// Waits until one is active and the other is standby, and says which.
    pub fn await_one(&self) -> Result<usize> {
        let roles = |seen: [Seen; 2]| match seen {
            [Seen::Acts(Role::Active), Seen::Acts(Role::Standby)] => Some(0),
            [Seen::Acts(Role::Standby), Seen::Acts(Role::Active)] => Some(1),
            _ => None,
        };
        self.await_seen("one chassis is active and the other standby", |seen| {
            roles(seen).is_some()
        })?;
        let seen = self.sampler.now();
        roles(seen).with_context(|| format!("{} and {}: {seen:?}", LETTERS[0], LETTERS[1]))
    }
}
