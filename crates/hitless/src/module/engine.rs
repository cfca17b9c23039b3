//! A configured module at work: what its threads share, and how it is asked, changed and stopped.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use hitless_core::node::{HandoverCause, Status};
use hitless_model::{Role, Slot, VlanId};
use hitless_plane::{Desired, Plane};
use tokio::sync::watch;

use super::chores::Record;
use super::clock;
use super::inbox::{CoreInput, CoreSender};
use super::start::{self, Ground};
use crate::api::types::ModuleConfig;
use crate::names::Names;
use crate::netlink::module_net::{self, InterfaceState};

/// How long a handover at the end may take before this box leaves all the same.
const LEAVING: Duration = Duration::from_secs(5);
/// Pause between two looks at a role that is about to change.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A module at work.
pub(crate) struct Engine {
    /// The configuration in force.
    pub(crate) config: ModuleConfig,
    /// What the data plane holds of it.
    pub(crate) desired: Desired,
    /// The module's interfaces.
    pub(crate) interfaces: BTreeMap<VlanId, InterfaceState>,
    /// The newest decisions.
    pub(crate) record: Record,
    plane: Mutex<Plane>,
    /// The core thread, for a member of a group.
    core: Option<CoreSender>,
    /// What the namespace should be; the netlink tasks end when it is dropped.
    _network: watch::Sender<module_net::Desired>,
}

impl Engine {
    /// Starts a module with its first configuration, in the module's namespace.
    pub(crate) async fn start(names: &Names, slot: Slot, config: ModuleConfig) -> Result<Self> {
        let ground = Ground::prepare(&config.module).await?;
        let interfaces = ground.interfaces.clone();
        let desired = start::desired(&config.module, &interfaces);
        let size = super::settings::connections(&config.module);
        let mut plane = Plane::open(&names.module_pins(slot), size)?;
        plane.apply(&desired)?;
        let (peers, peer_news) = tokio::sync::mpsc::unbounded_channel();
        let worker = start::worker(names, slot, peers);
        let record = worker.record.clone();
        let core = match start::node_config(names, slot, &config, &interfaces)? {
            Some(node) => Some(start::pair(&plane, node, &desired, &interfaces, worker)?),
            None => start::alone(&plane).map(|()| None)?,
        };
        // The gate is shut, or the node's, by now: no packet meets the programs without one.
        for (vlan, port) in &desired.ports {
            let hook = plane.attach(port.facts.ifindex)?;
            tracing::debug!("vlan {vlan}: {hook:?}");
        }
        let network = ground.keep(plane.next_hops(), peer_news);
        let plane = Mutex::new(plane);
        Ok(Self { config, desired, interfaces, record, plane, core, _network: network })
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

    /// Waits while this box forwards and there is a peer to take over from it.
    async fn wait_until_silent(&self) -> Result<()> {
        let begun = clock::now();
        let busy = |status: Status| status.role.forwards() && status.peer.is_some();
        while self.status().await?.is_some_and(busy) {
            if clock::now().saturating_since(begun) > LEAVING {
                tracing::warn!(
                    "the peer did not take over within {LEAVING:?}; leaving all the same"
                );
                return Ok(());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }
}
