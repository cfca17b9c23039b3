//! Going away for a moment on purpose, and waiting for a peer that does.
//!
//! A box that is about to be replaced says so in every heartbeat (`hold`), and a peer that hears it
//! answers in every one of its own that it waits (`holding`): it takes over no earlier than that
//! long after the heartbeat came in. Only then does the lease reach as far, counted from the sending
//! of that very heartbeat. Either side forgets it with the first heartbeat that says nothing of it.
//! Why this is safe: `docs/adr/0009-hold-and-resume.md`.

use alloc::string::ToString;
use core::time::Duration;

use hitless_model::{Instant, Role, UnitId};
use serde::{Deserialize, Serialize};

use super::beat::{Beat, Flags, Seq};
use super::machine::Ft;
use super::sent::Sent;
use crate::node::Event;

/// The longest absence that a peer waits for.
pub(super) const LONGEST: Duration = Duration::from_secs(5);
/// The longest absence of a box without a peer: a peer that starts meanwhile hears nobody, and
/// listens at least so long.
pub(super) const LONGEST_ALONE: Duration = Duration::from_millis(500);
/// A peer that has not answered by then is not waited for any longer.
const ANSWERS_WITHIN: Duration = Duration::from_millis(500);
/// How often the peer is asked until it answers.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// This box's own absence, asked for or granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Absence {
    /// What the peer is asked to wait.
    pub(super) lasts: Duration,
    /// First heartbeat that asks for it, and when that was sent.
    from: Seq,
    told_at: Instant,
    /// When to stop waiting for an answer; once granted, when to stop being away.
    due: Instant,
    granted: bool,
}

/// What this box has promised to a peer that is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hold {
    /// To whom; unknown if a former life of this box did.
    unit: Option<UnitId>,
    /// The heartbeat that asked for it last.
    asked_by: Seq,
    lasts: Duration,
    until: Instant,
    /// The peer forwards: this box does not take over before. Else it only keeps calm.
    forwards: bool,
}

impl Hold {
    /// A promise of a former life.
    pub(super) fn inherited(until: Instant) -> Self {
        let (asked_by, lasts) = (Seq::default(), Duration::ZERO);
        Self { unit: None, asked_by, lasts, until, forwards: true }
    }
}

impl Ft {
    /// Nothing stands in the way of being away: the peer is asked for its promise.
    pub(super) fn ask_to_be_away(&mut self, now: Instant, lasts: Duration) {
        // A peer that is about to wait for less must not meet the lease of what it promised before.
        if self.absence.take().is_some() {
            self.shorten_lease(now);
        }
        let within = if self.is_alone() { self.pace() * 2 } else { ANSWERS_WITHIN };
        self.absence = Some(Absence {
            lasts: lasts.min(LONGEST),
            from: self.coming(),
            told_at: now,
            due: now + within,
            granted: false,
        });
        self.speak(now, Flags::ASK);
    }

    /// Grants, refuses or ends this box's absence, as soon as it is clear which.
    pub(super) fn follow_absence(&mut self, now: Instant) {
        self.follow_wish(now);
        let Some(absence) = self.absence else { return };
        let is_due = now >= absence.due;
        if absence.granted {
            if is_due {
                self.stay(now);
            }
            return;
        }
        let answered = self.sent.confirmed().is_some_and(|sent| sent.seq >= absence.from);
        let needs_promise = self.state.role().forwards();
        if self.is_alone() {
            if is_due {
                self.grant(now, absence);
            }
        } else if answered && (!needs_promise || self.peer_holding().is_some()) {
            self.grant(now, absence);
        } else if answered {
            self.take_back(now, "the peer does not wait");
        } else if is_due {
            self.take_back(now, "the peer did not answer");
        }
    }

    /// The gate was written when the lease was renewed, so that the absence may begin with this.
    fn grant(&mut self, now: Instant, absence: Absence) {
        let due = (absence.told_at + absence.lasts).max(now + self.config.interval());
        self.absence = Some(Absence { due, granted: true, ..absence });
        self.renew_alone();
        self.renew_confirmed(now);
        let until = self.state.lease_until().unwrap_or(due);
        self.emit(Event::AbsenceGranted { until });
    }

    pub(super) fn refuse_absence(&mut self, why: &str) {
        self.emit(Event::AbsenceRefused { why: why.to_string() });
    }

    fn take_back(&mut self, now: Instant, why: &str) {
        self.refuse_absence(why);
        self.stay(now);
    }

    /// This life goes on: the lease is as short as always before the peer hears of that.
    pub(super) fn stay(&mut self, now: Instant) {
        if self.absence.take().is_some() {
            self.shorten_lease(now);
            self.speak(now, Flags::ASK);
        }
    }

