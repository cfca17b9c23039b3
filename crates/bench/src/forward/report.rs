//! What came out, as a value and as a table.

use serde::Serialize;

use super::Kind;
use super::core_time::Work;
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
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Connections {
    /// Per second.
    pub(crate) per_second: f64,
    /// Of those that were tried, how many failed.
    pub(crate) failed: u64,
    /// Share of the time that the box's core was busy.
    pub(crate) busy: f64,
    /// Microseconds of the box's core for each.
    pub(crate) core_us: f64,
    /// What the box's processes, then its peer's, did for each.
    pub(crate) daemons: Vec<Daemon>,
}

/// What a box's processes did for one connection.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Daemon {
    /// Microseconds.
    pub(crate) us: f64,
    /// How often a thread was put on a core.
    pub(crate) turns: f64,
}

/// One subject in one round.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) kind: Kind,
    pub(crate) wiring: Wiring,
    pub(crate) connections: Connections,
    /// What is left out where only connections are looked at.
    pub(crate) carried: Option<Carried>,
}

/// What established flows carried.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Carried {
    pub(crate) udp: Forwarded,
    pub(crate) one: Bulk,
    pub(crate) four: Bulk,
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
        Self { per_second, failed, busy, core_us, daemons: Vec::new() }
    }

    /// The same, with what processes did in `seconds`.
    pub(crate) fn with_daemons(self, work: impl Iterator<Item = Work>, seconds: f64) -> Self {
        let each = |figure: f64| ratio(figure, self.per_second * seconds).unwrap_or_default();
        let daemon = |work: Work| Daemon {
            us: each(work.time.as_secs_f64() * 1e6),
            turns: each(work.turns as f64),
        };
        Self { daemons: work.map(daemon).collect(), ..self }
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
    figure: Figure,
}

/// Something of a row, if it was measured.
type Figure = fn(&Row) -> Option<f64>;

const TARGETS: [Target; 10] = {
    use Wiring::{Bridged, Direct};
    let mpps: Figure = |row| row.carried.map(|carried| carried.udp.mpps_per_core);
    let one: Figure = |row| row.carried.map(|carried| carried.one.gbps);
    let four: Figure = |row| row.carried.map(|carried| carried.four.gbps);
    let connections: Figure = |row| Some(row.connections.per_second);
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
        Target {
            what: "attached at TC, connections per second, replicated",
            least: 0.9,
            ours: attached_tc,
            theirs: (Kind::HitlessUntold, Direct),
            figure: connections,
        },
        Target {
            what: "bridged, connections per second, replicated",
            least: 0.9,
            ours: bridged,
            theirs: (Kind::HitlessUntold, Bridged),
            figure: connections,
        },
    ]
};

/// Name of a column, what it tells and how that is written.
type Column = (&'static str, Figure, fn(f64) -> String);

const COLUMNS: [Column; 15] = {
    let whole: fn(f64) -> String = |value| format!("{value:.0}");
    let tenths: fn(f64) -> String = |value| format!("{value:.1}");
    let hundredths: fn(f64) -> String = |value| format!("{value:.2}");
    let percent: fn(f64) -> String = |share| format!("{:.0} %", share * 100.0);
    [
        ("UDP offered", |row| row.carried.map(|c| c.udp.offered_mpps), hundredths),
        ("arrived", |row| row.carried.map(|c| c.udp.mpps), hundredths),
        ("core busy", |row| row.carried.map(|c| c.udp.busy), percent),
        ("Mpps/core", |row| row.carried.map(|c| c.udp.mpps_per_core), hundredths),
        ("TCP 1 Gbit/s", |row| row.carried.map(|c| c.one.gbps), tenths),
        ("busy", |row| row.carried.map(|c| c.one.busy), percent),
        ("TCP 4 Gbit/s", |row| row.carried.map(|c| c.four.gbps), tenths),
        ("busy", |row| row.carried.map(|c| c.four.busy), percent),
        ("conn/s", |row| Some(row.connections.per_second), whole),
        ("failed", |row| Some(failed(&row.connections)), whole),
        ("core busy", |row| Some(row.connections.busy), percent),
        ("core µs each", |row| Some(row.connections.core_us), tenths),
        ("daemon µs", |row| row.connections.daemons.first().map(|d| d.us), tenths),
        ("peer µs", |row| row.connections.daemons.get(1).map(|d| d.us), tenths),
        ("peer turns", |row| row.connections.daemons.get(1).map(|d| d.turns), hundredths),
    ]
};

/// A subject for people.
pub(crate) fn title(kind: Kind, wiring: Wiring) -> String {
    let kind = match kind {
        Kind::Kernel => "kernel forwarding",
        Kind::Nftables => "nftables DNAT",
        Kind::HitlessXdp => "hitless, XDP",
        Kind::HitlessTc => "hitless, TC",
        Kind::HitlessUntold => "hitless, TC, no replication",
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
    fn middle(
        &self,
        (kind, wiring): (Kind, Wiring),
        figure: impl Fn(&Row) -> Option<f64>,
    ) -> Option<f64> {
        let mine = self.rows.iter().filter(|row| (row.kind, row.wiring) == (kind, wiring));
        let values: Vec<f64> = mine.filter_map(figure).collect();
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
        let heading = COLUMNS.map(|(name, _, _)| name.to_owned());
        let mut lines = vec![std::iter::once(String::new()).chain(heading).collect()];
        for subject in super::SUBJECTS {
            if self.middle(subject, |row| Some(row.connections.per_second)).is_none() {
                continue;
            }
            let cell = |(_, figure, write): Column| {
                self.middle(subject, figure).map_or_else(|| "-".to_owned(), write)
            };
            let title = std::iter::once(title(subject.0, subject.1));
            lines.push(title.chain(COLUMNS.map(cell)).collect());
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
    use std::time::Duration;

    use super::*;

    fn row(kind: Kind, wiring: Wiring, mpps: f64) -> Row {
        Row {
            kind,
            wiring,
            connections: Connections::new((20_000, 0), 1.0, 0.5),
            carried: Some(Carried {
                udp: Forwarded { offered_mpps: 3.0, mpps, busy: 1.0, mpps_per_core: mpps },
                one: Bulk::new(1_250_000_000, 1.0, 0.5),
                four: Bulk::new(1_250_000_000, 1.0, 0.5),
            }),
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
        let work = Work { time: Duration::from_millis(200), turns: 5_000 };
        let [daemon] = connections.with_daemons([work].into_iter(), 1.0).daemons[..] else {
            panic!("one daemon")
        };
        assert!((daemon.us - 10.0).abs() < 1e-9 && (daemon.turns - 0.25).abs() < 1e-9);
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
