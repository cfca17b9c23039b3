//! Who forwards, and whether two may.
//!
//! Two data planes active together are excused only if one of the boxes had every reason to renew
//! its lease on its own account, and no way to say so; see [`super::excuse`].
//!
//! A handover's two forwarders may overlap for 100 ms from the moment that the draining box takes in
//! a heartbeat of the new active; until then its lease is the bound. Where nothing fails, 100 ms in
//! all.

use std::time::Duration;

use hitless_model::{Epoch, Role};

use super::excuse::{Birth, Excuse};
use super::{Invariant, Violation};
use crate::pair::{Pair, Side};
use crate::plan::Plan;
use crate::plane::Gate;
use crate::time::Moment;

/// The longest overlap of a draining and an active box.
const OVERLAP: Duration = Duration::from_millis(100);

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
    pub(crate) excuse: Excuse,
    /// When the box became active last, and the epoch of that, as far as its present life knows.
    active_since: Pair<Moment>,
    active_epoch: Pair<Epoch>,
    /// When the box heard that the other one is active.
    news_at: Pair<Option<Moment>>,
    /// Bound of an overlap of which the draining box does not know.
    unknown_overlap: Duration,
    overlap_since: Option<Moment>,
    /// When the box heard the other one, or a gateway, last.
    reached_at: Pair<Moment>,
    /// How long after that it may be active, where gateways decide.
    active_after: Option<Duration>,
    now: Forwarders,
    /// Times that two were active, with an excuse.
    pub(crate) splits: u64,
}

impl RoleWatch {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            excuse: Excuse::new(plan),
            active_since: Pair::default(),
            active_epoch: Pair::default(),
            news_at: Pair::default(),
            unknown_overlap: if plan.promises_calm() { OVERLAP } else { plan.failover_max() },
            overlap_since: None,
            reached_at: Pair::default(),
            active_after: plan.gateways_bound_leases(),
            now: Forwarders::None,
            splits: 0,
        }
    }

    /// A life begins that knows of this epoch.
    pub(crate) fn starts(&mut self, side: Side, now: Moment, birth: Birth, epoch: Epoch) {
        self.news_at[side] = None;
        self.active_epoch[side] = self.active_epoch[side].min(epoch);
        self.excuse.starts(side, now, birth);
    }

    /// A box took in, and acted on, a heartbeat that was sent at this moment.
    pub(crate) fn heard(&mut self, side: Side, sent_at: Moment, now: Moment) {
        self.excuse.heard(side, sent_at, now);
        if sent_at >= self.active_since[side.other()] {
            self.news_at[side].get_or_insert(now);
        }
    }

    /// A box heard the other one, or a gateway.
    pub(crate) fn reached(&mut self, side: Side, now: Moment) {
        self.reached_at[side] = now;
    }

    /// Who is active without having heard anybody for longer than a lease.
    fn cut_off(&self, now: Moment, gates: Pair<Gate>) -> Option<Violation> {
        let longest = self.active_after?;
        let is_active = |side: Side| gates[side].role == Role::Active && gates[side].forwards(now);
        let silence = |side: Side| now.since(self.reached_at[side]);
        let side =
            Side::BOTH.into_iter().find(|side| is_active(*side) && silence(*side) > longest)?;
        let what = format!("{side} has reached nobody for {:?}, and is active", silence(side));
        Some(Violation { at: now, invariant: Invariant::CutOffIsSilent, what })
    }

    /// A gate became active. Its epoch has to be later than that of a reign that it has heard of.
    pub(crate) fn becomes_active(
        &mut self,
        side: Side,
        now: Moment,
        epoch: Epoch,
    ) -> Result<(), String> {
        self.active_since[side] = now;
        self.active_epoch[side] = epoch;
        self.news_at[side.other()] = None;
        let heard = self.news_at[side].map(|_| self.active_epoch[side.other()]);
        match heard.filter(|heard| *heard >= epoch) {
            Some(heard) => Err(format!("{side} is active in {epoch}, and has heard of {heard}")),
            None => Ok(()),
        }
    }

    /// Looks at the gates; says who begins to forward alone.
    pub(crate) fn look(
        &mut self,
        now: Moment,
        gates: Pair<Gate>,
    ) -> (Option<Side>, Option<Violation>) {
        if let Some(violation) = self.cut_off(now, gates) {
            return (None, Some(violation));
        }
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
        let incumbents = match before {
            Forwarders::One(Side::A) => &[Side::A][..],
            Forwarders::One(Side::B) => &[Side::B],
            Forwarders::None | Forwarders::Both => &Side::BOTH,
        };
        if self.excuse.covers(now, incumbents) || is_short {
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
        format!(
            "A is {} (epoch {}, lease to {}), B is {} (epoch {}, lease to {}); both forward since \
             {since}; {}",
            a.role,
            a.epoch,
            a.ends,
            b.role,
            b.epoch,
            b.ends,
            self.excuse.describe(now)
        )
    }

    pub(crate) fn forwarders(&self) -> Forwarders {
        self.now
    }
}
