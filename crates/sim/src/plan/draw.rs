//! Draws a plan from a seed: which promises, which boxes, which times.

use std::time::Duration;

use hitless_core::node::SplitBrain;

use super::swarm::faults_of;
use super::{BoxPlan, Plan, Profile, Timers, TrafficPlan};
use crate::fault::{Fault, Paths, Weather};
use crate::pair::{Pair, Side};
use crate::rng::Rng;
use crate::time::Moment;

/// A slow local network: delay and jitter together stay below the margin of the lease.
const SLOW: Duration = Duration::from_micros(1900);

/// The fastest allowed twice: that is where time is shortest.
const TIMERS: [Timers; 8] = [
    Timers::millis(10, 30),
    Timers::millis(10, 30),
    Timers::millis(10, 50),
    Timers::millis(20, 60),
    Timers::millis(50, 150),
    Timers::millis(100, 300),
    Timers::millis(250, 1000),
    Timers::millis(1000, 3000),
];

/// The plan of a seed.
pub fn draw(seed: u64) -> Plan {
    let mut rng = Rng::new(seed);
    let profile = match rng.below(100) {
        0..20 => Profile::Calm,
        20..35 => Profile::Bounded,
        _ => Profile::Swarm,
    };
    let timers = draw_timers(&mut rng, profile);
    let mut plan = Plan {
        seed: rng.next(),
        profile,
        boxes: draw_boxes(&mut rng, timers, profile),
        keyed: rng.chance(400),
        second_paths: rng.index(3),
        split_brain: SplitBrain::BothActive,
        gateways_answer_within: Duration::from_micros(500),
        weather: draw_weather(&mut rng, profile, timers.min().heartbeat),
        faults: Vec::new(),
        hostile_every: None,
        foreign_pair: rng.chance(150),
        traffic: draw_traffic(&mut rng, timers.max().failover),
        heal_at: Moment::START + timers.max().failover * 40,
    };
    if rng.chance(300) {
        let mean = timers.min().heartbeat / 2;
        plan.hostile_every = Some(rng.duration(mean / 4, mean * 4));
    }
    if plan.promises_calm() {
        plan.heal_at = plan.warmed_up_at() + plan.failover_max() * 30;
    }
    plan.faults = match profile {
        Profile::Calm => calm_faults(&mut rng, &plan),
        Profile::Bounded => bounded_faults(&mut rng, &plan),
        Profile::Swarm => faults_of(&mut rng, &plan),
    };
    plan
}

fn draw_timers(rng: &mut Rng, profile: Profile) -> Pair<Timers> {
    let timers = rng.pick(&TIMERS);
    let differ = profile == Profile::Swarm && rng.chance(60);
    Pair { a: timers, b: if differ { rng.pick(&TIMERS) } else { timers } }
}

fn draw_boxes(rng: &mut Rng, timers: Pair<Timers>, profile: Profile) -> Pair<BoxPlan> {
    let tie = rng.chance(250);
    let preempt = rng.below(4);
    let tables_are_small = profile == Profile::Swarm && rng.chance(50);
    let start_together = rng.chance(600);
    Pair::of(|side| BoxPlan {
        timers: timers[side],
        priority: if tie { 10 } else { u8::try_from(rng.between(1, 254)).unwrap_or(10) },
        preempt: preempt == 0 || (preempt == 1 && side == Side::B),
        unit: rng.next(),
        epoch: if rng.chance(700) { 0 } else { rng.below(1000) },
        clock_offset: Duration::from_nanos(rng.below(1 << 50)),
        clock_gain: rng.pick(&[0, 0, 20, 60]),
        tick: Duration::from_millis(rng.pick(&[1, 4, 4, 10])),
        starts_after: if start_together {
            rng.duration(Duration::ZERO, timers.max().heartbeat)
        } else {
            rng.duration(Duration::ZERO, timers.max().failover * 3)
        },
        table_size: if tables_are_small { 8 } else { 4096 },
    })
}

