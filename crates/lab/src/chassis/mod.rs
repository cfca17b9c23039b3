//! A chassis: a namespace, and in it a daemon that is driven by its outside contract alone.
//!
//! The daemon is started with a configuration file, asked through the command line, stopped by
//! SIGTERM. A power loss takes its links, its processes and everything that it made in the kernel.
//! Dropping a chassis leaves nothing of it behind, whatever state it is in.

mod faults;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hitless::api::types::{FtState, Stats};
use hitless::names::Names;
use hitless_model::Slot;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::config_text::{BOXES, Box71, Setting, render};
use crate::netlink::LinkState;
use crate::network::Node;
use crate::topology::CHASSIS_PORTS;
use crate::{process, system};

/// A daemon that was asked to stop hands over and removes what it made; this is plenty.
const STOPPING: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(10);
/// Lines of a daemon's log that are shown when it fails.
const SHOWN: usize = 12;

/// Where the daemons' programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Those that were built together with the running program.
    pub fn beside_this() -> Result<Self> {
        let own = std::env::current_exe()?;
        let folder = own
            .ancestors()
            .skip(1)
            .take(2)
            .find(|folder| folder.join("hitlessd").is_file())
            .with_context(|| format!("there is no hitlessd beside {}", own.display()))?;
        Ok(Self { folder: folder.to_owned() })
    }

    fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }
}

/// One of the two.
#[derive(Debug)]
pub struct Chassis {
    box71: &'static Box71,
    slot: Slot,
    programs: Programs,
    folder: PathBuf,
    names: Names,
    daemon: Option<Child>,
}

impl Chassis {
    /// Prepares the `number`-th chassis (0 = A) in its own folder under `folder`; starts nothing.
    pub fn new(
        number: usize,
        folder: &Path,
        programs: &Programs,
        setting: Setting,
    ) -> Result<Self> {
        let box71 = &BOXES[number];
        let folder = folder.join(box71.hostname);
        std::fs::create_dir_all(folder.join("state"))?;
        std::fs::write(folder.join("hitless.conf"), render(box71, setting))?;
        Ok(Self {
            box71,
            slot: Slot::try_from(u64::from(box71.slot))?,
            programs: programs.clone(),
            names: Names::new(&folder.join("state"))?,
            folder,
            daemon: None,
        })
    }

