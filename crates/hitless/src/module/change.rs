//! Taking another configuration in place: maps, addresses, announcements and the node's settings
//! change under way, and no packet notices.
//!
//! First it is found out whether that is possible ([`Engine::prepare`]), with everything that can be
//! known before anything is touched; then it is done ([`Engine::commit`]). What the pair is made
//! of (its times, its VLANs) is not changed in place: another life of the module begins
//! with it ([`renew`](super::renew)).
//!
//! Connections are not touched. Those of a virtual server or real that is gone go on until they end
//! or idle out; new ones are not made.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, PoisonError};

use anyhow::{Context, Result, bail};
use hitless_config::model::{FtGroup, Module, SplitBrain};
use hitless_core::node::NodeConfig;
use hitless_model::VlanId;
use hitless_plane::{Desired, Layout, Unsupported};

use super::engine::{Engine, Held};
use super::inbox::CoreInput;
use super::renew::too_different;
use super::wanted::{Prospect, Wanted};
use super::{Life, kept, settings, start};
use crate::api::types::ModuleConfig;

/// A change that waits for its turn.
#[derive(Default)]
pub(crate) struct Pending {
    /// Of the newest one that was prepared.
    number: u64,
    prepared: Option<Prepared>,
}

struct Prepared {
    held: Held,
    layout: Layout,
}

impl Engine {
    /// Finds out whether another configuration can be had, and prepares it. May take long.
    pub(crate) fn prepare(&self, wanted: Wanted) -> Prospect {
        let held = self.held();
        let config = match wanted {
            Wanted::Whole(config) => *config,
            Wanted::Changed(changed) => match changed.on(&held.config) {
                Some(config) => config,
                None => return Prospect::Stale,
            },
        };
        if let Some(why) = too_different(&held.config.module, &config.module) {
            return Prospect::Anew(why.to_owned());
        }
        if let Some(why) = needs_another_life(&held, &config.module) {
            return Prospect::Renewal(why.to_owned());
        }
        let desired = start::compile(&config.module, &held.interfaces);
        if let Some(why) = too_many(&desired) {
            return Prospect::Refused { why };
        }
        let layout = match self.plane().lay_out(&desired) {
            Ok(layout) => layout,
            Err(error) => return Prospect::Refused { why: error.to_string() },
        };
        let is_news = |reason: &&Unsupported| !held.desired.unsupported.contains(reason);
        let news = desired.unsupported.iter().filter(is_news);
        let notices = news.map(|reason| format!("has no effect: {reason}")).collect();
        let node = held.node.as_ref().map(|node| configured(node, &config));
        let interfaces = held.interfaces.clone();
        let prepared = Prepared { held: Held { config, desired, interfaces, node }, layout };
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.number += 1;
        pending.prepared = Some(prepared);
        Prospect::InPlace { number: pending.number, notices }
    }

    /// Makes what was prepared so.
    pub(crate) async fn commit(self: Arc<Self>, life: &Life, number: u64) -> Result<()> {
        let _alone = self.changing.lock().await;
        let Prepared { held: next, layout } = self.prepared(number)?;
        let before = self.held();
        let (engine, fresh) = (Arc::clone(&self), new_neighbours(&before.desired, &next.desired));
        let filled = tokio::task::spawn_blocking(move || {
            let filled = engine.fill(&next, layout);
            (next, filled)
        });
        let (next, filled) = filled.await.context("filling the data plane")?;
        if let Err(error) = filled {
            let back = Arc::clone(&self);
            let restored = tokio::task::spawn_blocking(move || back.plane().apply(&before.desired));
            restored.await.context("filling the data plane")?.context("cannot go back")?;
            return Err(error.into());
        }
        self.network.want(&next.config.module);
        self.network.introduce(&fresh);
        self.tell_node(&next).await?;
        self.hold(next);
        self.keep(life);
        Ok(())
    }

