//! What holds for the entries of each group, and of each virtual server that has none.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use hitless_config::model::{StickyAddress, Subnet};
use hitless_model::abi::{self, FlowKey, StickyKey};
use hitless_model::{Instant, StickyClient, StickyOwner};

use crate::desired::{Desired, Sticky, StickySince, VirtualServer};

/// What holds for the entries of one owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// How long they last; zero = until they are cleared.
    pub(crate) lasts: Duration,
    /// Since when that counts.
    pub(crate) since: StickySince,
    /// Whether the peer is told of them.
    pub(crate) replicate: bool,
    /// Which of a client's addresses are in them, and how much: one virtual server of a group that is
    /// not configured may say it otherwise than another.
    masks: BTreeSet<u8>,
}

/// All rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    owners: BTreeMap<StickyOwner, Rule>,
    /// Virtual servers whose clients stick, as they lie in the map.
    servers: BTreeMap<abi::VirtualKey, abi::VirtualServer>,
}

impl Rules {
    /// The rules of a configuration as it lies in the map of virtual servers.
    pub(crate) fn new(
        desired: &Desired,
        virtuals: &BTreeMap<abi::VirtualKey, abi::VirtualServer>,
    ) -> Self {
        let mut rules = Self::default();
        for server in &desired.virtual_servers {
            let Some(sticky) = server.sticky else { continue };
            rules.add(owner(server, &sticky), &sticky);
            let key = server.endpoint.key();
            rules.servers.extend(virtuals.get(&key).map(|entry| (key, *entry)));
        }
        rules
    }

    /// The entries of a group last as long as those of the virtual server that keeps them longest.
    fn add(&mut self, owner: StickyOwner, sticky: &Sticky) {
        let rule = self.owners.entry(owner).or_insert_with(|| Rule {
            lasts: sticky.lasts,
            since: sticky.since,
            replicate: false,
            masks: BTreeSet::new(),
        });
        rule.lasts = rule.lasts.max(sticky.lasts);
        rule.replicate |= sticky.replicate;
        if sticky.by != StickyAddress::Destination {
            rule.masks.insert(sticky.prefix);
        }
    }

    /// What holds for the entries of an owner; none if the configuration does not have it.
    pub(crate) fn of(&self, owner: StickyOwner) -> Option<&Rule> {
        self.owners.get(&owner)
    }

    /// Whom the entry of a flow to a virtual server is about.
    pub(crate) fn key_of(&self, flow: &FlowKey) -> Option<StickyKey> {
        let FlowKey { dst: ip, dst_port: port, protocol, .. } = *flow;
        let server = self.servers.get(&abi::VirtualKey { ip, port, protocol, reserved: 0 })?;
        StickyKey::of(flow, server)
    }

    /// Whether no virtual server's clients stick.
    pub(crate) fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }
}

impl Rule {
    /// How much longer an entry lasts that was used last so long ago; none if it does not end by time.
    pub(crate) fn left(&self, last_used: Instant, now: Instant) -> Option<Duration> {
        let unused = now.saturating_since(last_used);
        (!self.lasts.is_zero()).then(|| self.lasts.saturating_sub(unused))
    }

    /// Whether an entry is about this address of a client.
    pub(crate) fn is_about(&self, client: &StickyClient, address: Ipv4Addr) -> bool {
        let network = |prefix| Subnet { address, prefix }.network().address;
        self.masks.iter().any(|prefix| network(*prefix) == client.source)
    }
}

fn owner(server: &VirtualServer, sticky: &Sticky) -> StickyOwner {
    let (listens, protocol) = (server.endpoint.socket, server.endpoint.protocol);
    sticky.group.map_or(StickyOwner::Server { listens, protocol }, StickyOwner::Group)
}
