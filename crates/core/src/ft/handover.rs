//! Handing the active role over, on purpose.

use alloc::string::ToString;
use core::time::Duration;

use hitless_model::{Instant, Role};

use super::beat::{Flags, Seq};
use super::machine::Ft;
use super::peer::Contact;
use super::state::{Stage, State};
use crate::node::{Event, HandoverCause};

/// An offer lasts at least so long.
const MIN_OFFER: Duration = Duration::from_secs(1);
/// After a handover that failed, the peer's own wish is not heeded for so long: each attempt
/// leaves the addresses unanswered for a moment.
const COUP_PAUSE: Duration = Duration::from_secs(10);

impl Ft {
    /// Somebody asks this box to hand over.
    pub(super) fn handover(&mut self, now: Instant, cause: HandoverCause) {
        if cause == HandoverCause::Stop {
            self.stop();
        }
        match self.refusal(now, cause) {
            Some(why) => self.refuse(now, cause, why),
            None => self.begin(now, cause),
        }
    }

    fn stop(&mut self) {
        if !self.stopping {
            self.stopping = true;
            self.claim_anew();
        }
    }

    /// A stop overtakes a handover that is under way for another reason.
    fn begin(&mut self, now: Instant, asked: HandoverCause) {
        match &mut self.state {
            State::Draining { cause, .. } => *cause = asked,
            State::Active { .. } => self.enter_draining(now, asked),
            State::Leaving { .. }
            | State::Initializing { .. }
            | State::Standby { .. }
            | State::Lapsed { .. } => {}
        }
    }

    fn refuse(&mut self, now: Instant, cause: HandoverCause, why: &str) {
        self.decide(now, self.state.role(), why);
        self.emit(Event::HandoverRefused { cause, why: why.to_string() });
    }

    fn refusal(&self, now: Instant, cause: HandoverCause) -> Option<&'static str> {
        match self.state {
            State::Active { .. } => {}
            State::Draining { .. } | State::Leaving { .. } if cause == HandoverCause::Stop => {
                return None;
            }
            State::Draining { .. } | State::Leaving { .. } => {
                return Some("a handover is under way already");
            }
            State::Initializing { .. } | State::Standby { .. } | State::Lapsed { .. } => {
                return Some("this box is not active");
            }
        }
        if cause == HandoverCause::Operator && self.config.preempt {
            return Some("preempt is on: the box with the higher priority would take over again");
        }
        self.obstacle(now)
    }

    /// What about the peer stands in the way of a handover.
    pub(super) fn obstacle(&self, now: Instant) -> Option<&'static str> {
        let Some(peer) = &self.peer else { return Some("there is no peer") };
        if peer.contact != Contact::Heard {
            return Some("the peer is silent");
        }
        if peer.says(Flags::STOPPING) {
            return Some("the peer is about to stop");
        }
        match peer.role() {
            None | Some(Role::Initializing) => return Some("the peer is initializing"),
            Some(Role::Active | Role::Draining) => return Some("the peer is not standby"),
            Some(Role::Standby) => {}
        }
        if self.confirmed_lease(now, Seq::default()).is_none() {
            return Some("the peer does not hear this box");
        }
        None
    }

    /// A handover under way.
    pub(super) fn on_draining(&mut self, now: Instant, cause: HandoverCause, stage: Stage) {
        if self.peer_role() == Some(Role::Active) {
            let newest = self.peer.as_ref().and_then(|peer| peer.newest.as_ref());
            let age = newest.map(|beat| beat.role_age).unwrap_or_default();
            return self.enter_leaving(now, age);
        }
        match stage {
            Stage::Emptying { until } => self.on_emptying(now, cause, until),
            Stage::Offered { until } => self.on_offered(now, cause, until),
            Stage::Withdrawing { from } => self.on_withdrawing(now, from),
        }
    }

    /// Nothing was offered yet: the handover can be given up at once.
    fn on_emptying(&mut self, now: Instant, cause: HandoverCause, until: Instant) {
        let silent = self.peer.as_ref().is_none_or(|peer| peer.contact > Contact::Heard);
        if silent || self.peer_role() != Some(Role::Standby) {
            return self.give_up(now, cause, "the peer went away before it could take over");
        }
        if self.replication.drained || (now >= until && cause == HandoverCause::Stop) {
            let until = now + MIN_OFFER.max(self.config.failover);
            return self.enter_stage(now, Stage::Offered { until });
        }
        if now >= until {
            self.give_up(now, cause, "the peer did not get every connection in time");
        }
    }

    fn give_up(&mut self, now: Instant, cause: HandoverCause, why: &str) {
        self.coup_after = now + COUP_PAUSE;
        self.resume_active(now, why);
        self.emit(Event::HandoverRefused { cause, why: why.to_string() });
    }

    /// The peer may be active by now without this box knowing: only it can end that doubt.
    fn on_offered(&mut self, now: Instant, cause: HandoverCause, until: Instant) {
        let gone_back = matches!(self.peer_role(), None | Some(Role::Initializing));
        if now < until && !gone_back {
            return;
        }
        let why = "the peer did not take over";
        self.coup_after = now + COUP_PAUSE;
        self.emit(Event::HandoverRefused { cause, why: why.to_string() });
        let from = self.coming();
        self.enter_stage(now, Stage::Withdrawing { from });
    }

    fn on_withdrawing(&mut self, now: Instant, from: Seq) {
        let waits = matches!(self.peer_role(), Some(Role::Standby | Role::Initializing));
        if waits && self.confirmed_lease(now, from).is_some() {
            self.resume_active(now, "the peer did not take over, and knows that it shall not");
        }
    }
}
