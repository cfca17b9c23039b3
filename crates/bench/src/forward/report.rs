//! What came out, as a value and as a table.

use serde::Serialize;

use super::Kind;
use super::ground::Wiring;
use crate::machine::Machine;
use crate::stats::{Summary, ratio};
use crate::table::{self, say};

/// Datagrams forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Forwarded {
    /// Millions per second that were offered.
    pub(crate) offered_mpps: f64,
    /// Millions per second that arrived.
    pub(crate) mpps: f64,
    /// Share of the time that the box's core was busy.
    pub(crate) busy: f64,
    /// Millions per second of the core's time.
    pub(crate) mpps_per_core: f64,
}

/// A few streams.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Bulk {
    /// Gigabits of payload per second.
    pub(crate) gbps: f64,
    /// Share of the time that the box's core was busy.
    pub(crate) busy: f64,
}

/// Connections that come and go.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Connections {
    /// Per second.
    pub(crate) per_second: f64,
    /// Of those that were tried, how many failed.
    pub(crate) failed: u64,
    /// Share of the time that the box's core was busy.
    pub(crate) busy: f64,
    /// Microseconds of the box's core for each.
    pub(crate) core_us: f64,
}

/// One subject in one round.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) kind: Kind,
    pub(crate) wiring: Wiring,
    pub(crate) udp: Forwarded,
    pub(crate) one: Bulk,
    pub(crate) four: Bulk,
    pub(crate) connections: Connections,
}

