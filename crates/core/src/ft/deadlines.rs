//! Time: when to wake, the lease, and judging silence.

use alloc::vec::Vec;
use core::time::Duration;

use hitless_model::{Instant, Role};

use super::beat::{Flags, Purpose, Seq};
use super::machine::Ft;
use super::output::{Output, Timer};
use super::peer::{Contact, Peer};
use super::sent::Sent;
use super::state::{Stage, State};
use crate::machine::Deadline;
use crate::node::Event;

/// How long a box waits to be in step before it says that preempting waits.
pub(super) const PREEMPT_WAIT: Duration = Duration::from_mins(1);
/// Most deadlines at one time: heartbeat, path, silence, loss, query, absence, question to gateways,
/// and two of the state.
const DEADLINES: usize = 9;

impl Ft {
    /// This box was late by itself: it listens for one more interval before it calls the peer
    /// silent. Once in a silence, else a box that is always late would never take over; again when
    /// it slept through all of the peer's patience.
    pub(super) fn excuse(&mut self, now: Instant, lateness: Duration) {
        let Some(peer) = &mut self.peer else { return self.hold(now) };
        let slept = lateness > peer.patience(self.config.failover);
        if !peer.excused || slept {
            peer.excused = true;
            self.hold(now);
        }
    }

    /// Nobody is called silent before one more interval has passed.
    pub(super) fn hold(&mut self, now: Instant) {
        self.hold_until = self.hold_until.max(now + self.config.interval());
    }

    /// The lease as the peer's newest confirmation gives it, if that is of `from` or later and the
    /// lease still runs.
    pub(super) fn confirmed_lease(&self, now: Instant, from: Seq) -> Option<Instant> {
        let sent = self.sent.confirmed().filter(|sent| sent.seq >= from)?;
        let until = self.patience_ends(sent);
        (until > now).then_some(until)
    }

    /// Until when a peer waits, less the margin, that heard nothing after this heartbeat.
    fn patience_ends(&self, sent: Sent) -> Instant {
        let failover = sent.failover.min(self.config.failover);
        (sent.at + failover.max(self.held_for(sent))).saturating_sub(self.config.margin)
    }

    /// Falls silent once the lease is over.
    pub(super) fn check_lease(&mut self, now: Instant) {
        let Some(until) = self.state.lease_until().filter(|until| *until <= now) else { return };
        match self.state {
            State::Leaving { .. } => self.enter_standby(now, "handed over to the peer"),
            State::Active { .. } | State::Draining { .. } => self.enter_lapsed(now, until),
            State::Initializing { .. } | State::Standby { .. } | State::Lapsed { .. } => {}
        }
    }

    /// Renews the lease by what the peer confirmed.
    pub(super) fn renew_confirmed(&mut self, now: Instant) {
        if let Some(until) = self.confirmed_lease(now, Seq::default()) {
            self.returned = None;
            self.extend_lease(until);
        }
    }

    /// Renews the lease without the peer. A standby that hears this box while it cannot be heard
    /// itself counts from the newest heartbeat that reached it: so this box counts from the newest
    /// one that has really left, which those of the present call have not yet.
    pub(super) fn renew_alone(&mut self) {
        let left = self.left_at.filter(|_| self.is_renewing_alone());
        if let Some(left) = left {
            let patience = self.config.failover.max(self.heard_for(left));
            let Some(from) = self.vouched(left) else { return };
            self.extend_lease((from + patience).saturating_sub(self.config.margin));
        }
    }

    /// Whether the lease is renewed without the peer: it is silent, or said good-bye (a box that
    /// stops takes no role any more).
    pub(super) fn is_renewing_alone(&self) -> bool {
        let rival = self.peer.as_ref().is_some_and(|peer| {
            let said_good_bye = peer.says(Flags::STOPPING) && !peer.forwards();
            peer.contact == Contact::Heard && !said_good_bye
        });
        !rival && !self.is_unmet() && self.state.renews_alone()
    }

