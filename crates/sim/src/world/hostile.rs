//! Frames that nobody of the pair has sent: noise, damaged and replayed frames, and another pair.

use std::collections::VecDeque;
use std::time::Duration;

use hitless_core::machine::Machine;
use hitless_core::node::{Lane, Node, Output};
use hitless_model::{GroupId, Instant, UnitId};

use super::{Event, World, view};
use crate::link::Datagram;
use crate::pair::{Pair, Side};
use crate::plan::Plan;
use crate::rng::Rng;
use crate::time::Moment;

/// Frames of the pair that the injector keeps to build on, per receiver.
const MEMORY: usize = 64;

/// What hostile frames are made from.
#[derive(Debug)]
pub(super) struct Hostile {
    heard: Pair<VecDeque<Datagram>>,
    /// A box of another pair on the same fault-tolerant VLAN.
    foreign: Option<Node>,
}

impl Hostile {
    pub(super) fn new(plan: &Plan, rng: &mut Rng) -> Self {
        let foreign = plan.foreign_pair.then(|| {
            let mut config = view::node_config(plan, Side::A);
            config.group = GroupId::try_from(91).unwrap_or(config.group);
            config.unit = UnitId(rng.next());
            config.seed = rng.octets();
            Node::new(Instant::ZERO, config)
        });
        Self { heard: Pair::default(), foreign }
    }

    /// Keeps a frame that a box has accepted.
    pub(super) fn remember(&mut self, by: Side, datagram: &Datagram) {
        let heard = &mut self.heard[by];
        if heard.len() >= MEMORY {
            heard.pop_front();
        }
        heard.push_back(datagram.clone());
    }
}

impl World {
    pub(super) fn inject(&mut self) {
        let Some(mean) = self.plan.hostile_every else { return };
        let rng = &mut self.rngs.hostile;
        let delay = rng.duration(Duration::ZERO, mean * 2);
        let to = rng.pick(&Side::BOTH);
        let datagram = self.forge(to);
        self.stats.hostile += 1;
        self.arrive(to, datagram);
        self.after(delay, Event::Hostile);
    }

    fn forge(&mut self, to: Side) -> Datagram {
        let paths = self.plan.second_paths + 1;
        let rng = &mut self.rngs.hostile;
        let kind = rng.below(8);
        // What the other box has accepted was sent by this one: reflected to its sender.
        let source = if kind == 7 { to.other() } else { to };
        let heard = &self.hostile.heard[source];
        if kind == 0 || heard.is_empty() {
            return noise(rng, paths);
        }
        let mut datagram = heard[rng.index(heard.len())].clone();
        datagram.hostile = true;
        let bytes = &mut datagram.bytes;
        match kind {
            1 | 2 => {
                for _ in 0..=rng.below(3) {
                    let at = rng.index(bytes.len());
                    if let Some(octet) = bytes.get_mut(at) {
                        *octet ^= 1 << rng.below(8);
                    }
                }
                // Flips can cancel each other: that is a replay.
            }
            3 => bytes.truncate(rng.index(bytes.len())),
            4 => bytes.extend_from_slice(&rng.octets::<5>()),
            5 => datagram.path = rng.index(paths),
            // Replayed, or reflected, as it was.
            _ => {}
        }
        datagram
    }

    /// The other pair's box does what is due; whatever it says reaches both of ours.
    pub(super) fn foreign(&mut self) {
        let now = Instant::from_nanos(0) + self.now.since(Moment::START);
        let Some(node) = &mut self.hostile.foreign else { return };
        node.handle_deadline(now);
        let outputs: Vec<Output> = std::iter::from_fn(|| node.poll_output()).collect();
        let next = node.next_deadline().map(|deadline| deadline.at.saturating_since(now));
        for output in outputs {
            let Output::Transmit(transmit) = output else { continue };
            for side in Side::BOTH {
                let datagram = Datagram {
                    path: 0,
                    lane: transmit.lane,
                    from: [0xfe; 16],
                    bytes: transmit.bytes.clone(),
                    sent_at: self.now,
                    hostile: true,
                };
                self.after(Duration::from_micros(100), Event::Arrive(side, datagram));
            }
        }
        if let Some(next) = next {
            self.after(next.max(Duration::from_micros(1)), Event::Foreign);
        }
    }
}

fn noise(rng: &mut Rng, paths: usize) -> Datagram {
    let length = if rng.chance(500) { rng.index(64) } else { rng.index(1500) };
    Datagram {
        path: rng.index(paths),
        lane: if rng.chance(500) { Lane::Heartbeat } else { Lane::Replication },
        from: rng.octets(),
        bytes: (0..length).map(|_| rng.octets::<1>()[0]).collect(),
        sent_at: Moment::START,
        hostile: true,
    }
}
