//! The state directory: one daemon's own, private, and locked while it runs.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::names::Names;

/// A directory made here is for root alone.
const MODE: u32 = 0o700;

/// Others may put files and sockets of their own in the place of ours.
const OTHERS_WRITE: u32 = 0o022;

/// Why a state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It is not private enough.
    #[error("state directory {0}: others may write to it: chmod go-w {0}", path.display())]
    Open {
        /// The directory.
        path: PathBuf,
    },
    /// Somebody uses it.
    #[error("state directory {}: another hitlessd (process {pid}) uses it", path.display())]
    Taken {
        /// The directory.
        path: PathBuf,
        /// Who.
        pid: String,
    },
    /// The system said no.
    #[error("state directory {}: {source}", path.display())]
    System {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A state directory in use.
#[derive(Debug)]
pub struct StateDir {
    names: Names,
    lock: File,
}

impl StateDir {
    /// Makes the directory if need be, and locks it until the value is dropped.
    pub fn open(path: &Path) -> Result<Self, Unusable> {
        let system = |source| Unusable::System { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(MODE).create(path).map_err(system)?;
        let mode = std::fs::metadata(path).map_err(system)?.permissions().mode();
        if mode & OTHERS_WRITE != 0 {
            return Err(Unusable::Open { path: path.to_owned() });
        }
        let names = Names::new(path).map_err(system)?;
        let file = path.join("lock");
        let mut options = File::options();
        let mut lock = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(file)
            .map_err(system)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(source)) => return Err(system(source)),
            Err(TryLockError::WouldBlock) => {
                let pid = io::read_to_string(lock).unwrap_or_default().trim().to_owned();
                return Err(Unusable::Taken { path: path.to_owned(), pid });
            }
        }
        lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())).map_err(system)?;
        Ok(Self { names, lock })
    }

    /// The directory of a supervisor that this one follows in the same process, locked already.
    pub fn inherit(path: &Path, lock: File) -> Result<Self, Unusable> {
        let system = |source| Unusable::System { path: path.to_owned(), source };
        Ok(Self { names: Names::new(path).map_err(system)?, lock })
    }

    /// The lock, to be left to the next supervisor.
    pub(crate) fn lock(&self) -> &File {
        &self.lock
    }

    /// Names derived from it.
    pub fn names(&self) -> &Names {
        &self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_directory_is_private_and_has_one_user() {
        let path = std::env::temp_dir().join(format!("hitless-state-{}", std::process::id()));
        let first = StateDir::open(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
        let refused = StateDir::open(&path).unwrap_err().to_string();
        let sentence = format!("another hitlessd (process {}) uses it", std::process::id());
        assert!(refused.ends_with(&sentence), "{refused}");
        drop(first);
        assert!(StateDir::open(&path).is_ok(), "the lock ends with its owner");
        std::fs::remove_dir_all(&path).unwrap();
    }
}
