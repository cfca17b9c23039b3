//! A configured module at work: what its threads share, and how it is asked, changed and stopped.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hitless_core::node::{HandoverCause, NodeConfig, Status};
use hitless_model::abi::RoleWord;
use hitless_model::{Instant, Role, VlanId};
use hitless_plane::{Desired, Plane};

use super::change::Pending;
use super::chores::Record;
use super::ground::{Ground, Network, PeerNews};
use super::inbox::{CoreInput, CoreSender, Gone};
use super::pulse::Pulse;
use super::resume::{self, Resumed};
use super::start::{self, Member, Pair, Stage};
use super::{Life, clock, hooks, kept};
use crate::api::types::{Beginning, ModuleConfig};
use crate::netlink::module_net::InterfaceState;

/// How long a handover at the end may take before this box leaves all the same.
const LEAVING: Duration = Duration::from_secs(5);
/// How long the core thread may take to find out whether the peer waits.
const ANSWER: Duration = Duration::from_secs(5);
/// How long this process may be away: the peer waits that long before it takes over.
const ABSENCE: Duration = Duration::from_secs(5);
/// The absence that is asked for to learn whether one is possible.
const TRIAL: Duration = Duration::from_millis(1);
/// Pause between two looks at a role that is about to change.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// What a module works with, as of its newest change.
pub(crate) struct Held {
    /// The configuration in force.
    pub(crate) config: ModuleConfig,
    /// What the data plane holds of it.
    pub(crate) desired: Desired,
    /// The module's interfaces.
    pub(crate) interfaces: BTreeMap<VlanId, InterfaceState>,
    /// What the node was told of it, for a member of a group.
    pub(crate) node: Option<NodeConfig>,
}

/// A module at work.
pub(crate) struct Engine {
    held: RwLock<Arc<Held>>,
    /// A change that waits for its turn.
    pub(super) pending: Mutex<Pending>,
    /// Held for as long as a change takes.
    pub(super) changing: tokio::sync::Mutex<()>,
    /// Held while the configuration is kept for the next life; whether that life begins.
    pub(super) keeping: Mutex<bool>,
    /// The newest decisions.
    pub(crate) record: Record,
    /// How it began.
    pub(crate) beginning: Beginning,
    /// What the core thread shows of itself, for a member of a group.
    pub(crate) pulse: Option<Pulse>,
    plane: Mutex<Plane>,
    /// The core thread, for a member of a group.
    pub(super) core: Option<CoreSender>,
    /// What the namespace should be.
    pub(super) network: Network,
}

/// Why to be away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absence {
    /// Only to learn whether it is possible.
    Trial,
    /// To be replaced.
    Now,
}

/// What is common to all ways to start, when the threads of the pair run.
struct Parts {
    config: ModuleConfig,
    desired: Desired,
    record: Record,
    plane: Plane,
    ground: Ground,
    peer_news: PeerNews,
}

impl Engine {
    /// Starts a module with its first configuration, in the module's namespace.
    pub(crate) async fn start(life: &Life, config: ModuleConfig) -> Result<Self> {
        let (peers, mut peer_news) = tokio::sync::mpsc::unbounded_channel();
        let ground = Ground::prepare(&config.module, &mut peer_news).await?;
        let interfaces = &ground.interfaces;
        let desired = start::desired(&config.module, interfaces);
        let mut plane = open(life, &config, &desired)?;
        let worker = start::worker(&life.names, life.slot, peers);
        let record = worker.record.clone();
        let node = start::node_config(&life.names, life.slot, &config, interfaces)?;
        let node = node.map(|node| behind_shut_gate(&plane, node)).transpose()?;
        // A node that meets its peer may be active a few milliseconds after it began: a box whose programs
        // came later would have the addresses, and let everything fall.
        hooks::attach(&mut plane, &config.module, &desired)?;
        let core = match node {
            Some(node) => {
                let (gate, module, desired) = (plane.role()?, &config.module, &desired);
                let stage = Stage { gate, forwards_since: None, module, desired, interfaces };
                Some(Pair::start(node, stage, worker)?.complete(&plane)?)
            }
            None => start::alone(&plane).map(|()| None)?,
        };
        let parts = Parts { config, desired, record, plane, ground, peer_news };
        Self::assemble(life, parts, core, false)
    }

