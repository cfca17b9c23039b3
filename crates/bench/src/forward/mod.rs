//! `forward`: what comes out at the other end, with one core for the box.
//!
//! [`ground`] is the network, [`daemons`] and [`nft`] are what is put into the box, [`steer`] gives each its core.
//! [`udp`] and [`tcp`] measure, [`report`] tells. The method is described in `docs/performance.md`.

pub(crate) mod core_time;
pub(crate) mod daemons;
pub(crate) mod ground;
pub(crate) mod nft;
mod report;
pub(crate) mod steer;
mod sys;
mod tcp;
pub(crate) mod udp;

use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hitless_lab::interrupt::Interrupt;
use hitless_lab::network::Network;
use hitless_model::Mac;
use serde::Serialize;

use crate::machine::Machine;
use daemons::{HookWord, Lives, Pair, Replicate};
use ground::{Keeper, REAL, VIRTUAL, Wiring};
use report::{Carried, Report, Row};
use steer::{BOX, OTHERS};
use sys::Feature;
use udp::Aim;

/// What is put into the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Nothing but the kernel's forwarding: clients know the real.
    Kernel,
    /// An nftables ruleset.
    Nftables,
    /// hitless, as it attaches in the driver.
    HitlessXdp,
    /// hitless at traffic control.
    HitlessTc,
    /// The same, whose virtual servers do not replicate: what telling the peer costs is the difference.
    HitlessUntold,
}

/// What is measured: everything in every wiring that it has.
const SUBJECTS: [(Kind, Wiring); 9] = [
    (Kind::Kernel, Wiring::Direct),
    (Kind::Nftables, Wiring::Direct),
    (Kind::HitlessXdp, Wiring::Direct),
    (Kind::HitlessTc, Wiring::Direct),
    (Kind::HitlessUntold, Wiring::Direct),
    (Kind::Kernel, Wiring::Bridged),
    (Kind::Nftables, Wiring::Bridged),
    (Kind::HitlessTc, Wiring::Bridged),
    (Kind::HitlessUntold, Wiring::Bridged),
];

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Everything.
    All,
    /// Connections per second, of those for whom there is a target.
    Connections,
}

impl Scope {
    fn includes(self, kind: Kind) -> bool {
        match (self, kind) {
            (Self::Connections, Kind::Kernel | Kind::HitlessXdp) => false,
            (Self::All, Kind::Kernel | Kind::HitlessXdp)
            | (_, Kind::Nftables | Kind::HitlessTc | Kind::HitlessUntold) => true,
        }
    }
}

/// How long, how often.
#[derive(Clone, Copy, Debug)]
struct Effort {
    scope: Scope,
    rounds: usize,
    time: Duration,
}

impl Effort {
    fn of(scope: Scope, quick: bool) -> Self {
        let (rounds, millis) = match (scope, quick) {
            (_, true) => (1, 500),
            (Scope::All, false) => (2, 1500),
            // They are measured sooner, and scatter more.
            (Scope::Connections, false) => (5, 2000),
        };
        Self { scope, rounds, time: Duration::from_millis(millis) }
    }
}

/// Measures, telling on standard error what it is about.
pub(crate) fn run(
    (scope, only): (Scope, &str),
    quick: bool,
    interrupt: &Interrupt,
) -> Result<Report> {
    let machine = Machine::this();
    ensure!(machine.cores >= 2, "the box under test needs a core for itself: this machine has one");
    steer::stay_on(OTHERS)?;
    let effort = Effort::of(scope, quick);
    let has_nft = nft::is_installed();
    let mut report = Report::new(machine, has_nft);
    let wanted = |(kind, wiring): &(Kind, Wiring)| {
        scope.includes(*kind)
            && (*kind != Kind::Nftables || has_nft)
            && report::title(*kind, *wiring).contains(only)
    };
    for round in 1..=effort.rounds {
        for (kind, wiring) in SUBJECTS.into_iter().filter(wanted) {
            interrupt.check()?;
            let title = report::title(kind, wiring);
            eprintln!("round {round} of {}: {title} …", effort.rounds);
            match measure(kind, wiring, effort, interrupt) {
                Ok(row) => report.add(row),
                // The others' figures are good all the same; an interruption ends everything above.
                Err(error) => report.failed(format!("round {round}, {title}: {error:#}")),
            }
        }
    }
    Ok(report)
}

fn measure(kind: Kind, wiring: Wiring, effort: Effort, interrupt: &Interrupt) -> Result<Row> {
    let subject = Subject::build(kind, wiring, Lives::Long)?;
    let measured = subject.measure(effort, interrupt);
    measured.with_context(|| subject.pair.as_ref().map(Pair::say).unwrap_or_default())
}

/// A network with the box in operation.
pub(crate) struct Subject {
    kind: Kind,
    wiring: Wiring,
    // Before the network: the daemons end while their namespaces are there.
    pub(crate) pair: Option<Pair>,
    pub(crate) network: Network,
}

