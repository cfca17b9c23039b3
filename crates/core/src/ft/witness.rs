//! Witnesses: gateways, which tell a box whose peer is dead from one that is cut off itself.
//!
//! Under the policy `gateway` nobody is active on silence alone. A box that does not hear its peer
//! asks its gateways, and a lease that is renewed alone lasts no longer than if the peer had
//! confirmed a heartbeat when a gateway was heard last. An active that reaches neither therefore
//! falls silent in time, and a standby that reaches neither stays one. As long as the peer is heard
//! nobody is asked and nothing is different. Why so: `docs/adr/0014-split-brain.md`.

use core::time::Duration;

use hitless_model::Instant;
use serde::{Deserialize, Serialize};

use super::machine::Ft;
use super::output::Output;
use super::peer::Contact;
use crate::node::{Event, Gateways, SplitBrain};

/// Gateways are asked at every heartbeat; those that do not answer somewhat sooner, for a question
/// is lost easily, but not more often than this.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// What is known of the gateways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Witness {
    asked: Option<Instant>,
    /// When the newest question was asked that is answered.
    heard: Option<Instant>,
    /// When the first one of a row of answers came in.
    heard_since: Option<Instant>,
    /// This box would be active if a gateway were heard.
    awaited: bool,
    /// What was said of the gateways since the peer fell silent.
    told: Option<bool>,
}

impl Ft {
    fn has_witnesses(&self) -> bool {
        self.config.split_brain == SplitBrain::Gateway
    }

    /// Whether a gateway's word is needed, because there is none of the peer.
    fn needs_witness(&self) -> bool {
        let heard = self.peer.as_ref().is_some_and(|peer| peer.contact == Contact::Heard);
        self.has_witnesses() && !heard
    }

    /// When a gateway was heard last, if that was in this silence of the peer.
    fn witnessed(&self) -> Option<Instant> {
        let silent_since = self.peer.as_ref().map(|peer| peer.heard_at);
        self.witness.heard.filter(|at| silent_since.is_none_or(|since| *at > since))
    }

    /// The longest lease that a gateway's word is good for.
    fn witnessed_lease(&self) -> Option<Instant> {
        self.witnessed().map(|at| at + self.config.lease())
    }

    /// From when a lease counts that is renewed alone next to a heartbeat of that time; not at all
    /// if no gateway is heard that has to be.
    pub(super) fn vouched(&self, left: Instant) -> Option<Instant> {
        if self.needs_witness() { self.witnessed().map(|at| at.min(left)) } else { Some(left) }
    }

    /// The same of a lease that begins.
    pub(super) fn bounded_by_witness(&self, lease: Instant) -> Instant {
        let limit = self.witnessed_lease().filter(|_| self.needs_witness());
        limit.map_or(lease, |limit| lease.min(limit))
    }

    /// Whether silence of the peer is enough to be active.
    fn may_be_alone(&self, now: Instant) -> bool {
        !self.needs_witness() || self.witnessed_lease().is_some_and(|until| until > now)
    }

    /// Whether it is enough to become active. What cut this box off from its gateways may have cut it
    /// off from its peer: that gets most of an interval to be heard when they are heard again. An
    /// active that is alone speaks twice in one.
    fn may_become_alone(&self, now: Instant) -> bool {
        let beat = self.peer.as_ref().and_then(|peer| peer.newest.as_ref());
        let theirs = beat.map_or(Duration::ZERO, |beat| beat.heartbeat);
        let chance = theirs.max(self.config.interval()) * 3 / 4;
        let heard_long = self.witness.heard_since.is_some_and(|since| now >= since + chance);
        !self.needs_witness() || (self.may_be_alone(now) && heard_long)
    }

    /// The peer is silent: active, as far as the policy for a split pair has it.
    pub(super) fn become_active_alone(&mut self, now: Instant, why: &str) {
        if self.may_become_alone(now) {
            return self.enter_active(now, self.lone_lease(now), why);
        }
        self.witness.awaited = true;
        if !self.may_be_alone(now) && self.witness.told != Some(false) {
            self.decide(now, self.role(), "not active alone: no gateway is heard either");
            self.tell_of_witness(false);
        }
    }

    /// Whether this box would be active if a gateway were heard.
    pub(super) fn awaits_witness(&self) -> bool {
        self.witness.awaited
    }

    /// Why a lease ran out that nobody renewed.
    pub(super) fn why_lapsed(&mut self, now: Instant) -> &'static str {
        if self.may_be_alone(now) {
            return "the lease ran out";
        }
        self.tell_of_witness(false);
        "the lease ran out: neither the peer nor a gateway is heard"
    }

    /// Keeps up with the peer: its word is worth more than a gateway's.
    pub(super) fn follow_witness(&mut self, now: Instant) {
        if !self.needs_witness() {
            (self.witness.awaited, self.witness.told) = (false, None);
        } else if self.is_alone() && self.role().forwards() && self.may_be_alone(now) {
            self.tell_of_witness(true);
        }
        if self.role().forwards() {
            self.witness.awaited = false;
        }
    }

    fn tell_of_witness(&mut self, heard: bool) {
        if self.witness.told.replace(heard) != Some(heard) {
            self.emit(Event::Gateway { heard });
        }
    }

    /// A gateway answered: it counts from the question, for the answer may have lain about while
    /// this box slept.
    pub(super) fn gateway_heard(&mut self, now: Instant) {
        let Some(asked) = self.witness.asked.filter(|_| self.has_witnesses()) else { return };
        let goes_on = self.witnessed_lease().is_some_and(|until| until > asked);
        if !goes_on {
            self.witness.heard_since = Some(now);
        }
        self.witness.heard = Some(asked);
        self.renew_alone();
    }

    /// The policy is another one.
    pub(super) fn forget_witness(&mut self) {
        self.witness = Witness::default();
    }

    /// Asks, if that is due.
    pub(super) fn ask_gateways(&mut self, now: Instant) {
        if self.needs_witness() && self.next_question().is_none_or(|at| at <= now) {
            self.witness.asked = Some(now);
            self.outputs.push_back(Output::AskGateways);
        }
    }

    /// When gateways are asked again. The first question goes along with what begins the doubt.
    pub(super) fn ask_due(&self) -> Option<Instant> {
        self.next_question().filter(|_| self.needs_witness())
    }

    fn next_question(&self) -> Option<Instant> {
        let Witness { asked, heard, .. } = self.witness;
        let asked = asked?;
        let interval = self.config.interval();
        let answered = heard == Some(asked);
        let again = (interval / 8).max(ASK_AGAIN).min(interval);
        Some(asked + if answered { interval } else { again })
    }

    /// What there is to show.
    pub fn gateways(&self, now: Instant) -> Option<Gateways> {
        self.has_witnesses().then(|| match (self.needs_witness(), self.may_be_alone(now)) {
            (false, _) => Gateways::NotAsked,
            (true, true) => Gateways::Heard,
            (true, false) => Gateways::Silent,
        })
    }

    /// When a gateway was heard last, for decisions to be made on.
    pub(super) fn gateway_heard_at(&self) -> Option<Instant> {
        self.witness.heard.filter(|_| self.has_witnesses())
    }
}
