//! A number that two boxes agree on when their modules are configured as a pair should be.
//!
//! What config sync would swap (own and alternate value) is taken as an unordered pair, so both
//! sides of a swap agree; without `alt` a box's own address and priority say nothing about its peer
//! and stay out. So do the names of its network devices and how they are used. A key goes in as a
//! hash of its own and cannot be read off the digest.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use blake2::{Blake2s256, Digest as _};

use crate::model::{
    FtGroup, Module, ModuleVlan, Real, ServerFarm, Side, SplitBrain, Subnet, VirtualServer,
};
use crate::variables;

/// The digest of a module's configuration.
pub fn digest(module: &Module) -> u64 {
    let mut feed = Feed::new(b"hitless configuration 1");
    feed.each(&module.vlans, |feed, (id, vlan)| {
        feed.number(u64::from(*id));
        feed_vlan(feed, vlan);
    });
    // The group's VLAN is one of its kind, declared or not.
    let ft_vlans: BTreeSet<_> =
        module.ft_vlans.iter().copied().chain(module.ft.as_ref().map(|ft| ft.vlan)).collect();
    feed.each(&ft_vlans, |feed, vlan| feed.number(u64::from(*vlan)));
    feed.each(&module.farms, |feed, (name, farm)| {
        feed.text(name.as_str());
        feed_farm(feed, farm);
    });
    feed.each(&module.virtual_servers, |feed, (name, server)| {
        feed.text(name.as_str());
        feed_virtual_server(feed, server);
    });
    let shared = module.variables.iter().filter(|(name, _)| !variables::is_local(name));
    feed.each(shared, |feed, (name, value)| {
        feed.text(name);
        feed.text(value);
    });
    feed.each(&module.ft, feed_ft);
    feed.finish()
}

fn feed_vlan(feed: &mut Feed, vlan: &ModuleVlan) {
    feed.number(match vlan.side {
        Side::Client => 1,
        Side::Server => 2,
    });
    match vlan.alt_address {
        Some(alt) => feed.each(swappable(vlan.address, alt), Feed::subnet),
        // Without `alt` nobody said what the other box has; the segment is the same.
        None => feed.each(vlan.address.map(Subnet::network), Feed::subnet),
    }
    // The first gateway is the preferred one: their order has a meaning.
    feed.each(&vlan.gateways, |feed, gateway| feed.address(*gateway));
    feed.each(sorted(&vlan.aliases), |feed, alias| feed.subnet(*alias));
    feed.each(sorted(&vlan.routes), |feed, route| {
        feed.subnet(route.network);
        feed.address(route.gateway);
    });
}

/// What config sync swaps, in an order that both boxes have.
fn swappable<T: Ord>(own: Option<T>, alt: T) -> Vec<T> {
    let mut both: Vec<T> = own.into_iter().chain([alt]).collect();
    both.sort_unstable();
    both
}

fn sorted<T: Ord>(items: &[T]) -> Vec<&T> {
    let mut sorted: Vec<&T> = items.iter().collect();
    sorted.sort_unstable();
    sorted
}

fn feed_farm(feed: &mut Feed, farm: &ServerFarm) {
    feed.flag(farm.nat_server);
    let mut reals: Vec<&Real> = farm.reals.iter().collect();
    reals.sort_unstable_by_key(|real| (real.address, real.port));
    feed.each(reals, |feed, real| {
        feed.address(real.address);
        feed.each(real.port, |feed, port| feed.number(u64::from(port)));
        feed.number(u64::from(real.weight));
        feed.flag(real.in_service);
    });
}

fn feed_virtual_server(feed: &mut Feed, server: &VirtualServer) {
    feed.each(server.listens, |feed, listens| {
        feed.subnet(listens.address);
        feed.number(u64::from(listens.protocol.number()));
        feed.number(u64::from(listens.port));
    });
    feed.each(&server.farm, |feed, farm| feed.text(farm.as_str()));
    feed.time(server.idle);
    feed.time(server.pending);
    feed.flag(server.replicate_connections);
    feed.flag(server.in_service);
}

fn feed_ft(feed: &mut Feed, ft: &FtGroup) {
    feed.number(u64::from(ft.group));
    feed.number(u64::from(ft.vlan));
    feed.each(ft.alt_priority, |feed, alt| {
        feed.each(swappable(Some(ft.priority), alt), |feed, p| feed.number(p.into()));
    });
    feed.time(ft.heartbeat);
    feed.time(ft.failover);
    feed.flag(ft.preempt);
    feed.each(&ft.key, |feed, key| {
        let mut hash = Blake2s256::new_with_prefix(b"hitless key-string");
        hash.update(key.expose());
        feed.0.update(hash.finalize());
    });
    // A release without the word agrees with one that does not use it.
    if ft.split_brain == SplitBrain::Gateway {
        feed.text("split-brain gateway");
    }
}

/// Takes everything in a form that leaves no two readings: numbers with eight octets, texts and
/// lists with their length in front.
struct Feed(Blake2s256);

impl Feed {
    fn new(domain: &[u8]) -> Self {
        Self(Blake2s256::new_with_prefix(domain))
    }

    fn number(&mut self, number: u64) {
        self.0.update(number.to_be_bytes());
    }

    fn flag(&mut self, flag: bool) {
        self.number(u64::from(flag));
    }

    fn time(&mut self, time: Duration) {
        self.number(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text);
    }

    fn address(&mut self, address: Ipv4Addr) {
        self.0.update(address.octets());
    }

    fn subnet(&mut self, subnet: Subnet) {
        self.address(subnet.address);
        self.number(u64::from(subnet.prefix));
    }

    fn each<I: IntoIterator>(&mut self, items: I, mut one: impl FnMut(&mut Self, I::Item)) {
        let mut count = 0;
        for item in items {
            self.0.update([1]);
            one(self, item);
            count += 1;
        }
        self.0.update([0]);
        self.number(count);
    }

    fn finish(self) -> u64 {
        let hash = self.0.finalize();
        hash.iter().take(8).fold(0, |number, octet| number << 8 | u64::from(*octet))
    }
}