fn draw_weather(rng: &mut Rng, profile: Profile, heartbeat: Duration) -> Weather {
    let windy = profile == Profile::Swarm && rng.chance(500);
    if !windy {
        return Weather::FAIR;
    }
    Weather {
        cut: false,
        loss: if rng.chance(500) { rng.below(150) } else { 0 },
        duplicates: if rng.chance(500) { rng.below(200) } else { 0 },
        // The usual weather of a local network is never worse than that, however slow the timers.
        delay: rng.duration(Duration::from_micros(50), (heartbeat / 8).min(SLOW)),
        jitter: rng.duration(Duration::from_micros(50), (heartbeat / 3).min(SLOW)),
    }
}

fn draw_traffic(rng: &mut Rng, failover: Duration) -> TrafficPlan {
    TrafficPlan {
        clients: rng.pick(&[0, 4, 12, 12, 30]),
        pause: rng.duration(failover / 20, failover / 3),
        closes: rng.pick(&[5, 30, 150]),
        reuses: rng.pick(&[0, 200, 800]),
    }
}

/// Planned changes only, far enough apart to be finished one by one.
fn calm_faults(rng: &mut Rng, plan: &Plan) -> Vec<(Moment, Fault)> {
    let mut at = plan.warmed_up_at() + plan.failover_max() * 2;
    let mut faults = Vec::new();
    while at < plan.heal_at {
        let fault = match rng.below(10) {
            0..5 => Fault::Handover,
            5 | 6 => reload(rng),
            7 | 8 => Fault::Stop {
                on: rng.pick(&Side::BOTH),
                back_after: rng.duration(plan.failover_max(), plan.failover_max() * 4),
            },
            _ => Fault::Priority {
                on: rng.pick(&Side::BOTH),
                to: u8::try_from(rng.between(1, 254)).unwrap_or(1),
            },
        };
        faults.push((at, fault));
        at = at
            + rng.duration(plan.failover_max() * 8, plan.failover_max() * 14)
            + Duration::from_millis(300);
    }
    faults
}

/// Losses and pauses that a pair has to bear: shorter than what is left of a lease when the newest
/// confirmation is one heartbeat old, or than the half heartbeat by which a core may be late.
fn bounded_faults(rng: &mut Rng, plan: &Plan) -> Vec<(Moment, Fault)> {
    let Timers { heartbeat, failover } = plan.boxes.a.timers;
    let slack = Duration::from_millis(1);
    let bearable = failover.saturating_sub(Plan::MARGIN + heartbeat * 2 + slack);
    let pause = (heartbeat / 2).saturating_sub(slack);
    let mut at = plan.warmed_up_at() + failover * 2;
    let mut faults = Vec::new();
    while at < plan.heal_at {
        let on = rng.pick(&Side::BOTH);
        if rng.chance(500) && !bearable.is_zero() {
            let lasts = rng.duration(bearable / 4, bearable);
            for from in rng.pick(&[&[Side::A][..], &[Side::B], &Side::BOTH]) {
                let weather = Weather::CUT;
                let from = *from;
                faults.push((at, Fault::Weather { from, paths: Paths::All, weather, lasts }));
            }
        } else if rng.chance(600) {
            let lasts = rng.duration(pause / 4, pause);
            faults.push((at, Fault::Pause { on, after_outputs: 0, lasts }));
        } else {
            faults.push((at, reload(rng)));
            at = at + AWAY.1 + RECOVERS;
        }
        at = at + rng.duration(failover * 2, failover * 4);
    }
    faults
}

/// How long a process that is replaced may be away, and what it asks for: enough.
const AWAY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(400));
/// A new process needs so long to find its peer and to be in step with it.
const RECOVERS: Duration = Duration::from_millis(600);

fn reload(rng: &mut Rng) -> Fault {
    Fault::Reload {
        on: rng.pick(&Side::BOTH),
        asks: rng.duration(AWAY.1 + Duration::from_millis(600), Duration::from_secs(8)),
        back_after: rng.duration(AWAY.0, AWAY.1),
    }
}
