//! What the box's core has done: all of it from `/proc/stat`, single threads from their own `schedstat`.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use hitless_lab::work::time_on_core;

pub(crate) use hitless_lab::work::Work;

use super::steer::BOX;

/// The core's time so far, in the kernel's ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CoreTime {
    busy: u64,
    all: u64,
}

impl CoreTime {
    /// Of the box's core, now.
    pub(crate) fn now() -> Result<Self> {
        let text = fs::read_to_string("/proc/stat")?;
        parse(&text, BOX).context("/proc/stat has no line of the box's core")
    }

    /// The share of the time since `earlier` that the core was busy.
    pub(crate) fn busy_since(self, earlier: Self) -> f64 {
        let busy = self.busy.saturating_sub(earlier.busy);
        let all = self.all.saturating_sub(earlier.all).max(1);
        #[expect(clippy::cast_precision_loss, reason = "ticks of some seconds")]
        let share = busy as f64 / all as f64;
        share
    }
}

/// `user nice system idle iowait irq softirq steal …` of a core.
fn parse(stat: &str, core: usize) -> Option<CoreTime> {
    let name = format!("cpu{core} ");
    let line = stat.lines().find_map(|line| line.strip_prefix(&name))?;
    let ticks: Vec<u64> =
        line.split_whitespace().take(8).map(|n| n.parse().ok()).collect::<Option<_>>()?;
    let all: u64 = ticks.iter().sum();
    let waiting = ticks.get(3)? + ticks.get(4)?;
    Some(CoreTime { busy: all - waiting, all })
}

/// Time that threads have spent on a core, to the nanosecond: what they forward is done in their name, up to
/// the cable that leads out of the box.
pub(crate) fn spent(threads: &[i32]) -> Result<Duration> {
    threads
        .iter()
        .map(|thread| {
            let path = format!("/proc/{thread}/schedstat");
            let text = fs::read_to_string(&path).with_context(|| path.clone())?;
            time_on_core(&text).with_context(|| format!("{path}: {text}"))
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "cpu  1 1 1 1 1 1 1 1\ncpu0 9 0 9 9 9 0 0 0 0 0\n\
                        cpu1 10 1 20 60 5 0 4 0 0 0\ncpu10 7 0 0 0 0 0 0 0\nintr 1\n";

    #[test]
    fn idle_and_waiting_for_disks_is_not_busy() {
        assert_eq!(parse(STAT, 1), Some(CoreTime { busy: 35, all: 100 }));
        assert_eq!(parse(STAT, 2), None);
    }

    #[test]
    fn a_threads_time_is_the_first_number() {
        assert_eq!(time_on_core("1500 20 3\n"), Some(Duration::from_nanos(1500)));
        assert!(spent(&[1]).is_ok() && spent(&[-1]).is_err());
    }

    #[test]
    fn the_share_is_of_the_time_between() {
        let (before, after) = (CoreTime { busy: 10, all: 100 }, CoreTime { busy: 60, all: 300 });
        assert!((after.busy_since(before) - 0.25).abs() < 1e-9);
    }
}
