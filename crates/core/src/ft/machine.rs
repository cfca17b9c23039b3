//! The fault-tolerance machine: its parts, and how inputs and deadlines reach the rules.

use alloc::collections::VecDeque;
use alloc::string::String;
use core::time::Duration;

use hitless_model::{Epoch, Instant, Role, UnitId};
use serde::{Deserialize, Serialize};

use super::absence::{Absence, Hold};
use super::beat::{Beat, Flags, Purpose, Seq};
use super::config::Config;
use super::delays::Delays;
use super::input::Input;
use super::output::{Output, Timer};
use super::peer::{Arrival, Contact, Peer};
use super::resume::Returned;
use super::sent::SentLog;
use super::state::State;
use super::wish::Wish;
use super::witness::Witness;
use crate::machine::{Clock, Deadline, Machine};
use crate::node::{Event, PathId};

/// Decides which of the two boxes is active.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ft {
    pub(super) clock: Clock,
    pub(super) config: Config,
    pub(super) state: State,
    /// When the role last changed.
    pub(super) since: Instant,
    pub(super) role_changes: u64,
    pub(super) lease_expiries: u64,
    /// How late this box itself was.
    #[serde(default)]
    pub(super) delays: Delays,
    /// Newest epoch known; this box's own while it is active.
    pub(super) epoch: Epoch,
    /// Has been active, or standby to an active, in this life.
    pub(super) warm: bool,
    /// About to stop: wants no role.
    pub(super) stopping: bool,
    pub(super) peer: Option<Peer>,
    pub(super) sent: SentLog,
    pub(super) next_seq: Seq,
    /// When the newest heartbeat of an earlier call was sent: that one has left.
    pub(super) left_at: Option<Instant>,
    /// First heartbeat that told what elections are decided by, as it is now.
    pub(super) claim_from: Seq,
    pub(super) beat_due: Instant,
    /// No silence is judged before: this box was late itself.
    pub(super) hold_until: Instant,
    /// Wishes of the peer to take over are not heeded before: the last handover failed.
    pub(super) coup_after: Instant,
    pub(super) replication: Replication,
    /// This box is about to be away.
    pub(super) absence: Option<Absence>,
    /// An absence of its own that something still stands in the way of.
    #[serde(default)]
    pub(super) wish: Option<Wish>,
    /// The peer is away, and this box waits.
    pub(super) hold: Option<Hold>,
    /// What is known of the gateways.
    #[serde(default)]
    pub(super) witness: Witness,
    /// This life goes on with the lease of another one, and nobody has confirmed it yet.
    pub(super) returned: Option<Returned>,
    /// What the last events about agreement said.
    pub(super) config_agrees: Option<bool>,
    pub(super) peer_timers: Option<(Duration, Duration)>,
    pub(super) gate: Option<(Role, Epoch, Instant, bool)>,
    /// Heartbeats received, by purpose.
    pub(super) received: [u64; Purpose::ALL.len()],
    /// Empty between calls, so that it is no part of a record.
    #[serde(skip)]
    pub(super) outputs: VecDeque<Output>,
}

/// A box listens so many times as long as usual after start at most, if it sights a peer that it
/// does not come to terms with.
const LISTEN_AT_MOST: u32 = 10;

/// How replication stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Replication {
    /// The peer holds every connection of this box.
    pub(super) in_step: bool,
    /// While draining: nothing is left to tell.
    pub(super) drained: bool,
}

impl Ft {
    /// A box that starts its life at `now`: silent, listening, unless it goes on where another life
    /// was interrupted. Its first output writes the gate, which an earlier life may have left open.
    pub fn new(now: Instant, config: Config) -> Self {
        let config = config.bounded();
        let resume = config.resumes(now);
        let mut ft = Self {
            clock: Clock::new(now),
            epoch: resume.map_or(config.epoch, |resume| resume.epoch),
            state: State::first(now, &config, resume),
            hold: config.held_until.filter(|until| *until > now).map(Hold::inherited),
            absence: None,
            wish: None,
            witness: Witness::default(),
            returned: resume.map(|resume| Returned { alone: resume.alone, met: false }),
            warm: config.warm || resume.is_some(),
            config,
            since: now,
            role_changes: 0,
            lease_expiries: 0,
            delays: Delays::default(),
            stopping: false,
            peer: None,
            sent: SentLog::default(),
            next_seq: Seq::default().next(),
            left_at: None,
            claim_from: Seq::default().next(),
            beat_due: now,
            hold_until: now,
            coup_after: now,
            replication: Replication::default(),
            config_agrees: None,
            peer_timers: None,
            gate: None,
            received: [0; Purpose::ALL.len()],
            outputs: VecDeque::new(),
        };
        ft.write_gate();
        if ft.epoch > ft.config.epoch {
            ft.outputs.push_back(Output::PersistEpoch(ft.epoch));
        }
        ft
    }

    fn called(&mut self, now: Instant) -> Instant {
        let now = self.clock.advance(now);
        self.left_at = self.sent.newest().filter(|at| *at < now).or(self.left_at);
        now
    }

