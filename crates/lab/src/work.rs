//! What processes have done, as the kernel's scheduler counts it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::unistd::Pid;

/// What some processes have done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Time on a core.
    pub time: Duration,
    /// How often one of their threads was put on a core.
    pub turns: u64,
}

impl Work {
    /// Of all threads of these processes. A thread that ends meanwhile takes its work with it.
    pub fn of(processes: &[Pid]) -> Result<Self> {
        let mut sum = Self::default();
        for process in processes {
            let path = format!("/proc/{process}/task");
            for thread in fs::read_dir(&path).with_context(|| path.clone())?.flatten() {
                let read = fs::read_to_string(thread.path().join("schedstat"));
                let Some(work) = read.ok().as_deref().and_then(parse) else { continue };
                sum.time += work.time;
                sum.turns += work.turns;
            }
        }
        Ok(sum)
    }

    /// What was done since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            time: self.time.saturating_sub(earlier.time),
            turns: self.turns.saturating_sub(earlier.turns),
        }
    }
}

/// The first number and the third.
fn parse(schedstat: &str) -> Option<Work> {
    let turns = schedstat.split_whitespace().nth(2)?.parse().ok()?;
    Some(Work { time: time_on_core(schedstat)?, turns })
}

/// The first number of a thread's `schedstat`: nanoseconds on a core.
pub fn time_on_core(schedstat: &str) -> Option<Duration> {
    schedstat.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_time_and_turns_and_only_grows() {
        let parsed = parse("1500 20 3\n");
        assert_eq!(parsed, Some(Work { time: Duration::from_nanos(1500), turns: 3 }));
        assert_eq!(time_on_core(""), None);
        let own = [Pid::this()];
        let before = Work::of(&own).unwrap();
        std::thread::sleep(Duration::from_millis(1));
        let done = Work::of(&own).unwrap().since(before);
        assert!(done.turns > 0, "{done:?}");
    }
}
