//! A crowd: very many TCP connections of which no host knows, at a set pace.
//!
//! Packet sockets at both ends put the segments of both sides on the wire: handshake, a question, an
//! answer, good-byes. Everything passes the box under test; it alone remembers the connections. Neither
//! end waits for the other one: the real behind the virtual server is known, and so is every number.
//! Whether a connection lives is found out by sending on ([`Crowd::check`]).

mod segment;
mod wire;

use std::ops::Range;
use std::time::Duration;

use anyhow::Result;
use hitless_model::{Instant, Mac};

pub use segment::{Flows, Side, Step};
use segment::{LONGEST, Seen};
use wire::{Frame, Port, Receiver, Sender};

use crate::clock;
use crate::network::Node;

/// Segments go out so often.
const TICK: Duration = Duration::from_millis(1);
/// Ticks from one step of a connection to the next: what the box has to forward the first before the
/// answer comes.
const STRIDE: u32 = 4;
/// What a late sender makes up for. Beyond that the pace is a bound.
const MOST_LATE: Duration = Duration::from_millis(5);
/// Connections that are asked at once when they are checked.
const AT_ONCE: usize = 512;
/// How long what was said takes to come out at the other end.
const PASSAGE: Duration = Duration::from_millis(20);
const GLANCE: Duration = Duration::from_millis(1);
/// A segment may be lost on the way; this many in a row are not.
const TRIES: usize = 5;

/// An end of the connections.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The host.
    pub node: &'a Node,
    /// Its interface.
    pub interface: &'static str,
    /// The box's MAC there.
    pub to: Mac,
}

/// Both ends.
#[derive(Debug)]
pub struct Crowd {
    flows: Flows,
    ports: [Port; 2],
    senders: [Sender; 2],
    /// Source and destination of frames, by end.
    macs: [([u8; 6], [u8; 6]); 2],
    refused: u64,
}

/// What became of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Asked.
    pub asked: usize,
    /// Without an answer, or whose question did not arrive.
    pub broken: usize,
    /// Resets seen at either end.
    pub resets: usize,
}

