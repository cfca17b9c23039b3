//! How a module's threads are started.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::sync::mpsc::sync_channel;
use std::thread;

use anyhow::{Context, Result};
use hitless_config::model::Module;
use hitless_core::node::{Node, NodeConfig, TableJob};
use hitless_model::abi::RoleWord;
use hitless_model::{Instant, Mac, Role, Slot, VlanId};
use hitless_plane::{Desired, Plane, PortFacts, RoleHandle};
use tokio::sync::mpsc;

use super::announce::Announcer;
use super::chores::{self, Record, Worker};
use super::core_thread::Core;
use super::gateways::Gateways;
use super::inbox::{self, CoreSender, Inbox};
use super::pulse::Pulse;
use super::rejections::Rejections;
use super::settings::{self, Identity};
use super::sockets::Sockets;
use super::table::{self, TableThread};
use super::{clock, realtime};
use crate::api::types::ModuleConfig;
use crate::names::Names;
use crate::netlink::module_net::InterfaceState;

/// What the data plane should hold.
pub(crate) fn compile(module: &Module, interfaces: &BTreeMap<VlanId, InterfaceState>) -> Desired {
    let ports = interfaces
        .iter()
        .map(|(vlan, state)| (*vlan, PortFacts { ifindex: state.index, mac: state.mac }))
        .collect();
    hitless_plane::desired(module, &ports)
}

/// The same, saying what of the configuration it does not carry out.
pub(crate) fn desired(module: &Module, interfaces: &BTreeMap<VlanId, InterfaceState>) -> Desired {
    let desired = compile(module, interfaces);
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
    let record = Record::open(names.module_history(slot));
    Worker { slot, epoch_file, record, neighbours }
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

/// A module without a group is active for as long as it lives, and since its first life.
pub(crate) fn alone(plane: &Plane) -> Result<()> {
    let gate = plane.role()?;
    let before = gate.read()?;
    let active = u32::from(Role::Active as u8);
    let was_active = plane.adopted() && before.role == active && before.active_since > 0;
    let now = clock::now().as_nanos();
    gate.write(RoleWord {
        role: active,
        lease_until: Instant::FAR_FUTURE.as_nanos(),
        active_since: if was_active { before.active_since } else { now },
        ..RoleWord::default()
    })?;
    let (_nobody_asks, jobs) = inbox::with_room(1)?;
    start_table(plane, None, jobs)
}

/// What the thread that drives the node works with.
pub(crate) struct Stage<'a> {
    /// The gate of the data plane.
    pub(crate) gate: RoleHandle,
    /// Since when this box forwards, if it does.
    pub(crate) forwards_since: Option<Instant>,
    /// Whose gateways are asked.
    pub(crate) module: &'a Module,
    /// What is announced.
    pub(crate) desired: &'a Desired,
    /// Where the peer is.
    pub(crate) interfaces: &'a BTreeMap<VlanId, InterfaceState>,
}

/// A member of a group whose threads run.
pub(crate) struct Member {
    /// The way to the core thread.
    pub(crate) core: CoreSender,
    /// What the core thread shows of itself.
    pub(crate) pulse: Pulse,
    /// What its node was told.
    pub(crate) node: NodeConfig,
}

/// The threads of a member of a group, but for the one that keeps the connection table: that one
/// needs the data plane loaded, which the others do not have to wait for.
pub(crate) struct Pair {
    /// The way to the core thread.
    pub(crate) core: CoreSender,
    /// What the core thread shows of itself.
    pub(crate) pulse: Pulse,
    node: NodeConfig,
    jobs: Inbox<TableJob>,
}

impl Pair {
    /// Starts the threads.
    pub(crate) fn start(config: NodeConfig, stage: Stage<'_>, worker: Worker) -> Result<Self> {
        let ports = settings::pair_ports(&config, stage.interfaces);
        let announcements = settings::announcements(stage.desired);
        let segments = settings::gateways(stage.module, stage.interfaces);
        let (sender, inbox) = inbox::inbox()?;
        let (table, jobs) = inbox::with_room(table::JOBS_WAITING)?;
        let (log, waiting_lines) = sync_channel(chores::WAITING);
        let (chores, waiting_chores) = sync_channel(chores::WAITING);
        let pulse = Pulse::default();
        let core = Core {
            heartbeat: config.heartbeat,
            sockets: Sockets::open(config.ft_vlan, &ports).context("sockets of the pair")?,
            node: Node::new(clock::now(), config.clone()),
            inbox,
            gate: stage.gate,
            announcer: Announcer::open(announcements).context("packet socket")?,
            gateways: Gateways::open(segments).context("sockets to ask gateways")?,
            table,
            log,
            chores,
            rejections: Rejections::default(),
            forwards_since: stage.forwards_since,
            pulse: pulse.clone(),
            absence: None,
        };
        vital("core", move || core.run())?;
        // The core thread is on its way; nobody else has reason to be in a hurry.
        realtime::relax();
        let logger = worker.clone();
        vital("log", move || logger.run(&waiting_lines))?;
        vital("chores", move || worker.run(&waiting_chores))?;
        Ok(Self { core: sender, pulse, node: config, jobs })
    }

    /// Starts the last thread, and gives back the way to the core thread.
    pub(crate) fn complete(self, plane: &Plane) -> Result<Member> {
        start_table(plane, Some(self.core.clone()), self.jobs)?;
        Ok(Member { core: self.core, pulse: self.pulse, node: self.node })
    }
}

fn start_table(plane: &Plane, core: Option<CoreSender>, jobs: Inbox<TableJob>) -> Result<()> {
    let thread = TableThread {
        table: plane.connections(),
        sticky: plane.sticky(),
        events: plane.events()?,
        counters: plane.counters()?,
        gate: plane.role()?,
        core,
        jobs,
    };
    Ok(vital("table", move || thread.run())?)
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
