//! Who forwards, and whether two may.
//!
//! **When two data planes may be active.** A box renews its lease on its own account once its peer
//! has been silent, and the standby takes over once the active has been silent: so two actives need
//! silence in *both* directions at the same time, while both processes run. `Silence` measures it
//! from what was really delivered. Two actives are excused while such a silence has lasted
//! [`Silence::needed`], and for [`Silence::resolves_in`] after it ended: the boxes have to hear each
//! other before one can yield. Silence in one direction alone excuses nothing.

use std::time::Duration;

use hitless_model::Role;

use super::{Invariant, Violation};
use crate::pair::{Pair, Side};
use crate::plan::Plan;
use crate::plane::Gate;
use crate::time::Moment;

/// The longest overlap of a draining and an active box.
const OVERLAP: Duration = Duration::from_millis(100);

/// Silence of both directions together.
#[derive(Debug)]
struct Silence {
    since: Moment,
    /// When one that was long enough ended.
    ended: Option<Moment>,
    needed: Duration,
    resolves_in: Duration,
}

impl Silence {
    fn ends(&mut self, now: Moment) {
        if now.since(self.since) >= self.needed {
            self.ended = Some(now);
        }
        self.since = now;
    }

    fn excuses_two(&self, now: Moment) -> bool {
        now.since(self.since) >= self.needed
            || self.ended.is_some_and(|ended| now.since(ended) <= self.resolves_in)
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

/// Watches the gates of both boxes.
#[derive(Debug)]
pub(crate) struct RoleWatch {
    silence: Silence,
    overlap_since: Option<Moment>,
    /// The last one that forwarded alone.
    sole: Option<Side>,
    now: Forwarders,
    /// Times that two were active, with an excuse.
    pub(crate) splits: u64,
}

impl RoleWatch {
    pub(crate) fn new(plan: &Plan) -> Self {
        let heartbeat = plan.heartbeat_max();
        let renews_alone = plan.failover_min().saturating_sub(Plan::MARGIN + heartbeat);
        Self {
            silence: Silence {
                since: Moment::START,
                ended: None,
                // Never less than one and a half heartbeats: a single late one is no silence.
                needed: renews_alone.max(heartbeat + heartbeat / 2),
                resolves_in: plan.failover_max() + heartbeat * 2,
            },
            overlap_since: None,
            sole: None,
            now: Forwarders::None,
            splits: 0,
        }
    }

    /// A heartbeat was taken in by a box, or a box began or went on to run.
    pub(crate) fn silence_ends(&mut self, now: Moment) {
        self.silence.ends(now);
    }

    /// Looks at the gates; says who forwards alone if that is somebody else than before.
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
                let is_new = before == Forwarders::Both || self.sole != Some(side);
                self.sole = Some(side);
                (Some(side).filter(|_| is_new), None)
            }
            Forwarders::Both => (None, self.judge_overlap(now, gates, before)),
        }
    }

    fn judge_overlap(
        &mut self,
        now: Moment,
        gates: Pair<Gate>,
        before: Forwarders,
    ) -> Option<Violation> {
        let since = *self.overlap_since.get_or_insert(now);
        let is_excused = self.silence.excuses_two(now);
        let is_handover = gates.both().iter().any(|gate| gate.role == Role::Draining);
        if before != Forwarders::Both && !is_handover {
            self.splits += 1;
        }
        let quiet = now.since(self.silence.since);
        if is_excused || (is_handover && now.since(since) <= OVERLAP) {
            return None;
        }
        let invariant = if is_handover { Invariant::ShortOverlap } else { Invariant::OneActive };
        let Pair { a, b } = gates;
        let what = format!(
            "A is {} (epoch {}, lease to {}), B is {} (epoch {}, lease to {}); both forward since \
             {since}, silence of both directions {quiet:?}",
            a.role, a.epoch, a.ends, b.role, b.epoch, b.ends
        );
        Some(Violation { at: now, invariant, what })
    }

    pub(crate) fn forwarders(&self) -> Forwarders {
        self.now
    }
}
