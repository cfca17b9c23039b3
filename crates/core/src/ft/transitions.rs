//! The only writers of the state: each writes the gate first, then says why.

use alloc::string::ToString;
use core::time::Duration;

use hitless_model::{Epoch, Instant};

use super::beat::Flags;
use super::machine::Ft;
use super::output::Output;
use super::state::{Announcing, Contest, Stage, State};
use crate::node::{Decision, Event, HandoverCause};

/// How long the old active goes on forwarding once it knows that the peer is active: until
/// gratuitous ARP has moved the traffic.
const LINGER: Duration = Duration::from_millis(50);
/// And at most so long since the peer became active.
const OVERLAP: Duration = Duration::from_millis(100);
/// Longest time to tell the peer what it does not know yet. The addresses are answered by nobody
/// meanwhile, and hosts ask again after a second.
const EMPTYING: Duration = Duration::from_secs(1);

impl Ft {
    /// The peer is active, or shall be.
    pub(super) fn enter_standby(&mut self, now: Instant, why: &str) {
        self.change(now, State::Standby { waiting_since: None, told: false }, why);
    }

    /// The lease ran out: silent until it is clear what the peer does.
    pub(super) fn enter_lapsed(&mut self, now: Instant, since: Instant) {
        self.lease_expiries += 1;
        let punctual = now.saturating_since(since) <= self.config.interval() / 2;
        let heard_at = self.peer.as_ref().map(|peer| peer.heard_at);
        let floor = if punctual { heard_at.unwrap_or(now) } else { now };
        let why = self.why_lapsed(now);
        self.change(now, State::Lapsed { from: self.next_seq, floor }, why);
        self.emit(Event::LeaseExpired);
    }

    /// A new epoch begins with this box.
    pub(super) fn enter_active(&mut self, now: Instant, lease_until: Instant, why: &str) {
        self.epoch = self.epoch.next();
        self.warm = true;
        let announcing = Announcing::new(now);
        self.change(now, State::Active { lease_until, announcing, contest: Contest::None }, why);
        self.outputs.push_back(Output::PersistEpoch(self.epoch));
        self.outputs.push_back(Output::Announce);
    }

    /// The handover is off: the epoch goes on.
    pub(super) fn resume_active(&mut self, now: Instant, why: &str) {
        let Some(lease_until) = self.state.lease_until() else { return };
        let announcing = Announcing::new(now);
        self.change(now, State::Active { lease_until, announcing, contest: Contest::None }, why);
        self.outputs.push_back(Output::Announce);
    }

    /// Begins to hand over.
    pub(super) fn enter_draining(&mut self, now: Instant, cause: HandoverCause) {
        let Some(lease_until) = self.state.lease_until() else { return };
        self.replication.drained = false;
        let stage = Stage::Emptying { until: now + EMPTYING };
        let why = match cause {
            HandoverCause::Operator => "an operator asked for a handover",
            HandoverCause::Stop => "this box is about to stop",
            HandoverCause::Preempted => "the peer has the higher priority, and preempt is on",
        };
        self.change(now, State::Draining { lease_until, cause, stage }, why);
    }

    /// Goes on to another stage of the handover.
    pub(super) fn enter_stage(&mut self, now: Instant, to: Stage) {
        if let State::Draining { stage, .. } = &mut self.state {
            *stage = to;
        }
        self.speak(now, Flags::ASK);
    }

    /// The peer took over: a last while for what still arrives. The gate closes with it by itself,
    /// so that a core that dies now leaves nothing behind.
    pub(super) fn enter_leaving(&mut self, now: Instant, peer_age: Duration) {
        let linger = LINGER.min(OVERLAP.saturating_sub(peer_age));
        if linger.is_zero() {
            return self.enter_standby(now, "handed over to the peer");
        }
        self.state = State::Leaving { until: now + linger };
        self.write_gate();
    }

    /// This box stays active against another active: once more, louder.
    pub(super) fn reassert(&mut self, now: Instant, to: Contest, why: &str) {
        let from = self.state.role();
        if let State::Active { contest, .. } = &mut self.state {
            *contest = to;
        }
        self.epoch = self.epoch.next();
        self.write_gate();
        self.decide(now, from, why);
        self.outputs.push_back(Output::PersistEpoch(self.epoch));
        self.announce_again(now);
        self.speak(now, Flags::ASK);
    }

    /// Begins gratuitous ARP from the start, if this box is active.
    pub(super) fn announce_again(&mut self, now: Instant) {
        if let State::Active { announcing, .. } = &mut self.state {
            *announcing = Announcing::new(now);
            self.outputs.push_back(Output::Announce);
        }
    }

    fn change(&mut self, now: Instant, to: State, why: &str) {
        let from = self.state.role();
        let facts = self.facts(now);
        self.state = to;
        self.returned = None;
        self.forget_absence(now);
        self.claim_anew();
        self.write_gate();
        // While it forwarded this box kept to its own epoch; its next one is later than the peer's.
        let theirs = self.peer.as_ref().and_then(|peer| peer.newest.as_ref()).map(|b| b.epoch);
        self.learn_epoch(theirs.unwrap_or_default());
        let to = self.state.role();
        if from != to {
            self.since = now;
            self.role_changes += 1;
            let (epoch, reason) = (self.epoch, why.to_string());
            let decision = Decision { at: now, from, to, epoch, reason, inputs: facts };
            self.outputs.push_back(Output::Decision(decision));
        }
        self.speak(now, Flags::default());
    }

    /// Records a decision that leaves the role as it is.
    pub(super) fn decide(&mut self, now: Instant, role: hitless_model::Role, why: &str) {
        let inputs = self.facts(now);
        let (epoch, reason) = (self.epoch, why.to_string());
        let decision = Decision { at: now, from: role, to: role, epoch, reason, inputs };
        self.outputs.push_back(Output::Decision(decision));
    }

    /// Tells the data plane, if anything differs from what it was told last.
    pub(super) fn write_gate(&mut self) {
        let role = self.state.role();
        // A promise has to outlive this process as a lease does.
        let lease_until = self.state.lease_until().unwrap_or(self.promised_until());
        let alone = role.forwards() && self.is_renewing_alone();
        let gate = (role, self.epoch, lease_until, alone);
        if self.gate.replace(gate) != Some(gate) {
            self.outputs.push_back(Output::Gate { role, epoch: self.epoch, lease_until, alone });
        }
    }

    /// Takes note of an epoch that the peer knows.
    pub(super) fn learn_epoch(&mut self, epoch: Epoch) {
        if epoch > self.epoch && !self.state.role().forwards() {
            self.epoch = epoch;
            self.outputs.push_back(Output::PersistEpoch(epoch));
        }
    }
}
