//! The world from outside: configurations given to it, figures and roles read off it.

use std::collections::VecDeque;

use hitless_core::node::{
    Decision, Event as NodeEvent, NodeConfig, Output, PathId, Secret, Status, Story,
};
use hitless_model::{Epoch, GroupId, Mac, Priority, Role, UnitId};

use super::{PATH_VLANS, World};
use crate::check::{Forwarders, Violation};
use crate::pair::Side;
use crate::plan::Plan;
use crate::plane::vlan;
use crate::time::Moment;

/// What happened in a run, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Events of the simulation.
    pub events: u64,
    /// Datagrams taken in by the cores.
    pub datagrams: u64,
    /// Hostile frames.
    pub hostile: u64,
    /// Faults.
    pub faults: u64,
    /// Processes stopped for a while.
    pub pauses: u64,
    /// Boxes that died.
    pub crashes: u64,
    /// Daemons that left when told to.
    pub stops: u64,
    /// Of these, without having handed over in time.
    pub stops_forced: u64,
    /// Daemons told to let themselves be replaced.
    pub reloads: u64,
    /// Of these, replaced.
    pub replaced: u64,
    /// Lives that went on as active.
    pub resumed: u64,
    /// Changes of a gate's role.
    pub role_changes: u64,
    /// Times that a gate became active.
    pub actives: u64,
    /// Times that a gate began to drain.
    pub drains: u64,
    /// Decisions.
    pub decisions: u64,
    /// Leases that ran out.
    pub leases_expired: u64,
    /// Handovers refused.
    pub handovers_refused: u64,
    /// Times that two were active, with an excuse.
    pub splits: u64,
    /// Questions to gateways.
    pub asked: u64,
    /// Connections established.
    pub established: u64,
    /// Established connections that broke.
    pub broken: u64,
    /// Segments that met a box that does not forward.
    pub segments_lost: u64,
    /// Records refused by a table.
    pub refused: u64,
    /// Times that a data plane lost reports.
    pub captures_lost: u64,
}

impl Stats {
    pub(super) fn decided(&mut self, decision: &Decision) {
        self.decisions += 1;
        self.drains += u64::from(decision.to == Role::Draining && decision.from == Role::Active);
    }

    pub(super) fn happened(&mut self, event: &NodeEvent) {
        self.leases_expired += u64::from(matches!(event, NodeEvent::LeaseExpired));
        self.handovers_refused += u64::from(matches!(event, NodeEvent::HandoverRefused { .. }));
    }

    /// Adds another run's figures.
    pub fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.datagrams += other.datagrams;
        self.hostile += other.hostile;
        self.faults += other.faults;
        self.pauses += other.pauses;
        self.crashes += other.crashes;
        self.stops += other.stops;
        self.stops_forced += other.stops_forced;
        self.reloads += other.reloads;
        self.replaced += other.replaced;
        self.resumed += other.resumed;
        self.role_changes += other.role_changes;
        self.actives += other.actives;
        self.drains += other.drains;
        self.decisions += other.decisions;
        self.leases_expired += other.leases_expired;
        self.handovers_refused += other.handovers_refused;
        self.splits += other.splits;
        self.asked += other.asked;
        self.established += other.established;
        self.broken += other.broken;
        self.segments_lost += other.segments_lost;
        self.refused += other.refused;
        self.captures_lost += other.captures_lost;
    }
}

impl World {
    /// What did not hold, if anything.
    pub const fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// What happened so far.
    pub fn stats(&self) -> Stats {
        Stats { splits: self.roles.splits, ..self.stats }
    }

    /// The time line.
    pub fn trace(&self) -> &[String] {
        self.trace.lines()
    }

    /// The time.
    pub const fn now(&self) -> Moment {
        self.now
    }

    /// The role that a box's data plane acts by.
    pub fn role(&self, side: Side) -> Role {
        self.hosts[side].plane.gate.role
    }

    /// Which box forwards, if exactly one does.
    pub fn forwarder(&self) -> Option<Side> {
        match self.roles.forwarders() {
            Forwarders::One(side) => Some(side),
            Forwarders::None | Forwarders::Both => None,
        }
    }

    /// Whether both forward now.
    pub fn is_split(&self) -> bool {
        self.roles.forwarders() == Forwarders::Both
    }

