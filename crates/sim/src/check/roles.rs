//! Who forwards, and whether two may.
//!
//! **When two data planes may be active.** A box renews its lease on its own account once its peer
//! has been silent, and the standby takes over once the active has been silent: so two actives need
//! silence in *both* directions at the same time, while both processes run. [`Silence`] measures it
//! from the heartbeats that were really taken in. Two actives are excused while such a silence has
//! lasted [`Silence::needed`], and for [`Silence::resolves_in`] after it ended: the boxes have to
//! hear each other before one can yield. Silence in one direction alone excuses nothing.
//!
//! Frames count only once both lives have met: a box that starts behind a one-way cut cannot open
//! what it hears, and the other one never learns of it.
//!
//! **How long a handover's forwarders may overlap.** 100 ms from the moment that the draining box
//! takes in a heartbeat of the new active; until then its lease is the bound. Where nothing fails,
//! 100 ms in all.

use std::time::Duration;

use hitless_model::Role;

use super::{Invariant, Violation};
use crate::pair::{Pair, Side};
use crate::plan::{Plan, Timers};
use crate::plane::Gate;
use crate::time::Moment;

/// The longest overlap of a draining and an active box.
const OVERLAP: Duration = Duration::from_millis(100);

/// Silence of both directions together. Time in which a process was stopped does not count: that
/// is not the network's silence, and excuses nothing. After it one heartbeat's time is enough: so
/// long a box that was late listens before it judges.
#[derive(Debug)]
struct Silence {
    since: Moment,
    /// Since when a process has been stopped: the clock stands still as long as any is.
    stopped_at: Option<Moment>,
    stopped: Pair<bool>,
    /// A process has been stopped in this silence.
    was_stopped: bool,
    /// When one that was long enough ended.
    ended: Option<Moment>,
    needed: Duration,
    heartbeat: Duration,
    resolves_in: Duration,
}

impl Silence {
    fn lasted(&self, now: Moment) -> Duration {
        self.stopped_at.unwrap_or(now).since(self.since)
    }

    fn is_long(&self, now: Moment) -> bool {
        self.lasted(now) >= if self.was_stopped { self.heartbeat } else { self.needed }
    }

    fn ends(&mut self, now: Moment) {
        if self.is_long(now) {
            self.ended = Some(now);
        }
        self.since = now;
        self.was_stopped = false;
    }

    fn is_stopped(&mut self, side: Side, now: Moment) {
        self.stopped[side] = true;
        self.stopped_at.get_or_insert(now);
    }

    fn goes_on(&mut self, side: Side, now: Moment) {
        self.stopped[side] = false;
        if self.stopped == Pair::default() {
            let before = self.lasted(now);
            self.stopped_at = None;
            self.since = now - before;
            self.was_stopped = true;
        }
    }

    fn excuses_two(&self, now: Moment) -> bool {
        self.is_long(now) || self.ended.is_some_and(|ended| now.since(ended) <= self.resolves_in)
    }
}

/// Which boxes forward now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forwarders {
    None,
    One(Side),
    Both,
}

impl Forwarders {
    fn of(gates: Pair<Gate>, now: Moment) -> Self {
        match (gates.a.forwards(now), gates.b.forwards(now)) {
            (false, false) => Self::None,
            (true, false) => Self::One(Side::A),
            (false, true) => Self::One(Side::B),
            (true, true) => Self::Both,
        }
    }
}

/// How long its peer has to be silent until a box renews its lease on its own account. Never less
/// than one and a half heartbeats: a single late one is no silence.
fn silence_of(timers: Timers) -> Duration {
    let Timers { heartbeat, failover } = timers;
    let before_the_end = failover.saturating_sub(Plan::MARGIN + heartbeat);
    before_the_end.max(heartbeat + heartbeat / 2).min(failover)
}

/// Watches the gates of both boxes.
#[derive(Debug)]
pub(crate) struct RoleWatch {
    silence: Silence,
    /// The present life of this box knows of the other one.
    met: Pair<bool>,
    /// When the box became active last.
    active_since: Pair<Moment>,
    /// When the newest heartbeat that the box took in was sent: an older one says nothing.
    newest: Pair<Moment>,
    /// A heartbeat that took longer says nothing about the present.
    fresh: Duration,
    /// When the box heard that the other one is active.
    news_at: Pair<Option<Moment>>,
    /// Bound of an overlap of which the draining box does not know.
    unknown_overlap: Duration,
    overlap_since: Option<Moment>,
    now: Forwarders,
    /// Times that two were active, with an excuse.
    pub(crate) splits: u64,
}