impl Crowd {
    /// Prepares connections between two ends, the clients' and the real's.
    pub fn between(flows: Flows, ends: [Place<'_>; 2]) -> Result<Self> {
        let [client, server] = ends;
        let port = |place: Place<'_>| Port::of(place.node, place.interface);
        let ports = [port(client)?, port(server)?];
        let own = |number| [0x02, b'c', b'r', b'o', b'w', number];
        Ok(Self {
            flows,
            senders: [Sender::open(&ports[0])?, Sender::open(&ports[1])?],
            ports,
            macs: [(own(1), client.to.0), (own(2), server.to.0)],
            refused: 0,
        })
    }

    /// The connections.
    pub fn flows(&self) -> &Flows {
        &self.flows
    }

    /// Segments that there was no room for on the way.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Takes connections through some steps, so many of them a second; `sent` hears of each step that was
    /// taken with some of them. Gives how long it took.
    pub fn run(
        &mut self,
        (steps, flows): (&[Step], Range<u32>),
        rate: u32,
        mut sent: impl FnMut(Step, Range<u32>) -> Result<()>,
    ) -> Result<Duration> {
        let start = clock::now();
        let mut due = start;
        let batches = Batches { flows, rate };
        for tick in 0.. {
            let mut is_over = true;
            for (lag, step) in (0..).map(|number| number * STRIDE).zip(steps) {
                let Some(batch) = tick_before(tick, lag).map(|tick| batches.of(tick)) else {
                    is_over = false;
                    continue;
                };
                is_over &= batch.start == batches.flows.end;
                if !batch.is_empty() {
                    self.send(*step, batch.clone())?;
                    sent(*step, batch)?;
                }
            }
            if is_over {
                break;
            }
            due = next_due(due);
            clock::sleep_until(due);
        }
        Ok(clock::now().saturating_since(start))
    }

    /// Sends one segment of each of these connections.
    pub fn send(&mut self, step: Step, flows: impl IntoIterator<Item = u32>) -> Result<()> {
        let end = end_of(step.side());
        let frames: Vec<Frame> = flows
            .into_iter()
            .map(|number| {
                let mut frame = [0; LONGEST];
                let length = self.flows.write((step, number), self.macs[end], &mut frame);
                (frame, length)
            })
            .collect();
        self.refused += self.senders[end].send(&frames)?;
        Ok(())
    }

    /// Asks and answers over each of these connections, in the order of their numbers.
    pub fn check(&mut self, flows: impl IntoIterator<Item = u32>) -> Result<Checked> {
        let receivers = [Receiver::open(&self.ports[0])?, Receiver::open(&self.ports[1])?];
        let mut flows: Vec<u32> = flows.into_iter().collect();
        flows.sort_unstable();
        let mut checked = Checked { asked: flows.len(), ..Checked::default() };
        for part in flows.chunks(AT_ONCE) {
            let mut left = part.to_vec();
            for _ in 0..TRIES {
                if left.is_empty() {
                    break;
                }
                let asked = self.pass((Step::Ask, &left), &receivers, &mut checked)?;
                let answered = self.pass((Step::Answer, &asked), &receivers, &mut checked)?;
                left.retain(|number| answered.binary_search(number).is_err());
            }
            checked.broken += left.len();
        }
        Ok(checked)
    }

    /// Sends a segment of each connection; gives those of whom it came out at the other end.
    fn pass(
        &mut self,
        (step, flows): (Step, &[u32]),
        receivers: &[Receiver; 2],
        checked: &mut Checked,
    ) -> Result<Vec<u32>> {
        self.send(step, flows.iter().copied())?;
        let other = match step.side() {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        };
        let (known, receiver) = (self.flows, &receivers[end_of(other)]);
        let mut seen = Vec::new();
        let until = clock::now() + PASSAGE;
        while seen.len() < flows.len() && clock::now() < until {
            receiver.take_all(|frame| match known.read(other, frame) {
                Some(Seen::Message(number)) => seen.push(number),
                Some(Seen::Reset) => checked.resets += 1,
                None => {}
            })?;
            clock::sleep_until(clock::now() + GLANCE);
        }
        seen.sort_unstable();
        seen.dedup();
        seen.retain(|number| flows.binary_search(number).is_ok());
        Ok(seen)
    }
}

fn end_of(side: Side) -> usize {
    match side {
        Side::Client => 0,
        Side::Server => 1,
    }
}

fn tick_before(tick: u32, lag: u32) -> Option<u32> {
    tick.checked_sub(lag)
}

/// The next tick by absolute time, unless that is long over.
fn next_due(due: Instant) -> Instant {
    let next = due + TICK;
    let now = clock::now();
    if now.saturating_since(next) > MOST_LATE { now } else { next }
}

/// Connections by the tick in which they begin.
struct Batches {
    flows: Range<u32>,
    rate: u32,
}

impl Batches {
    fn of(&self, tick: u32) -> Range<u32> {
        self.before(tick)..self.before(tick.saturating_add(1))
    }

    /// The first that has not begun before a tick.
    fn before(&self, tick: u32) -> u32 {
        let begun = u64::from(tick) * u64::from(self.rate) / 1000;
        let begun = u32::try_from(begun).unwrap_or(u32::MAX);
        self.flows.start.saturating_add(begun).min(self.flows.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_begins_in_one_tick_whatever_the_pace() {
        for rate in [1, 333, 50_000] {
            let batches = Batches { flows: 10..510, rate };
            let mut next = 10;
            let mut tick = 0;
            while next < 510 {
                let batch = batches.of(tick);
                assert_eq!(batch.start, next);
                next = batch.end;
                tick += 1;
            }
            assert_eq!(batches.of(tick), 510..510);
            assert!(u64::from(tick) >= 500 * 1000 / u64::from(rate));
        }
    }
}
