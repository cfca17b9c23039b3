//! What replication cost, as a value and as a table.

use std::time::Duration;

use serde::Serialize;

use crate::machine::Machine;
use crate::table::{self, say};

/// Microseconds for each flow that are aimed at, on each side.
const COST: f64 = 7.0;
/// Milliseconds that are aimed at: in the middle, and of 99 in a hundred.
const LAG: (f64, f64) = (1.0, 10.0);

/// Share of the wanted rate without which nothing is judged.
const ENOUGH: f64 = 0.9;

/// What one box's processes did for each flow.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Cost {
    set_up_us: f64,
    taken_down_us: f64,
    /// How often a thread was put on a core while flows came.
    turns: f64,
}

/// How late the peer knew.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Lags {
    median_ms: f64,
    p99_ms: f64,
    longest_ms: f64,
    flows: usize,
    /// Flows that never came: their datagrams were lost on the way.
    unseen: usize,
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52")]
impl Cost {
    pub(super) fn new((set_up, taken_down): (f64, f64), turns: u64, flows: u64) -> Self {
        let each = |figure: f64| figure / flows.max(1) as f64;
        Self {
            set_up_us: each(set_up * 1e6),
            taken_down_us: each(taken_down * 1e6),
            turns: each(turns as f64),
        }
    }

    fn us(&self) -> f64 {
        self.set_up_us + self.taken_down_us
    }
}

impl Lags {
    pub(super) fn of(all: &[Option<Duration>]) -> Self {
        let mut seen: Vec<Duration> = all.iter().copied().flatten().collect();
        seen.sort_unstable();
        let at = |percent: usize| {
            let index = (seen.len() * percent / 100).min(seen.len().saturating_sub(1));
            seen.get(index).map_or(0.0, |lag| lag.as_secs_f64() * 1e3)
        };
        Self {
            median_ms: at(50),
            p99_ms: at(99),
            longest_ms: at(100),
            flows: seen.len(),
            unseen: all.len() - seen.len(),
        }
    }
}

/// Everything.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    /// New flows a second: wanted, and had.
    wanted: u32,
    had: f64,
    flows: u64,
    /// Of the box that forwards, then of its peer.
    costs: Vec<Cost>,
    lag: Lags,
}

impl Report {
    pub(super) fn new(
        machine: Machine,
        (wanted, flows, time): (u32, u64, Duration),
        costs: Vec<Cost>,
        lag: Lags,
    ) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52")]
        let had = flows as f64 / time.as_secs_f64();
        Self { machine, wanted, had, flows, costs, lag }
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut text = self.machine.describe();
        say(&mut text, format_args!("{} flows, {:.0} a second\n\n", self.flows, self.had));
        let heading = ["", "set up µs", "taken down µs", "together", "turns"];
        let mut lines = vec![heading.map(str::to_owned).to_vec()];
        for (name, cost) in ["active", "standby"].iter().zip(&self.costs) {
            let figures = [cost.set_up_us, cost.taken_down_us, cost.us(), cost.turns];
            let cells = figures.iter().map(|figure| format!("{figure:.2}"));
            lines.push(std::iter::once((*name).to_owned()).chain(cells).collect());
        }
        text.push_str(&table::render(&lines));
        let Lags { median_ms, p99_ms, longest_ms, flows, unseen } = self.lag;
        say(
            &mut text,
            format_args!(
                "\nknown to the peer after {median_ms:.2} ms (median), {p99_ms:.2} ms (99 %), \
                 {longest_ms:.2} ms (longest) of {flows} flows; {unseen} never came\n"
            ),
        );
        if self.had < f64::from(self.wanted) * ENOUGH {
            let Self { wanted, had, .. } = self;
            let why = format_args!("targets are not judged: {had:.0} of {wanted} flows a second\n");
            say(&mut text, why);
            return text;
        }
        for (name, cost) in ["active", "standby"].iter().zip(&self.costs) {
            judge(&mut text, &format!("{name}, µs for a flow"), cost.us(), COST);
        }
        judge(&mut text, "lag, ms, median", median_ms, LAG.0);
        judge(&mut text, "lag, ms, 99 %", p99_ms, LAG.1);
        text
    }
}

fn judge(text: &mut String, what: &str, reached: f64, most: f64) {
    let word = if reached <= most { "reached" } else { "MISSED" };
    say(text, format_args!("target: {what} at most {most}: {word}, {reached:.2}\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lags_are_told_by_their_order_and_lost_flows_apart() {
        let lags: Vec<_> = (1..=200).rev().map(|ms| Some(Duration::from_millis(ms))).collect();
        let lags = Lags::of(&[vec![None], lags].concat());
        assert!((lags.median_ms - 101.0).abs() < 1e-9 && (lags.p99_ms - 199.0).abs() < 1e-9);
        assert_eq!((lags.flows, lags.unseen), (200, 1));
        assert!((lags.longest_ms - 200.0).abs() < 1e-9);
        assert_eq!(Lags::of(&[]).flows, 0);
    }

    #[test]
    fn a_cost_is_told_for_each_flow() {
        let cost = Cost::new((0.4, 0.1), 50_000, 100_000);
        assert!((cost.set_up_us - 4.0).abs() < 1e-9 && (cost.us() - 5.0).abs() < 1e-9);
        assert!((cost.turns - 0.5).abs() < 1e-9);
    }
}