    pub(super) fn emit(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn established(&mut self, now: Instant, unit: UnitId, software: String) {
        self.emit(Event::PeerFound { unit, software: software.clone() });
        let mut peer = Peer::new(now, unit, software);
        if let Some(before) = self.peer.take() {
            peer.inherit_paths(before);
        }
        self.peer = Some(peer);
        self.sent.forget_confirmed();
        // This life of the peer has promised nothing, and knows of no promise.
        self.forget_absence(now);
        self.shorten_lease(now);
        if let Some(returned) = &mut self.returned {
            returned.met = true;
        }
        // What was offered to an earlier life is withdrawn before this one hears anything.
        self.evaluate(now);
        // It may have been active in another life, and switches believe it.
        self.announce_again(now);
        self.speak(now, Flags::ASK);
    }

    /// Somebody is there: listening goes on. Bounded, for a session may never come about.
    fn sighted(&mut self, now: Instant) {
        let limit = self.since + self.config.listens() * LISTEN_AT_MOST;
        if let State::Initializing { until } = &mut self.state {
            *until = (*until).max((now + self.config.failover).min(limit));
        }
    }

    fn beat(&mut self, now: Instant, path: PathId, body: &[u8]) {
        let Ok(beat) = Beat::parse(body) else {
            return self.outputs.push_back(Output::Malformed(super::Malformed));
        };
        let Some(peer) = &mut self.peer else { return };
        let was = peer.contact;
        let (arrival, came_up) = peer.hear(now, path, &beat);
        let asks = peer.asks(&beat);
        if arrival == Arrival::Overtaken {
            // It says nothing new, but who asked waits.
            if asks {
                self.answer(now);
            }
            return;
        }
        let found = (peer.unit, peer.software.clone());
        self.sent.confirm(beat.heard);
        self.renew_confirmed(now);
        if arrival == Arrival::Newest {
            self.correct_lease(now, beat.role);
        }
        if was != Contact::Heard {
            self.write_gate();
        }
        if came_up {
            self.emit(Event::PathState { path, up: true });
        }
        if was == Contact::Lost {
            self.emit(Event::PeerFound { unit: found.0, software: found.1 });
            // It may have been active meanwhile, and switches believe it.
            self.announce_again(now);
        }
        if arrival == Arrival::Newest {
            self.newest(now, &beat);
        }
        if asks {
            self.answer(now);
        }
    }

    /// What a heartbeat newer than all before brings.
    fn newest(&mut self, now: Instant, beat: &Beat) {
        self.count(beat.purpose);
        self.learn_epoch(beat.epoch);
        self.compare_configuration(beat);
        self.heed_hold(now, beat);
        self.evaluate(now);
    }

    fn count(&mut self, purpose: Purpose) {
        for (counter, of) in self.received.iter_mut().zip(Purpose::ALL) {
            *counter += u64::from(of == purpose);
        }
    }

    fn compare_configuration(&mut self, beat: &Beat) {
        let agrees = beat.config_digest == self.config.config_digest;
        if self.config_agrees.unwrap_or(true) != agrees {
            self.emit(Event::ConfigDiffers(!agrees));
        }
        self.config_agrees = Some(agrees);
        let timers = (beat.heartbeat, beat.failover);
        let own = (self.config.heartbeat, self.config.failover);
        if self.peer_timers != Some(timers) && timers != own {
            self.emit(Event::TimersDiffer);
        }
        self.peer_timers = Some(timers);
    }

    fn configure(&mut self, now: Instant, config: &Config) {
        if config.split_brain != self.config.split_brain {
            self.forget_witness();
        }
        let (unit, epoch) = (self.config.unit, self.config.epoch);
        self.config = Config { unit, epoch, ..config.clone() }.bounded();
        self.peer_timers = None;
        self.claim_anew();
        // The peer will wait for less from the next heartbeat on: the lease must not last longer.
        let limit = now + self.config.lease();
        if self.state.lease_until().is_some_and(|until| until > limit) {
            self.state.set_lease(limit);
            self.write_gate();
        }
        self.speak(now, Flags::ASK);
    }

    /// What elections are decided by has changed: the peer has to hear of it before they are.
    pub(super) fn claim_anew(&mut self) {
        self.claim_from = self.next_seq;
    }
}

impl Machine for Ft {
    type Input<'a> = Input<'a>;
    type Output = Output;
    type Timer = Timer;

    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        let now = self.called(now);
        self.check_lease(now);
        match input {
            Input::Established { unit, software } => self.established(now, unit, software),
            Input::Sighted => self.sighted(now),
            Input::Beat { path, body } => self.beat(now, path, body),
            Input::Handover(cause) => self.handover(now, cause),
            Input::Absence(lasts) => self.be_away(now, lasts),
            Input::Replication { in_step, drained } => {
                self.replication = Replication { in_step, drained };
            }
            Input::Configure(config) => self.configure(now, config),
            Input::CaughtUp => self.hold(now),
            Input::GatewayHeard => self.gateway_heard(now),
        }
        self.evaluate(now);
    }

    fn handle_deadline(&mut self, now: Instant) {
        let now = self.called(now);
        let Some(due) = self.next_deadline().filter(|deadline| deadline.at <= now) else { return };
        let lateness = now.saturating_since(due.at);
        if let Some(event) = self.delays.note(lateness, self.config.lease()) {
            self.emit(event);
        }
        if lateness > self.config.interval() / 2 {
            self.excuse(now, lateness);
        }
        self.check_lease(now);
        self.judge(now);
        self.evaluate(now);
        self.act(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn next_deadline(&self) -> Option<Deadline<Timer>> {
        self.deadlines().into_iter().flatten().min_by_key(|deadline| deadline.at)
    }
}
