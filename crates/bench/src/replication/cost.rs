//! What a connection costs the boxes' processes, and how late the peer knows of it.

use std::time::{Duration, Instant};

use anyhow::Result;
use hitless_lab::interrupt::Interrupt;
use hitless_lab::strain::crowd::{Crowd, Step};
use hitless_lab::work::Work;
use hitless_model::abi::FlowKey;
use serde::Serialize;

use super::boxes::Boxes;
use super::crowd;
use super::lag::Watch;
use crate::forward::core_time::CoreTime;

/// How long the boxes are watched before anything happens.
const IDLE: Duration = Duration::from_secs(4);
/// How long the boxes may take to forget all connections.
const FORGETTING: Duration = Duration::from_secs(150);
const GLANCE: Duration = Duration::from_millis(200);
const TCP: u8 = 6;

/// How much.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) rate: u32,
    pub(super) quick: bool,
}

impl Load {
    /// Connections of some seconds.
    fn flows(self) -> u32 {
        if self.quick { self.rate } else { self.rate * 4 }
    }
}

/// What one box's processes did for each connection, in microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Share {
    pub(super) set_up_us: f64,
    pub(super) taken_down_us: f64,
}

impl Share {
    pub(super) fn us(&self) -> f64 {
        self.set_up_us + self.taken_down_us
    }
}

/// How late the peer knew.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Lags {
    pub(super) median_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) longest_ms: f64,
    /// Connections that were looked for.
    pub(super) looked_for: usize,
    /// Of those, the ones that did not come within half a second.
    pub(super) unseen: usize,
}

/// Everything about connections that come and go.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Cost {
    /// Connections a second.
    pub(super) had: f64,
    /// Connections that went through all steps.
    pub(super) flows: u32,
    /// Those that the box took for established.
    pub(super) established: u64,
    /// Those that it had not forgotten in the end, and its peer.
    pub(super) left: [u64; 2],
    /// Of the box, then of its peer.
    pub(super) shares: Vec<Share>,
    /// Share of the time that the box's core was busy, forwarding included.
    pub(super) core_busy: f64,
    pub(super) lags: Lags,
}

/// Lets connections come and go, and watches until they are forgotten.
pub(super) fn measure(boxes: &Boxes, load: Load, interrupt: &Interrupt) -> Result<Cost> {
    let mut crowd = crowd(boxes)?;
    let base = boxes.entries()?;
    let idle = Pace::watch(boxes, || interrupt.sleep(IDLE))?;
    let watch = Watch::start(boxes.look_at_peer()?);
    let (flows, core, mut took) = (load.flows(), CoreTime::now()?, Duration::ZERO);
    let mut busy = 0.0;
    let setting_up = Pace::watch(boxes, || {
        took = live(&mut crowd, flows, load.rate, &watch, interrupt)?;
        busy = CoreTime::now()?.busy_since(core);
        // What was told last is on its way.
        interrupt.sleep(GLANCE)
    })?;
    let established = boxes.entries()?[0].saturating_sub(base[0]);
    let lags = Lags::of(&watch.finish());
    eprintln!("  {established} of {flows} established; waiting until they are forgotten …");
    let mut left = [0; 2];
    let taking_down = Pace::watch(boxes, || {
        left = forget(boxes, base, interrupt)?;
        Ok(())
    })?;
    let shares = setting_up.shares(&taking_down, &idle, established);
    let had = f64::from(flows) / took.as_secs_f64();
    Ok(Cost { had, flows, established, left, shares, core_busy: busy, lags })
}

/// The whole life of connections; some are looked for from the moment of their last handshake segment.
fn live(
    crowd: &mut Crowd,
    flows: u32,
    rate: u32,
    watch: &Watch,
    interrupt: &Interrupt,
) -> Result<Duration> {
    let known = *crowd.flows();
    crowd.run((&Step::LIFE, 0..flows), rate, |step, batch| {
        if step == Step::Ack {
            let client = known.client(batch.end.saturating_sub(1));
            let from = (client.ip().octets(), client.port().to_be_bytes());
            let server = known.virtual_server;
            let to = (server.ip().octets(), server.port().to_be_bytes());
            watch.look_for(FlowKey::new(from, to, TCP));
        }
        interrupt.check()
    })
}

