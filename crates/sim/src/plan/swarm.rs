//! Faults without restraint. Each seed chooses its own kinds of faults and its own density: a mix
//! of everything all the time would drown what a few kinds alone bring to light.

use std::time::Duration;

use super::Plan;
use crate::fault::{Death, Fault, Paths, Weather};
use crate::pair::Side;
use crate::rng::Rng;
use crate::time::Moment;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    BadPath,
    CutPath,
    CutEverythingOneWay,
    Partition,
    Pause,
    Crash,
    Handover,
    Stop,
    LoseCaptures,
    Priority,
    Reload,
    ReloadBoth,
    KillModule,
}

const KINDS: [Kind; 13] = [
    Kind::BadPath,
    Kind::CutPath,
    Kind::CutEverythingOneWay,
    Kind::Partition,
    Kind::Pause,
    Kind::Crash,
    Kind::Handover,
    Kind::Stop,
    Kind::LoseCaptures,
    Kind::Priority,
    Kind::Reload,
    Kind::ReloadBoth,
    Kind::KillModule,
];

/// Draws the faults of a run.
pub(super) fn faults_of(rng: &mut Rng, plan: &Plan) -> Vec<(Moment, Fault)> {
    let mut kinds: Vec<Kind> = KINDS.into_iter().filter(|_| rng.chance(400)).collect();
    if kinds.is_empty() {
        kinds.push(rng.pick(&KINDS));
    }
    let failover = plan.failover_max();
    let longest_gap = rng.duration(failover, failover * 10);
    let mut at = Moment::START + rng.duration(Duration::ZERO, failover * 6);
    let mut faults = Vec::new();
    while at < plan.heal_at {
        let kind = rng.pick(&kinds);
        faults.extend(strike(rng, plan, kind).into_iter().map(|fault| (at, fault)));
        at = at + rng.duration(Duration::ZERO, longest_gap);
    }
    faults
}

fn strike(rng: &mut Rng, plan: &Plan, kind: Kind) -> Vec<Fault> {
    let on = rng.pick(&Side::BOTH);
    let failover = plan.failover_max();
    let path = Paths::One(rng.index(plan.second_paths + 1));
    let lasts = duration(rng, failover);
    let cut = |from, paths| Fault::Weather { from, paths, weather: Weather::CUT, lasts };
    match kind {
        Kind::BadPath => vec![Fault::Weather {
            from: on,
            paths: if rng.chance(500) { path } else { Paths::All },
            weather: bad_weather(rng, failover),
            lasts,
        }],
        Kind::CutPath => Side::BOTH.map(|from| cut(from, path)).to_vec(),
        Kind::CutEverythingOneWay => vec![cut(on, Paths::All)],
        Kind::Partition => Side::BOTH.map(|from| cut(from, Paths::All)).to_vec(),
        Kind::Pause => {
            vec![Fault::Pause { on, after_outputs: outputs(rng), lasts: pause(rng, failover) }]
        }
        Kind::Crash => vec![Fault::Crash {
            on,
            after_outputs: outputs(rng),
            death: if rng.chance(400) {
                Death::Kill
            } else {
                Death::Power { disk_survives: rng.chance(700) }
            },
            back_after: duration(rng, failover),
        }],
        Kind::Handover => vec![Fault::Handover],
        Kind::Stop => vec![Fault::Stop { on, back_after: lasts }],
        Kind::LoseCaptures => vec![Fault::LoseCaptures { on, lasts: lasts / 8 }],
        Kind::Reload => vec![reload(rng, on, failover)],
        Kind::ReloadBoth => Side::BOTH.map(|on| reload(rng, on, failover)).to_vec(),
        Kind::KillModule => vec![Fault::Crash {
            on,
            after_outputs: outputs(rng),
            death: Death::Kill,
            back_after: rng.duration(Duration::from_millis(1), failover),
        }],
        Kind::Priority => vec![Fault::Priority { on, to: small_priority(rng) }],
    }
}

/// Now and then longer away than asked for, or for ever as it seems.
fn reload(rng: &mut Rng, on: Side, failover: Duration) -> Fault {
    let asks = rng.pick(&[50, 300, 1_000, 5_000, 9_000]);
    Fault::Reload {
        on,
        asks: Duration::from_millis(asks),
        back_after: if rng.chance(700) {
            rng.duration(Duration::from_millis(5), Duration::from_millis(200))
        } else {
            duration(rng, failover.max(Duration::from_millis(300)))
        },
    }
}

/// From a fraction of the failover time to several of them, short ones more often.
fn duration(rng: &mut Rng, failover: Duration) -> Duration {
    let longest = rng.pick(&[failover / 4, failover, failover * 2, failover * 6]);
    rng.duration(longest / 10, longest)
}

/// Now and then long enough to overflow a socket's queue.
fn pause(rng: &mut Rng, failover: Duration) -> Duration {
    if rng.chance(60) { failover * 15 } else { duration(rng, failover) }
}

fn outputs(rng: &mut Rng) -> u32 {
    if rng.chance(400) { 0 } else { u32::try_from(rng.below(12)).unwrap_or(0) }
}

fn small_priority(rng: &mut Rng) -> u8 {
    u8::try_from(rng.between(1, 254)).unwrap_or(1)
}

fn bad_weather(rng: &mut Rng, failover: Duration) -> Weather {
    let longest = rng.pick(&[Duration::from_millis(1), failover / 4, failover]);
    Weather {
        cut: false,
        loss: rng.pick(&[0, 50, 300, 700]),
        duplicates: rng.pick(&[0, 0, 300]),
        delay: rng.duration(Duration::ZERO, longest),
        jitter: rng.duration(Duration::ZERO, failover / 2),
    }
}
