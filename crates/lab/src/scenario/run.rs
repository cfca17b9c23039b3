//! The two scenarios with figures: handovers there and back, and power losses with their returns.

use std::time::Duration;

use anyhow::Result;

use super::events::{self, Measured};
use super::report::{Repetition, Report, Spread};
use crate::arena::Arena;
use crate::clock::millis;
use crate::pair::{LETTERS, RoleCounts};
use crate::probe::Window;

/// Time without events in which the prober measures itself.
const BASELINE: Duration = Duration::from_secs(2);
/// A takeover may take this much longer than the failover time.
const TARGET_OVER_FAILOVER: Duration = Duration::from_millis(10);
/// What no machine that is merely slow exceeds.
const BOUND_OVER_FAILOVER: Duration = Duration::from_millis(250);

/// Which scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Handover by command.
    Planned,
    /// Power loss of the active one.
    PowerLoss,
}

impl Kind {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::PowerLoss => "power-loss",
        }
    }
}

/// Brings the pair up, lets the event happen `repeat` times, and reports.
pub fn run(arena: &mut Arena, kind: Kind, repeat: usize) -> Result<Report> {
    bring_up(arena)?;
    let baseline = arena.traffic.rest(BASELINE)?;
    arena.console.say(format!(
        "baseline: {} probes, {} lost, the prober's own largest gap {:.1} ms",
        baseline.sent,
        baseline.lost,
        millis(baseline.sender_gap)
    ));
    arena.pair.start_counting()?;
    let start = arena.traffic.position()?;
    let mut measured = Vec::new();
    for number in 1..=repeat {
        let one = once(arena, kind)?;
        arena.console.say(format!(
            "{number}/{repeat}: {}, outage {:.0} ms, {} probes lost, {} connections broken so far",
            events::who(&one),
            millis(one.window.outage),
            one.window.lost,
            one.tally.broken
        ));
        if kind == Kind::Planned && one.window.lost > 0 {
            for step in events::steps(arena, &one) {
                arena.console.say(step);
            }
        }
        measured.push(one);
    }
    let whole = arena.traffic.window_since(start)?;
    let counts = arena.pair.role_counts()?;
    Ok(report(arena, kind, &measured, &Totals { baseline, whole, counts }))
}

/// From nothing to a pair in step under load.
pub fn bring_up(arena: &mut Arena) -> Result<()> {
    for number in [0, 1] {
        arena.console.say(format!("starting the daemon of chassis {}", LETTERS[number]));
        arena.pair.power_on(number)?;
    }
    arena.console.say(format!("opening {} connections", arena.plan.connections));
    arena.start_traffic()?;
    arena.pair.await_step()
}

fn once(arena: &mut Arena, kind: Kind) -> Result<Measured> {
    match kind {
        Kind::Planned => events::handover(arena),
        Kind::PowerLoss => {
            let measured = events::power_loss(arena)?;
            events::back(arena, measured.before)?;
            Ok(measured)
        }
    }
}

struct Totals {
    baseline: Window,
    whole: Window,
    counts: RoleCounts,
}

fn report(arena: &Arena, kind: Kind, measured: &[Measured], totals: &Totals) -> Report {
    let Totals { baseline, whole, counts } = totals;
    let outage = Spread::of(measured.iter().map(|one| one.window.outage));
    let timers = arena.plan.timers;
    let target = match kind {
        Kind::Planned => Duration::ZERO,
        Kind::PowerLoss => timers.failover + TARGET_OVER_FAILOVER,
    };
    let tally = arena.traffic.tally();
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let mut report = Report {
        scenario: kind.name(),
        heartbeat_ms: milliseconds(timers.heartbeat),
        failover_ms: milliseconds(timers.failover),
        connections_total: tally.total,
        connections_broken: tally.broken,
        outage_ms_p50: outage.p50,
        outage_ms_max: outage.max,
        probe_sent: whole.sent,
        probe_lost: whole.lost,
        baseline_gap_ms: millis(baseline.sender_gap),
        dual_active_ms: millis(arena.pair.sampler().dual_active()),
        role_changes: counts.changes,
        lease_expiries: counts.expiries,
        repetitions: measured.iter().map(|one| Repetition::new(arena, one)).collect(),
        target_ms: millis(target),
        target_reached: outage.p50 <= millis(target),
        violated: Vec::new(),
    };
    report.violated = violated(&report, kind, timers.failover);
    report
}

fn violated(report: &Report, kind: Kind, failover: Duration) -> Vec<String> {
    let bound = millis(2 * failover + BOUND_OVER_FAILOVER);
    let planned = kind == Kind::Planned;
    let checks = [
        (report.connections_broken > 0, "connections broke".to_owned()),
        (report.dual_active_ms > 0.0, "both were active".to_owned()),
        (planned && report.probe_lost > 0, "a handover lost probes".to_owned()),
        (!planned && report.outage_ms_p50 > bound, format!("the outage is over {bound:.0} ms")),
    ];
    checks.into_iter().filter(|(is_violated, _)| *is_violated).map(|(_, what)| what).collect()
}