    /// The lease of a box that becomes active because nobody is heard.
    pub(super) fn lone_lease(&self, now: Instant) -> Instant {
        let left = self.left_at.map_or(now, |left| left + self.config.lease());
        self.bounded_by_witness(left.max(now + self.config.interval()))
    }

    /// A standby that is heard again tells what it heard last. A lease that was renewed alone next to
    /// it is cut back to that, for the standby's patience counts from there; but it is asked first.
    pub(super) fn correct_lease(&mut self, now: Instant, role: Role) {
        let Some(sent) = self.sent.confirmed().filter(|_| role == Role::Standby) else { return };
        let limit = self.patience_ends(sent).max(now + self.config.grace());
        let longer = self.state.lease_until().is_some_and(|until| until > limit);
        if longer && self.state.set_lease(limit) {
            self.write_gate();
            self.speak(now, Flags::ASK);
        }
    }

    fn extend_lease(&mut self, to: Instant) {
        let longer = self.state.lease_until().is_some_and(|until| until < to);
        if longer && self.state.set_lease(to) {
            self.write_gate();
        }
    }

    /// Judges paths and the peer by how long they have been silent.
    pub(super) fn judge(&mut self, now: Instant) {
        let (own, silence, hold) = (self.config.failover, self.config.silence(), self.hold_until);
        let calm = self.calm_until();
        let Some(peer) = &mut self.peer else { return };
        let patience = peer.patience(own);
        let mut events = Vec::new();
        for (path, heard) in &mut peer.paths {
            if heard.up && now >= calm.max(heard.at + patience) {
                heard.up = false;
                events.push(Event::PathState { path: *path, up: false });
            }
        }
        if peer.contact == Contact::Heard && now >= hold.max(peer.heard_at + silence) {
            peer.contact = Contact::Silent;
            self.beat_due = now;
        }
        if peer.contact < Contact::Lost && now >= calm.max(peer.heard_at + patience) {
            peer.contact = Contact::Lost;
            events.push(Event::PeerLost);
        }
        for event in events {
            self.emit(event);
        }
    }

    /// Does what is due and is no rule: queries, gratuitous ARP, heartbeats.
    pub(super) fn act(&mut self, now: Instant) {
        if self.query_due().is_some_and(|due| due <= now) {
            if let Some(peer) = &mut self.peer {
                peer.queried = true;
            }
            self.send(now, Purpose::Query, Flags::ASK);
        }
        self.ask_gateways(now);
        if let State::Active { announcing, .. } = &mut self.state
            && announcing.due <= now
        {
            announcing.advance(now);
            self.outputs.push_back(Output::Announce);
        }
        if self.next_beat() <= now {
            self.speak(now, Flags::default());
        }
    }

    /// When the next heartbeat is sent. A box that is about to take over falls silent a while
    /// before, after a last word.
    fn next_beat(&self) -> Instant {
        let due = self.beat_due;
        let Some(takeover) = self.takeover_due() else { return due };
        let hush = takeover.saturating_sub(self.config.hush());
        if due <= hush || due >= takeover {
            return due;
        }
        let has_spoken = self.sent.newest().is_some_and(|at| at >= hush);
        if has_spoken { takeover } else { hush }
    }

    /// When this box becomes active unless something is heard.
    fn takeover_due(&self) -> Option<Instant> {
        match &self.state {
            State::Standby { .. } => self.loss_due(),
            State::Lapsed { floor, .. } => Some(self.lapse_over(*floor)),
            State::Initializing { .. }
            | State::Active { .. }
            | State::Draining { .. }
            | State::Leaving { .. } => None,
        }
    }

    /// When a standby asks once more before it takes over.
    fn query_due(&self) -> Option<Instant> {
        let State::Standby { .. } = self.state else { return None };
        let peer = self.peer.as_ref().filter(|p| !p.queried && p.contact < Contact::Lost)?;
        let patience = peer.patience(self.config.failover);
        let before = self.config.interval() * 2;
        let silent = peer.heard_at + patience.checked_sub(before)?;
        Some(self.hold_until.max(silent).max(self.calm_until().saturating_sub(before)))
    }

