//! The demo: the pair of figure 7-1 under load, and what happens to the connections when the active
//! one hands over, loses its power, and comes back.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use super::events::{self, Measured};
use super::report::Spread;
use crate::arena::Arena;
use crate::clock::millis;
use crate::console::Said;
use crate::pair::LETTERS;

/// Each event happens so often.
const ROUNDS: usize = 3;
const BASELINE: Duration = Duration::from_secs(1);

const PICTURE: &[&str] = &[
    "  far clients 198.18.0.10-73 ──── gateway 192.158.38.20 ──┐",
    "  near clients 192.158.38.100-163 ────────────────────────┤ client switch, VLAN 2",
    "                                               ┌──────────┴──────────┐",
    "                                           chassis A ── VLAN 9 ── chassis B",
    "                                               └──────────┬──────────┘",
    "  servers 192.158.39.101, .102, .103 ─────────────────────┘ server switch, VLAN 3",
];

/// A row of the table: one kind of event.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What happened.
    pub event: &'static str,
    /// How often.
    pub times: usize,
    /// Median outage.
    pub outage_ms_p50: f64,
    /// Longest outage.
    pub outage_ms_max: f64,
    /// Probes lost, all times together.
    pub probes_lost: u64,
    /// Connections that lived through all of them.
    pub connections_kept: usize,
    /// Connections that did not.
    pub connections_broken: usize,
    /// Who was active before.
    pub active_before: &'static str,
    /// Who was active after.
    pub active_after: &'static str,
}

/// What the demo found.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Connections opened.
    pub connections_total: usize,
    /// Connections broken at the end.
    pub connections_broken: usize,
    /// Largest gap of the prober itself in a time without events.
    pub baseline_gap_ms: f64,
    /// Milliseconds at which both were active.
    pub dual_active_ms: f64,
    /// One row per kind of event.
    pub events: Vec<Row>,
    /// What was told while it ran.
    pub time_line: Vec<Said>,
}

/// Runs it.
pub fn run(arena: &mut Arena) -> Result<Outcome> {
    introduce(arena);
    super::bring_up(arena)?;
    let spread: Vec<String> = arena.traffic.spread().iter().map(ToString::to_string).collect();
    arena.console.say(format!(
        "all {} are open, {} on the three servers; A is {}",
        arena.plan.connections,
        spread.join(" + "),
        if arena.pair.active()? == 0 {
            "active, B standby and in step"
        } else {
            "standby, B active"
        }
    ));
    let baseline = arena.traffic.rest(BASELINE)?;
    arena.console.say(format!(
        "undisturbed: {} probes, {} lost, {} messages exchanged so far",
        baseline.sent,
        baseline.lost,
        arena.traffic.exchanges()
    ));
    let mut all: [Vec<Measured>; 3] = Default::default();
    for round in 1..=ROUNDS {
        arena.console.plain(&format!("\n  round {round} of {ROUNDS}"));
        all[0].push(planned(arena)?);
        all[1].push(loss(arena)?);
        let lost = all[1].last().map_or(0, |measured| measured.before);
        all[2].push(back(arena, lost)?);
    }
    let names = ["planned handover", "power loss of the active", "its return"];
    let tally = arena.traffic.tally();
    Ok(Outcome {
        connections_total: tally.total,
        connections_broken: tally.broken,
        baseline_gap_ms: millis(baseline.sender_gap),
        dual_active_ms: millis(arena.pair.sampler().dual_active()),
        events: names.into_iter().zip(&all).map(|(name, measured)| row(name, measured)).collect(),
        time_line: arena.console.time_line(),
    })
}

fn introduce(arena: &Arena) {
    let console = &arena.console;
    console.plain("\nFigure 7-1 in network namespaces: two chassis, one address.\n");
    console.plain(&PICTURE.join("\n"));
    console.plain(&format!(
        "\n\
         Clients know one address, 192.158.38.30: the virtual server. Servers know one gateway,\n\
         192.158.39.20: the alias. Both belong to whichever chassis is active; the other one is\n\
         standby and holds every open connection as well.\n\n\
         {} TCP connections exchange small messages all the time, half from each side of the\n\
         gateway. Two UDP probes leave every millisecond; the longest run of lost ones is the\n\
         outage. The pair runs with {}.\n",
        arena.plan.connections, arena.plan.timers
    ));
    console.say("the network and its three servers are there");
}

