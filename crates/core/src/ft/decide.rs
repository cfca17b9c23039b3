//! The rules: what each state does about what is known. Level-triggered, so that it does not
//! matter which heartbeat told it, nor how often.

use core::time::Duration;

use hitless_model::{Instant, Priority, Role, UnitId};

use super::beat::{Beat, Flags, Seq};
use super::deadlines::PREEMPT_WAIT;
use super::machine::Ft;
use super::peer::{Contact, Peer};
use super::state::{Contest, State};
use crate::node::{Event, HandoverCause};

/// How long a lapsed box waits for quicker confirmations before it makes do with slow ones.
const RESUME_PAUSE: Duration = Duration::from_secs(1);

/// What an election is decided by, the weightiest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    /// A box that is about to stop wants no role.
    stays: bool,
    /// State before address: a newcomer does not win over a box that holds connections.
    warm: bool,
    priority: Priority,
    unit: UnitId,
}

impl Ft {
    /// Applies the rules of the state.
    pub(super) fn evaluate(&mut self, now: Instant) {
        match self.state {
            State::Initializing { until } => self.on_initializing(now, until),
            State::Standby { .. } => self.on_standby(now),
            State::Lapsed { from, floor } => self.on_lapsed(now, from, floor),
            State::Active { .. } => self.on_active(now),
            State::Draining { cause, stage, .. } => self.on_draining(now, cause, stage),
            State::Leaving { .. } => {}
        }
        self.follow_witness(now);
        self.follow_absence(now);
    }

    fn on_initializing(&mut self, now: Instant, until: Instant) {
        match self.peer_role() {
            Some(Role::Active | Role::Draining) => self.enter_warm_standby(now),
            Some(Role::Initializing | Role::Standby) => self.elect(now),
            None => {}
        }
        let listening = matches!(self.state, State::Initializing { .. }) && !self.stopping;
        if listening && self.is_alone() && now >= self.listening_ends(until) {
            self.become_active_alone(now, "no peer was heard after start");
        }
    }

    fn enter_warm_standby(&mut self, now: Instant) {
        self.warm = true;
        self.enter_standby(now, "the peer is active");
    }

    fn on_standby(&mut self, now: Instant) {
        if self.is_alone() {
            // The peer trusts the good-bye of a box that stops, and renews its lease alone.
            if !self.stopping {
                self.become_active_alone(now, "the peer is silent on every path");
            }
            return;
        }
        match self.peer_role() {
            Some(Role::Draining) => self.take_offer(now),
            Some(Role::Initializing | Role::Standby) => self.elect(now),
            Some(Role::Active) | None => {}
        }
        self.track_wish(now);
    }

    /// The peer offers the role: takes it, if its lease is sure from the first moment on.
    fn take_offer(&mut self, now: Instant) {
        let offered = self.peer_says(Flags::DRAINED) && !self.stopping;
        if let Some(lease) = self.confirmed_lease(now, Seq::default()).filter(|_| offered) {
            self.enter_active(now, lease, "the peer handed over");
        }
    }

    /// Two that are neither active: the better claim wins, once each knows the other's and knows
    /// that it is known. Both cannot win: a box counts what the peer confirmed after the last
    /// change of its own claim, and the heartbeat that confirms would tell of a peer that won.
    fn elect(&mut self, now: Instant) {
        let lapsed = matches!(self.state, State::Lapsed { .. });
        if !lapsed && self.peer_says(Flags::LAPSED) && !self.peer_says(Flags::STOPPING) {
            return; // It goes on by itself.
        }
        let Some(theirs) = self.peer.as_ref().and_then(peer_claim) else { return };
        let wins = self.claim() > theirs && !self.stopping && now >= self.promised_until();
        if let Some(lease) = self.confirmed_lease(now, self.claim_from).filter(|_| wins) {
            self.enter_active(now, lease, "won the election");
        }
    }

    fn claim(&self) -> Claim {
        let Self { warm, .. } = *self;
        let (priority, unit) = (self.config.priority, self.config.unit);
        Claim { stays: !self.stopping, warm, priority, unit }
    }

    fn on_lapsed(&mut self, now: Instant, from: Seq, floor: Instant) {
        match self.peer_role() {
            Some(Role::Active | Role::Draining) => {
                return self.enter_standby(now, "yields to the active peer");
            }
            Some(Role::Initializing | Role::Standby) if self.peer_says(Flags::LAPSED) => {
                self.elect(now);
            }
            Some(Role::Initializing | Role::Standby) => self.resume_lapsed(now, from),
            None => {}
        }
        let lapsed = matches!(self.state, State::Lapsed { .. }) && !self.stopping;
        if lapsed && now >= self.lapse_over(floor) {
            self.become_active_alone(now, "the peer stayed silent after the lease ran out");
        }
    }

    /// A peer that knows of the lapse waits for this box: nothing stands in the way. A box that is
    /// about to stop leaves the role to the peer. When confirmations take so long that the lease
    /// would lapse again before the next one, it is tried again once in a while only.
    fn resume_lapsed(&mut self, now: Instant, from: Seq) {
        let lasts = now + self.config.interval();
        let rested = now >= self.since + RESUME_PAUSE;
        let sure = |lease: &Instant| (*lease > lasts || rested) && !self.stopping;
        if let Some(lease) = self.confirmed_lease(now, from).filter(sure) {
            self.enter_active(now, lease, "the peer is standby: goes on after a lapsed lease");
        }
    }

