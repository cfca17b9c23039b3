//! A scenario: its faults again and again on one pair, and the figures of it.

use std::time::Duration;

use anyhow::Result;

use super::events;
use super::fault::{Fault, Lost};
use super::report::{Repetition, Report, Spread};
use super::rows::rows;
use super::turn::{STANDSTILL, Turn, turn};
use crate::arena::Arena;
use crate::clock::millis;
use crate::config_text::Timers;
use crate::pair::{LETTERS, RoleCounts};
use crate::probe::Window;

/// Time without events in which the prober measures itself.
const BASELINE: Duration = Duration::from_secs(2);
/// A takeover may take this much longer than the failover time.
const TARGET_OVER_FAILOVER: Duration = Duration::from_millis(10);

/// How a scenario is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How often each fault happens.
    pub repeat: usize,
    /// Whether faults last as short as they may.
    pub is_short: bool,
    /// How long they last, if not as the table says.
    pub lasts: Option<Duration>,
}

impl Options {
    /// How long this fault lasts.
    pub fn lasts(&self, fault: &Fault) -> Duration {
        let table = if self.is_short { fault.lasts.short } else { fault.lasts.usual };
        self.lasts.unwrap_or(table)
    }
}

/// Brings the pair up, lets the faults happen, and reports.
pub fn run(arena: &mut Arena, faults: &[&'static Fault], options: Options) -> Result<Report> {
    bring_up(arena)?;
    let baseline = arena.traffic.rest(BASELINE)?;
    arena.console.say(format!(
        "baseline: {} probes, {} lost, the prober's own largest gap {:.1} ms",
        baseline.sent,
        baseline.lost,
        millis(baseline.sender_gap)
    ));
    arena.pair.start_counting()?;
    arena.gauge.begin();
    let start = arena.traffic.position()?;
    let mut turns = Vec::new();
    for number in 1..=options.repeat {
        for fault in faults {
            let one = turn(arena, fault, options.lasts(fault))?;
            arena.console.say(format!("{number}/{}: {}", options.repeat, told(&one)));
            for line in &one.violated {
                arena.console.say(format!("  NOT AS IT MUST BE: {line}"));
            }
            turns.push(one);
        }
    }
    let whole = arena.traffic.window_since(start)?;
    let counts = arena.pair.role_counts()?;
    Ok(report(arena, &turns, &Totals { baseline, whole, counts }))
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

/// A line about a turn.
fn told(turn: &Turn) -> String {
    let Turn { fault, strike, heal, .. } = turn;
    let lost = strike.window.lost + heal.as_ref().map_or(0, |heal| heal.window.lost);
    let broken = heal.as_ref().unwrap_or(strike).tally.broken;
    format!(
        "{}, {}, outage {:.0} ms, {lost} probes lost, {broken} connections broken so far",
        fault.event,
        events::who(strike),
        millis(strike.window.outage),
    )
}

struct Totals {
    baseline: Window,
    whole: Window,
    counts: RoleCounts,
}

fn report(arena: &Arena, turns: &[Turn], totals: &Totals) -> Report {
    let Totals { baseline, whole, counts } = totals;
    let outage = Spread::of(turns.iter().map(|turn| turn.strike.window.outage));
    let timers = arena.plan.timers;
    let target = target(turns, timers);
    let tally = arena.traffic.tally();
    let readings = arena.gauge.readings();
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Report {
        scenario: turns.first().map_or("", |turn| turn.fault.scenario),
        heartbeat_ms: milliseconds(timers.heartbeat),
        failover_ms: milliseconds(timers.failover),
        connections_total: tally.total,
        connections_broken: tally.broken,
        outage_ms_p50: outage.p50,
        outage_ms_max: outage.max,
        probe_sent: whole.sent,
        probe_lost: whole.lost,
        baseline_gap_ms: millis(baseline.sender_gap),
        prober_gap_ms: millis(whole.sender_gap),
        dual_active_ms: millis(arena.pair.sampler().dual_active()),
        role_changes: counts.changes,
        lease_expiries: counts.expiries,
        rows: rows(turns),
        repetitions: turns.iter().map(|turn| repetition(arena, turn)).collect(),
        figures: arena.findings.figures.clone(),
        lag_ms_p50: readings.lag_ms(50),
        lag_ms_p99: readings.lag_ms(99),
        at_risk_max: readings.at_risk,
        diverged: readings.diverged,
        repaired: readings.repaired,
        cpu_us_per_flow: arena.findings.figures.get("cpu_us_per_flow").copied(),
        target_ms: target.map(millis),
        target_reached: target.is_none_or(|target| outage.p50 <= millis(target)),
        violated: violated(turns, totals, tally.broken),
    }
}

fn repetition(arena: &Arena, turn: &Turn) -> Repetition {
    Repetition::new(arena, turn.fault.event, &turn.strike)
}

/// The longest outage that the faults may cost, if it is up to the pair.
fn target(turns: &[Turn], timers: Timers) -> Option<Duration> {
    let of = |turn: &Turn| match turn.fault.strike.expect.lost {
        Lost::None => Some(Duration::ZERO),
        Lost::UntilTakeover => Some(timers.failover + TARGET_OVER_FAILOVER),
        Lost::NotJudged => None,
    };
    turns.iter().map(of).max().flatten()
}

fn violated(turns: &[Turn], totals: &Totals, broken: usize) -> Vec<String> {
    let mut violated: Vec<String> =
        turns.iter().flat_map(|turn| turn.violated.iter().cloned()).collect();
    let nobody_moves = turns.iter().all(|turn| turn.fault.keeps_roles());
    let is_prompt = totals.whole.sender_gap < STANDSTILL;
    if nobody_moves && is_prompt && totals.counts.expiries > 0 {
        violated.push(format!("{} leases ran out", totals.counts.expiries));
    }
    if broken > 0 && violated.is_empty() {
        violated.push(format!("{broken} connections broke between the events"));
    }
    violated
}