    /// The peer is another life, or this box has another role: nobody waits for it any more.
    pub(super) fn forget_absence(&mut self, now: Instant) {
        let Some(absence) = self.absence.take() else { return };
        self.shorten_lease(now);
        if !absence.granted {
            self.refuse_absence("a role or the peer changed meanwhile");
        }
    }

    /// Cuts the lease to what a peer waits that knows of no absence.
    pub(super) fn shorten_lease(&mut self, now: Instant) {
        let limit = now + self.config.lease();
        if self.state.lease_until().is_some_and(|until| until > limit)
            && self.state.set_lease(limit)
        {
            self.write_gate();
        }
    }

    /// When something about this box's absence is due.
    pub(super) fn absence_due(&self) -> Option<Instant> {
        let due = self.absence.map(|absence| absence.due);
        due.into_iter().chain(self.wish_due()).min()
    }

    /// What heartbeats ask the peer to wait.
    pub(super) fn hold_wanted(&self) -> Option<Duration> {
        self.absence.map(|absence| absence.lasts)
    }

    /// How long after hearing `sent` the peer has promised to wait.
    pub(super) fn held_for(&self, sent: Sent) -> Duration {
        let asked = self.absence.filter(|absence| sent.seq >= absence.from);
        asked.zip(self.peer_holding()).map_or(Duration::ZERO, |(asked, held)| held.min(asked.lasts))
    }

    /// How long after the heartbeat of that time a peer waits that only hears.
    pub(super) fn heard_for(&self, left: Instant) -> Duration {
        let asked = self.absence.filter(|absence| absence.granted && left >= absence.told_at);
        asked.map_or(Duration::ZERO, |absence| absence.lasts.min(LONGEST_ALONE))
    }

    fn peer_holding(&self) -> Option<Duration> {
        self.peer.as_ref()?.newest.as_ref()?.holding
    }

    /// Whether an answer to the wish to be away is waited for.
    pub(super) fn asks_to_be_away(&self) -> bool {
        self.absence.is_some_and(|absence| !absence.granted)
    }

    /// Time between heartbeats while that is so.
    pub(super) fn pace(&self) -> Duration {
        self.config.interval().min(ASK_EVERY)
    }

    /// The peer's newest heartbeat says whether it is about to be away.
    pub(super) fn heed_hold(&mut self, now: Instant, beat: &Beat) {
        let Some(unit) = self.peer.as_ref().map(|peer| peer.unit) else { return };
        let Some(lasts) = beat.hold.map(|lasts| lasts.min(LONGEST)) else {
            let its = self.hold.take_if(|hold| hold.unit.is_none_or(|held| held == unit));
            if its.is_some() {
                self.write_gate();
            }
            return;
        };
        let forwards = beat.role.forwards();
        if self.may_hold(forwards) {
            let (unit, asked_by, until) = (Some(unit), beat.seq, now + lasts);
            self.hold = Some(Hold { unit, asked_by, lasts, until, forwards });
            self.write_gate();
        }
    }

    /// One of the two stays: who is about to be away itself makes no promise, but a standby that
    /// has not been let go yet gives way to its active.
    fn may_hold(&mut self, peer_forwards: bool) -> bool {
        let role = self.state.role();
        if role == Role::Draining || role.forwards() == peer_forwards {
            return false;
        }
        match self.absence {
            None => true,
            Some(Absence { granted: false, .. }) if peer_forwards => {
                // The next heartbeat has to tell of the promise.
                self.absence = None;
                self.refuse_absence("the peer is being replaced itself");
                true
            }
            Some(_) => false,
        }
    }

    /// What this box's next heartbeat promises: only for the newest that it heard.
    pub(super) fn holding(&self, now: Instant) -> Option<Duration> {
        let peer = self.peer.as_ref()?;
        let hold = self.hold.filter(|hold| hold.unit == Some(peer.unit))?;
        (hold.asked_by == peer.heard() && now < hold.until).then_some(hold.lasts)
    }

    /// Whether the peer is away and comes back.
    pub(super) fn is_holding(&self, now: Instant) -> bool {
        self.hold.is_some_and(|hold| now < hold.until)
    }

    /// Before this the peer does not count as lost.
    pub(super) fn calm_until(&self) -> Instant {
        let counts = |hold: &Hold| hold.forwards || self.state.role().forwards();
        let held = self.hold.filter(counts).map(|hold| hold.until);
        self.hold_until.max(held.unwrap_or(Instant::ZERO))
    }

    /// Before this the box does not become active, whatever it hears or does not.
    pub(super) fn promised_until(&self) -> Instant {
        let promise = self.hold.filter(|hold| hold.forwards);
        promise.map_or(Instant::ZERO, |hold| hold.until)
    }
}
