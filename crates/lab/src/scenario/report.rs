//! Figures of a scenario: as a table for people, as one JSON object for everything else.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::events::{self, Measured};
use super::rows::{self, Row};
use crate::arena::Arena;
use crate::clock::millis;
use crate::pair::Drops;

/// The middle one (the lower of two), and the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Median.
    pub p50: f64,
    /// Maximum.
    pub max: f64,
}

impl Spread {
    /// Of these times, in milliseconds.
    pub fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut times: Vec<Duration> = times.into_iter().collect();
        times.sort();
        let at = |place: usize| times.get(place).copied().map_or(0.0, millis);
        let last = times.len().saturating_sub(1);
        Self { p50: at(last / 2), max: at(last) }
    }
}

/// One repetition.
#[derive(Clone, Debug, Serialize)]
pub struct Repetition {
    /// What happened.
    pub event: &'static str,
    /// Longest run of lost probes, milliseconds.
    pub outage_ms: f64,
    /// Probes lost.
    pub probe_lost: u64,
    /// Connections that broke.
    pub connections_broken: usize,
    /// Longest time that a probe's answer took, milliseconds.
    pub slowest_probe_ms: f64,
    /// Longest exchange of any connection, milliseconds.
    pub longest_exchange_ms: f64,
    /// From the event until the other one was active, milliseconds; 0 if it was not.
    pub role_change_ms: f64,
    /// Largest gap of the prober itself meanwhile, milliseconds.
    pub sender_gap_ms: f64,
    /// What the role words showed, and when probes began to be lost.
    pub steps: Vec<String>,
    /// Packets dropped by the data planes of A and B, by reason.
    pub drops: [Drops; 2],
}

impl Repetition {
    /// Of one event in this arena.
    pub fn new(arena: &Arena, event: &'static str, measured: &Measured) -> Self {
        Self {
            event,
            outage_ms: millis(measured.window.outage),
            probe_lost: measured.window.lost,
            connections_broken: measured.broken,
            slowest_probe_ms: millis(measured.window.slowest),
            longest_exchange_ms: millis(measured.longest_exchange),
            role_change_ms: millis(measured.role_change()),
            sender_gap_ms: millis(measured.window.sender_gap),
            steps: events::steps(arena, measured),
            drops: measured.drops.clone(),
        }
    }
}

/// A scenario's figures.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Its name.
    pub scenario: &'static str,
    /// Milliseconds between heartbeats.
    pub heartbeat_ms: u64,
    /// Failover time in milliseconds.
    pub failover_ms: u64,
    /// Connections opened.
    pub connections_total: usize,
    /// Connections that did not live through it.
    pub connections_broken: usize,
    /// Median outage over the repetitions.
    pub outage_ms_p50: f64,
    /// Longest outage.
    pub outage_ms_max: f64,
    /// Probes sent from the first event to the last.
    pub probe_sent: u64,
    /// Probes lost from the first event to the last, returns included.
    pub probe_lost: u64,
    /// Largest gap of the prober itself in a time without events.
    pub baseline_gap_ms: f64,
    /// Largest gap of the prober itself from the first event to the last: how long the machine kept
    /// its most urgent threads waiting.
    pub prober_gap_ms: f64,
    /// Milliseconds at which both were active.
    pub dual_active_ms: f64,
    /// Role changes of both.
    pub role_changes: u64,
    /// Leases that ran out while active.
    pub lease_expiries: u64,
    /// What each fault came to.
    pub rows: Vec<Row>,
    /// Each event.
    pub repetitions: Vec<Repetition>,
    /// Figures that only some scenarios have.
    pub figures: BTreeMap<String, f64>,
    /// Milliseconds that the peer was behind, at the middle one of all looks.
    pub lag_ms_p50: Option<u64>,
    /// The same, at 99 of a hundred looks at most.
    pub lag_ms_p99: Option<u64>,
    /// Connections that the peer had not acknowledged, at most.
    pub at_risk_max: u64,
    /// Entries that the two tables were found to differ in, if the daemons tell.
    pub diverged: Option<u64>,
    /// Entries put right, if the daemons tell.
    pub repaired: Option<u64>,
    /// Processor time that setting up one connection of a crowd cost the box that spent more.
    pub cpu_us_per_flow: Option<f64>,
    /// What the outage should be at most, if that is up to the pair.
    pub target_ms: Option<f64>,
    /// Whether the median is.
    pub target_reached: bool,
    /// What must hold and does not; empty = all is well.
    pub violated: Vec<String>,
}

impl Report {
    /// The report for people.
    pub fn table(&self) -> String {
        let target = self
            .target_ms
            .map(|target| ("target for p50", format!("{target:.0} ms: {}", self.verdict())));
        let facts = [
            ("connections", format!("{}", self.connections_total)),
            ("connections broken", format!("{}", self.connections_broken)),
            ("events", format!("{}", self.repetitions.len())),
            ("outage p50", format!("{:.0} ms", self.outage_ms_p50)),
            ("outage max", format!("{:.0} ms", self.outage_ms_max)),
            ("probes lost", format!("{} of {}", self.probe_lost, self.probe_sent)),
            ("prober's own gap", format!("{:.1} ms", self.baseline_gap_ms)),
            ("meanwhile", format!("{:.1} ms", self.prober_gap_ms)),
            ("dual active", format!("{:.0} ms", self.dual_active_ms)),
            ("role changes", format!("{}", self.role_changes)),
            ("leases run out", format!("{}", self.lease_expiries)),
        ];
        let facts = facts.into_iter().chain(target);
        let facts = facts.map(|(name, value)| format!("  {name:<20} {value}"));
        let figures = self
            .figures
            .iter()
            .map(|(name, value)| format!("  {:<28} {value:.1}", name.replace('_', " ")));
        let violated = self.violated.iter().map(|what| format!("  NOT AS IT MUST BE: {what}"));
        let mut lines: Vec<String> = facts.chain(figures).collect();
        lines.push(String::new());
        lines.push(rows::table(&self.rows));
        lines.extend(violated);
        lines.join("\n")
    }

    fn verdict(&self) -> &'static str {
        if self.target_reached { "reached" } else { "not reached" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_one_that_was_measured() {
        let ms = Duration::from_millis;
        assert_eq!(Spread::of([ms(9), ms(1), ms(5)]), Spread { p50: 5.0, max: 9.0 });
        assert_eq!(Spread::of([ms(9), ms(1)]), Spread { p50: 1.0, max: 9.0 });
        assert_eq!(Spread::of([]), Spread { p50: 0.0, max: 0.0 });
    }
}
