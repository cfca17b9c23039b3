//! Network namespaces without names: each is held by a descriptor and gone with it, so nothing of
//! them can be left behind, however the laboratory ends.
//!
//! They are entered by `setns` alone. `ip netns exec` would also make a mount namespace, which
//! hides the BPF file system and strands namespaces made inside.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use anyhow::{Context, Result};
use nix::sched::{CloneFlags, setns, unshare};

const OWN: &str = "/proc/thread-self/ns/net";

/// A network namespace.
#[derive(Debug)]
pub struct Namespace {
    file: File,
}

impl Namespace {
    /// Makes an empty namespace. The calling thread stays where it is.
    pub fn new() -> Result<Self> {
        let home = own()?;
        unshare(CloneFlags::CLONE_NEWNET)
            .context("cannot make a network namespace (root is needed)")?;
        let made = own();
        setns(&home, CloneFlags::CLONE_NEWNET).context("cannot return to the own namespace")?;
        Ok(Self { file: made? })
    }

    /// The same namespace, held once more.
    pub fn share(&self) -> Result<Self> {
        Ok(Self { file: self.file.try_clone().context("cannot hold a namespace")? })
    }

    /// Runs `work` with the calling thread inside this namespace. Sockets opened there belong to
    /// it for good, and so do processes started there.
    pub fn within<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let home = own()?;
        setns(&self.file, CloneFlags::CLONE_NEWNET).context("cannot enter the namespace")?;
        let result = work();
        setns(&home, CloneFlags::CLONE_NEWNET).context("cannot return to the own namespace")?;
        result
    }

    /// Sets `/proc/sys/net/<key>`.
    pub fn sysctl(&self, key: &str, value: &str) -> Result<()> {
        let path = Path::new("/proc/sys/net").join(key);
        self.within(|| {
            std::fs::write(&path, value).with_context(|| format!("cannot set {}", path.display()))
        })
    }

    /// Sets `/proc/sys/net/<key>` if the kernel has it.
    pub fn sysctl_if_there(&self, key: &str, value: &str) -> Result<()> {
        let there = self.within(|| Ok(Path::new("/proc/sys/net").join(key).exists()))?;
        if there { self.sysctl(key, value) } else { Ok(()) }
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn own() -> Result<File> {
    File::open(OWN).with_context(|| format!("cannot open {OWN}"))
}
