//! What is run in the guest, in which order, and how it is judged.

use std::time::Duration;

use super::emulator::Ended;
use super::verdict::{self, Judge};

/// One program in the guest.
pub(super) struct Step {
    name: &'static str,
    limit: Duration,
    words: &'static [&'static str],
    judge: Judge,
}

/// What became of a step.
pub(super) struct Outcome {
    pub(super) name: &'static str,
    pub(super) passed: bool,
    took: Option<Duration>,
    found: String,
    /// What it printed last, for a step that failed.
    tail: Vec<String>,
}

/// Each of some 80 tests loads the programs; verifying them takes a second or more of an emulated
/// processor, of which there are two.
const TESTS: Duration = Duration::from_mins(15);

/// Every step. Limits are bounds for what hangs, many times what a step takes.
pub(super) const ALL: &[Step] = &[
    Step {
        name: "what the kernel can do",
        limit: Duration::from_mins(5),
        words: &["/bin/hitless-machine", "probe"],
        judge: verdict::probe,
    },
    Step {
        name: "adoption by another process",
        limit: Duration::from_mins(5),
        words: &["/bin/hitless-machine", "adoption"],
        judge: verdict::adoption,
    },
    Step {
        name: "loading, hooks, tables",
        limit: TESTS,
        words: &["/bin/hitless_plane", "kernel_tests"],
        judge: verdict::tests,
    },
    Step {
        name: "packet by packet, TC",
        limit: TESTS,
        words: &["/bin/dataplane"],
        judge: verdict::tests,
    },
    Step {
        name: "packet by packet, XDP",
        limit: TESTS,
        words: &["/bin/dataplane-xdp"],
        judge: verdict::tests,
    },
    Step {
        name: "power loss, real daemons",
        limit: Duration::from_mins(10),
        words: &[
            "/bin/hitless-lab",
            "lab",
            "power-loss",
            "--json",
            "--timers",
            "500,3000",
            "--connections",
            "50",
            "--repeat",
            "1",
        ],
        judge: verdict::power_loss,
    },
];

impl Step {
    /// The line that the guest reads.
    pub(super) fn line(&self) -> String {
        format!("{}\t{}\t{}\n", self.name, self.limit.as_secs(), self.words.join("\t"))
    }

    fn judge(&self, told: &[Ended]) -> Outcome {
        let Some(ended) = told.iter().find(|ended| ended.step == self.name) else {
            let found = "was not run".to_owned();
            return Outcome { name: self.name, passed: false, took: None, found, tail: Vec::new() };
        };
        let (passed, found, tail) = match (self.judge)(ended) {
            Ok(found) => (true, found, Vec::new()),
            Err(why) => (false, why, verdict::tail(ended)),
        };
        Outcome { name: self.name, passed, took: Some(ended.took), found, tail }
    }
}

/// How long all of them may take.
pub(super) fn patience() -> Duration {
    ALL.iter().map(|step| step.limit).sum()
}

/// What became of each step.
pub(super) fn judge(told: &[Ended]) -> Vec<Outcome> {
    ALL.iter().map(|step| step.judge(told)).collect()
}

/// The table for people; what failed is told at length below it.
pub(super) fn table(outcomes: &[Outcome]) -> String {
    let width = ALL.iter().map(|step| step.name.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for Outcome { name, passed, took, found, .. } in outcomes {
        let word = if *passed { "passed" } else { "FAILED" };
        let took = took.map_or_else(String::new, |took| format!("{:.1} s", took.as_secs_f64()));
        lines.push(format!("  {word}  {name:<width$}  {took:>7}  {found}"));
    }
    for Outcome { name, tail, .. } in outcomes.iter().filter(|outcome| !outcome.tail.is_empty()) {
        lines.push(format!("\n  the last lines of `{name}`:"));
        lines.extend(tail.iter().map(|line| format!("    {line}")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_was_not_run_has_failed() {
        let outcomes = judge(&[]);
        assert_eq!(outcomes.len(), ALL.len());
        assert!(outcomes.iter().all(|outcome| !outcome.passed));
        assert!(table(&outcomes).contains("FAILED  packet by packet, TC"));
    }

    #[test]
    fn the_guest_gets_a_line_with_tabs() {
        assert_eq!(ALL[0].line(), "what the kernel can do\t300\t/bin/hitless-machine\tprobe\n");
        assert!(ALL.iter().all(|step| step.line().matches('\n').count() == 1));
    }
}
