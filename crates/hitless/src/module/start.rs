//! How a module's threads and tasks are started.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::sync::mpsc::sync_channel;
use std::thread;

use anyhow::{Context, Result, bail};
use hitless_config::model::Module;
use hitless_core::node::{Node, NodeConfig};
use hitless_model::abi::RoleWord;
use hitless_model::{Instant, Mac, Role, Slot, VlanId};
use hitless_plane::{Desired, NextHops, Plane, PortFacts};
use tokio::sync::{mpsc, watch};

use super::announce::Announcer;
use super::chores::{self, Record, Worker};
use super::core_thread::Core;
use super::inbox::{CoreSender, inbox};
use super::rejections::Rejections;
use super::settings::{self, Identity};
use super::sockets::Sockets;
use super::table::{self, TableThread};
use super::{clock, realtime};
use crate::api::types::ModuleConfig;
use crate::names::Names;
use crate::netlink::module_net::{self, Change, InterfaceState, Reconciler};

/// Changes in the namespace that may wait for the data plane.
const CHANGES_WAITING: usize = 1_024;

/// The module's namespace, as it is before any thread starts.
pub(crate) struct Ground {
    /// Its interfaces.
    pub(crate) interfaces: BTreeMap<VlanId, InterfaceState>,
    network: module_net::Desired,
    reconciler: Reconciler,
    changes: Vec<Change>,
}

impl Ground {
    /// Makes the namespace as the configuration wants it.
    pub(crate) async fn prepare(module: &Module) -> Result<Self> {
        let network = module_net::Desired::from_module(module);
        let mut reconciler = Reconciler::open()?;
        let (report, changes) = reconciler.reconcile(&network).await?;
        if let Some(vlan) = report.missing.first() {
            bail!("the module's namespace has no interface {}", Names::vlan(*vlan));
        }
        if let Some(failure) = report.failed.first() {
            bail!("{failure}");
        }
        let interfaces = reconciler.interfaces().clone();
        Ok(Self { interfaces, network, reconciler, changes })
    }

    /// Keeps it so, and the data plane informed, until the returned sender is dropped.
    pub(crate) fn keep(
        self,
        next_hops: NextHops,
        peers: mpsc::UnboundedReceiver<(VlanId, Mac)>,
    ) -> watch::Sender<module_net::Desired> {
        let interfaces = self.interfaces;
        for change in &self.changes {
            take_change(change, &next_hops, &interfaces);
        }
        let (desired, wanted) = watch::channel(self.network);
        let (news, mut changes) = mpsc::channel(CHANGES_WAITING);
        let reconciler = self.reconciler;
        tokio::spawn(async move {
            if let Err(error) = reconciler.watch(wanted, news).await {
                tracing::error!("the namespace is not watched any more: {error}");
            }
        });
        tokio::spawn(async move {
            while let Some(change) = changes.recv().await {
                take_change(&change, &next_hops, &interfaces);
            }
        });
        tokio::spawn(enter_peers(desired.clone(), peers));
        desired
    }
}

/// The peer's MACs become permanent neighbours.
async fn enter_peers(
    desired: watch::Sender<module_net::Desired>,
    mut peers: mpsc::UnboundedReceiver<(VlanId, Mac)>,
) {
    while let Some((vlan, mac)) = peers.recv().await {
        desired.send_if_modified(|network| network.set_peer(vlan, mac));
    }
}

/// The data plane learns MACs here. An interface that was replaced takes its programs and sockets
/// with it: this process starts anew, which its supervisor sees to, and the peer takes over.
fn take_change(
    change: &Change,
    next_hops: &NextHops,
    interfaces: &BTreeMap<VlanId, InterfaceState>,
) {
    match *change {
        Change::Neighbour { index, address: IpAddr::V4(ip), mac } => {
            if let Err(error) = next_hops.set_mac(index, ip, mac) {
                tracing::warn!("next hop {ip}: {error}");
            }
        }
        Change::Neighbour { address: IpAddr::V6(_), .. } => {}
        Change::Interface { vlan, state } if interfaces.get(&vlan) == state.as_ref() => {}
        Change::Interface { vlan, .. } => {
            tracing::error!("{} was taken away or replaced; starting anew", Names::vlan(vlan));
            std::process::exit(1);
        }
    }
}

/// What the data plane should hold.
pub(crate) fn desired(module: &Module, interfaces: &BTreeMap<VlanId, InterfaceState>) -> Desired {
    let ports = interfaces
        .iter()
        .map(|(vlan, state)| (*vlan, PortFacts { ifindex: state.index, mac: state.mac }))
        .collect();
    let desired = hitless_plane::desired(module, &ports);
    for reason in &desired.unsupported {
        tracing::warn!("{reason}");
    }
    desired
}

