//! Going on where an earlier life of this module left off.
//!
//! The data plane outlives the process and forwards on while its gate is open. A life that begins
//! while the lease in the gate still runs starts its core thread first, with the configuration that
//! was kept, so that a heartbeat leaves within milliseconds; programs are loaded and replaced after
//! that, which takes a hundred times as long.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use anyhow::{Context, Result};
use hitless_core::node::{NodeConfig, Resume};
use hitless_model::abi::RoleWord;
use hitless_model::{Epoch, Instant, Role, Slot, VlanId};
use hitless_plane::{Desired, RoleHandle};
use tokio::sync::mpsc;

use super::chores::Record;
use super::ground::PeerNews;
use super::start::{self, Pair, Stage};
use super::{clock, kept};
use crate::api::types::ModuleConfig;
use crate::names::Names;
use crate::netlink::Netlink;
use crate::netlink::module_net::InterfaceState;

/// Less of a lease than this is as good as none: the first renewal would come too late.
const WORTH_IT: Duration = Duration::from_millis(2);

/// What there is to begin with.
pub(crate) enum Former {
    /// Nothing: the supervisor says what to be.
    Nothing,
    /// The configuration of a process that this one replaces.
    Configuration(Box<ModuleConfig>),
    /// An active role, held already.
    Active(Box<Resumed>),
}

/// A member of a group that is active again, its data plane not yet loaded.
pub(crate) struct Resumed {
    /// What it runs with.
    pub(crate) config: ModuleConfig,
    /// What the data plane should hold of it.
    pub(crate) desired: Desired,
    /// Its interfaces, as far as the pair needs them.
    pub(crate) interfaces: BTreeMap<VlanId, InterfaceState>,
    /// The newest decisions.
    pub(crate) record: Record,
    /// Its threads.
    pub(crate) pair: Pair,
    /// What they learn of the peer.
    pub(crate) peer_news: PeerNews,
}

/// Looks at what an earlier life left; `replaces` tells that this process took over from it on
/// purpose. To be called in the module's namespace, before any thread is made.
pub(crate) fn begin(names: &Names, slot: Slot, replaces: bool) -> Former {
    let word = open_gate(names, slot);
    if word.is_none() && !replaces {
        return Former::Nothing;
    }
    let config = match kept::load(&names.module_config(slot)) {
        Ok(Some(config)) => config,
        Ok(None) => return Former::Nothing,
        Err(error) => {
            tracing::warn!("the configuration of the life before cannot be used: {error}");
            return Former::Nothing;
        }
    };
    let Some((gate, word)) = word.filter(|_| config.module.ft.is_some()) else {
        return if replaces { Former::Configuration(Box::new(config)) } else { Former::Nothing };
    };
    match resume(names, slot, config, (gate, word)) {
        Ok(resumed) => Former::Active(Box::new(resumed)),
        Err(error) => {
            tracing::warn!("cannot go on as active: {error:#}");
            Former::Nothing
        }
    }
}

/// The gate that was left, if it is open and for long enough.
fn open_gate(names: &Names, slot: Slot) -> Option<(RoleHandle, RoleWord)> {
    let gate = RoleHandle::open_pinned(&names.module_pins(slot)).ok()?;
    let word = gate.read().ok()?;
    is_open(&word, clock::now()).then_some((gate, word))
}

fn is_open(word: &RoleWord, now: Instant) -> bool {
    let left = Instant::from_nanos(word.lease_until).saturating_since(now);
    word.role == u32::from(Role::Active as u8) && left > WORTH_IT
}

fn resume(
    names: &Names,
    slot: Slot,
    config: ModuleConfig,
    (gate, word): (RoleHandle, RoleWord),
) -> Result<Resumed> {
    let interfaces = on_this_thread(interfaces(&config))??;
    let desired = start::desired(&config.module, &interfaces);
    let node = start::node_config(names, slot, &config, &interfaces)?;
    let node = node.context("no fault-tolerant group")?;
    anyhow::ensure!(node.epoch.0 <= word.epoch, "the gate is of an earlier epoch");
    let left = Instant::from_nanos(word.lease_until).saturating_since(clock::now());
    tracing::info!("module {slot}: goes on as active, {} ms of its lease left", left.as_millis());
    let node = NodeConfig { epoch: Epoch(word.epoch), ..resuming(node, &word) };
    let (peers, peer_news) = mpsc::unbounded_channel();
    let worker = start::worker(names, slot, peers);
    let record = worker.record.clone();
    let forwards_since = (word.active_since > 0).then(|| Instant::from_nanos(word.active_since));
    let (module, desired_here) = (&config.module, &desired);
    let stage =
        Stage { gate, forwards_since, module, desired: desired_here, interfaces: &interfaces };
    let pair = Pair::start(node, stage, worker)?;
    Ok(Resumed { config, desired, interfaces, record, pair, peer_news })
}

