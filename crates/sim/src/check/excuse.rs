//! When two data planes may be active.
//!
//! A box renews its lease on its own account once its peer has been silent; the peer takes over once
//! this box has been silent to it. So two actives need both at the same time: one box that has not
//! heard the other for as long as that takes, *and* whose newest heartbeats did not reach the other.
//! A cut in one direction alone gives only one of the two, and excuses nothing: nor does a process
//! that is stopped, for it sends no heartbeats that could get lost, and its time stands still.
//!
//! Once two have been active with that excuse, they have [`Excuse::resolves_in`] after it ended: they
//! have to hear each other before one can yield.
//!
//! A heartbeat that took longer than the margin of the lease counts as not heard: the times of the
//! lease allow for no more.
//!
//! Heartbeats count only once both lives have met: a box that starts behind a one-way cut cannot
//! open what it hears, and the other one never learns of it. If its times differ from those of the
//! other one, a warned mistake, it cannot know either how long a former life has promised to wait.
//! A life that goes on with a lease which its former one had granted, or that had promised to wait,
//! is bound by that and not excused; one whose former life had no peer may meet one that heard it.

use std::time::Duration;

use crate::pair::{Pair, Side};
use crate::plan::{Plan, Timers};
use crate::time::Moment;

/// What a box heard, and what it sent.
#[derive(Clone, Copy, Debug, Default)]
struct Ear {
    /// When it heard the other one last; moved on by the time in which it was stopped.
    heard_at: Moment,
    /// When the newest heartbeat that it heard was sent.
    newest: Moment,
    stopped_at: Option<Moment>,
    /// It has been stopped since: after that it listens for one more interval before it judges.
    was_stopped: bool,
    /// It was stopped on its way to the gate, with an excuse.
    excused_then: bool,
    /// When it sent its own newest heartbeat.
    sent_at: Moment,
    /// How its present life began, until it meets the other box.
    birth: Birth,
    /// Its present life knows of the other box.
    has_met: bool,
    /// How long it has to hear nothing until it renews its lease on its own account.
    patience: Duration,
    heartbeat: Duration,
}

impl Ear {
    fn silence(&self, now: Moment) -> Duration {
        self.stopped_at.unwrap_or(now).since(self.heard_at)
    }

    fn hears_nothing(&self, now: Moment) -> bool {
        self.silence(now) >= if self.was_stopped { self.heartbeat } else { self.patience }
    }
}

/// How a life begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Birth {
    /// Knowing nothing.
    #[default]
    Free,
    /// Bound by what the former life was granted, or has promised: no word that does not come
    /// excuses it.
    Bound,
    /// Going on with the lease of a former life that had no peer.
    Alone,
}

/// Knows whether two actives are excused.
#[derive(Debug)]
pub(crate) struct Excuse {
    ears: Pair<Ear>,
    /// When two were active with an excuse last.
    used_at: Option<Moment>,
    resolves_in: Duration,
    timers_differ: bool,
}

impl Excuse {
    pub(super) fn new(plan: &Plan) -> Self {
        let heartbeat = plan.heartbeat_max();
        let ear = |side| {
            let timers = plan.boxes[side].timers;
            Ear { patience: patience(timers), heartbeat: timers.heartbeat, ..Ear::default() }
        };
        Self {
            ears: Pair::of(ear),
            used_at: None,
            resolves_in: plan.failover_max() + heartbeat * 2,
            timers_differ: plan.boxes.a.timers != plan.boxes.b.timers,
        }
    }

    /// A life begins.
    pub(super) fn starts(&mut self, side: Side, now: Moment, birth: Birth) {
        if birth == Birth::Bound {
            self.goes_on(side, now);
            (self.ears[side].birth, self.ears[side].was_stopped) = (birth, false);
            return;
        }
        let Ear { patience, heartbeat, .. } = self.ears[side];
        self.ears[side] = Ear { heard_at: now, patience, heartbeat, birth, ..Ear::default() };
        self.ears[side.other()].has_met = false;
    }

    /// An active is none any more. If it is a life that never met the other one, that knows as little
    /// of it as of any that just started.
    pub(crate) fn falls_silent(&mut self, side: Side, now: Moment) {
        if self.ears[side].birth != Birth::Free {
            self.starts(side, now, Birth::Free);
        }
    }

    /// A process is stopped.
    pub(crate) fn is_stopped(&mut self, side: Side, now: Moment) {
        self.ears[side].stopped_at = Some(now);
    }

    /// A stopped process goes on.
    pub(crate) fn goes_on(&mut self, side: Side, now: Moment) {
        let ear = &mut self.ears[side];
        ear.heard_at = now - ear.silence(now);
        ear.stopped_at = None;
        ear.was_stopped = true;
        if std::mem::take(&mut ear.excused_then) {
            self.used_at = Some(now);
        }
    }