/// The worker for the chores of a module.
pub(crate) fn worker(
    names: &Names,
    slot: Slot,
    neighbours: mpsc::UnboundedSender<(VlanId, Mac)>,
) -> Worker {
    let epoch_file = names.module_epoch(slot);
    Worker { slot, epoch_file, record: Record::default(), neighbours }
}

/// The node's configuration, for a member of a group.
pub(crate) fn node_config(
    names: &Names,
    slot: Slot,
    config: &ModuleConfig,
    interfaces: &BTreeMap<VlanId, InterfaceState>,
) -> Result<Option<NodeConfig>> {
    let Some(ft) = &config.module.ft else { return Ok(None) };
    let file = names.module_epoch(slot);
    let identity = Identity {
        unit: names.unit(slot),
        seed: random_seed().context("no random numbers from /dev/urandom")?,
        epoch: chores::load_epoch(&file).with_context(|| file.display().to_string())?,
        digest: config.digest,
    };
    Ok(Some(settings::node_config(&config.module, ft, interfaces, &identity)))
}

fn random_seed() -> std::io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut seed)?;
    Ok(seed)
}

/// A module without a group is active for as long as it lives.
pub(crate) fn alone(plane: &Plane) -> Result<()> {
    let gate = plane.role()?;
    gate.write(RoleWord {
        role: u32::from(Role::Active as u8),
        lease_until: Instant::FAR_FUTURE.as_nanos(),
        active_since: clock::now().as_nanos(),
        ..RoleWord::default()
    })?;
    let (_nobody_asks, jobs) = sync_channel(1);
    let thread = table_thread(plane, None, jobs)?;
    vital("table", move || thread.run())?;
    Ok(())
}

/// Starts the threads of a member of a group.
pub(crate) fn pair(
    plane: &Plane,
    config: NodeConfig,
    desired: &Desired,
    interfaces: &BTreeMap<VlanId, InterfaceState>,
    worker: Worker,
) -> Result<CoreSender> {
    // An adopted gate may have been left open by another configuration.
    let gate = plane.role()?;
    gate.write(RoleWord::default())?;
    let ports = settings::pair_ports(&config, interfaces);
    let (sender, inbox) = inbox()?;
    let (jobs, waiting_jobs) = sync_channel(table::JOBS_WAITING);
    let (log, waiting_lines) = sync_channel(chores::WAITING);
    let (chores, waiting_chores) = sync_channel(chores::WAITING);
    let table = table_thread(plane, Some(sender.clone()), waiting_jobs)?;
    let sockets = Sockets::open(config.ft_vlan, &ports).context("sockets of the pair")?;
    let announcer = Announcer::open(settings::announcements(desired)).context("packet socket")?;
    let core = Core {
        heartbeat: config.heartbeat,
        node: Node::new(clock::now(), config),
        sockets,
        inbox,
        gate,
        announcer,
        table: jobs,
        log,
        chores,
        rejections: Rejections::default(),
        forwards_since: None,
    };
    let logger = worker.clone();
    vital("log", move || logger.run(&waiting_lines))?;
    vital("chores", move || worker.run(&waiting_chores))?;
    vital("table", move || table.run())?;
    vital("core", move || {
        realtime::enter();
        core.run();
    })?;
    Ok(sender)
}

/// Starts a thread without which the module is none: a panic there ends the process, so that its
/// supervisor starts another and the peer takes over meanwhile.
fn vital(name: &str, job: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let guarded = move || {
        let _guard = AbortOnPanic;
        job();
    };
    thread::Builder::new().name(name.into()).spawn(guarded).map(drop)
}

struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            std::process::abort();
        }
    }
}

fn table_thread(
    plane: &Plane,
    core: Option<CoreSender>,
    jobs: std::sync::mpsc::Receiver<hitless_core::node::TableJob>,
) -> Result<TableThread> {
    Ok(TableThread {
        table: plane.connections(),
        events: plane.events()?,
        counters: plane.counters()?,
        gate: plane.role()?,
        core,
        jobs,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::vital;

    const MARK: &str = "HITLESS_TEST_PANICS";

    #[test]
    fn a_panic_of_a_vital_thread_ends_the_process() {
        if std::env::var_os(MARK).is_some() {
            vital("core", || panic!("on purpose")).unwrap();
            std::thread::sleep(Duration::from_secs(20));
            return;
        }
        let name = "module::start::tests::a_panic_of_a_vital_thread_ends_the_process";
        let mut program = Command::new(std::env::current_exe().unwrap());
        program.args(["--exact", name]).env(MARK, "1").stdout(Stdio::null()).stderr(Stdio::null());
        assert_eq!(program.status().unwrap().signal(), Some(libc::SIGABRT));
    }
}
