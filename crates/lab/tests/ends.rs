//! The laboratory with the real daemons: what it reports, and that nothing stays behind however it
//! ends. Needs `hitlessd` and `hitless` built beside it, as `cargo test --workspace` does.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use hitless::names::Names;
use hitless_lab::config_text::BOXES;
use hitless_model::Slot;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Both daemons' mounts and pins, and the laboratory's own folder.
struct Traces {
    folder: PathBuf,
    kernel: Vec<PathBuf>,
}

impl Traces {
    /// Of a laboratory that runs.
    fn of(child: &Child) -> Self {
        let folder = std::env::temp_dir().join(format!("hitless-lab-{}", child.id()));
        let kernel = BOXES.iter().flat_map(|chassis| {
            let names = Names::new(&folder.join(chassis.hostname).join("state")).unwrap();
            let slot = Slot::try_from(u64::from(chassis.slot)).unwrap();
            [names.namespace_path(slot), names.pins()]
        });
        Self { kernel: kernel.collect(), folder }
    }

    fn in_the_kernel(&self) -> Vec<&PathBuf> {
        self.kernel.iter().filter(|path| path.exists()).collect()
    }
}

/// A laboratory under way: its first handover is over.
fn under_way() -> (Child, Traces) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hitless-lab"))
        .args(["lab", "planned", "--repeat", "1000", "--connections", "20"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = told.find(|line| line.as_ref().is_ok_and(|line| line.contains("1/1000")));
    assert!(first.is_some(), "no handover was made");
    let traces = Traces::of(&child);
    assert_eq!(traces.in_the_kernel().len(), traces.kernel.len());
    // Somebody has to read on, or the laboratory's next line would break its pipe.
    std::thread::spawn(move || told.for_each(drop));
    (child, traces)
}

fn end(child: &mut Child, signal: Signal) -> ExitStatus {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
    child.wait().unwrap()
}

#[test]
fn an_interrupted_laboratory_leaves_nothing_behind() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (mut child, traces) = under_way();
        let status = end(&mut child, signal);
        assert_eq!(status.code(), Some(1));
        assert_eq!(traces.in_the_kernel(), Vec::<&PathBuf>::new());
        assert!(!traces.folder.exists());
    }
}

#[test]
fn daemons_of_a_killed_laboratory_clean_up_by_themselves() {
    let (mut child, traces) = under_way();
    end(&mut child, Signal::SIGKILL);
    let start = Instant::now();
    while !traces.in_the_kernel().is_empty() {
        assert!(start.elapsed() < Duration::from_secs(15), "{:?}", traces.in_the_kernel());
        std::thread::sleep(Duration::from_millis(20));
    }
    std::fs::remove_dir_all(&traces.folder).unwrap();
}

#[test]
fn a_power_loss_is_reported_as_one_object_and_breaks_nothing() {
    let output = Command::new(env!("CARGO_BIN_EXE_hitless-lab"))
        .args(["lab", "power-loss", "--json", "--repeat", "1", "--connections", "40"])
        .args(["--timers", "50,150"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: {said}");
        });
    assert_eq!(report["connections_total"], 40);
    assert_eq!(report["connections_broken"], 0);
    assert_eq!(report["dual_active_ms"], 0.0);
    let outage = report["outage_ms_p50"].as_f64().unwrap();
    // Less would mean that the loss was not one: the survivor waits for the failover time since
    // the last heartbeat.
    assert!((90.0..600.0).contains(&outage), "{outage}: {said}");
    for figure in ["outage_ms_max", "probe_lost", "baseline_gap_ms", "role_changes"] {
        assert!(report[figure].as_f64().is_some_and(|value| value > 0.0), "{figure}: {report}");
    }
    assert!(report["lease_expiries"].is_u64());
}
