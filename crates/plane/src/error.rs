//! What can go wrong between user space and the data plane, one sentence each.

use std::io;
use std::path::PathBuf;

/// Why the data plane could not be loaded, adopted, attached or filled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The process may not use eBPF.
    #[error(
        "eBPF is not permitted: run as root, or with CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON and CAP_SYS_ADMIN"
    )]
    NotPermitted,
    /// The kernel lacks something.
    #[error("the kernel lacks {feature}: {source}")]
    KernelLacks {
        /// What is missing, with its configuration option.
        feature: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// The pin folder is not in a BPF file system.
    #[error("{} is not in a BPF file system, mount one with: mount -t bpf bpf /sys/fs/bpf", path.display())]
    NotBpffs {
        /// The pin folder.
        path: PathBuf,
    },
    /// The name of the pin folder says that it is another release's.
    #[error("{} is not of map ABI {}, which this release uses", path.display(), hitless_model::abi::ABI_VERSION)]
    OtherAbi {
        /// The pin folder.
        path: PathBuf,
    },
    /// A pinned map is not what this release or configuration needs.
    #[error("pinned map {map} has {property} {found} where {expected} is needed")]
    Mismatch {
        /// Its name.
        map: String,
        /// What differs.
        property: &'static str,
        /// What the pinned map has.
        found: u32,
        /// What it should have.
        expected: u32,
    },
    /// The tables are larger than the kernel's memory.
    #[error(
        "the kernel has no memory for tables of {connections} connections, set variable MAX_CONNECTIONS lower"
    )]
    NoMemory {
        /// The connections asked for.
        connections: u32,
    },
    /// The program object is not the one that belongs to this release.
    #[error("the program object lacks {0}")]
    ObjectLacks(&'static str),
    /// The program object cannot be read, or one of its maps cannot be made.
    #[error("the program object cannot be loaded: {0}")]
    Object(String),
    /// The verifier refused the program.
    #[error("the kernel refused program {program}: {source}: {verdict}")]
    Refused {
        /// Its name.
        program: &'static str,
        /// What the kernel said.
        source: io::Error,
        /// The last words of the verifier.
        verdict: String,
    },
    /// The program could not be attached.
    #[error("cannot attach to interface {ifindex}: {reason}")]
    Attach {
        /// The interface's number.
        ifindex: u32,
        /// What was said.
        reason: String,
    },
    /// A table of the data plane has no room for the configuration.
    #[error("the configuration needs more than the {limit} entries of {map}")]
    NoRoom {
        /// The map.
        map: &'static str,
        /// Its entries.
        limit: u32,
    },
    /// A map or pin could not be read or written.
    #[error("cannot {action} {object}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        object: String,
        /// What the kernel said.
        source: io::Error,
    },
}

/// A result whose error is this crate's.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An input or output error with its circumstances; a refusal for lack of rights says how to get them.
    pub(crate) fn io(action: &'static str, object: impl Into<String>, source: io::Error) -> Self {
        if matches!(source.raw_os_error(), Some(libc::EPERM | libc::EACCES)) {
            return Self::NotPermitted;
        }
        Self::Io { action, object: object.into(), source }
    }
}
