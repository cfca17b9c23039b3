//! The table at the end: a row for each fault, or for each part of one that has a name of its own.

use std::time::Duration;

use serde::Serialize;

use super::events::Measured;
use super::fault::Phase;
use super::report::Spread;
use super::turn::Turn;
use crate::pair::LETTERS;

/// A row: one kind of event.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// What happened.
    pub event: &'static str,
    /// How often.
    pub times: usize,
    /// Median outage.
    pub outage_ms_p50: f64,
    /// Longest outage.
    pub outage_ms_max: f64,
    /// Probes lost, all times together, until it was put right.
    pub probes_lost: u64,
    /// Connections that lived through all of them.
    pub connections_kept: usize,
    /// Connections that did not.
    pub connections_broken: usize,
    /// What the roles were to do.
    pub roles_expected: &'static str,
    /// What they did.
    pub roles_seen: &'static str,
    /// Who was active before.
    pub active_before: &'static str,
    /// Who was active after.
    pub active_after: &'static str,
    /// Whether everything was as it must be.
    pub holds: bool,
}

/// The rows of these turns, in the order in which their faults happened first.
pub fn rows(turns: &[Turn]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (at, first) in turns.iter().enumerate() {
        let is_same = |turn: &&Turn| std::ptr::eq(turn.fault, first.fault);
        if turns[..at].iter().any(|turn| is_same(&turn)) {
            continue;
        }
        let all: Vec<&Turn> = turns.iter().filter(is_same).collect();
        rows.extend(of_fault(&all));
    }
    rows
}

fn of_fault(turns: &[&Turn]) -> Vec<Row> {
    let Some(first) = turns.first() else { return Vec::new() };
    let holds = turns.iter().all(|turn| turn.violated.is_empty());
    let strikes: Vec<&Measured> = turns.iter().map(|turn| &turn.strike).collect();
    let heals: Vec<&Measured> = turns.iter().filter_map(|turn| turn.heal.as_ref()).collect();
    let fault = first.fault;
    let named = fault.heal.as_ref().and_then(|heal| Some((heal.event?, heal)));
    let mut rows = match named {
        Some((event, heal)) => {
            vec![row(fault.event, &fault.strike, &strikes, &[]), row(event, heal, &heals, &[])]
        }
        None => vec![row(fault.event, &fault.strike, &strikes, &heals)],
    };
    for row in &mut rows {
        row.holds = holds;
    }
    rows
}

/// A row of what was measured; `also` is what is told along with it: the way back.
fn row(event: &'static str, phase: &Phase, measured: &[&Measured], also: &[&Measured]) -> Row {
    let longest = |at: usize, one: &Measured| -> Duration {
        let back = also.get(at).map_or(Duration::ZERO, |also| also.window.outage);
        one.window.outage.max(back)
    };
    let outage = Spread::of(measured.iter().enumerate().map(|(at, one)| longest(at, one)));
    let all = || measured.iter().chain(also);
    let first = measured.first();
    let total = all().next_back().map_or(0, |one| one.tally.total);
    let broken = all().map(|one| one.broken).sum();
    Row {
        event,
        times: measured.len(),
        outage_ms_p50: outage.p50,
        outage_ms_max: outage.max,
        probes_lost: all().map(|one| one.window.lost).sum(),
        connections_kept: total.saturating_sub(broken),
        connections_broken: broken,
        roles_expected: phase.expect.roles.name(),
        roles_seen: seen(measured),
        active_before: first.map_or("-", |one| LETTERS[one.before]),
        active_after: first.map_or("-", |one| LETTERS[one.after]),
        holds: true,
    }
}

fn moved(one: &Measured) -> bool {
    one.before != one.after
}

fn seen(measured: &[&Measured]) -> &'static str {
    if measured.iter().any(|one| !one.dual_active.is_zero()) {
        "both"
    } else if measured.iter().all(|one| moved(one)) {
        "move"
    } else if measured.iter().any(|one| moved(one)) {
        "some"
    } else if measured.iter().any(|one| !one.takeovers.is_empty()) {
        "back"
    } else {
        "stay"
    }
}

/// Two lines of headings, as wide as what stands below them: a usual terminal.
const HEADINGS: [[&str; 10]; 2] = [
    ["", "", "outage", "ms", "probes", "connections", "", "roles", "", "active"],
    ["event", "times", "p50", "max", "lost", "kept", "broken", "must", "did", ""],
];

impl Row {
    fn cells(&self) -> [String; 10] {
        let mark = if self.holds { "" } else { "  NO" };
        [
            self.event.to_owned(),
            self.times.to_string(),
            format!("{:.0}", self.outage_ms_p50),
            format!("{:.0}", self.outage_ms_max),
            self.probes_lost.to_string(),
            self.connections_kept.to_string(),
            self.connections_broken.to_string(),
            self.roles_expected.to_owned(),
            self.roles_seen.to_owned(),
            format!("{} → {}{mark}", self.active_before, self.active_after),
        ]
    }
}

/// The table for people.
pub fn table(rows: &[Row]) -> String {
    let headings = HEADINGS.map(|line| line.map(str::to_owned));
    let lines = headings.into_iter().chain(rows.iter().map(Row::cells));
    lines.map(|cells| line(&cells)).collect::<Vec<_>>().join("\n")
}

fn line(cells: &[String; 10]) -> String {
    let [event, times, p50, max, lost, kept, broken, must, did, active] = cells;
    format!(
        " {event:<23}{times:>6}{p50:>7}{max:>5}{lost:>7}{kept:>12}{broken:>7} {must:<7}{did:<5}{active}"
    )
}

#[cfg(test)]
mod tests {
    use super::super::table::of;
    use super::super::turn::tests::quiet;
    use super::*;
    use crate::load::clients::Tally;
    use crate::probe::Window;

    fn measured(ms: u64, broken: usize) -> Measured {
        let window =
            Window { outage: Duration::from_millis(ms), lost: 2 * ms, ..Window::default() };
        let tally = Tally { total: 10, broken, ..Tally::default() };
        Measured { window, tally, broken, ..quiet() }
    }

    fn turn(scenario: &str, strike: Measured, heal: Option<Measured>) -> Turn {
        Turn::of(of(scenario)[0], strike, heal)
    }

    #[test]
    fn a_way_back_without_a_name_is_told_with_what_it_is_the_way_back_of() {
        let turns = [turn("stop", measured(0, 0), Some(measured(3, 1)))];
        let rows = rows(&turns);
        assert_eq!(rows.len(), 1);
        let row = &rows[0];
        assert_eq!((row.outage_ms_max, row.probes_lost), (3.0, 6));
        assert_eq!((row.connections_kept, row.connections_broken), (9, 1));
    }

    #[test]
    fn a_way_back_with_a_name_has_a_row_of_its_own_and_turns_of_a_fault_share_one() {
        let one = || turn("power-loss", measured(30, 0), Some(measured(0, 0)));
        let rows = rows(&[one(), turn("planned", measured(0, 0), None), one()]);
        let told: Vec<_> = rows.iter().map(|row| (row.event, row.times)).collect();
        assert_eq!(told, [("power loss", 2), ("its return", 2), ("planned handover", 1)]);
        assert_eq!(rows[0].probes_lost, 120);
    }
}