    /// Completes a module that is active already: its core thread runs, its old programs forward.
    pub(crate) async fn go_on(life: &Life, resumed: Resumed) -> Result<Self> {
        let core = resumed.pair.core.clone();
        let completed = Self::complete(life, resumed).await;
        if let Err(error) = &completed {
            // Without programs and tables of its own it must not stay active.
            tracing::error!("cannot go on: {error:#}; handing over");
            give_up(&core).await;
        }
        completed
    }

    async fn complete(life: &Life, resumed: Resumed) -> Result<Self> {
        let Resumed { config, desired, interfaces, record, pair, mut peer_news } = resumed;
        let ground = Ground::prepare(&config.module, &mut peer_news).await?;
        ensure!(ground.interfaces == interfaces, "the module's interfaces are others than before");
        let mut plane = open(life, &config, &desired)?;
        let core = pair.complete(&plane)?;
        // Until now the programs of the former life did the work.
        hooks::attach(&mut plane, &config.module, &desired)?;
        let parts = Parts { config, desired, record, plane, ground, peer_news };
        Self::assemble(life, parts, Some(core), true)
    }

    fn assemble(life: &Life, parts: Parts, member: Option<Member>, resumed: bool) -> Result<Self> {
        let Parts { config, desired, record, plane, ground, peer_news } = parts;
        let interfaces = ground.interfaces.clone();
        let network = ground.keep(plane.next_hops(), peer_news);
        kept::store(&life.names.module_config(life.slot), &config)
            .context("the configuration cannot be kept")?;
        let (core, pulse, node) = match member {
            Some(Member { core, pulse, node }) => (Some(core), Some(pulse), Some(node)),
            None => (None, None, None),
        };
        let ready_us = Some(micros(life.begun, clock::now()));
        let held = Held { config, desired, interfaces, node };
        Ok(Self {
            held: RwLock::new(Arc::new(held)),
            pending: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            keeping: Mutex::default(),
            record,
            beginning: Beginning { resumed, heartbeat_us: None, ready_us },
            pulse,
            plane: Mutex::new(plane),
            core,
            network,
        })
    }

    /// What it works with now.
    pub(crate) fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on it works with something else.
    pub(super) fn hold(&self, held: Held) {
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(held);
    }

    /// The data plane; held only for short questions.
    pub(crate) fn plane(&self) -> MutexGuard<'_, Plane> {
        self.plane.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the node says of itself; `None` without a group.
    pub(crate) async fn status(&self) -> Result<Option<Status>> {
        match &self.core {
            Some(core) => Ok(Some(core.ask(CoreInput::Status).await?)),
            None => Ok(None),
        }
    }

    /// Whether this box answers for its virtual servers now.
    pub(crate) async fn is_active(&self) -> Result<bool> {
        Ok(self.status().await?.is_none_or(|status| status.role == Role::Active))
    }

    /// Has the peer wait while this process is away; the error is why it must not be. Only an active
    /// box is missed, but a standby says it too: its peer keeps calm then.
    pub(crate) async fn announce_absence(&self, absence: Absence) -> Result<(), String> {
        let Some(core) = &self.core else { return Ok(()) };
        let status = core.ask(CoreInput::Status).await.map_err(|gone| gone.to_string())?;
        let lasts = match absence {
            // Without a peer there is nobody to ask.
            Absence::Trial if status.peer.is_none() => return Ok(()),
            Absence::Trial => TRIAL,
            Absence::Now => ABSENCE,
        };
        let asked = core.ask(|reply| CoreInput::Absence(lasts, reply));
        let late = || format!("no answer from the core thread within {ANSWER:?}");
        let answer = tokio::time::timeout(ANSWER, asked).await.map_err(|_| late())?;
        let answer = answer.map_err(|gone| gone.to_string())?;
        if status.role.forwards() { answer } else { Ok(()) }
    }