impl Subject {
    /// Builds it, and starts what is in the box.
    pub(crate) fn build(kind: Kind, wiring: Wiring, lives: Lives) -> Result<Self> {
        let (keeper, hook) = match kind {
            Kind::Kernel | Kind::Nftables => (Keeper::Laboratory, None),
            Kind::HitlessXdp => (Keeper::Daemon, Some((HookWord::Xdp, Replicate::Yes))),
            Kind::HitlessTc => (Keeper::Daemon, Some((HookWord::Tc, Replicate::Yes))),
            Kind::HitlessUntold => (Keeper::Daemon, Some((HookWord::Tc, Replicate::No))),
        };
        let network = ground::build(wiring, keeper)?;
        if kind == Kind::HitlessXdp {
            // A driver that runs XDP needs whole checksums; a virtual cable delivers none by itself.
            for host in ["client", "server"] {
                ground::set(network.node(host)?, "eth0", Feature::TransmitChecksum, false)?;
            }
        }
        let pair = hook
            .map(|(hook, replicate)| Pair::start(&network, wiring, (hook, replicate, lives)))
            .transpose()?;
        if kind == Kind::Nftables {
            nft::balance(&network.node("box-a")?.namespace)?;
        }
        Ok(Self { kind, wiring, pair, network })
    }

    fn measure(&self, effort: Effort, interrupt: &Interrupt) -> Result<Row> {
        let Effort { scope, time, .. } = effort;
        let work = (self.aim()?, self.direct_rings()?);
        let udp = match scope {
            Scope::All => Some(udp::measure(&self.network, work, time, interrupt).context("UDP")?),
            Scope::Connections => None,
        };
        self.direct_buffers()?;
        let service = tcp::Service::start(&self.network)?;
        let from = (&self.network.node("client")?.namespace, self.address());
        let work = || self.pair.as_ref().map_or_else(|| Ok(Vec::new()), Pair::work);
        let connections =
            service.connections(from, time, work, interrupt).context("connections")?;
        let carried = udp.map(|udp| {
            let one = service.bulk(from, 1, time, interrupt).context("one stream")?;
            let four = service.bulk(from, 4, time, interrupt).context("four streams")?;
            Ok::<_, anyhow::Error>(Carried { udp, one, four })
        });
        let (kind, wiring) = (self.kind, self.wiring);
        Ok(Row { kind, wiring, connections, carried: carried.transpose()? })
    }

    /// Runs `work` for each device where frames enter the box, with its namespace.
    fn at_entries(
        &self,
        mut work: impl FnMut(&(dyn AsFd + Sync), &str) -> Result<()>,
    ) -> Result<()> {
        let pair = self.pair.as_ref().filter(|_| self.wiring == Wiring::Direct);
        let module = pair.map(Pair::module).transpose()?;
        for (port, inside, switch) in
            [("eth-client", "vlan2", "sw-client.1"), ("eth-server", "vlan3", "sw-server.1")]
        {
            match (&module, self.wiring, self.pair.is_some()) {
                (Some(module), _, _) => work(module, inside)?,
                (None, Wiring::Bridged, false) => work(self.network.fabric(), switch)?,
                (None, _, _) => work(&self.network.node("box-a")?.namespace, port)?,
            }
        }
        Ok(())
    }

    /// Frames in rings enter the box on its core; the threads that take them in.
    pub(crate) fn direct_rings(&self) -> Result<Vec<i32>> {
        let mut pollers = Vec::new();
        self.at_entries(|namespace, device| {
            in_namespace(namespace, || {
                sys::switch(device, Feature::ReceiveOffload, true).context("receive offload")
            })?;
            let new = steer::poll_on(namespace, device, (BOX, false));
            pollers.append(&mut new.with_context(|| device.to_owned())?);
            Ok(())
        })?;
        Ok(pollers)
    }

    /// Socket buffers enter the box on its core, and the end hosts on theirs.
    pub(crate) fn direct_buffers(&self) -> Result<()> {
        self.at_entries(|namespace, device| steer::steer(namespace, device, Some(BOX)))?;
        direct_ends(&self.network)
    }

    /// The address that clients know.
    fn address(&self) -> Ipv4Addr {
        match self.kind {
            Kind::Kernel => REAL,
            Kind::Nftables | Kind::HitlessXdp | Kind::HitlessTc | Kind::HitlessUntold => VIRTUAL,
        }
    }

    /// Where a datagram has to go to be forwarded.
    pub(crate) fn aim(&self) -> Result<Aim> {
        let macs = match self.kind {
            Kind::Kernel | Kind::Nftables => {
                let namespace = &self.network.node("box-a")?.namespace;
                (steer::mac(namespace, "eth-client")?, steer::mac(namespace, "eth-server")?)
            }
            Kind::HitlessXdp | Kind::HitlessTc | Kind::HitlessUntold => {
                (virtual_mac(2)?, virtual_mac(3)?)
            }
        };
        Ok(Aim { address: self.address().octets(), macs })
    }
}

/// Socket buffers arrive at the end hosts on their core.
fn direct_ends(network: &Network) -> Result<()> {
    for host in ["client", "server"] {
        steer::steer(&network.node(host)?.namespace, "eth0", Some(OTHERS))?;
    }
    Ok(())
}

/// Socket buffers enter a router by its cables on its core, and the end hosts on theirs.
pub(crate) fn direct_router_buffers(network: &Network) -> Result<()> {
    for device in ["eth-client", "eth-server"] {
        steer::steer(&network.node("box-a")?.namespace, device, Some(BOX))?;
    }
    direct_ends(network)
}

/// The MAC of the pair's floating addresses on a VLAN.
fn virtual_mac(vlan: u16) -> Result<[u8; 6]> {
    let number = |number: u16| u64::from(number).try_into();
    Ok(Mac::virtual_for(90.try_into()?, number(9)?, number(vlan)?).0)
}

/// Runs `work` on a thread of its own in a namespace.
fn in_namespace<T: Send>(
    namespace: &(dyn AsFd + Sync),
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            nix::sched::setns(namespace, nix::sched::CloneFlags::CLONE_NEWNET)?;
            work()
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