    /// Which box the switch of the client VLAN sends to.
    pub fn reached_by_clients(&self) -> Option<Side> {
        self.switches.client
    }

    /// What a box shows of itself.
    pub fn status(&self, side: Side) -> Option<Status> {
        let host = &self.hosts[side];
        host.process.as_ref().map(|process| process.node.status(host.clock.read(self.now)))
    }

    /// Keeps the record of every decision from now on.
    pub fn keep_stories(&mut self) {
        self.stories.get_or_insert_default();
    }

    /// The records kept, of both boxes, oldest first.
    pub fn stories(&self) -> &[Story] {
        self.stories.as_deref().unwrap_or_default()
    }

    pub(super) fn keep(&mut self, story: Story) {
        if let Some(stories) = &mut self.stories {
            stories.push(story);
        }
    }

    pub(super) fn trace_outputs(&mut self, side: Side, outputs: &[Output]) {
        let outputs: VecDeque<&Output> = outputs.iter().collect();
        for output in outputs {
            self.trace_output(side, output);
        }
    }

    pub(super) fn trace_output(&mut self, side: Side, output: &Output) {
        match output {
            Output::Decision(decision) => {
                self.trace.brief(self.now, || {
                    let Decision { from, to, epoch, reason, inputs, .. } = decision;
                    format!("{side} decides {from} -> {to} (epoch {epoch}): {reason} {inputs:?}")
                });
            }
            // Told with its decision.
            Output::Story(_) => {}
            Output::Event(NodeEvent::Rejected { reason }) => {
                self.trace.full(self.now, || format!("{side} rejects: {reason}"));
            }
            Output::Event(event) => {
                self.trace.brief(self.now, || format!("{side} says {event:?}"));
            }
            Output::Transmit(transmit) => self.trace.full(self.now, || {
                let length = transmit.bytes.len();
                format!("{side} -> {:?} of {length} over {}", transmit.lane, transmit.path.0)
            }),
            Output::Gate { .. }
            | Output::Announce
            | Output::AskGateways
            | Output::Neighbour { .. }
            | Output::Table(_)
            | Output::PersistEpoch(_) => {
                self.trace.full(self.now, || format!("{side} -> {output:?}"));
            }
        }
    }
}

/// A box's own MAC on a VLAN.
pub(super) fn mac_of(unit: u64, vlan: u64) -> Mac {
    Mac::derived_from(unit ^ (vlan << 48))
}

/// The configuration of a box, but for what each life brings anew.
pub(super) fn node_config(plan: &Plan, side: Side) -> NodeConfig {
    let own = &plan.boxes[side];
    let second = &PATH_VLANS[1..=plan.second_paths];
    let path = |number: &u64| PathId(vlan(*number));
    NodeConfig {
        group: GroupId::try_from(90).unwrap_or_else(|_| unreachable!("90 is a group")),
        ft_vlan: vlan(PATH_VLANS[0]),
        unit: UnitId(own.unit),
        priority: Priority::try_from(u64::from(own.priority)).unwrap_or(Priority::DEFAULT),
        preempt: own.preempt,
        heartbeat: own.timers.heartbeat,
        failover: own.timers.failover,
        margin: Plan::MARGIN,
        key: plan.keyed.then(|| Secret::new(b"between two".to_vec())),
        accepted_key: None,
        second_paths: second.iter().map(path).collect(),
        own_macs: second.iter().map(|number| (path(number), mac_of(own.unit, *number))).collect(),
        seed: [0; 32],
        epoch: Epoch(own.epoch),
        config_digest: 1,
        software: "sim".into(),
        replicates: true,
        warm: false,
        resume: None,
        held_until: None,
        split_brain: plan.split_brain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::Pair;
    use crate::plan::Timers;

    #[test]
    fn the_boxes_have_different_addresses_on_every_path() {
        let plan = Plan::fair(Timers::millis(10, 30));
        let Pair { a, b } = Pair::of(|side| node_config(&plan, side));
        assert_eq!(a.own_macs.len(), 2);
        for ((path, mac), (same, other)) in a.own_macs.iter().zip(&b.own_macs) {
            assert!(path == same && mac != other);
        }
    }
}
