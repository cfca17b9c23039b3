//! The watchers' looks: after every event, now and then, and when everything must have settled.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::time::Duration;

use hitless_model::tcp::seen;
use hitless_model::{ConnKey, Role};

use super::{Event, Stage, World};
use crate::check::{Forwarders, Invariant};
use crate::client::Client;
use crate::pair::{Pair, Side};
use crate::plan::Profile;
use crate::time::Moment;

/// Connections that may wait to be told: more than clients can make while a table is filled anew.
const MAX_AT_RISK: u64 = 4096;
/// After a handover that came to nothing the peer's wish to preempt rests for ten seconds.
const COUP_RESTS: Duration = Duration::from_secs(11);

/// Connections, and who carries them.
type Reals = BTreeMap<ConnKey, SocketAddrV4>;

impl World {
    /// After every event: who forwards?
    pub(super) fn look(&mut self) {
        let gates = Pair::of(|side| self.hosts[side].plane.gate);
        let (alone, violation) = self.roles.look(self.now, gates);
        if let Some(side) = alone {
            self.forwards_alone(side);
        }
        if self.violation.is_none() {
            self.violation = violation;
        }
        if self.stage.is_settled() && self.roles.forwarders() == Forwarders::None {
            self.violated(Invariant::NoGap, "nobody forwards".into());
        }
    }

    /// Whether roles may change although everything has settled: that is what a calm plan is for,
    /// and a wish to preempt that rests may be heeded yet.
    pub(super) fn expects_changes(&self) -> bool {
        (self.plan.profile == Profile::Calm && self.stage != Stage::Quiet)
            || self.preempt_may_come()
    }

    fn preempt_may_come(&self) -> bool {
        let preempts = Side::BOTH.iter().all(|side| self.hosts[*side].config.preempt);
        preempts && self.refused_at.is_some_and(|at| self.now.since(at) <= COUP_RESTS)
    }

    /// Now and then: what costs more to find out.
    pub(super) fn sample(&mut self) {
        for side in Side::BOTH {
            self.sample_one(side);
            self.call_early(side);
        }
        self.after(self.plan.failover_min() / 4, Event::Sample);
    }

    fn sample_one(&mut self, side: Side) {
        let now = self.hosts[side].clock.read(self.now);
        let Some(process) = self.hosts[side].running() else { return };
        let (status, life) = (process.node.status(now), process.life);
        let gate = self.hosts[side].plane.gate;
        if status.role != gate.role {
            let what = format!("{side} shows {}, its gate is {}", status.role, gate.role);
            self.violated(Invariant::StatusIsGate, what);
        }
        if status.at_risk > MAX_AT_RISK {
            let what = format!("{side} has {} at risk", status.at_risk);
            self.violated(Invariant::BoundedQueues, what);
        }
        if status.in_step && status.at_risk == 0 && gate.forwards(self.now) {
            self.check_in_step(side, life);
        }
    }

    /// This box says that its peer holds every connection that it knows of.
    fn check_in_step(&mut self, side: Side, life: u32) {
        let other = side.other();
        let notices_within = self.plan.failover_max() + self.plan.heartbeat_max() * 2;
        // While it was stopped it could not notice.
        let went_on_at = self.hosts[side].went_on_at;
        let is_fresh = |wiped: Moment| self.now.since(wiped.max(went_on_at)) <= notices_within;
        if self.stats.refused > 0 || self.hosts[other].wiped_at.is_some_and(is_fresh) {
            return;
        }
        let is_missing = |client: &&Client| {
            client.open().is_some_and(|open| {
                open.reported_to == Some((side, life)) && !open.held_by[other] && open.is_owed()
            })
        };
        if let Some(client) = self.clients.iter().find(is_missing) {
            let what = format!("{side} says so, but {other} does not hold {}", client.key.client);
            self.violated(Invariant::InStepIsTrue, what);
        }
        for open in self.clients.iter_mut().filter_map(Client::open_mut) {
            open.is_safe_at[other] |= open.reported_to == Some((side, life)) && open.is_owed();
        }
    }

    /// The time to settle is over.
    pub(super) fn settled(&mut self, stage: Stage) {
        self.stage = stage;
        let Forwarders::One(active) = self.roles.forwarders() else {
            let what = format!("forwarding: {:?}; {}", self.roles.forwarders(), self.roles_now());
            self.violated(Invariant::OneActiveAfterHeal, what);
            return;
        };
        let roles = Pair::of(|side| self.hosts[side].plane.gate.role);
        if roles[active] != Role::Active || roles[active.other()] != Role::Standby {
            self.violated(Invariant::OneActiveAfterHeal, self.roles_now());
        }
        let rank = |side: Side| self.hosts[side].config.priority;
        let other = active.other();
        let both_preempt = Side::BOTH.iter().all(|side| self.hosts[*side].config.preempt);
        if both_preempt
            && rank(other) > rank(active)
            && stage == Stage::Quiet
            && !self.preempt_may_come()
        {
            let what = format!("{active} ({}) before {other} ({})", rank(active), rank(other));
            self.violated(Invariant::PreemptHappens, what);
        }
    }

    fn roles_now(&self) -> String {
        let Pair { a, b } = Pair::of(|side| self.hosts[side].plane.gate);
        format!("A {} to {}, B {} to {}", a.role, a.ends, b.role, b.ends)
    }

    /// The run is over: clients have been at rest for a while.
    pub(super) fn end(&mut self) {
        self.stage = Stage::Over;
        let Forwarders::One(active) = self.roles.forwarders() else { return };
        let now = self.hosts[active].clock.read(self.now);
        let Some(process) = self.hosts[active].running() else { return };
        let status = process.node.status(now);
        if self.stats.refused == 0 {
            if !status.in_step || status.at_risk > 0 {
                let what = format!("in step {}, at risk {}", status.in_step, status.at_risk);
                self.violated(Invariant::InStepAfterHeal, what);
            }
            self.check_tables(active);
        }
        let learned = [self.switches.client, self.switches.server];
        if learned != [Some(active); 2] {
            let what = format!("{active} is active, the switches point at {learned:?}");
            self.violated(Invariant::ClientsReachTheActive, what);
        }
    }

    fn check_tables(&mut self, active: Side) {
        let other = active.other();
        let is_missing = |client: &&Client| {
            client
                .open()
                .is_some_and(|open| open.held_by[active] && !open.held_by[other] && open.is_owed())
        };
        if let Some(client) = self.clients.iter().find(is_missing) {
            let what = format!("{other} does not hold {}", client.key.client);
            self.violated(Invariant::InStepAfterHeal, what);
        }
        let Pair { a, b } = Pair::of(|side| self.hosts[side].plane.established());
        self.trace.brief(self.now, || format!("tables: A {}, B {}", a.len(), b.len()));
        let is_open = |key: &ConnKey| {
            let records = Side::BOTH.map(|side| self.hosts[side].plane.main_record(key));
            records.into_iter().flatten().any(|record| !seen::is_closing(record.seen))
        };
        // One that closes ends on each box by itself, and not at the same instant.
        let has_another = |one: &Reals, other: &Reals| {
            let differs = |(key, real): &(&ConnKey, &SocketAddrV4)| {
                other.get(*key).map_or_else(|| is_open(key), |theirs| theirs != *real)
            };
            one.iter().find(differs).map(|(key, real)| (key.client, *real))
        };
        if let Some((client, real)) = has_another(&a, &b).or_else(|| has_another(&b, &a)) {
            let what = format!("{active} is active, and only one holds {client} at {real}");
            self.violated(Invariant::TablesConverge, what);
        }
    }
}