    fn on_active(&mut self, now: Instant) {
        match self.peer_role() {
            Some(Role::Active) => self.contend(now),
            Some(Role::Standby) => {
                self.settle(now);
                self.heed_wish(now);
            }
            Some(Role::Initializing) => self.settle(now),
            Some(Role::Draining) | None => {}
        }
    }

    /// Two actives. When each hears the other the weightier one stays; a side that is not heard
    /// yields, because it alone knows.
    fn contend(&mut self, now: Instant) {
        let Some(peer) = &self.peer else { return };
        let Some(beat) = &peer.newest else { return };
        if self.returned.is_some() && beat.epoch > self.epoch {
            return self.enter_standby(now, "the peer took over while this box was away");
        }
        if self.confirmed_lease(now, self.claim_from).is_none() {
            let chances = self.config.interval().max(beat.heartbeat) * 2;
            if peer.heard_at > peer.heard_since + chances {
                self.enter_standby(now, "two were active, and the peer does not hear this box");
            } else if let State::Active { contest: contest @ Contest::None, .. } = &mut self.state {
                *contest = Contest::Open;
            }
            return;
        }
        let ours = (self.config.priority, self.config.unit);
        let State::Active { contest, .. } = self.state else { return };
        if ours < (beat.priority, peer.unit) {
            self.enter_standby(now, "two were active, and the peer comes first");
        } else if beat.epoch >= self.epoch || contest != Contest::Won {
            self.epoch = self.epoch.max(beat.epoch);
            self.reassert(now, Contest::Won, "two were active, and this box comes first");
        }
    }

    /// One active: a contest is over, and its epoch is the highest.
    fn settle(&mut self, now: Instant) {
        let State::Active { contest, .. } = &mut self.state else { return };
        let before = core::mem::replace(contest, Contest::None);
        let theirs = self.peer.as_ref().and_then(|peer| peer.newest.as_ref()).map(|b| b.epoch);
        let later = theirs.filter(|epoch| *epoch > self.epoch);
        self.epoch = later.unwrap_or(self.epoch);
        if before == Contest::Open {
            // Switches may believe the other one.
            self.reassert(now, Contest::None, "two were active, and the peer yielded");
        } else if later.is_some() {
            self.reassert(now, Contest::None, "the peer knows of a later epoch");
        }
    }

    /// The peer wants the role: it gets it if that is configured and costs nothing.
    fn heed_wish(&mut self, now: Instant) {
        let outranked = self.peer.as_ref().is_some_and(|peer| self.is_outranked(peer));
        let wished = outranked && self.peer_says(Flags::COUP) && now >= self.coup_after;
        if wished && self.replication.in_step && self.obstacle(now).is_none() {
            self.enter_draining(now, HandoverCause::Preempted);
        }
    }

    fn is_outranked(&self, peer: &Peer) -> bool {
        let theirs = peer.newest.as_ref().map(|beat| beat.priority);
        self.config.preempt
            && peer.says(Flags::PREEMPT)
            && theirs.is_some_and(|theirs| theirs > self.config.priority)
    }

    /// Whether this standby is to be active by priority.
    pub(super) fn wants_role(&self) -> bool {
        let State::Standby { .. } = self.state else { return false };
        let Some(beat) = self.peer.as_ref().and_then(|peer| peer.newest.as_ref()) else {
            return false;
        };
        self.config.preempt
            && !self.stopping
            && beat.flags.has(Flags::PREEMPT)
            && beat.role == Role::Active
            && beat.priority < self.config.priority
    }

    /// Whether this standby asks for the role: it holds every connection of the active.
    pub(super) fn wants_role_now(&self) -> bool {
        self.wants_role() && self.peer_says(Flags::IN_STEP)
    }

    /// Keeps the time since this box wants the role, and says once when that is long.
    fn track_wish(&mut self, now: Instant) {
        let wants = self.wants_role();
        let State::Standby { waiting_since, told } = &mut self.state else { return };
        if !wants {
            (*waiting_since, *told) = (None, false);
            return;
        }
        let since = *waiting_since.get_or_insert(now);
        if !*told && now >= since + PREEMPT_WAIT {
            *told = true;
            let why = self.waiting(now).unwrap_or_default();
            self.emit(Event::HandoverRefused { cause: HandoverCause::Preempted, why });
        }
    }

    pub(super) fn peer_role(&self) -> Option<Role> {
        self.peer.as_ref().filter(|peer| peer.contact < Contact::Lost).and_then(Peer::role)
    }

    pub(super) fn peer_says(&self, flags: Flags) -> bool {
        self.peer.as_ref().is_some_and(|peer| peer.says(flags))
    }
}

fn peer_claim(peer: &Peer) -> Option<Claim> {
    let Beat { flags, priority, .. } = peer.newest.as_ref()?;
    Some(Claim {
        stays: !flags.has(Flags::STOPPING),
        warm: flags.has(Flags::WARM),
        priority: *priority,
        unit: peer.unit,
    })
}