    /// A box found its peer.
    pub(crate) fn meets(&mut self, side: Side) {
        self.ears[side].has_met = true;
        self.ears[side].birth = Birth::Free;
    }

    /// A box sent a heartbeat.
    pub(crate) fn sent(&mut self, side: Side, now: Moment) {
        self.ears[side].sent_at = now;
    }

    /// A box took in a heartbeat that was sent at this moment, and acted on it.
    pub(super) fn heard(&mut self, side: Side, sent_at: Moment, now: Moment) {
        let met = self.have_met();
        let ear = &mut self.ears[side];
        if met && sent_at >= ear.newest {
            ear.newest = sent_at;
            if now.since(sent_at) <= Plan::MARGIN {
                ear.heard_at = now;
                ear.was_stopped = false;
            }
        }
    }

    /// A process is stopped, having decided to become active but not done it yet.
    pub(crate) fn decides_late(&mut self, side: Side, now: Moment) {
        self.ears[side].excused_then = self.is_cut_off(side.other(), now);
    }

    /// Whether the two that are active now are excused; `incumbents` were so before.
    pub(super) fn covers(&mut self, now: Moment, incumbents: &[Side]) -> bool {
        if incumbents.iter().any(|side| self.is_cut_off(*side, now)) {
            self.used_at = Some(now);
        }
        self.used_at.is_some_and(|used_at| now.since(used_at) <= self.resolves_in)
    }

    /// Hears nothing, and is not heard although it speaks.
    fn is_cut_off(&self, side: Side, now: Moment) -> bool {
        let own = &self.ears[side];
        let is_unheard = own.sent_at > self.ears[side.other()].newest;
        let knows_nothing = |ear: &&Ear| ear.newest == Moment::START;
        let is_unsure = self.timers_differ && self.ears.both().iter().any(knows_nothing);
        if own.birth == Birth::Alone || is_unsure {
            return true;
        }
        own.hears_nothing(now) && (is_unheard || !self.have_met())
    }

    fn have_met(&self) -> bool {
        self.ears.both().iter().all(|ear| ear.has_met)
    }

    pub(super) fn describe(&self, now: Moment) -> String {
        let one = |side: Side| {
            let (own, other) = (&self.ears[side], &self.ears[side.other()]);
            let unheard = own.sent_at.since(other.newest);
            format!("{side} heard nothing for {:?}, unheard for {unheard:?}", own.silence(now))
        };
        format!("{}, {}", one(Side::A), one(Side::B))
    }
}

/// How long its peer has to be silent until a box renews its lease on its own account: what was
/// heard last may confirm a heartbeat that is an interval old, and an eighth of one is for being
/// late. Never less than one and a half heartbeats: a single late one is no silence.
fn patience(timers: Timers) -> Duration {
    let Timers { heartbeat, failover } = timers;
    let before_the_end = failover.saturating_sub(Plan::MARGIN + heartbeat + heartbeat / 8);
    before_the_end.max(heartbeat + heartbeat / 2).min(failover)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met() -> Excuse {
        let mut excuse = Excuse::new(&Plan::fair(Timers::millis(10, 30)));
        for side in Side::BOTH {
            excuse.starts(side, Moment::START, Birth::Free);
        }
        for side in Side::BOTH {
            excuse.meets(side);
        }
        excuse
    }

    const fn at(millis: u64) -> Moment {
        Moment::after_millis(millis)
    }

    #[test]
    fn a_cut_in_one_direction_excuses_nothing() {
        let mut excuse = met();
        for tenth in 1..20 {
            let now = at(tenth * 10);
            for side in Side::BOTH {
                excuse.sent(side, now);
            }
            excuse.heard(Side::A, now, now);
            assert!(!excuse.covers(now, &Side::BOTH));
        }
    }

    #[test]
    fn a_cut_in_both_directions_excuses_two_and_for_a_while_after() {
        let mut excuse = met();
        for side in Side::BOTH {
            excuse.sent(side, at(20));
        }
        assert!(excuse.covers(at(20), &[Side::A]));
        for side in Side::BOTH {
            excuse.heard(side, at(20), at(21));
        }
        assert!(excuse.covers(at(60), &Side::BOTH));
        assert!(!excuse.covers(at(80), &Side::BOTH));
    }

    #[test]
    fn an_active_that_is_stopped_before_it_speaks_excuses_nothing() {
        let mut excuse = met();
        excuse.sent(Side::A, at(10));
        excuse.heard(Side::B, at(10), at(10));
        excuse.is_stopped(Side::A, at(20));
        excuse.sent(Side::B, at(30));
        assert!(!excuse.covers(at(45), &[Side::A]));
    }
}
