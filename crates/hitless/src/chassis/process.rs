//! One module's process: started, or found alive and adopted.

use std::fs::{File, TryLockError};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::thread;

use hitless_model::Slot;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal, waitpid,
};
use tokio::io::unix::AsyncFd;
use tokio::process::{Child, Command};

use crate::module::realtime;
use crate::names::Names;

/// How module processes are started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The daemon's names.
    pub names: Names,
    /// The program that has the `module` sub-command.
    pub program: PathBuf,
    /// The program that a running module is told to become.
    pub successor: PathBuf,
}

impl Launch {
    /// The running program itself, even if its file was replaced since; `called` is how it was called.
    pub fn own(names: &Names, called: &Path) -> Self {
        let successor = called.to_owned();
        Self { names: names.clone(), program: "/proc/self/exe".into(), successor }
    }

    /// Starts a module, in a process group of its own: what ends the supervisor's terminal or
    /// session does not end the modules.
    pub fn start(&self, slot: Slot) -> io::Result<Process> {
        let mut command = Command::new(&self.program);
        command
            .arg0("hitlessd")
            .args(["module", "--slot", &slot.to_string(), "--state-dir"])
            .arg(self.names.state_dir())
            .stdin(Stdio::null())
            .process_group(0);
        Ok(Process::Child(spawn_urgently(command)?))
    }

    /// The module that an earlier supervisor left behind, if it lives.
    pub fn find(&self, slot: Slot) -> io::Result<Option<Process>> {
        let Some(pid) = self.holder(slot)? else { return Ok(None) };
        match pidfd_open(pid, PidfdFlags::NONBLOCK) {
            Ok(descriptor) => {
                let descriptor = watched(descriptor)?;
                Ok(Some(Process::Adopted { pid, descriptor }))
            }
            // It ended since.
            Err(rustix::io::Errno::SRCH) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a module lives in a slot.
    pub(crate) fn runs(&self, slot: Slot) -> bool {
        matches!(self.holder(slot), Ok(Some(_)))
    }

    /// Who holds the module's lock. Only a module that lives holds it.
    fn holder(&self, slot: Slot) -> io::Result<Option<Pid>> {
        let path = self.names.module_pid(slot);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => return Ok(None),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let pid = io::read_to_string(file)?.trim().parse().ok().and_then(Pid::from_raw);
        pid.map(Some).ok_or_else(|| {
            let text = format!("{} is locked, but names no process", path.display());
            io::Error::new(io::ErrorKind::InvalidData, text)
        })
    }
}

/// Starts a process that begins its life in the real-time class, which it leaves as soon as it has
/// said what could not wait: a class is inherited from the thread that starts it.
fn spawn_urgently(mut command: Command) -> io::Result<Child> {
    let runtime = tokio::runtime::Handle::current();
    let spawned = thread::scope(|scope| {
        let job = || {
            let _in_runtime = runtime.enter();
            realtime::hurry();
            command.spawn()
        };
        thread::Builder::new()
            .name("spawn".into())
            .spawn_scoped(scope, job)?
            .join()
            .map_err(|_| io::Error::other("the thread that starts processes has ended"))
    });
    spawned?
}

/// Collects what an adopted process left. It is a child of this process if the supervisor that
/// started it was an earlier program of this process, and then nobody else does.
fn reap(pid: Pid) -> String {
    match waitpid(Some(pid), WaitOptions::NOHANG) {
        Ok(Some((_, status))) => {
            format!("ended with {}", ExitStatus::from_raw(status.as_raw()))
        }
        Ok(None) | Err(_) => "ended".to_owned(),
    }
}

/// Collects children of an earlier program of this process that ended while it was being replaced.
/// Only before the first process is started.
pub(crate) fn reap_all() {
    while let Ok(Some((pid, _))) = waitpid(None, WaitOptions::NOHANG) {
        tracing::debug!("process {pid:?} had ended");
    }
}

/// Registers a process descriptor with the runtime.
fn watched(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    #[expect(unsafe_code, reason = "tokio has no safe registration of foreign descriptors")]
    // SAFETY: an `OwnedFd` always names the same open descriptor, which it alone closes.
    let registered = unsafe { AsyncFd::register(descriptor) };
    Ok(registered?)
}

/// A module's process.
#[derive(Debug)]
pub enum Process {
    /// Started by this supervisor.
    Child(Child),
    /// Started by an earlier one.
    Adopted {
        /// Its process id.
        pid: Pid,
        /// Readable when it ends.
        descriptor: AsyncFd<OwnedFd>,
    },
}

impl Process {
    /// Its process id; none once it has ended.
    pub fn id(&self) -> Option<u32> {
        match self {
            Self::Child(child) => child.id(),
            Self::Adopted { pid, .. } => u32::try_from(pid.as_raw_nonzero().get()).ok(),
        }
    }

    /// Whether an earlier supervisor started it.
    pub fn is_adopted(&self) -> bool {
        matches!(self, Self::Adopted { .. })
    }

    /// Waits for its end and says what it was.
    pub async fn ended(&mut self) -> String {
        match self {
            Self::Child(child) => match child.wait().await {
                Ok(status) => format!("ended with {status}"),
                Err(error) => format!("was lost: {error}"),
            },
            Self::Adopted { pid, descriptor } => match descriptor.readable().await {
                Ok(_) => reap(*pid),
                Err(error) => format!("was lost: {error}"),
            },
        }
    }

    /// Asks it to end, if it cannot be asked on its socket.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it at once.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        let sent = match self {
            // Not reaped yet, so the number is still its own.
            Self::Child(child) => match child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
                Some(pid) => rustix::process::kill_process(pid, signal),
                None => Ok(()),
            },
            Self::Adopted { descriptor, .. } => pidfd_send_signal(descriptor.get_ref(), signal),
        };
        if let Err(error) = sent {
            tracing::debug!("signal {signal:?}: {error}");
        }
    }
}