    /// Hands the active role to the peer because an operator wants it.
    pub(crate) async fn hand_over(&self) -> Result<()> {
        self.ask_handover(HandoverCause::Operator).await
    }

    async fn ask_handover(&self, cause: HandoverCause) -> Result<()> {
        let core = self.core.as_ref().context("this module has no fault-tolerant group")?;
        let answer = core.ask(|reply| CoreInput::Handover(cause, reply)).await?;
        answer.map_err(anyhow::Error::msg)
    }

    /// Hands over if there is somebody to hand over to, falls silent, and takes the data plane away.
    pub(crate) async fn stop(&self) -> Result<()> {
        if let Some(core) = &self.core {
            match self.ask_handover(HandoverCause::Stop).await {
                Ok(()) => self.wait_until_silent().await?,
                Err(refused) => tracing::info!("stops without a handover: {refused}"),
            }
            core.ask(CoreInput::Leave).await?;
        }
        let mut plane = self.plane();
        plane.detach_all()?;
        hitless_plane::remove_pins(plane.pins())?;
        Ok(())
    }

    /// When its first heartbeat was sent, how it began otherwise.
    pub(crate) fn beginning(&self, life: &Life) -> Beginning {
        let sent = self.pulse.as_ref().and_then(Pulse::first_heartbeat);
        let heartbeat_us = sent.map(|sent| micros(life.begun, sent));
        Beginning { heartbeat_us, ..self.beginning }
    }

    /// Waits while this box forwards and there is a peer to take over from it.
    async fn wait_until_silent(&self) -> Result<()> {
        match &self.core {
            Some(core) => Ok(wait_until_silent(core).await?),
            None => Ok(()),
        }
    }
}

/// A node that does not go on where a former life was. An adopted gate may have been left open by another
/// configuration.
fn behind_shut_gate(plane: &Plane, node: NodeConfig) -> Result<NodeConfig> {
    let gate = plane.role()?;
    let node = resume::not_resuming(node, &gate.read()?, plane.adopted());
    gate.write(RoleWord::default())?;
    Ok(node)
}

/// Loads or adopts the data plane and fills it.
fn open(life: &Life, config: &ModuleConfig, desired: &Desired) -> Result<Plane> {
    let size = super::settings::connections(&config.module);
    let pins = life.names.module_pins(life.slot);
    remove_other_layouts(&pins);
    let plane = Plane::open(&pins, size)?;
    plane.apply(desired)?;
    Ok(plane)
}

/// What a release with another layout of the maps left: its programs would go on beside ours.
fn remove_other_layouts(pins: &Path) {
    let name = |path: &Path| path.file_name().and_then(OsStr::to_str).map(str::to_owned);
    let (Some(around), Some(own)) = (pins.parent(), name(pins)) else { return };
    let Some((module, _)) = own.split_once("-abi") else { return };
    for path in std::fs::read_dir(around).into_iter().flatten().flatten().map(|entry| entry.path())
    {
        let found = name(&path).unwrap_or_default();
        if found != own && found.starts_with(&format!("{module}-abi")) {
            tracing::info!("{}: of another release, removed", path.display());
            if let Err(error) = hitless_plane::remove_pins(&path) {
                tracing::warn!("{error}");
            }
        }
    }
}

fn micros(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_since(from).as_micros()).unwrap_or(u64::MAX)
}

/// Hands over, if somebody is there, and falls silent.
async fn give_up(core: &CoreSender) {
    let handover = |reply| CoreInput::Handover(HandoverCause::Stop, reply);
    if let Ok(Ok(())) = core.ask(handover).await {
        let _gone_already = wait_until_silent(core).await;
    }
    let _gone_already = core.ask(CoreInput::Leave).await;
}

async fn wait_until_silent(core: &CoreSender) -> Result<(), Gone> {
    let begun = clock::now();
    let busy = |status: &Status| status.role.forwards() && status.peer.is_some();
    while busy(&core.ask(CoreInput::Status).await?) {
        if clock::now().saturating_since(begun) > LEAVING {
            tracing::warn!("the peer did not take over within {LEAVING:?}; leaving all the same");
            return Ok(());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}