    /// Everything that this box waits for.
    pub(super) fn deadlines(&self) -> [Option<Deadline<Timer>>; DEADLINES] {
        let due = |at: Option<Instant>, why| at.map(|at| Deadline { at, why });
        let [first, second] = self.state_deadlines();
        [
            due(Some(self.next_beat()), Timer::Beat),
            due(self.path_due(), Timer::Path),
            due(self.silence_due(), Timer::Silence),
            due(self.loss_due(), Timer::Lost),
            due(self.query_due(), Timer::Query),
            due(self.absence_due(), Timer::Absence),
            due(self.ask_due(), Timer::Ask),
            first,
            second,
        ]
    }

    fn path_due(&self) -> Option<Instant> {
        let peer = self.peer.as_ref()?;
        let patience = peer.patience(self.config.failover);
        let oldest = peer.paths.values().filter(|heard| heard.up).map(|heard| heard.at).min()?;
        Some(self.calm_until().max(oldest + patience))
    }

    fn silence_due(&self) -> Option<Instant> {
        let peer = self.peer.as_ref().filter(|peer| peer.contact == Contact::Heard)?;
        Some(self.hold_until.max(peer.heard_at + self.config.silence()))
    }

    fn loss_due(&self) -> Option<Instant> {
        let peer = self.peer.as_ref().filter(|peer| peer.contact < Contact::Lost)?;
        Some(self.calm_until().max(peer.heard_at + peer.patience(self.config.failover)))
    }

    fn state_deadlines(&self) -> [Option<Deadline<Timer>>; 2] {
        let due = |at, why| Some(Deadline { at, why });
        match &self.state {
            State::Initializing { until } => {
                let free = self.is_alone() && !self.stopping && !self.awaits_witness();
                let alone = free.then(|| self.listening_ends(*until));
                [alone.and_then(|at| due(at, Timer::Listen)), None]
            }
            State::Standby { waiting_since, told } => {
                let waiting = waiting_since.filter(|_| !told);
                [waiting.and_then(|since| due(since + PREEMPT_WAIT, Timer::Preempt)), None]
            }
            State::Lapsed { floor, .. } => {
                let free = !self.stopping && !self.awaits_witness();
                let over = free.then(|| self.lapse_over(*floor));
                [over.and_then(|at| due(at, Timer::Listen)), None]
            }
            State::Active { lease_until, announcing, .. } => {
                [due(*lease_until, Timer::Lease), due(announcing.due, Timer::Announce)]
            }
            State::Draining { lease_until, stage, .. } => {
                [due(*lease_until, Timer::Lease), stage_deadline(stage)]
            }
            State::Leaving { until } => [due(*until, Timer::Handover), None],
        }
    }

    /// When a box that hears nobody has listened long enough after its start.
    pub(super) fn listening_ends(&self, until: Instant) -> Instant {
        self.hold_until.max(until).max(self.promised_until())
    }

    /// Whether there is no peer that lives.
    pub(super) fn is_alone(&self) -> bool {
        self.peer.as_ref().is_none_or(|peer| peer.contact == Contact::Lost)
    }

    /// When a lapsed box has waited out a silence.
    pub(super) fn lapse_over(&self, floor: Instant) -> Instant {
        let own = self.config.failover;
        let patience = self.peer.as_ref().map_or(own, |peer: &Peer| peer.patience(own));
        let heard_at = self.peer.as_ref().map_or(floor, |peer| peer.heard_at);
        self.hold_until.max(floor.max(heard_at) + patience)
    }
}

fn stage_deadline(stage: &Stage) -> Option<Deadline<Timer>> {
    match stage {
        Stage::Emptying { until } | Stage::Offered { until } => {
            Some(Deadline { at: *until, why: Timer::Handover })
        }
        Stage::Withdrawing { .. } => None,
    }
}
