//! Runs seeds, alone or many at a time, and tells how they ended.

use std::fmt::Write as _;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crate::check::{Invariant, Violation};
use crate::plan::{Plan, draw};
use crate::time::Moment;
use crate::trace::{Detail, Trace};
use crate::world::{Stats, World};

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its figures.
    pub stats: Stats,
    /// What did not hold.
    pub violation: Option<Violation>,
    /// Its time line, if asked for.
    pub trace: Vec<String>,
}

/// Runs the plan of a seed.
pub fn run_seed(seed: u64, detail: Detail) -> Outcome {
    run_plan(draw(seed), detail)
}

/// Runs a plan.
pub fn run_plan(plan: Plan, detail: Detail) -> Outcome {
    let mut world = World::new(plan, Trace::new(detail));
    let panic = catch_unwind(AssertUnwindSafe(|| world.run())).err().map(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Violation { at: world.now(), invariant: Invariant::NoPanic, what: text.to_owned() }
    });
    Outcome {
        stats: world.stats(),
        violation: panic.or_else(|| world.violation().cloned()),
        trace: world.trace().to_vec(),
    }
}

/// How many seeds ended.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Runs made.
    pub runs: u64,
    /// Figures of all runs together.
    pub stats: Stats,
    /// Seeds whose invariants did not hold.
    pub failed: Vec<(u64, Violation)>,
}

/// Runs seeds on all processors; ends early once `failures_wanted` have failed.
pub fn run_seeds(seeds: Range<u64>, failures_wanted: usize) -> Tally {
    let next = AtomicU64::new(seeds.start);
    let is_enough = AtomicBool::new(false);
    let tally = Mutex::new(Tally::default());
    let work = || {
        while !is_enough.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                break;
            }
            let outcome = run_seed(seed, Detail::None);
            let Ok(mut tally) = tally.lock() else { break };
            tally.runs += 1;
            tally.stats.add(&outcome.stats);
            tally.failed.extend(outcome.violation.map(|violation| (seed, violation)));
            is_enough.store(tally.failed.len() >= failures_wanted, Ordering::Relaxed);
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let mut tally = tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    tally.failed.sort_by_key(|(seed, _)| *seed);
    tally
}

/// Lines of the time line before the violation that a report shows.
const LINES: usize = 60;

/// A report of a failed seed: what did not hold, how to see it again, and what led to it.
pub fn explain(seed: u64) -> String {
    let outcome = run_seed(seed, Detail::Brief);
    let mut text = format!("seed {seed}: ");
    match &outcome.violation {
        Some(violation) => write_line(&mut text, &violation.to_string()),
        None => write_line(&mut text, "holds"),
    }
    write_line(&mut text, &plan_line(&draw(seed)));
    let skipped = outcome.trace.len().saturating_sub(LINES);
    if skipped > 0 {
        write_line(&mut text, &format!("  ... {skipped} lines before"));
    }
    for line in &outcome.trace[skipped..] {
        write_line(&mut text, &format!("  {line}"));
    }
    write_line(&mut text, &format!("again: hitless-sim --seed {seed} --trace"));
    text
}

fn plan_line(plan: &Plan) -> String {
    let own = |own: &crate::plan::BoxPlan| {
        format!(
            "{}/{} ms priority {}{} unit {:04x}",
            own.timers.heartbeat.as_millis(),
            own.timers.failover.as_millis(),
            own.priority,
            if own.preempt { " preempt" } else { "" },
            own.unit >> 48
        )
    };
    format!(
        "  {:?}, A {}, B {}, {} second paths{}, heal at {}, end at {}",
        plan.profile,
        own(&plan.boxes.a),
        own(&plan.boxes.b),
        plan.second_paths,
        if plan.keyed { ", key" } else { "" },
        plan.heal_at,
        plan.ends_at().max(Moment::START),
    )
}

fn write_line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ok = writeln!(text, "{line}");
}