    /// Its host in the topology.
    pub fn host(&self) -> &'static str {
        self.box71.hostname
    }

    /// Slot of its module.
    pub fn slot(&self) -> u8 {
        self.box71.slot
    }

    /// Plugs in and starts the daemon. Must be called by a thread that lives as long as it should.
    pub fn power_on(&mut self, node: &Node) -> Result<()> {
        node.set_ports(&CHASSIS_PORTS, LinkState::Up)?;
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = Command::new(self.programs.path("hitlessd"));
        command.arg("--config").arg(self.folder.join("hitless.conf"));
        command.arg("--state-dir").arg(self.folder.join("state"));
        command.arg("--socket").arg(self.socket());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // Ctrl-C is for the laboratory, which then stops its daemons in order.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        system::die_with_parent(&mut command);
        let child = node.namespace.within(|| command.spawn().context("cannot start hitlessd"))?;
        self.daemon = Some(child);
        Ok(())
    }

    /// Power loss, first part: links down, processes killed, in one go. Clients are cut off before
    /// heartbeats end, so that the outage is never made to look shorter than it is.
    pub fn cut_power(&self, node: &Node) -> Result<()> {
        let processes = self.processes();
        ensure!(!processes.is_empty(), "the chassis has no power");
        let (client_side, others) = CHASSIS_PORTS.split_at(1);
        node.set_ports(client_side, LinkState::Down)?;
        process::kill_all(&processes);
        node.set_ports(others, LinkState::Down)
    }

    /// Power loss, second part: what the kernel of a real machine would have forgotten. Apart from
    /// the first, because both chassis share one kernel: taking down namespaces holds locks that
    /// the survivor's takeover would wait for.
    pub fn forget(&mut self, node: &Node) -> Result<()> {
        let processes = self.processes();
        process::kill_all(&processes);
        if let Some(mut daemon) = self.daemon.take() {
            daemon.wait()?;
        }
        process::reap(&processes);
        self.remove_remains();
        for (index, name) in node.netlink.links()? {
            if name != "lo" && !CHASSIS_PORTS.contains(&name.as_str()) {
                // The other end of a veth goes with the first.
                let _ = node.netlink.delete_link(index);
            }
        }
        Ok(())
    }

    /// Runs one command of the command line.
    pub fn command(&self, line: &str) -> Result<String> {
        self.commands(&[line])
    }

    /// Runs commands of the command line in one shell.
    pub fn commands(&self, lines: &[&str]) -> Result<String> {
        let output = Command::new(self.programs.path("hitless"))
            .arg("--socket")
            .arg(self.socket())
            .args(lines.iter().flat_map(|line| ["-c", line]))
            .stdin(Stdio::null())
            .output()
            .context("cannot start hitless")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {lines:?}: {}", self.host(), said.trim());
        Ok(String::from_utf8(output.stdout)?)
    }

    /// `show module csm N ft detail | json`.
    pub fn ft(&self) -> Result<FtState> {
        let line = format!("show module csm {} ft detail | json", self.slot());
        let text = self.command(&line)?;
        serde_json::from_str(&text).with_context(|| format!("{}: `{line}`: {text}", self.host()))
    }

    /// `show module csm N stats | json`.
    pub fn stats(&self) -> Result<Stats> {
        let line = format!("show module csm {} stats | json", self.slot());
        let text = self.command(&line)?;
        serde_json::from_str(&text).with_context(|| format!("{}: `{line}`: {text}", self.host()))
    }

    /// An error if the daemon has ended by itself.
    pub fn check_daemon(&mut self) -> Result<()> {
        if let Some(status) = self.daemon.as_mut().and_then(|d| d.try_wait().ok()).flatten() {
            bail!("hitlessd of {} ended ({status})", self.host());
        }
        Ok(())
    }

    /// Where its data plane is pinned.
    pub fn pins(&self) -> PathBuf {
        self.names.module_pins(self.slot)
    }

    /// The last lines of its log.
    pub fn log_end(&self) -> String {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(SHOWN)..].join("\n")
    }

    /// Its configuration and its log.
    pub fn files(&self) -> [PathBuf; 2] {
        [self.folder.join("hitless.conf"), self.log()]
    }

    /// What would be left behind if the laboratory ended now: mounts and pins.
    pub fn remains(&self) -> Vec<PathBuf> {
        let all = [self.names.namespace_path(self.slot), self.names.pins()];
        all.into_iter().filter(|path| path.exists()).collect()
    }

    /// SIGTERM, and time to hand over and clean up; then force.
    pub fn stop(&mut self) {
        let processes = self.processes();
        let mut daemon = self.daemon.take();
        if let Some(daemon) = &mut daemon {
            let _ = kill(pid(daemon), Signal::SIGTERM);
            let start = std::time::Instant::now();
            while matches!(daemon.try_wait(), Ok(None)) && start.elapsed() < STOPPING {
                std::thread::sleep(PAUSE);
            }
        }
        process::kill_all(&processes);
        if let Some(mut daemon) = daemon {
            let _ = daemon.wait();
        }
        process::reap(&processes);
        self.remove_remains();
    }

    fn remove_remains(&self) {
        let namespace = self.names.namespace_path(self.slot);
        // Errors mean that there is nothing to remove; what stays in spite of it, `remains` tells.
        let _ = nix::mount::umount2(&namespace, nix::mount::MntFlags::MNT_DETACH);
        let _ = std::fs::remove_file(&namespace);
        let _ = std::fs::remove_dir_all(self.names.pins());
    }

    /// The socket of its API.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("hitless.sock")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("hitlessd.log")
    }
}

impl Drop for Chassis {
    fn drop(&mut self) {
        self.stop();
        self.remove_remains();
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX))
}
