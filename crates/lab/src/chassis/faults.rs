//! What may happen to the processes of a chassis, short of a power loss.

use std::fs::{File, TryLockError};

use anyhow::{Context, Result, ensure};
use hitless_model::{Mac, VlanId};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Chassis, PAUSE, STOPPING, pid};
use crate::process;
use crate::work::Work;

impl Chassis {
    /// Sends a signal to the module's process.
    pub fn signal_module(&self, signal: Signal) -> Result<()> {
        let module = self.module().with_context(|| format!("{} has no module", self.host()))?;
        kill(module, signal).with_context(|| format!("cannot send {signal} to {module}"))
    }

    /// Kills the supervisor alone; its module lives on without it.
    pub fn kill_supervisor(&mut self) -> Result<()> {
        let mut daemon = self.daemon.take().context("no supervisor runs")?;
        daemon.kill().context("cannot kill the supervisor")?;
        daemon.wait()?;
        Ok(())
    }

    /// SIGTERM to the supervisor, as systemd stops it; an error unless it ends well and leaves
    /// nothing behind.
    pub fn terminate(&mut self) -> Result<()> {
        let mut daemon = self.daemon.take().context("no supervisor runs")?;
        kill(pid(&daemon), Signal::SIGTERM)?;
        let start = std::time::Instant::now();
        let status = loop {
            if let Some(status) = daemon.try_wait()? {
                break status;
            }
            if start.elapsed() > STOPPING {
                // Dropping the chassis ends it by force.
                self.daemon = Some(daemon);
                anyhow::bail!("{} did not stop within {} s", self.host(), STOPPING.as_secs());
            }
            std::thread::sleep(PAUSE);
        };
        ensure!(status.success(), "{} stopped with {status}", self.host());
        let remains = self.remains();
        ensure!(remains.is_empty(), "{} left behind: {remains:?}", self.host());
        Ok(())
    }

    /// The number of the module's process.
    pub fn module_process(&self) -> Result<i32> {
        self.module().map(Pid::as_raw).with_context(|| format!("{} has no module", self.host()))
    }

    /// What its processes have done so far.
    pub fn work(&self) -> Result<Work> {
        Work::of(&self.processes())
    }

    /// Whether a supervisor was started and not ended since.
    pub fn is_on(&self) -> bool {
        self.daemon.is_some()
    }

    /// The module's own MAC on a VLAN.
    pub fn mac(&self, vlan: u16) -> Result<Mac> {
        Ok(self.names.mac(self.slot, VlanId::try_from(u64::from(vlan))?))
    }

    /// Every process of the chassis: the supervisor's family, and a module that an earlier
    /// supervisor started.
    pub(super) fn processes(&self) -> Vec<Pid> {
        let mut all = self.daemon.as_ref().map(pid).map(process::family).unwrap_or_default();
        if let Some(module) = self.module().filter(|module| !all.contains(module)) {
            all.extend(process::family(module));
        }
        all
    }

    /// The module's process. Only one that lives holds the lock of its file, so that a number
    /// which another process bears by now is never taken for it.
    fn module(&self) -> Option<Pid> {
        let path = self.names.module_pid(self.slot);
        let file = File::open(&path).ok()?;
        if !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return None;
        }
        std::fs::read_to_string(path).ok()?.trim().parse().ok().map(Pid::from_raw)
    }
}
