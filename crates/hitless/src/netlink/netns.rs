//! Named network namespaces, as iproute2 lays them out under /run/netns.
//!
//! A namespace is made by a thread that leaves its own, and kept alive by a bind mount, so it
//! outlives every process in it. Entering is `setns(CLONE_NEWNET)` on the calling thread and nothing
//! else: `ip netns exec` would also hide the bpffs behind a fresh /sys.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::statfs::{FsType, statfs};

/// `NSFS_MAGIC` of linux/magic.h: the file system that namespaces are seen as.
const NSFS: FsType = FsType(0x6e73_6673);

const NO_PATH: Option<&str> = None;

/// Moves the calling thread into a named network namespace, for good.
///
/// Threads made afterwards by this one are in it too; threads made before are not.
pub fn enter(path: &Path) -> io::Result<()> {
    setns(File::open(path)?, CloneFlags::CLONE_NEWNET)?;
    Ok(())
}

/// Runs `job` on a thread of its own inside a named network namespace, and waits for it.
pub fn run_in<T: Send>(path: &Path, job: impl FnOnce() -> T + Send) -> io::Result<T> {
    on_thread(|| enter(path).map(|()| job()))?
}

/// Runs `job` on a thread of its own inside a new network namespace that ends with it.
pub fn run_in_new<T: Send>(job: impl FnOnce() -> T + Send) -> io::Result<T> {
    on_thread(|| -> io::Result<T> {
        unshare(CloneFlags::CLONE_NEWNET)?;
        Ok(job())
    })?
}

fn on_thread<T: Send>(job: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let worker = thread::Builder::new().name("netns".into()).spawn_scoped(scope, job)?;
        worker.join().or_else(|panic| resume_unwind(panic))
    })
}

/// Whether a named network namespace is mounted there.
pub fn exists(path: &Path) -> bool {
    statfs(path).is_ok_and(|found| found.filesystem_type() == NSFS)
}

/// Makes a named network namespace.
///
/// # Errors
/// `AlreadyExists` if there is one of that name.
pub fn create(path: &Path) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let _lock = share(folder)?;
    if exists(path) {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    // A plain file is what remains when a maker dies between the two steps below.
    fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o444).open(path)?;
    let made = run_in_new(|| {
        let own = Some("/proc/thread-self/ns/net");
        mount(own, path, NO_PATH, MsFlags::MS_BIND, NO_PATH)
    });
    let made = made.and_then(|mounted| mounted.map_err(io::Error::from));
    if made.is_err() {
        fs::remove_file(path)?;
    }
    made
}

/// Makes the folder a mount point whose mounts every mount namespace of the machine gets to see.
///
/// The lock that is returned, the same one that iproute2 takes, keeps two makers from stacking
/// mounts on each other.
fn share(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let lock = File::open(folder)?;
    lock.lock()?;
    let shared = MsFlags::MS_SHARED | MsFlags::MS_REC;
    if mount(NO_PATH, folder, NO_PATH, shared, NO_PATH).is_ok() {
        return Ok(lock);
    }
    mount(Some(folder), folder, NO_PATH, MsFlags::MS_BIND | MsFlags::MS_REC, NO_PATH)?;
    mount(NO_PATH, folder, NO_PATH, shared, NO_PATH)?;
    Ok(lock)
}

/// Removes a name; the namespace itself ends with the last process and socket in it.
///
/// Nothing there is fine.
pub fn remove(path: &Path) -> io::Result<()> {
    if exists(path) {
        umount2(path, MntFlags::MNT_DETACH)?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
