//! The module's namespace: made ready before the data plane is attached, and kept so.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, bail};
use hitless_config::model::Module;
use hitless_model::{Mac, VlanId};
use hitless_plane::NextHops;
use tokio::sync::{mpsc, watch};

use crate::names::Names;
use crate::netlink::module_net::{self, Change, InterfaceState, Reconciler};

/// Changes in the namespace that may wait for the data plane.
const CHANGES_WAITING: usize = 1_024;

/// News of the peer's MACs.
pub(crate) type PeerNews = mpsc::UnboundedReceiver<(VlanId, Mac)>;

/// The module's namespace, as it is before the data plane is attached.
pub(crate) struct Ground {
    /// Its interfaces.
    pub(crate) interfaces: BTreeMap<VlanId, InterfaceState>,
    network: module_net::Desired,
    reconciler: Reconciler,
    changes: Vec<Change>,
}

impl Ground {
    /// Makes the namespace as the configuration wants it, and as `peers` told already.
    pub(crate) async fn prepare(module: &Module, peers: &mut PeerNews) -> Result<Self> {
        let mut network = module_net::Desired::from_module(module);
        while let Ok((vlan, mac)) = peers.try_recv() {
            network.set_peer(vlan, mac);
        }
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

    /// Keeps it so, and the data plane informed, until the returned value is dropped.
    pub(crate) fn keep(self, next_hops: NextHops, peers: PeerNews) -> Network {
        let interfaces = self.interfaces;
        let known = Neighbours::default();
        for change in &self.changes {
            take_change(change, &next_hops, &interfaces, &known);
        }
        let (desired, wanted) = watch::channel(self.network);
        let network = Network {
            desired: desired.clone(),
            known: known.clone(),
            next_hops: next_hops.clone(),
        };
        let (news, mut changes) = mpsc::channel(CHANGES_WAITING);
        let reconciler = self.reconciler;
        tokio::spawn(async move {
            if let Err(error) = reconciler.watch(wanted, news).await {
                tracing::error!("the namespace is not watched any more: {error}");
            }
        });
        tokio::spawn(async move {
            while let Some(change) = changes.recv().await {
                take_change(&change, &next_hops, &interfaces, &known);
            }
        });
        tokio::spawn(enter_peers(desired, peers));
        network
    }
}

/// Where a neighbour is: its interface and its address.
type Place = (u32, Ipv4Addr);

/// The MACs that were told of so far: the data plane has no use for most of them until a
/// configuration names them.
#[derive(Clone, Default)]
struct Neighbours(Arc<Mutex<BTreeMap<Place, Mac>>>);

impl Neighbours {
    fn all(&self) -> MutexGuard<'_, BTreeMap<Place, Mac>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, place: Place, mac: Option<Mac>) {
        match mac {
            Some(mac) => self.all().insert(place, mac),
            None => self.all().remove(&place),
        };
    }
}

/// The module's namespace, kept as it should be.
pub(crate) struct Network {
    desired: watch::Sender<module_net::Desired>,
    known: Neighbours,
    next_hops: NextHops,
}

impl Network {
    /// What should be from now on; where the peer is stays as it is known.
    pub(crate) fn want(&self, module: &Module) {
        let mut wanted = module_net::Desired::from_module(module);
        self.desired.send_if_modified(|network| {
            wanted.keep_peers_of(network);
            let is_news = *network != wanted;
            *network = wanted;
            is_news
        });
    }

    /// Tells the data plane the MACs of neighbours that it has not cared for until now.
    pub(crate) fn introduce(&self, places: &BTreeSet<Place>) {
        let known = self.known.all();
        for &(index, ip) in places {
            if let Some(mac) = known.get(&(index, ip)) {
                set_mac(&self.next_hops, (index, ip), Some(*mac));
            }
        }
    }
}

/// The peer's MACs become permanent neighbours.
async fn enter_peers(desired: watch::Sender<module_net::Desired>, mut peers: PeerNews) {
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
    known: &Neighbours,
) {
    match *change {
        Change::Neighbour { index, address: IpAddr::V4(ip), mac } => {
            // Before the data plane: a change that comes in between finds it here.
            known.learn((index, ip), mac);
            set_mac(next_hops, (index, ip), mac);
        }
        Change::Neighbour { address: IpAddr::V6(_), .. } => {}
        Change::Interface { vlan, state } if interfaces.get(&vlan) == state.as_ref() => {}
        Change::Interface { vlan, .. } => {
            tracing::error!("{} was taken away or replaced; starting anew", Names::vlan(vlan));
            std::process::exit(1);
        }
    }
}

fn set_mac(next_hops: &NextHops, (index, ip): Place, mac: Option<Mac>) {
    if let Err(error) = next_hops.set_mac(index, ip, mac) {
        tracing::warn!("next hop {ip}: {error}");
    }
}
