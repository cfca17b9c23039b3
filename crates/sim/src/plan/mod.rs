//! Everything that a run is made of, drawn from its seed or written down by a test.
//!
//! A plan is complete: nothing in it depends on what the pair does. [`draw`] makes one from a seed;
//! scripted tests start from [`Plan::fair`].

mod draw;
mod gateways;
mod swarm;

use std::time::Duration;

use hitless_core::node::SplitBrain;

use crate::fault::{Fault, Weather};
use crate::pair::{Pair, Side};
use crate::time::Moment;

pub use draw::draw;
pub use gateways::draw_with_gateways;

/// What is promised about a run, beyond what always holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Nothing fails; handovers only. No packet of an established connection may be lost.
    Calm,
    /// Only what a pair has to bear without a role change: bounded loss, short pauses.
    Bounded,
    /// Anything.
    Swarm,
}

/// A box's configured times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timers {
    /// Between heartbeats.
    pub heartbeat: Duration,
    /// Since the last heartbeat, until the peer counts as gone.
    pub failover: Duration,
}

impl Timers {
    /// From milliseconds.
    pub const fn millis(heartbeat: u64, failover: u64) -> Self {
        Self {
            heartbeat: Duration::from_millis(heartbeat),
            failover: Duration::from_millis(failover),
        }
    }
}

/// A box.
#[derive(Clone, Copy, Debug)]
pub struct BoxPlan {
    /// Its times.
    pub timers: Timers,
    /// Its priority.
    pub priority: u8,
    /// Whether `preempt` is configured.
    pub preempt: bool,
    /// Its identity, which decides ties.
    pub unit: u64,
    /// The epoch on its disk.
    pub epoch: u64,
    /// What its clock shows at the start.
    pub clock_offset: Duration,
    /// How fast its clock runs: nanoseconds gained per millisecond.
    pub clock_gain: u64,
    /// Its kernel's tick.
    pub tick: Duration,
    /// When it starts.
    pub starts_after: Duration,
    /// Entries of its connection table.
    pub table_size: usize,
}

/// What clients do.
#[derive(Clone, Copy, Debug)]
pub struct TrafficPlan {
    /// Clients at work at a time; 0 = no traffic.
    pub clients: usize,
    /// Longest pause of a client between two packets.
    pub pause: Duration,
    /// Ends of connections of a thousand packets.
    pub closes: u64,
    /// New connections of a thousand that use the former's address and port again.
    pub reuses: u64,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where everything else that is drawn during the run comes from.
    pub seed: u64,
    /// What is promised.
    pub profile: Profile,
    /// The boxes.
    pub boxes: Pair<BoxPlan>,
    /// Whether `key-string` is configured.
    pub keyed: bool,
    /// Number of paths besides the fault-tolerant VLAN.
    pub second_paths: usize,
    /// What silence of the peer is enough for.
    pub split_brain: SplitBrain,
    /// How long a gateway's answer takes at most.
    pub gateways_answer_within: Duration,
    /// How paths behave when nothing is wrong with them.
    pub weather: Weather,
    /// What goes wrong, and when.
    pub faults: Vec<(Moment, Fault)>,
    /// Mean time between hostile frames; none if `None`.
    pub hostile_every: Option<Duration>,
    /// Whether another pair shares the fault-tolerant VLAN.
    pub foreign_pair: bool,
    /// What clients do.
    pub traffic: TrafficPlan,
    /// When everything is healed.
    pub heal_at: Moment,
}

impl Plan {
    /// Two boxes, two second paths, nothing goes wrong; A has the higher priority.
    pub fn fair(timers: Timers) -> Self {
        let plan = |side| BoxPlan {
            timers,
            priority: if side == Side::A { 20 } else { 10 },
            preempt: false,
            unit: if side == Side::A { 0xa } else { 0xb },
            epoch: 0,
            clock_offset: Duration::from_secs(if side == Side::A { 5 } else { 700_000 }),
            clock_gain: 0,
            tick: Duration::from_millis(4),
            starts_after: Duration::ZERO,
            table_size: 4096,
        };
        Self {
            seed: 1,
            profile: Profile::Swarm,
            boxes: Pair::of(plan),
            keyed: false,
            second_paths: 2,
            split_brain: SplitBrain::BothActive,
            gateways_answer_within: Duration::from_micros(500),
            weather: Weather::FAIR,
            faults: Vec::new(),
            hostile_every: None,
            foreign_pair: false,
            traffic: TrafficPlan {
                clients: 12,
                pause: timers.failover / 6,
                closes: 30,
                reuses: 300,
            },
            heal_at: Moment::START + timers.failover * 40,
        }
    }

    /// The same with a fault at `at`.
    #[must_use]
    pub fn with(mut self, at: Moment, fault: Fault) -> Self {
        self.faults.push((at, fault));
        self
    }

    /// For how long nobody is active without having heard the peer or a gateway: a lease, if that is
    /// configured, and nobody asks for a longer one. A good-bye is trusted until the peer counts as
    /// silent.
    pub fn gateways_bound_leases(&self) -> Option<Duration> {
        let has = |kind: fn(&Fault) -> bool| self.faults.iter().any(|(_, fault)| kind(fault));
        let is_bound = self.split_brain == SplitBrain::Gateway
            && !has(|fault| matches!(fault, Fault::Reload { .. }));
        let good_byes = has(|fault| matches!(fault, Fault::Stop { .. }));
        is_bound.then(|| self.failover_max() * if good_byes { 2 } else { 1 })
    }

    /// The longer failover time of the two.
    pub fn failover_max(&self) -> Duration {
        Pair::of(|side| self.boxes[side].timers.failover).max()
    }

    /// The shorter failover time of the two.
    pub fn failover_min(&self) -> Duration {
        Pair::of(|side| self.boxes[side].timers.failover).min()
    }

    /// The longer heartbeat interval of the two.
    pub fn heartbeat_max(&self) -> Duration {
        Pair::of(|side| self.boxes[side].timers.heartbeat).max()
    }

    /// Safety margin between the end of the lease and the peer's failover time.
    pub const MARGIN: Duration = Duration::from_millis(4);

    /// When the pair is at work for sure, if nothing was wrong from the start.
    pub fn warmed_up_at(&self) -> Moment {
        Moment::START + self.failover_max() * 8 + Duration::from_millis(500)
    }

    /// Whether nothing may be lost before the heal either.
    pub fn promises_calm(&self) -> bool {
        match self.profile {
            Profile::Calm | Profile::Bounded => true,
            Profile::Swarm => false,
        }
    }

    /// How long after the heal everything must have settled: a box that returns listens, the pair
    /// meets, one takes over, tables are synchronised, a preempt may follow.
    pub fn settles_within(&self) -> Duration {
        self.failover_max() * 5 + self.heartbeat_max() * 10 + Duration::from_millis(1500)
    }

    /// How long nothing may change after that.
    pub fn quiet_for(&self) -> Duration {
        self.failover_max() * 8 + Duration::from_millis(300)
    }

    /// How long before the end of the run clients are silent.
    pub fn rests_for(&self) -> Duration {
        self.failover_max() * 2 + Duration::from_millis(300)
    }

    /// When the run ends.
    pub fn ends_at(&self) -> Moment {
        self.heal_at + self.settles_within() + self.quiet_for()
    }
}