fn resuming(node: NodeConfig, word: &RoleWord) -> NodeConfig {
    let resume = Resume {
        epoch: Epoch(word.epoch),
        lease_until: Instant::from_nanos(word.lease_until),
        alone: word.flags & RoleWord::ALONE != 0,
    };
    NodeConfig { warm: true, resume: Some(resume), ..node }
}

/// Waits for something without leaving it to other threads, which have to be scheduled first.
fn on_this_thread<T>(work: impl Future<Output = T>) -> io::Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work))
}

/// The node of a life that does not go on as active. A gate that does not forward and yet has a lease
/// holds a promise of the life before: not to take over from an absent peer until then.
pub(crate) fn not_resuming(node: NodeConfig, word: &RoleWord, adopted: bool) -> NodeConfig {
    let forwards = u8::try_from(word.role).ok().and_then(Role::from_number);
    let is_promise = word.lease_until > 0 && !forwards.is_some_and(Role::forwards);
    let held_until = is_promise.then(|| Instant::from_nanos(word.lease_until));
    NodeConfig { warm: adopted, held_until, ..node }
}

/// The interfaces that the configuration needs, in one question.
async fn interfaces(config: &ModuleConfig) -> Result<BTreeMap<VlanId, InterfaceState>> {
    let links = Netlink::connect()?.links().await?;
    let module = &config.module;
    let ft = module.ft.as_ref().map(|ft| ft.vlan);
    let vlans = module.vlans.keys().chain(&module.ft_vlans).copied().chain(ft);
    let state = |vlan: VlanId| {
        let link = links.iter().find(|link| link.name == Names::vlan(vlan));
        let state =
            link.and_then(|link| Some(InterfaceState { index: link.index, mac: link.mac? }));
        Ok((vlan, state.with_context(|| format!("there is no interface {}", Names::vlan(vlan)))?))
    };
    vlans.map(state).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_active_gate_with_a_lease_that_runs_is_gone_on_from() {
        let now = Instant::from_nanos(1_000_000_000);
        let word = |role: Role, lease_ms: u64| RoleWord {
            role: u32::from(role as u8),
            lease_until: lease_ms * 1_000_000,
            ..RoleWord::default()
        };
        assert!(is_open(&word(Role::Active, 1_010), now));
        assert!(!is_open(&word(Role::Active, 1_001), now), "too little is left");
        assert!(!is_open(&word(Role::Active, 990), now), "over");
        assert!(!is_open(&word(Role::Draining, 1_010), now), "the peer is taking over");
        assert!(!is_open(&word(Role::Standby, 1_010), now));
    }

    fn node() -> NodeConfig {
        let module = hitless_config::parse(
            "module csm 5\n ft group 9 vlan 9\n  heartbeat-time msec 10\n  failover msec 30\n",
            "a.conf",
        );
        let module = module.unwrap().modules.into_values().next().unwrap();
        let identity = super::super::settings::Identity {
            unit: hitless_model::UnitId(1),
            seed: [0; 32],
            epoch: Epoch(4),
            digest: 0,
        };
        let ft = module.ft.clone().unwrap();
        super::super::settings::node_config(&module, &ft, &BTreeMap::new(), &identity)
    }

    #[test]
    fn a_lease_renewed_without_a_peer_is_gone_on_as_such() {
        let word = RoleWord { flags: RoleWord::ALONE, epoch: 4, ..RoleWord::default() };
        let resume = Resume { epoch: Epoch(4), lease_until: Instant::ZERO, alone: true };
        let node = resuming(node(), &word);
        assert_eq!((node.warm, node.resume), (true, Some(resume)));
    }

    #[test]
    fn a_promise_of_the_life_before_is_kept_and_an_old_lease_is_none() {
        let word = |role: Role| RoleWord {
            role: u32::from(role as u8),
            lease_until: 77,
            ..RoleWord::default()
        };
        let held = |role| not_resuming(node(), &word(role), true).held_until;
        assert_eq!(held(Role::Standby), Some(Instant::from_nanos(77)));
        assert_eq!(held(Role::Active), None);
        assert_eq!(not_resuming(node(), &RoleWord::default(), true).held_until, None);
    }
}
