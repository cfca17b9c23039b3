//! What replication costs, as a value and as a table.

use serde::Serialize;

use super::cost::Cost;
use super::fill::Fill;
use crate::machine::Machine;
use crate::table::{self, say};

/// Microseconds for each connection that are aimed at, on each side.
const COST: f64 = 7.0;
/// Milliseconds that are aimed at: in the middle, and of 99 in a hundred.
const LAG: (f64, f64) = (1.0, 10.0);
/// Seconds for a hundred thousand entries and for a million, and times what a copy costs.
const FILLS: [f64; 2] = [0.3, 3.0];
const OVER_COPY: f64 = 1.5;
/// Octets for a connection.
const MEMORY: f64 = 320.0;
/// Share of the wanted rate without which lags are not judged.
const ENOUGH: f64 = 0.9;

/// Everything about one pair.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) cost: Cost,
    pub(super) fills: Vec<Fill>,
    pub(super) memory_octets: f64,
}

/// Everything.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    /// New connections a second that were wanted.
    wanted: u32,
    has_rival: bool,
    pub(super) columns: Vec<Column>,
    pub(super) failures: Vec<String>,
}

/// A line of the table: what, and a figure for each pair.
type Line = (String, Vec<String>);

impl Report {
    pub(super) fn new(machine: Machine, wanted: u32, has_rival: bool) -> Self {
        Self { machine, wanted, has_rival, columns: Vec::new(), failures: Vec::new() }
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut text = self.machine.describe();
        let names = self.columns.iter().map(|column| column.name.to_owned());
        let mut lines = vec![std::iter::once(String::new()).chain(names).collect::<Vec<_>>()];
        let all = self.costs().into_iter().chain(self.lags()).chain(self.fills());
        lines.extend(all.map(|(what, figures)| [vec![what], figures].concat()));
        text.push('\n');
        text.push_str(&table::render(&lines));
        if !self.has_rival {
            let why = "conntrackd or nft is not installed (Debian packages conntrackd, nftables)";
            say(&mut text, format_args!("\nno column to compare with: {why}\n"));
        }
        for failure in &self.failures {
            say(&mut text, format_args!("\nnot measured: {failure}\n"));
        }
        text.push('\n');
        if let Some(own) = self.columns.iter().find(|column| column.name == "hitless") {
            self.judge(&mut text, own);
        }
        text
    }

    fn line(&self, what: impl Into<String>, figure: impl Fn(&Column) -> String) -> Line {
        (what.into(), self.columns.iter().map(figure).collect())
    }

    fn costs(&self) -> Vec<Line> {
        let share = |which: usize, part: fn(&super::cost::Share) -> f64| {
            move |column: &Column| {
                column.cost.shares.get(which).map_or("-".to_owned(), |s| two(part(s)))
            }
        };
        let mut lines = vec![
            self.line(format!("connections/s ({} wanted)", self.wanted), |c| {
                format!("{:.0}", c.cost.had)
            }),
            self.line("established", |c| format!("{} of {}", c.cost.established, c.cost.flows)),
        ];
        for (which, name) in ["box", "peer"].into_iter().enumerate() {
            lines.push(self.line(format!("{name}, µs: set up"), share(which, |s| s.set_up_us)));
            lines.push(
                self.line(format!("{name}, µs: taken down"), share(which, |s| s.taken_down_us)),
            );
            lines.push(
                self.line(format!("{name}, µs: together"), share(which, super::cost::Share::us)),
            );
        }
        lines.push(self.line("not forgotten, box and peer", |c| {
            format!("{} {}", c.cost.left[0], c.cost.left[1])
        }));
        lines.push(self.line("box's core busy", |c| format!("{:.0} %", c.cost.core_busy * 100.0)));
        lines
    }

    fn lags(&self) -> Vec<Line> {
        vec![
            self.line("lag, ms: median", |c| two(c.cost.lags.median_ms)),
            self.line("lag, ms: 99 %", |c| two(c.cost.lags.p99_ms)),
            self.line("lag, ms: longest", |c| two(c.cost.lags.longest_ms)),
            self.line("not within 500 ms", |c| {
                format!("{} of {}", c.cost.lags.unseen, c.cost.lags.looked_for)
            }),
        ]
    }

    fn fills(&self) -> Vec<Line> {
        let most = self.columns.iter().map(|column| column.fills.len()).max().unwrap_or(0);
        let mut lines = Vec::new();
        for number in 0..most {
            let fill = |figure: fn(&Fill) -> String| {
                move |column: &Column| column.fills.get(number).map_or("-".to_owned(), figure)
            };
            let first = self.columns.iter().find_map(|column| column.fills.get(number));
            let size = first.map_or(0, |fill| fill.entries);
            let mut add = |what: &str, figure: fn(&Fill) -> String| {
                lines.push(self.line(format!("fresh peer, {size}: {what}"), fill(figure)));
            };
            add("arrived", |fill| format!("{} of {}", fill.arrived, fill.entries));
            add("s, first to last", |fill| two(fill.filling_s));
            add("s, from its start", |fill| two(fill.from_start_s));
            add("s, a batch copy", |fill| {
                fill.copied.map_or("-".to_owned(), |copied| two(copied.seconds()))
            });
        }
        lines.push(self.line("octets for a connection", |c| format!("{:.0}", c.memory_octets)));
        lines
    }

    fn judge(&self, text: &mut String, own: &Column) {
        for (share, name) in own.cost.shares.iter().zip(["box", "peer"]) {
            judge(text, &format!("{name}, µs for a connection"), share.us(), COST);
        }
        if own.cost.had < f64::from(self.wanted) * ENOUGH {
            let (wanted, had) = (self.wanted, own.cost.had);
            let why =
                format_args!("lags are not judged: {had:.0} of {wanted} connections a second\n");
            say(text, why);
        } else {
            judge(text, "lag, ms, median", own.cost.lags.median_ms, LAG.0);
            judge(text, "lag, ms, 99 %", own.cost.lags.p99_ms, LAG.1);
        }
        for fill in &own.fills {
            let Fill { entries, arrived, filling_s, copied, .. } = *fill;
            let bound = if entries > 500_000 { FILLS[1] } else { FILLS[0] };
            judge(text, &format!("fresh peer, {entries}, s"), filling_s, bound);
            if let Some(copied) = copied.filter(|_| entries > 500_000) {
                let times = filling_s / copied.seconds();
                judge(
                    text,
                    &format!("fresh peer, {entries}, times a batch copy"),
                    times,
                    OVER_COPY,
                );
            }
            #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52")]
            let missing = entries.saturating_sub(arrived) as f64;
            judge(text, &format!("fresh peer, {entries}, missing"), missing, 0.0);
        }
        judge(text, "octets for a connection", own.memory_octets, MEMORY);
    }
}

fn two(figure: f64) -> String {
    format!("{figure:.2}")
}

fn judge(text: &mut String, what: &str, reached: f64, most: f64) {
    let word = if reached <= most { "reached" } else { "MISSED" };
    say(text, format_args!("target: {what} at most {most}: {word}, {reached:.2}\n"));
}
