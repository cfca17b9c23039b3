//! Applies the difference, and keeps at it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hitless_model::{Mac, VlanId};
use rtnetlink::MulticastGroup;
use tokio::sync::{mpsc, watch};
use tokio::time::{Interval, MissedTickBehavior};

use super::desired::Desired;
use super::diff::{Actual, Operation, diff};
use super::known::{Change, InterfaceState, Known};
use crate::names::Names;
use crate::netlink::events::{Event, Events};
use crate::netlink::{Error, Netlink};

/// How often to look even if the kernel said nothing. Events are the rule; this is for what they
/// missed and for what failed.
const TICK: Duration = Duration::from_secs(5);

/// How long to wait for more events before looking: a burst is one change.
const SETTLE: Duration = Duration::from_millis(2);

/// What one pass did.
#[derive(Debug, Default)]
pub struct Report {
    /// What was changed.
    pub done: Vec<Operation>,
    /// What could not be changed, and why: one sentence each.
    pub failed: BTreeSet<String>,
    /// VLANs that have no interface yet.
    pub missing: Vec<VlanId>,
}

/// Makes the namespace it was opened in match what is desired, and tells the data plane.
pub struct Reconciler {
    netlink: Netlink,
    events: Events,
    known: Known,
    failing: BTreeSet<String>,
}

impl Reconciler {
    /// Opens its connections in the network namespace of the calling thread, which must be in a
    /// tokio runtime.
    pub fn open() -> Result<Self, Error> {
        let groups = [
            MulticastGroup::Link,
            MulticastGroup::Neigh,
            MulticastGroup::Ipv4Ifaddr,
            MulticastGroup::Ipv6Ifaddr,
            MulticastGroup::Ipv4Route,
        ];
        // Listening comes before looking, so that nothing falls between the two.
        let events = Events::subscribe(&groups)?;
        let netlink = Netlink::connect()?;
        Ok(Self { netlink, events, known: Known::default(), failing: BTreeSet::new() })
    }

    /// The module's interfaces as of the newest pass.
    pub fn interfaces(&self) -> &BTreeMap<VlanId, InterfaceState> {
        self.known.interfaces()
    }

    /// One pass: what was done, and what the data plane has not been told yet.
    pub async fn reconcile(&mut self, desired: &Desired) -> Result<(Report, Vec<Change>), Error> {
        let mut actual = self.dump().await?;
        let mut report = Report::default();
        for operation in diff(desired, &actual) {
            match self.apply(operation).await {
                Ok(()) => report.done.push(operation),
                Err(error) => drop(report.failed.insert(error.to_string())),
            }
        }
        if !report.done.is_empty() {
            actual = self.dump().await?;
        }
        for (index, mac) in receives(desired, &actual) {
            if let Err(error) = self.netlink.receive_for(index, mac).await {
                report.failed.insert(error.to_string());
            }
        }
        let vlans = || desired.interfaces.keys().copied();
        let mut changes = self.known.all_interfaces(vlans(), &actual.links);
        changes.extend(self.known.all_neighbours(&actual.neighbours));
        report.missing = vlans().filter(|vlan| !self.interfaces().contains_key(vlan)).collect();
        self.say(&report);
        Ok((report, changes))
    }

    /// Reconciles for ever: on every change of what is desired, on every change in the namespace,
    /// and on a slow tick. Ends when nobody desires or listens any more.
    pub async fn watch(
        mut self,
        mut desired: watch::Receiver<Desired>,
        changes: mpsc::Sender<Change>,
    ) -> Result<(), Error> {
        let mut tick = ticker();
        loop {
            let wanted = desired.borrow_and_update().clone();
            let (_, news) = self.reconcile(&wanted).await?;
            for change in news {
                if changes.send(change).await.is_err() {
                    return Ok(());
                }
            }
            if !self.wait(&mut desired, &changes, &mut tick).await {
                return Ok(());
            }
        }
    }

    /// Passes neighbours on until there is reason for another pass; false when all is over.
    async fn wait(
        &mut self,
        desired: &mut watch::Receiver<Desired>,
        changes: &mpsc::Sender<Change>,
        tick: &mut Interval,
    ) -> bool {
        loop {
            let event = tokio::select! {
                _ = tick.tick() => return true,
                changed = desired.changed() => return changed.is_ok(),
                event = self.events.next() => event,
            };
            let Some(event) = event else { return false };
            let (change, is_reason) = self.take(event);
            if let Some(change) = change
                && changes.send(change).await.is_err()
            {
                return false;
            }
            if is_reason {
                tokio::time::sleep(SETTLE).await;
                return true;
            }
        }
    }

    /// What an event means: news for the data plane, and whether it calls for a pass.
    fn take(&mut self, event: Event) -> (Option<Change>, bool) {
        match event {
            Event::Neighbour(found) => (self.known.neighbour(&found, found.mac), false),
            Event::NeighbourGone(found) => (self.known.neighbour(&found, None), true),
            Event::Link | Event::Address | Event::Route | Event::Lost => (None, true),
        }
    }

    async fn dump(&self) -> Result<Actual, Error> {
        Ok(Actual {
            links: self.netlink.links().await?,
            addresses: self.netlink.addresses().await?,
            link_locals: self.netlink.link_locals().await?,
            routes: self.netlink.routes().await?,
            neighbours: self.netlink.neighbours().await?,
        })
    }

    async fn apply(&self, operation: Operation) -> Result<(), Error> {
        let netlink = &self.netlink;
        match operation {
            Operation::SetUp(index) => netlink.set_up(index).await,
            Operation::RemoveAddress(address) => netlink.remove_address(address).await,
            Operation::AddAddress(address) => netlink.add_address(address).await,
            Operation::AddLinkLocal(index, address) => netlink.add_link_local(index, address).await,
            Operation::RemoveRoute(route) => netlink.remove_route(route).await,
            Operation::ReplaceRoute(route) => netlink.replace_route(route).await,
            Operation::AddRoute(route) => netlink.add_route(route).await,
            Operation::RemoveNeighbour(index, address) => {
                netlink.remove_neighbour(index, address).await
            }
            Operation::SetPeer(index, address, mac) => {
                netlink.set_permanent_neighbour(index, address, mac).await
            }
            Operation::KeepResolved(index, address) => {
                netlink.add_managed_neighbour(index, address).await
            }
        }
    }

    /// Says what was done, and each failure once until it is over.
    fn say(&mut self, report: &Report) {
        for operation in &report.done {
            tracing::debug!("{operation}");
        }
        for vlan in &report.missing {
            tracing::debug!("{} is not there yet", Names::vlan(*vlan));
        }
        for failure in report.failed.difference(&self.failing) {
            tracing::warn!("{failure}");
        }
        self.failing.clone_from(&report.failed);
    }
}

/// Interfaces that have to receive for another MAC. There is no cheap way to ask whether they do.
fn receives(desired: &Desired, actual: &Actual) -> Vec<(u32, Mac)> {
    let wanted = desired.interfaces.iter();
    let wanted = wanted.filter_map(|(vlan, interface)| {
        let name = Names::vlan(*vlan);
        let link = actual.links.iter().find(|link| link.name == name)?;
        Some((link.index, interface.receives?))
    });
    wanted.collect()
}

fn ticker() -> Interval {
    let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + TICK, TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick
}