    fn prepared(&self, number: u64) -> Result<Prepared> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.number != number {
            bail!("another change was prepared since");
        }
        pending.prepared.take().context("there is no such change")
    }

    fn fill(&self, next: &Held, layout: Layout) -> hitless_plane::Result<()> {
        self.plane().fill(&next.desired, layout).map(drop)
    }

    async fn tell_node(&self, next: &Held) -> Result<()> {
        let (Some(core), Some(node)) = (&self.core, &next.node) else { return Ok(()) };
        let announcements = settings::announcements(&next.desired);
        let told = CoreInput::Configure(Box::new(node.clone()), announcements);
        let core = core.clone();
        // The inbox may be full for a moment.
        Ok(tokio::task::spawn_blocking(move || core.send(told)).await??)
    }

    /// Keeps the configuration for the next life, without keeping anybody waiting: one that finds the
    /// one before is given this one by its supervisor.
    fn keep(self: &Arc<Self>, life: &Life) {
        let (engine, file) = (Arc::clone(self), life.names.module_config(life.slot));
        tokio::task::spawn_blocking(move || {
            let leaving = engine.keeping.lock().unwrap_or_else(PoisonError::into_inner);
            if *leaving {
                return;
            }
            if let Err(error) = kept::store(&file, &engine.held().config) {
                tracing::warn!("the configuration is not kept: {error}");
            }
        });
    }

    /// From now on the next life's configuration is somebody else's matter, or not any more.
    pub(super) fn leave_keeping(&self, leaving: bool) {
        *self.keeping.lock().unwrap_or_else(PoisonError::into_inner) = leaving;
    }
}

/// What a node has to be told of another configuration.
fn configured(node: &NodeConfig, config: &ModuleConfig) -> NodeConfig {
    let ft = config.module.ft.as_ref();
    NodeConfig {
        priority: ft.map_or(node.priority, |ft| ft.priority),
        preempt: ft.map_or(node.preempt, |ft| ft.preempt),
        key: ft.and_then(|ft| ft.key.as_ref()).map(settings::secret),
        accepted_key: ft.and_then(|ft| ft.accepted_key.as_ref()).map(settings::secret),
        config_digest: config.digest,
        ..node.clone()
    }
}

/// What the threads of the pair are started with, and sockets and programs are put on.
fn needs_another_life(held: &Held, after: &Module) -> Option<&'static str> {
    let before = &held.config.module;
    let pair = |module: &Module| {
        module.ft.as_ref().map(|ft| {
            let FtGroup { heartbeat, failover, split_brain, .. } = ft;
            (*heartbeat, *failover, *split_brain)
        })
    };
    let devices = |module: &Module| -> Vec<(VlanId, Option<String>)> {
        module.vlans.iter().map(|(vlan, settings)| (*vlan, settings.attach.clone())).collect()
    };
    let careful = |module: &Module| {
        module.ft.as_ref().is_some_and(|ft| ft.split_brain == SplitBrain::Gateway)
    };
    let gateways = |module: &Module| -> Vec<_> {
        let vlans = module.vlans.values();
        vlans.map(|vlan| (vlan.address, vlan.aliases.clone(), vlan.gateways.clone())).collect()
    };
    if devices(before) != devices(after) || before.ft_vlans != after.ft_vlans {
        return Some("it has other VLANs");
    }
    if pair(before) != pair(after) {
        return Some("the pair's times or split-brain are others");
    }
    if careful(after) && gateways(before) != gateways(after) {
        return Some("other gateways are asked when the peer is silent");
    }
    if before.hook() != after.hook() {
        return Some("its hook is another one");
    }
    (settings::replicates(before) != settings::replicates(after))
        .then_some("replication of connections is switched on or off")
}

fn too_many(desired: &Desired) -> Option<String> {
    let is_it = |reason: &&Unsupported| matches!(reason, Unsupported::TooMany { .. });
    desired.unsupported.iter().find(is_it).map(ToString::to_string)
}

/// Neighbours that the data plane had no use for before.
fn new_neighbours(before: &Desired, after: &Desired) -> BTreeSet<(u32, Ipv4Addr)> {
    let all = |desired: &Desired| -> BTreeSet<(u32, Ipv4Addr)> {
        let hops = desired.next_hops.iter();
        let places =
            hops.filter_map(|hop| Some((desired.ports.get(&hop.vlan)?.facts.ifindex, hop.ip)));
        places.collect()
    };
    all(after).difference(&all(before)).copied().collect()
}