fn planned(arena: &mut Arena) -> Result<Measured> {
    let from = arena.pair.active()?;
    let command = arena.pair.handover_command(from);
    arena.console.say(format!("{} is told to hand over: {command}", LETTERS[from]));
    let measured = events::handover(arena)?;
    tell(arena, &measured);
    Ok(measured)
}

fn loss(arena: &mut Arena) -> Result<Measured> {
    let from = LETTERS[arena.pair.active()?];
    arena.console.say(format!("{from} loses its power: links down, its processes killed"));
    let measured = events::power_loss(arena)?;
    tell(arena, &measured);
    Ok(measured)
}

fn back(arena: &mut Arena, lost: usize) -> Result<Measured> {
    arena.console.say(format!("{} gets its power back and starts from nothing", LETTERS[lost]));
    let measured = events::back(arena, lost)?;
    arena.console.say(format!(
        "    {} is standby and holds every connection again after {:.1} s",
        LETTERS[lost],
        measured.took.as_secs_f64()
    ));
    arena.console.say(format!("    {}", result(&measured)));
    Ok(measured)
}

fn tell(arena: &Arena, measured: &Measured) {
    for step in events::steps(arena, measured) {
        arena.console.say(format!("    {step}"));
    }
    arena.console.say(format!("    {}", result(measured)));
}

fn result(measured: &Measured) -> String {
    let Measured { window, .. } = measured;
    format!(
        "outage {:.0} ms, {} of {} probes lost, {}",
        millis(window.outage),
        window.lost,
        window.sent,
        connections(measured)
    )
}

fn connections(measured: &Measured) -> String {
    let tally = measured.tally;
    format!("{} of {} connections go on", tally.total - tally.broken, tally.total)
}

fn row(event: &'static str, measured: &[Measured]) -> Row {
    let outage = Spread::of(measured.iter().map(|one| one.window.outage));
    let (first, last) = (measured.first(), measured.last());
    Row {
        event,
        times: measured.len(),
        outage_ms_p50: outage.p50,
        outage_ms_max: outage.max,
        probes_lost: measured.iter().map(|one| one.window.lost).sum(),
        connections_kept: last.map_or(0, |one| one.tally.total - one.tally.broken),
        connections_broken: last.map_or(0, |one| one.tally.broken),
        active_before: first.map_or("-", |one| LETTERS[one.before]),
        active_after: first.map_or("-", |one| LETTERS[one.after]),
    }
}

impl Row {
    fn cells(&self) -> [String; 8] {
        [
            self.event.to_owned(),
            self.times.to_string(),
            format!("{:.0}", self.outage_ms_p50),
            format!("{:.0}", self.outage_ms_max),
            self.probes_lost.to_string(),
            self.connections_kept.to_string(),
            self.connections_broken.to_string(),
            format!("{} → {}", self.active_before, self.active_after),
        ]
    }
}

/// Two lines of headings, as wide as what stands below them.
const HEADINGS: [[&str; 8]; 2] = [
    ["", "", "outage", "outage", "probes", "connections", "", "active"],
    ["event", "times", "p50 ms", "max ms", "lost", "kept", "broken", "before → after"],
];

impl Outcome {
    /// The table at the end.
    pub fn table(&self) -> String {
        let headings = HEADINGS.map(|line| line.map(str::to_owned));
        let rows = headings.into_iter().chain(self.events.iter().map(Row::cells));
        let mut lines: Vec<String> = rows.map(|cells| line(&cells)).collect();
        let kept = self.connections_total - self.connections_broken;
        lines.push(format!(
            "\n  {kept} of {} connections lived through all of it.",
            self.connections_total
        ));
        lines.join("\n")
    }
}

fn line(cells: &[String; 8]) -> String {
    let [event, times, p50, max, lost, kept, broken, active] = cells;
    format!("  {event:<25}{times:>6}{p50:>8}{max:>8}{lost:>8}{kept:>13}{broken:>8}   {active}")
}
