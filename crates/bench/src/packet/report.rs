//! What came out, as a value and as a table.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::case::Case;
use crate::machine::Machine;
use crate::object::Hook;
use crate::stats::{Summary, ratio};
use crate::table::{self, say};

/// One kind of packet at one hook with so many flows; nanoseconds of processor time.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) case: Case,
    pub(crate) hook: Hook,
    pub(crate) flows: u32,
    /// Restoring the frame, and an empty program: what is taken off the other two.
    pub(crate) restore: Summary,
    /// The least that a balancer does, net.
    pub(crate) floor: Summary,
    /// The data plane, net.
    pub(crate) ours: Summary,
}

/// A hook at one number of flows.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Test run and entry of an empty program.
    pub(crate) entry: Summary,
    /// All cases.
    pub(crate) figures: Vec<Figure>,
}

/// How it was measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Setup {
    /// The core.
    pub(crate) cpu: usize,
    /// Rounds; the middle one is told.
    pub(crate) rounds: usize,
    /// Runs of each program in each round.
    pub(crate) repeat: u32,
}

/// Everything.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    setup: Setup,
    /// Hooks that the data plane has no program for.
    absent: Vec<&'static str>,
    /// Nanoseconds to enter an empty program in a test run, by hook; part of what others publish.
    entry_ns: BTreeMap<&'static str, f64>,
    /// Nanoseconds to put one connection of the peer into the table, by flows.
    open_ns: BTreeMap<u32, u128>,
    figures: Vec<Figure>,
    targets: Vec<Target>,
}

/// A figure that is aimed at.
#[derive(Debug, Serialize)]
struct Target {
    hook: Hook,
    most: f64,
    reached: f64,
    worst: String,
    holds: bool,
}

impl Report {
    pub(crate) fn new(machine: Machine, setup: Setup) -> Self {
        Self {
            machine,
            setup,
            absent: Vec::new(),
            entry_ns: BTreeMap::new(),
            open_ns: BTreeMap::new(),
            figures: Vec::new(),
            targets: Vec::new(),
        }
    }

    /// How long opening a flow took.
    pub(crate) fn opened(&mut self, flows: u32, each: Duration) {
        self.open_ns.insert(flows, each.as_nanos());
    }

    /// A hook's figures, or that the data plane does not have it.
    pub(crate) fn add(&mut self, hook: Hook, measured: Option<Measured>) {
        let Some(measured) = measured else {
            if !self.absent.contains(&hook.name()) {
                self.absent.push(hook.name());
            }
            return;
        };
        self.entry_ns.insert(hook.name(), measured.entry.median);
        self.figures.extend(measured.figures);
        self.targets.retain(|target| target.hook != hook);
        let mine = self.figures.iter().filter(|figure| figure.hook == hook);
        self.targets.extend(target(hook, mine));
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let Setup { cpu, rounds, repeat } = &self.setup;
        let mut text = self.machine.describe();
        say(
            &mut text,
            format_args!(
                "Nanoseconds of processor time per packet, test runs on core {cpu}: the middle of {rounds} rounds of \
             {repeat} packets each;\nrestoring the frame is measured and taken off, and so is the entry of a program.\n\n"
            ),
        );
        text.push_str(&table::render(&self.lines()));
        text.push('\n');
        for (hook, entry) in &self.entry_ns {
            say(
                &mut text,
                format_args!(
                    "{hook}: an empty test run takes {entry:.0} ns; it is in no figure above.\n"
                ),
            );
        }
        for (flows, each) in &self.open_ns {
            say(
                &mut text,
                format_args!(
                    "{flows} flows: {each} ns to put a connection of the peer into the table.\n"
                ),
            );
        }
        for hook in &self.absent {
            say(
                &mut text,
                format_args!("{hook}: the data plane's object has no program for this hook.\n"),
            );
        }
        for target in &self.targets {
            let word = if target.holds { "reached" } else { "MISSED" };
            say(
                &mut text,
                format_args!(
                    "target: established on {} at most {:.1} × the floor: {word}, {:.2} × at worst ({})\n",
                    target.hook.name(),
                    target.most,
                    target.reached,
                    target.worst
                ),
            );
        }
        text
    }

    fn lines(&self) -> Vec<Vec<String>> {
        let heading =
            ["packet", "hook", "flows", "restore", "floor", "±%", "ours", "±%", "× floor"];
        let mut lines = vec![heading.map(str::to_owned).to_vec()];
        lines.extend(self.figures.iter().map(|figure| {
            let times = figure.ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}"));
            vec![
                figure.case.title().to_owned(),
                figure.hook.name().to_owned(),
                figure.flows.to_string(),
                format!("{:.1}", figure.restore.median),
                format!("{:.1}", figure.floor.median),
                format!("{:.0}", figure.floor.spread_percent()),
                format!("{:.1}", figure.ours.median),
                format!("{:.0}", figure.ours.spread_percent()),
                times,
            ]
        }));
        lines
    }
}

impl Figure {
    /// The data plane in terms of the floor.
    fn ratio(&self) -> Option<f64> {
        ratio(self.ours.median, self.floor.median)
    }
}

/// The target for established flows at a hook, judged by the worst figure.
fn target<'a>(hook: Hook, figures: impl Iterator<Item = &'a Figure>) -> Option<Target> {
    let most = match hook {
        Hook::Tc => 1.5,
        Hook::Xdp => 1.4,
    };
    let established = figures.filter(|figure| figure.case.is_established());
    let worst = established.filter_map(|figure| Some((figure.ratio()?, figure)));
    let (reached, figure) = worst.max_by(|one, other| one.0.total_cmp(&other.0))?;
    let worst = format!("{}, {} flows", figure.case.title(), figure.flows);
    Some(Target { hook, most, reached, worst, holds: reached <= most })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(case: Case, floor: f64, ours: f64) -> Figure {
        let summary = |value| Summary { median: value, min: value, max: value };
        Figure {
            case,
            hook: Hook::Tc,
            flows: 1,
            restore: summary(20.0),
            floor: summary(floor),
            ours: summary(ours),
        }
    }

    #[test]
    fn a_target_is_judged_by_the_worst_established_case() {
        let figures = [
            figure(Case::TcpToReal, 100.0, 120.0),
            figure(Case::UdpToReal, 100.0, 151.0),
            figure(Case::TcpNew, 100.0, 900.0),
        ];
        let target = target(Hook::Tc, figures.iter()).unwrap();
        assert!(!target.holds && (target.reached - 1.51).abs() < 1e-9);
        assert_eq!(target.worst, "UDP established, client to real, 1 flows");
    }

    #[test]
    fn a_hook_that_the_object_lacks_is_told_once() {
        let setup = Setup { cpu: 0, rounds: 1, repeat: 1 };
        let mut report = Report::new(Machine::this(), setup);
        report.add(Hook::Xdp, None);
        report.add(Hook::Xdp, None);
        assert_eq!(report.table().matches("no program for this hook").count(), 1);
    }
}
