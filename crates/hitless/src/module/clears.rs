//! What a module can be told to forget: connections, counts, neighbours.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, ensure};
use hitless_core::node::Captured;
use hitless_model::ConnKey;
use hitless_plane::{DumpCursor, Which};

use super::clock;
use super::engine::Engine;
use super::inbox::CoreInput;
use super::views::Names;
use crate::api::types::{ClearConnections, Cleared, ConnInfo, ConnQuery, CounterInfo};
use crate::netlink::Netlink;

/// Connections forgotten at a time: the peer is told as many at once.
const PART: usize = 512;
/// What somebody who knows the original might not expect.
const NO_RESET: &str = "The connections are forgotten without a reset: clients and reals notice at their \
                        next packet, which is dropped.";

/// What the counters were when they were cleared.
#[derive(Debug, Default)]
pub(crate) struct Baseline(Mutex<BTreeMap<String, u64>>);

impl Baseline {
    /// From now on these are zero.
    pub(crate) fn set(&self, counters: Vec<CounterInfo>) {
        let values = counters.into_iter().map(|counter| (counter.name, counter.value));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = values.collect();
    }

    /// What was counted since.
    pub(crate) fn since(&self, counters: &mut [CounterInfo]) {
        let cleared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for counter in counters {
            let before = cleared.get(&counter.name).copied().unwrap_or(0);
            counter.value = counter.value.saturating_sub(before);
        }
    }
}

/// Forgets connections, and has the peer forget them. Whole tables are read: not on a thread that
/// others wait for.
///
/// # Errors
/// When this box is not the one that forwards them, or the table cannot be read.
pub(crate) fn connections(engine: &Engine, which: &ClearConnections) -> Result<Cleared> {
    let query = match which {
        ClearConnections::All => ConnQuery::default(),
        ClearConnections::Real(address) => {
            ConnQuery { real: Some(*address), ..ConnQuery::default() }
        }
        ClearConnections::VirtualServer(name) => {
            ConnQuery { vserver: Some(name.clone()), ..ConnQuery::default() }
        }
    };
    let fitting = fitting(engine, &query)?;
    let mut table = engine.plane().connections();
    for part in fitting.chunks(PART) {
        table.remove(part)?;
        if let Some(core) = &engine.core {
            core.send(CoreInput::Captured(part.iter().copied().map(Captured::Remove).collect()))?;
        }
    }
    let entries = u64::try_from(fitting.len()).unwrap_or(u64::MAX);
    let notices = if entries > 0 { vec![NO_RESET.to_owned()] } else { Vec::new() };
    Ok(Cleared { entries, notices })
}

/// First all of them are found, then they are removed: a table that is read while it shrinks could
/// skip some.
fn fitting(engine: &Engine, query: &ConnQuery) -> Result<Vec<ConnKey>> {
    let (table, names) = (engine.plane().connections(), Names::new(&engine.held()));
    let mut found = Vec::new();
    for which in [Which::Main, Which::Embryonic] {
        let mut cursor = DumpCursor::default();
        while !cursor.is_done() {
            let part = table.dump_detail(which, super::views::PART, &mut cursor, clock::now())?;
            let infos = part.iter().map(|detail| names.info(detail));
            let fits = infos.filter(|info: &ConnInfo| query.fits(info));
            found.extend(fits.map(|info| info.record.key));
        }
    }
    Ok(found)
}

/// Has the kernel ask for MACs anew.
///
/// # Errors
/// When the kernel refuses.
pub(crate) async fn arp_cache(engine: &Engine, address: Option<Ipv4Addr>) -> Result<Cleared> {
    let netlink = Netlink::connect()?;
    let known = engine.plane().next_hops().list()?;
    let wanted = known.iter().filter(|hop| address.is_none_or(|address| hop.ip == address));
    let mut entries = 0;
    let held = engine.held();
    for hop in wanted {
        let Some(interface) = held.interfaces.get(&hop.vlan) else { continue };
        netlink.remove_neighbour(interface.index, IpAddr::V4(hop.ip)).await?;
        entries += 1;
    }
    ensure!(entries > 0 || address.is_none(), "there is no such next hop");
    Ok(Cleared { entries, notices: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(name: &str, value: u64) -> CounterInfo {
        CounterInfo { name: name.to_owned(), value, help: String::new() }
    }

    #[test]
    fn counters_begin_at_zero_when_they_were_cleared() {
        let baseline = Baseline::default();
        baseline.set(vec![counter("a", 10), counter("b", 3)]);
        let mut now = [counter("a", 15), counter("b", 3), counter("c", 7)];
        baseline.since(&mut now);
        assert_eq!(now.map(|counter| counter.value), [5, 0, 7]);
    }

    #[test]
    fn counters_that_began_anew_by_themselves_are_not_below_zero() {
        let baseline = Baseline::default();
        baseline.set(vec![counter("a", 10)]);
        let mut now = [counter("a", 2)];
        baseline.since(&mut now);
        assert_eq!(now.map(|counter| counter.value), [0]);
    }
}