/// Waits until the tables are as empty as they were; what they hold beyond that when nobody waits any more.
fn forget(boxes: &Boxes, base: [u64; 2], interrupt: &Interrupt) -> Result<[u64; 2]> {
    let start = Instant::now();
    loop {
        interrupt.sleep(GLANCE)?;
        let now = boxes.entries()?;
        let left = [0, 1].map(|which: usize| now[which].saturating_sub(base[which]));
        if left == [0, 0] || start.elapsed() > FORGETTING {
            return Ok(left);
        }
    }
}

/// What the boxes' processes did in a while.
struct Pace {
    work: Vec<Work>,
    time: Duration,
}

impl Pace {
    fn watch(boxes: &Boxes, during: impl FnOnce() -> Result<()>) -> Result<Self> {
        let (before, start) = (boxes.work()?, Instant::now());
        during()?;
        let work = boxes.work()?.into_iter().zip(before).map(|(now, then)| now.since(then));
        Ok(Self { work: work.collect(), time: start.elapsed() })
    }

    /// Of each box, for each connection: what setting up and taking down cost beyond what idling costs.
    fn shares(&self, taking_down: &Self, idle: &Self, flows: u64) -> Vec<Share> {
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52")]
        let flows = flows.max(1) as f64;
        let parts = self.work.iter().zip(&taking_down.work).zip(&idle.work);
        parts
            .map(|((set_up, taken_down), idling)| {
                let share = idling.time.as_secs_f64() / idle.time.as_secs_f64();
                let beyond = |work: &Work, time: Duration| {
                    let time = work.time.as_secs_f64() - share * time.as_secs_f64();
                    time.max(0.0) * 1e6 / flows
                };
                Share {
                    set_up_us: beyond(set_up, self.time),
                    taken_down_us: beyond(taken_down, taking_down.time),
                }
            })
            .collect()
    }
}

impl Lags {
    pub(super) fn of(all: &[Option<Duration>]) -> Self {
        let mut seen: Vec<Duration> = all.iter().copied().flatten().collect();
        seen.sort_unstable();
        let at = |percent: usize| {
            let index = (seen.len() * percent / 100).min(seen.len().saturating_sub(1));
            seen.get(index).map_or(0.0, |lag| lag.as_secs_f64() * 1e3)
        };
        Self {
            median_ms: at(50),
            p99_ms: at(99),
            longest_ms: at(100),
            looked_for: all.len(),
            unseen: all.len() - seen.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lags_are_told_by_their_order_and_lost_connections_apart() {
        let lags: Vec<_> = (1..=200).rev().map(|ms| Some(Duration::from_millis(ms))).collect();
        let lags = Lags::of(&[vec![None], lags].concat());
        assert!((lags.median_ms - 101.0).abs() < 1e-9 && (lags.p99_ms - 199.0).abs() < 1e-9);
        assert_eq!((lags.looked_for, lags.unseen), (201, 1));
        assert!((lags.longest_ms - 200.0).abs() < 1e-9);
        assert_eq!(Lags::of(&[]).looked_for, 0);
    }

    #[test]
    fn a_share_is_what_is_beyond_idling_for_each_connection() {
        let pace = |ms: u64, time: u64| Pace {
            work: vec![Work { time: Duration::from_millis(ms), turns: 0 }],
            time: Duration::from_secs(time),
        };
        let shares = pace(500, 4).shares(&pace(110, 10), &pace(20, 2), 100_000);
        assert!((shares[0].set_up_us - 4.6).abs() < 1e-9, "{shares:?}");
        assert!(
            (shares[0].taken_down_us - 0.1).abs() < 1e-9 && (shares[0].us() - 4.7).abs() < 1e-9
        );
    }
}