#[expect(clippy::cast_precision_loss, reason = "counts of some seconds")]
impl Forwarded {
    pub(crate) fn new((offered, arrived): (u64, u64), seconds: f64, busy: f64) -> Self {
        let mpps = arrived as f64 / seconds / 1e6;
        let offered_mpps = offered as f64 / seconds / 1e6;
        Self { offered_mpps, mpps, busy, mpps_per_core: ratio(mpps, busy).unwrap_or_default() }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of some seconds")]
impl Bulk {
    pub(crate) fn new(octets: u64, seconds: f64, busy: f64) -> Self {
        Self { gbps: octets as f64 * 8.0 / seconds / 1e9, busy }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of some seconds")]
impl Connections {
    pub(crate) fn new((made, failed): (u64, u64), seconds: f64, busy: f64) -> Self {
        let per_second = made as f64 / seconds;
        let core_us = ratio(busy * 1e6, per_second).unwrap_or_default();
        Self { per_second, failed, busy, core_us }
    }
}

/// Everything.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    /// Whether nftables could be measured.
    nftables: bool,
    rows: Vec<Row>,
    /// What could not be measured, and why.
    failures: Vec<String>,
}

/// A figure that is aimed at.
struct Target {
    what: &'static str,
    least: f64,
    ours: (Kind, Wiring),
    theirs: (Kind, Wiring),
    figure: fn(&Row) -> f64,
}

const TARGETS: [Target; 8] = {
    use Wiring::{Bridged, Direct};
    let mpps: fn(&Row) -> f64 = |row| row.udp.mpps_per_core;
    let one: fn(&Row) -> f64 = |row| row.one.gbps;
    let four: fn(&Row) -> f64 = |row| row.four.gbps;
    let connections: fn(&Row) -> f64 = |row| row.connections.per_second;
    let attached = (Kind::HitlessXdp, Direct);
    let attached_tc = (Kind::HitlessTc, Direct);
    let bridged = (Kind::HitlessTc, Bridged);
    [
        Target {
            what: "attached, UDP Mpps per core",
            least: 2.0,
            ours: attached,
            theirs: (Kind::Nftables, Direct),
            figure: mpps,
        },
        Target {
            what: "bridged, UDP Mpps per core",
            least: 1.0,
            ours: bridged,
            theirs: (Kind::Nftables, Bridged),
            figure: mpps,
        },
        Target {
            what: "attached at TC, TCP one stream",
            least: 0.95,
            ours: attached_tc,
            theirs: (Kind::Kernel, Direct),
            figure: one,
        },
        Target {
            what: "attached at TC, TCP four streams",
            least: 0.95,
            ours: attached_tc,
            theirs: (Kind::Kernel, Direct),
            figure: four,
        },
        Target {
            what: "bridged, TCP one stream",
            least: 0.95,
            ours: bridged,
            theirs: (Kind::Kernel, Bridged),
            figure: one,
        },
        Target {
            what: "bridged, TCP four streams",
            least: 0.95,
            ours: bridged,
            theirs: (Kind::Kernel, Bridged),
            figure: four,
        },
        Target {
            what: "attached at TC, connections per second",
            least: 1.0,
            ours: attached_tc,
            theirs: (Kind::Nftables, Direct),
            figure: connections,
        },
        Target {
            what: "bridged, connections per second",
            least: 1.0,
            ours: bridged,
            theirs: (Kind::Nftables, Bridged),
            figure: connections,
        },
    ]
};

/// A subject for people.
pub(crate) fn title(kind: Kind, wiring: Wiring) -> String {
    let kind = match kind {
        Kind::Kernel => "kernel forwarding",
        Kind::Nftables => "nftables DNAT",
        Kind::HitlessXdp => "hitless, XDP",
        Kind::HitlessTc => "hitless, TC",
    };
    let wiring = match wiring {
        Wiring::Direct => "direct",
        Wiring::Bridged => "behind bridges",
    };
    format!("{kind}, {wiring}")
}

impl Report {
    pub(crate) fn new(machine: Machine, nftables: bool) -> Self {
        Self { machine, nftables, rows: Vec::new(), failures: Vec::new() }
    }

    pub(crate) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Notes what could not be measured.
    pub(crate) fn failed(&mut self, why: String) {
        self.failures.push(why);
    }

    /// Whether everything was measured.
    pub(crate) fn is_complete(&self) -> bool {
        self.failures.is_empty()
    }

    /// The middle of all rounds.
    fn middle(&self, (kind, wiring): (Kind, Wiring), figure: impl Fn(&Row) -> f64) -> Option<f64> {
        let mine = self.rows.iter().filter(|row| (row.kind, row.wiring) == (kind, wiring));
        let values: Vec<f64> = mine.map(figure).collect();
        (!values.is_empty()).then(|| Summary::of(&values).median)
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut text = self.machine.describe();
        text.push_str(
            "One core for the box, the other one for everybody else; the middle of all rounds.\n\n",
        );
        text.push_str(&table::render(&self.lines()));
        text.push('\n');
        if !self.nftables {
            text.push_str("nftables was not measured: apt-get install nftables\n");
        }
        for failure in &self.failures {
            say(&mut text, format_args!("FAILED: {failure}\n"));
        }
        for target in &TARGETS {
            text.push_str(&self.judge(target));
        }
        text
    }

    fn lines(&self) -> Vec<Vec<String>> {
        let heading = [
            "",
            "UDP offered",
            "arrived",
            "core busy",
            "Mpps/core",
            "TCP 1 Gbit/s",
            "busy",
            "TCP 4 Gbit/s",
            "busy",
            "conn/s",
            "failed",
            "core busy",
            "core µs each",
        ];
        let mut lines = vec![heading.map(str::to_owned).to_vec()];
        for subject in super::SUBJECTS {
            let Some(arrived) = self.middle(subject, |row| row.udp.mpps) else { continue };
            let of = |figure: fn(&Row) -> f64| self.middle(subject, figure).unwrap_or_default();
            let percent = |share: f64| format!("{:.0} %", share * 100.0);
            lines.push(vec![
                title(subject.0, subject.1),
                format!("{:.2}", of(|row| row.udp.offered_mpps)),
                format!("{arrived:.2}"),
                percent(of(|row| row.udp.busy)),
                format!("{:.2}", of(|row| row.udp.mpps_per_core)),
                format!("{:.1}", of(|row| row.one.gbps)),
                percent(of(|row| row.one.busy)),
                format!("{:.1}", of(|row| row.four.gbps)),
                percent(of(|row| row.four.busy)),
                format!("{:.0}", of(|row| row.connections.per_second)),
                format!("{:.0}", of(|row| failed(&row.connections))),
                percent(of(|row| row.connections.busy)),
                format!("{:.1}", of(|row| row.connections.core_us)),
            ]);
        }
        lines
    }

    fn judge(&self, target: &Target) -> String {
        let (what, least) = (target.what, target.least);
        let ours = self.middle(target.ours, target.figure);
        let theirs = self.middle(target.theirs, target.figure);
        let Some(reached) = ours.zip(theirs).and_then(|(ours, theirs)| ratio(ours, theirs)) else {
            return format!("target: {what}: not measured\n");
        };
        let word = if reached >= least { "reached" } else { "MISSED" };
        let theirs = title(target.theirs.0, target.theirs.1);
        format!("target: {what} at least {least} × {theirs}: {word}, {reached:.2} ×\n")
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few")]
fn failed(connections: &Connections) -> f64 {
    connections.failed as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: Kind, wiring: Wiring, mpps: f64) -> Row {
        Row {
            kind,
            wiring,
            udp: Forwarded { offered_mpps: 3.0, mpps, busy: 1.0, mpps_per_core: mpps },
            one: Bulk::new(1_250_000_000, 1.0, 0.5),
            four: Bulk::new(1_250_000_000, 1.0, 0.5),
            connections: Connections::new((20_000, 0), 1.0, 0.5),
        }
    }

    #[test]
    fn a_core_that_was_half_idle_could_have_done_twice_as_much() {
        let forwarded = Forwarded::new((4_000_000, 2_000_000), 2.0, 0.5);
        assert!((forwarded.mpps - 1.0).abs() < 1e-9);
        assert!((forwarded.mpps_per_core - 2.0).abs() < 1e-9);
        let connections = Connections::new((20_000, 1), 1.0, 0.5);
        assert!((connections.core_us - 25.0).abs() < 1e-9);
        assert!((Bulk::new(1_250_000_000, 1.0, 0.0).gbps - 10.0).abs() < 1e-9);
    }

    #[test]
    fn targets_are_judged_by_the_middle_of_all_rounds() {
        let mut report = Report::new(Machine::this(), true);
        for mpps in [1.0, 2.1, 9.0] {
            report.add(row(Kind::HitlessXdp, Wiring::Direct, mpps));
        }
        report.add(row(Kind::Nftables, Wiring::Direct, 1.0));
        let table = report.table();
        assert!(table.contains(
            "attached, UDP Mpps per core at least 2 × nftables DNAT, direct: reached, 2.10 ×"
        ));
        assert!(table.contains("bridged, UDP Mpps per core: not measured"));
    }
}
