//! The demo: the pair of figure 7-1 under load, and what happens to the connections when the active
//! one hands over, loses its power, and comes back; or everything else that can happen to a box.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use super::events::{self, Measured};
use super::fault::Fault;
use super::rows::{self, Row};
use super::run::{Options, bring_up};
use super::table::{FAULTS, of};
use super::turn::{Turn, turn};
use crate::arena::Arena;
use crate::clock::millis;
use crate::config_text::Manner;
use crate::console::Said;
use crate::pair::LETTERS;

/// Each event of the short demo happens so often.
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

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// Handover, power loss, return.
    Essence,
    /// Every fault of the table that happens to such a pair.
    Faults(Manner),
}

impl Show {
    /// The faults in the order in which they happen.
    fn faults(self) -> Vec<&'static Fault> {
        match self {
            Self::Essence => {
                let round = [of("planned"), of("power-loss")].concat();
                round.repeat(ROUNDS)
            }
            Self::Faults(manner) => FAULTS.iter().filter(|fault| fault.manner == manner).collect(),
        }
    }
}

/// What the demo found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Outcome {
    /// Connections opened, in all pairs that were built.
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
    /// What must hold and does not; empty = all is well.
    pub violated: Vec<String>,
}

/// Runs it.
pub fn run(arena: &mut Arena, show: Show) -> Result<Outcome> {
    introduce(arena);
    bring_up(arena)?;
    let spread: Vec<String> = arena.traffic.spread().iter().map(ToString::to_string).collect();
    arena.console.say(format!(
        "all {} are open, {} on the three servers; {} is active, and its peer in step",
        arena.plan.connections,
        spread.join(" + "),
        LETTERS[arena.pair.active()?],
    ));
    let baseline = arena.traffic.rest(BASELINE)?;
    arena.console.say(format!(
        "undisturbed: {} probes, {} lost, {} messages exchanged so far",
        baseline.sent,
        baseline.lost,
        arena.traffic.exchanges()
    ));
    let options = Options { repeat: 1, is_short: true, lasts: None };
    let mut turns = Vec::new();
    for fault in show.faults() {
        arena.console.plain("");
        arena.console.say(format!("{}: {}", fault.event, fault.about));
        let one = turn(arena, fault, options.lasts(fault))?;
        tell(arena, &one);
        turns.push(one);
    }
    let tally = arena.traffic.tally();
    Ok(Outcome {
        connections_total: tally.total,
        connections_broken: tally.broken,
        baseline_gap_ms: millis(baseline.sender_gap),
        dual_active_ms: millis(arena.pair.sampler().dual_active()),
        events: rows::rows(&turns),
        time_line: arena.console.time_line(),
        violated: turns.into_iter().flat_map(|turn| turn.violated).collect(),
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

fn tell(arena: &Arena, turn: &Turn) {
    tell_phase(arena, &turn.strike);
    if let (Some(phase), Some(heal)) = (&turn.fault.heal, &turn.heal) {
        arena.console.say(phase.event.unwrap_or("put right"));
        tell_phase(arena, heal);
    }
    for line in &turn.violated {
        arena.console.say(format!("    NOT AS IT MUST BE: {line}"));
    }
}

fn tell_phase(arena: &Arena, measured: &Measured) {
    for step in events::steps(arena, measured) {
        arena.console.say(format!("    {step}"));
    }
    arena.console.say(format!("    {}", result(measured)));
}

fn result(measured: &Measured) -> String {
    let Measured { window, tally, .. } = measured;
    format!(
        "outage {:.0} ms, {} of {} probes lost, {} of {} connections go on",
        millis(window.outage),
        window.lost,
        window.sent,
        tally.total - tally.broken,
        tally.total
    )
}

impl Outcome {
    /// This one and another pair's.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.connections_total += other.connections_total;
        self.connections_broken += other.connections_broken;
        self.baseline_gap_ms = self.baseline_gap_ms.max(other.baseline_gap_ms);
        self.dual_active_ms += other.dual_active_ms;
        self.events.extend(other.events);
        self.time_line.extend(other.time_line);
        self.violated.extend(other.violated);
        self
    }

    /// The table at the end.
    pub fn table(&self) -> String {
        let kept = self.connections_total - self.connections_broken;
        let total = self.connections_total;
        let violated = self.violated.iter().map(|what| format!("\n  NOT AS IT MUST BE: {what}"));
        format!(
            "{}\n\n  {kept} of {total} connections lived through all of it.{}",
            rows::table(&self.events),
            violated.collect::<String>()
        )
    }

    /// Whether everything was as it must be.
    pub fn holds(&self) -> bool {
        self.violated.is_empty() && self.connections_broken == 0
    }
}
