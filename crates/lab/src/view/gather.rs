//! What the view shows, looked up where it arises: role words, counters of the network, the load's
//! and the probes' own books, and once a second the daemons' answer to a command.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use anyhow::Result;
use hitless::api::client;
use hitless::api::types::{ExecReply, ExecRequest, FtState};
use hyper::Method;
use tokio::runtime::Runtime;

use crate::arena::{Arena, Plan};
use crate::config_text::BOXES;
use crate::console::{Said, TimeLine};
use crate::load::clients::Tally;
use crate::namespace::Namespace;
use crate::probe::Window;
use crate::sampler::{Onlooker, Seen};
use crate::topology::Port;
use crate::traffic::Onlookers;

/// Time that a character of the probes' line stands for.
pub(super) const SLICE: Duration = Duration::from_millis(100);
/// More of them than any screen is wide.
const SLICES: usize = 240;
/// Time over which a rate is taken.
const SECOND: Duration = Duration::from_secs(1);
/// A daemon that does not answer at once is not waited for: the picture has to go on.
const PATIENCE: Duration = Duration::from_millis(150);

/// A chassis as it is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Chassis {
    pub(super) seen: Seen,
    pub(super) lease_left: Duration,
    /// Heartbeats sent a second, if the daemon answers.
    pub(super) heartbeats: Option<u64>,
    /// Packets a second at its cable to the clients.
    pub(super) packets: u64,
}

/// What goes through the pair.
#[derive(Clone, Debug, Default)]
pub(super) struct Flow {
    pub(super) tally: Tally,
    pub(super) messages: u64,
    pub(super) probes: Window,
    /// Probes lost, newest slice last.
    pub(super) lost: Vec<u64>,
}

/// Everything that is shown.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) plan: Plan,
    pub(super) elapsed: Duration,
    pub(super) chassis: [Chassis; 2],
    /// None before the traffic flows.
    pub(super) flow: Option<Flow>,
    pub(super) time_line: Vec<Said>,
}

/// Counts that become rates.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    packets: [u64; 2],
    heartbeats: [Option<u64>; 2],
    messages: u64,
}

pub(super) struct Gatherer {
    plan: Plan,
    start: Instant,
    roles: Onlooker,
    traffic: Onlookers,
    time_line: TimeLine,
    fabric: Namespace,
    plugs: [String; 2],
    sockets: [PathBuf; 2],
    runtime: Runtime,
    taken: Instant,
    counts: Counts,
    rates: Counts,
}

impl Gatherer {
    pub(super) fn new(arena: &Arena) -> Result<Self> {
        let plug = |number: usize| {
            let host = BOXES[number].hostname;
            arena.network.plug_name(Port { host, interface: "eth-client" })
        };
        Ok(Self {
            plan: arena.plan,
            start: Instant::now(),
            roles: arena.pair.sampler().onlooker(),
            traffic: arena.traffic.onlookers(),
            time_line: arena.console.onlooker(),
            fabric: arena.network.fabric().share()?,
            plugs: [plug(0)?, plug(1)?],
            sockets: arena.pair.sockets(),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
            taken: Instant::now(),
            counts: Counts::default(),
            rates: Counts::default(),
        })
    }

    pub(super) fn look(&mut self) -> Snapshot {
        let traffic = self.traffic.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let messages = traffic.as_ref().map_or(0, |(load, _)| load.exchanges());
        self.take_rates(messages);
        let flow = traffic.map(|(load, probes)| {
            let (lost, all) = probes.lost(SLICE, SLICES);
            let messages = self.rates.messages;
            Flow { tally: load.tally(), messages, probes: all, lost }
        });
        let looks = self.roles.look();
        let chassis = [0, 1].map(|number| Chassis {
            seen: looks[number].0,
            lease_left: looks[number].1,
            heartbeats: self.rates.heartbeats[number],
            packets: self.rates.packets[number],
        });
        let time_line = self.time_line.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Snapshot { plan: self.plan, elapsed: self.start.elapsed(), chassis, flow, time_line }
    }

    fn take_rates(&mut self, messages: u64) {
        let elapsed = self.taken.elapsed();
        if elapsed < SECOND {
            return;
        }
        let packets = self.fabric.within(|| Ok(packets(&self.plugs))).unwrap_or_default();
        let heartbeats =
            [0, 1].map(|number| self.runtime.block_on(heartbeats(&self.sockets[number], number)));
        let now = Counts { packets, heartbeats, messages };
        let rate = |before: u64, now: u64| per_second(now.saturating_sub(before), elapsed);
        let before = std::mem::replace(&mut self.counts, now);
        self.rates = Counts {
            packets: [0, 1].map(|n| rate(before.packets[n], now.packets[n])),
            heartbeats: [0, 1].map(|n| Some(rate(before.heartbeats[n]?, now.heartbeats[n]?))),
            messages: rate(before.messages, now.messages),
        };
        self.taken = Instant::now();
    }
}

fn per_second(count: u64, time: Duration) -> u64 {
    let per_second = u128::from(count) * 1000 / time.as_millis().max(1);
    u64::try_from(per_second).unwrap_or(u64::MAX)
}

/// Packets at these interfaces of the calling thread's namespace, both directions.
fn packets(interfaces: &[String; 2]) -> [u64; 2] {
    let text = std::fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
    let all = counted(&text);
    interfaces.each_ref().map(|name| all.get(name.as_str()).copied().unwrap_or_default())
}

/// Name → packets received and sent, of `/proc/net/dev`.
fn counted(text: &str) -> BTreeMap<&str, u64> {
    let line = |line: &'_ str| {
        let (name, numbers) = line.split_once(':')?;
        let mut numbers = numbers.split_whitespace();
        let received: u64 = numbers.nth(1)?.parse().ok()?;
        let sent: u64 = numbers.nth(7)?.parse().ok()?;
        Some((name.len(), received + sent))
    };
    text.lines()
        .filter_map(|whole| {
            let (length, packets) = line(whole)?;
            Some((whole.get(..length)?.trim(), packets))
        })
        .collect()
}

/// Heartbeats that a daemon says it has sent.
async fn heartbeats(socket: &Path, number: usize) -> Option<u64> {
    let command = format!("show module csm {} ft detail | json", BOXES[number].slot);
    let request = ExecRequest { command };
    let asked = client::call::<_, ExecReply>(socket, Method::POST, "/v1/exec", &request);
    let reply = tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()?;
    let ft: FtState = serde_json::from_str(&reply.output).ok()?;
    let is_one = |name: &str| ["heartbeat", "answer"].contains(&name);
    Some(ft.status.sent.iter().filter(|(name, _)| is_one(name)).map(|(_, count)| count).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_for_each_interface() {
        let text = "Inter-|   Receive            |  Transmit\n \
                    face |bytes    packets errs drop fifo frame compressed multicast|bytes packets\n\
                    \x20   lo:   10  1 0 0 0 0 0 0  20  2 0 0 0 0 0 0\n\
                    sw-client.3: 999 30 0 0 0 0 0 0 999 12 0 0 0 0 0 0\n";
        let all = counted(text);
        assert_eq!(all.get("sw-client.3"), Some(&42));
        assert_eq!(all.get("lo"), Some(&3));
    }

    #[test]
    fn a_rate_is_of_the_time_that_has_passed() {
        assert_eq!(per_second(500, Duration::from_secs(2)), 250);
        assert_eq!(per_second(500, Duration::ZERO), 500_000);
    }
}