impl RoleWatch {
    pub(crate) fn new(plan: &Plan) -> Self {
        let heartbeat = Pair::of(|side| plan.boxes[side].timers.heartbeat);
        Self {
            silence: Silence {
                since: Moment::START,
                stopped_at: None,
                stopped: Pair::default(),
                was_stopped: false,
                heartbeat: heartbeat.min(),
                ended: None,
                needed: Pair::of(|side| silence_of(plan.boxes[side].timers)).min(),
                resolves_in: plan.failover_max() + heartbeat.max() * 2,
            },
            met: Pair::default(),
            active_since: Pair::default(),
            newest: Pair::default(),
            fresh: heartbeat.min(),
            news_at: Pair::default(),
            unknown_overlap: if plan.promises_calm() { OVERLAP } else { plan.failover_max() },
            overlap_since: None,
            now: Forwarders::None,
            splits: 0,
        }
    }

    /// A life begins.
    pub(crate) fn starts(&mut self, side: Side, now: Moment) {
        self.met = Pair::default();
        self.news_at[side] = None;
        self.silence.goes_on(side, now);
        self.silence.ends(now);
    }

    /// A process is stopped.
    pub(crate) fn is_stopped(&mut self, side: Side, now: Moment) {
        self.silence.is_stopped(side, now);
    }

    /// A stopped process goes on.
    pub(crate) fn goes_on(&mut self, side: Side, now: Moment) {
        self.silence.goes_on(side, now);
    }

    /// A box found its peer.
    pub(crate) fn meets(&mut self, side: Side) {
        self.met[side] = true;
    }

    /// A box took in a heartbeat that was sent at this moment.
    pub(crate) fn heard(&mut self, side: Side, sent_at: Moment, now: Moment) {
        if sent_at < self.newest[side] || now.since(sent_at) > self.fresh {
            return;
        }
        self.newest[side] = sent_at;
        if self.met == (Pair { a: true, b: true }) {
            self.silence.ends(now);
        }
        if sent_at >= self.active_since[side.other()] {
            self.news_at[side].get_or_insert(now);
        }
    }

    /// A gate became active.
    pub(crate) fn becomes_active(&mut self, side: Side, now: Moment) {
        self.active_since[side] = now;
        self.news_at[side.other()] = None;
    }

    /// Looks at the gates; says who begins to forward alone.
    pub(crate) fn look(
        &mut self,
        now: Moment,
        gates: Pair<Gate>,
    ) -> (Option<Side>, Option<Violation>) {
        let before = std::mem::replace(&mut self.now, Forwarders::of(gates, now));
        match self.now {
            Forwarders::None => {
                self.overlap_since = None;
                (None, None)
            }
            Forwarders::One(side) => {
                self.overlap_since = None;
                (Some(side).filter(|_| before != self.now), None)
            }
            Forwarders::Both => {
                if before != Forwarders::Both {
                    self.overlap_since = Some(now);
                }
                (None, self.judge_overlap(now, gates, before))
            }
        }
    }

    fn judge_overlap(
        &mut self,
        now: Moment,
        gates: Pair<Gate>,
        before: Forwarders,
    ) -> Option<Violation> {
        let draining = Side::BOTH.into_iter().find(|side| gates[*side].role == Role::Draining);
        if before != Forwarders::Both && draining.is_none() {
            self.splits += 1;
        }
        let is_short = draining.is_some_and(|side| self.overlap_is_short(side, now));
        if is_short || self.silence.excuses_two(now) {
            return None;
        }
        let invariant =
            if draining.is_some() { Invariant::ShortOverlap } else { Invariant::OneActive };
        Some(Violation { at: now, invariant, what: self.describe(now, gates) })
    }

    fn overlap_is_short(&self, draining: Side, now: Moment) -> bool {
        let since = self.overlap_since.unwrap_or(now);
        let after_news =
            self.news_at[draining].is_none_or(|at| now.since(at.max(since)) <= OVERLAP);
        after_news && now.since(since) <= self.unknown_overlap.max(OVERLAP)
    }

    fn describe(&self, now: Moment, gates: Pair<Gate>) -> String {
        let Pair { a, b } = gates;
        let since = self.overlap_since.unwrap_or(now);
        let quiet = self.silence.lasted(now);
        format!(
            "A is {} (epoch {}, lease to {}), B is {} (epoch {}, lease to {}); both forward since \
             {since}, silence of both directions {quiet:?}",
            a.role, a.epoch, a.ends, b.role, b.epoch, b.ends
        )
    }

    pub(crate) fn forwarders(&self) -> Forwarders {
        self.now
    }
}
