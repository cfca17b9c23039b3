//! One supervisor becomes the next: by `exec` in the same process, with the lock of the state
//! directory and the listening socket kept open, so that nobody else gets in between and no client
//! finds the door shut.

use std::ffi::{CString, OsString};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::str::FromStr;

use hitless_model::Instant;
use rustix::io::FdFlags;

use super::signals;
use crate::store::shelf::Shelf;

/// How a supervisor was started, with absolute paths.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The program, as it was called.
    pub program: PathBuf,
    /// `--config`, if it was given.
    pub config: Option<PathBuf>,
    /// `--state-dir`.
    pub state_dir: PathBuf,
    /// `--socket`.
    pub socket: PathBuf,
    /// The options about the API's other doors, as they are written.
    pub doors: Vec<OsString>,
}

impl Invocation {
    /// Where configurations are kept.
    pub(crate) fn shelf(&self) -> Shelf {
        Shelf::new(&self.state_dir, self.config.as_deref())
    }
}

/// What one supervisor leaves to the next, as it is written on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Will {
    lock: RawFd,
    listener: RawFd,
    begun: Instant,
}

impl fmt::Display for Will {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.lock, self.listener, self.begun.as_nanos())
    }
}

impl FromStr for Will {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is not what a supervisor leaves to the next");
        let mut parts = text.split(',');
        let mut part = || parts.next().and_then(|part| part.parse::<u64>().ok()).ok_or_else(wrong);
        let (lock, listener, begun) = (part()?, part()?, Instant::from_nanos(part()?));
        let number = |number: u64| RawFd::try_from(number).map_err(|_| wrong());
        Ok(Self { lock: number(lock)?, listener: number(listener)?, begun })
    }
}

/// What a supervisor got from the one before.
#[derive(Debug)]
pub struct Legacy {
    /// The lock of the state directory.
    pub lock: File,
    /// The socket that clients come to.
    pub listener: UnixListener,
    /// When the reload began.
    pub begun: Instant,
}

impl Will {
    /// Takes possession.
    ///
    /// # Errors
    /// When a descriptor is not open.
    pub fn execute(self) -> io::Result<Legacy> {
        #[expect(unsafe_code, reason = "descriptors cross an exec as numbers")]
        // SAFETY: the program before in this process left them open for this one, which is called once
        // and before any other descriptor is opened; nobody else knows them.
        let [lock, listener] =
            [self.lock, self.listener].map(|number| unsafe { OwnedFd::from_raw_fd(number) });
        for descriptor in [&lock, &listener] {
            rustix::io::fcntl_setfd(descriptor, FdFlags::CLOEXEC)?;
        }
        Ok(Legacy { lock: lock.into(), listener: listener.into(), begun: self.begun })
    }
}

/// Becomes the next supervisor. Only a failure returns, and leaves everything as it was.
pub(crate) fn succeed(
    invocation: &Invocation,
    begun: Instant,
    lock: &File,
    listener: &UnixListener,
) -> io::Error {
    let will = Will { lock: lock.as_raw_fd(), listener: listener.as_raw_fd(), begun };
    let descriptors = [lock.as_fd(), listener.as_fd()];
    let keep = |flags| descriptors.iter().try_for_each(|fd| rustix::io::fcntl_setfd(fd, flags));
    let replaced = || -> io::Result<()> {
        let unblock = signals::block()?;
        let failed = keep(FdFlags::empty()).map_err(io::Error::from);
        let failed = failed.and_then(|()| run(invocation, &will));
        unblock();
        failed
    };
    let error = replaced().err().unwrap_or_else(|| io::ErrorKind::Other.into());
    if let Err(error) = keep(FdFlags::CLOEXEC) {
        tracing::error!("descriptors stay open for modules: {error}");
    }
    error
}

fn run(invocation: &Invocation, will: &Will) -> io::Result<()> {
    let Invocation { program, config, state_dir, socket, doors } = invocation;
    let will = will.to_string();
    let program = program.as_os_str().as_bytes();
    let mut arguments: Vec<&[u8]> = vec![program];
    if let Some(config) = config {
        arguments.extend([b"--config", config.as_os_str().as_bytes()]);
    }
    arguments.extend([b"--state-dir", state_dir.as_os_str().as_bytes()]);
    arguments.extend([b"--socket", socket.as_os_str().as_bytes()]);
    arguments.extend(doors.iter().map(|word| word.as_bytes()));
    arguments.extend([b"--legacy", will.as_bytes()]);
    let arguments = arguments.into_iter().map(CString::new).collect::<Result<Vec<_>, _>>()?;
    nix::unistd::execv(&CString::new(program)?, &arguments)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_will_is_read_as_it_was_written_and_nothing_else_is() {
        let will = Will { lock: 5, listener: 12, begun: Instant::from_nanos(987_654_321) };
        assert_eq!(will.to_string().parse(), Ok(will));
        for text in ["", "5", "5,12", "5,x,1", "-5,12,1", "99999999999,1,1"] {
            assert!(text.parse::<Will>().is_err(), "{text}");
        }
    }
}
