//! The pin folder: a BPF file system under it, the folder itself, and whether maps that are pinned in
//! it already are the ones that this release and configuration need.
//!
//! aya takes over a pinned map without a look at its sizes; a wrong one would then be read and
//! written past its entries, so everything is compared here first.

use std::fs::{self, DirBuilder};
use std::io;
use std::mem::size_of;
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use hitless_model::Role;
use hitless_model::abi::{self, map};

use crate::error::{Error, Result};
use crate::{hook, sys};

const BPFFS: &str = "/sys/fs/bpf";
const BPFFS_MAGIC: i64 = 0xcafe_4a11;

// Numbers of `enum bpf_map_type`.
const HASH: u32 = 1;
const ARRAY: u32 = 2;
const PER_CPU_ARRAY: u32 = 6;
const LRU_HASH: u32 = 9;
const RING_BUFFER: u32 = 27;

/// A sort of map, for people.
pub(crate) fn kind_name(kind: u32) -> &'static str {
    match kind {
        HASH => "hash",
        ARRAY => "array",
        PER_CPU_ARRAY => "per-CPU array",
        LRU_HASH => "evicting hash",
        RING_BUFFER => "ring buffer",
        _ => "unknown",
    }
}

/// What a map has to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    kind: u32,
    key_size: usize,
    value_size: usize,
    pub(crate) max_entries: u32,
}

fn shape<K, V>(name: &'static str, kind: u32, max_entries: u32) -> Shape {
    Shape { name, kind, key_size: size_of::<K>(), value_size: size_of::<V>(), max_entries }
}

/// Entries of the tables of connections that are not established, next to a main table of
/// `connections`.
pub(crate) fn embryonic(connections: u32) -> u32 {
    connections.min(abi::MAX_EMBRYONIC)
}

/// Entries of the table of reals: the next configuration's are written before the last one's go.
pub(crate) const REAL_ENTRIES: u32 = 2 * abi::MAX_REALS;

/// Every map of the object, with its size for `connections` connections.
pub(crate) fn shapes(connections: u32) -> [Shape; 21] {
    let small = embryonic(connections);
    [
        shape::<u32, abi::RoleWord>(map::ROLE, ARRAY, 1),
        shape::<u32, abi::VlanPort>(map::PORTS, HASH, abi::MAX_PORTS),
        shape::<u32, abi::VlanPort>(map::PORT_SLOTS, ARRAY, abi::PORT_SLOTS),
        shape::<abi::FloatingKey, abi::Floating>(map::FLOATING, HASH, abi::MAX_FLOATING),
        shape::<abi::VirtualKey, abi::VirtualServer>(map::VIRTUAL, HASH, 2 * abi::MAX_VIRTUAL),
        shape::<u32, u32>(map::SCHEDULE, ARRAY, abi::MAX_SCHEDULE),
        shape::<u32, u64>(map::TURN, ARRAY, abi::MAX_FARMS),
        shape::<u32, abi::Real>(map::REALS, ARRAY, REAL_ENTRIES),
        shape::<abi::VirtualKey, u32>(map::REAL_ADDRS, HASH, 2 * REAL_ENTRIES),
        shape::<u32, abi::NextHop>(map::NEXT_HOPS, ARRAY, abi::MAX_NEXT_HOPS),
        shape::<abi::FlowKey, abi::Conn>(map::CONN_FWD, HASH, connections),
        shape::<abi::FlowKey, abi::Conn>(map::CONN_REV, HASH, connections),
        shape::<abi::FlowKey, abi::Conn>(map::EMB_FWD, LRU_HASH, small),
        shape::<abi::FlowKey, abi::Conn>(map::EMB_REV, LRU_HASH, small),
        shape::<abi::StickyKey, abi::StickyEntry>(map::STICKY, HASH, abi::MAX_STICKY),
        shape::<abi::StickyKey, abi::StickyEntry>(map::STICKY_NEW, LRU_HASH, abi::MAX_EMBRYONIC),
        shape::<abi::FarmRealKey, u32>(map::FARM_REALS, HASH, abi::MAX_FARM_REALS),
        shape::<u32, abi::TableUse>(map::USE_BPF, ARRAY, 1),
        shape::<u32, abi::TableUse>(map::USE_USER, ARRAY, 1),
        shape::<(), ()>(map::EVENTS, RING_BUFFER, abi::EVENT_RING_BYTES),
        shape::<u32, abi::Local>(map::LOCAL, PER_CPU_ARRAY, 1),
    ]
}

/// Makes the pin folder, and mounts a BPF file system under it where none is.
pub(crate) fn prepare(pins: &Path) -> Result<()> {
    if names_other_abi(pins) {
        return Err(Error::OtherAbi { path: pins.to_owned() });
    }
    if pins.starts_with(BPFFS) && !is_bpffs(Path::new(BPFFS)) {
        mount()?;
    }
    let existing = pins.ancestors().find(|folder| folder.exists());
    if !existing.is_some_and(is_bpffs) {
        return Err(Error::NotBpffs { path: pins.to_owned() });
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(pins)
        .map_err(|error| Error::io("make the folder", pins.display().to_string(), error))
}

/// A folder named `…-abiN` holds the maps of ABI N.
fn names_other_abi(pins: &Path) -> bool {
    let name = pins.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let version = name.rsplit_once("-abi").and_then(|(_, version)| version.parse::<u32>().ok());
    version.is_some_and(|version| version != abi::ABI_VERSION)
}

fn is_bpffs(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|facts| facts.f_type == BPFFS_MAGIC)
}

fn mount() -> Result<()> {
    use rustix::mount::MountFlags;
    let safe = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    rustix::mount::mount("bpf", BPFFS, "bpf", safe, c"mode=0700")
        .map_err(|error| Error::io("mount a BPF file system on", BPFFS, error.into()))?;
    tracing::info!("mounted a BPF file system on {BPFFS}");
    Ok(())
}

/// Which maps are pinned already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// None.
    Nothing,
    /// Some: their making was interrupted.
    Some,
    /// All.
    All,
}

/// Compares what is pinned with what is needed.
pub(crate) fn check(pins: &Path, shapes: &[Shape]) -> Result<Found> {
    let mut pinned = 0;
    for shape in shapes {
        if check_one(pins, shape)? {
            pinned += 1;
        }
    }
    Ok(match pinned {
        0 => Found::Nothing,
        count if count == shapes.len() => Found::All,
        _ => Found::Some,
    })
}

fn check_one(pins: &Path, shape: &Shape) -> Result<bool> {
    let fd = match sys::open_pinned(&pins.join(shape.name)) {
        Ok(fd) => fd,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Error::io("open pinned map", shape.name, error)),
    };
    let facts = sys::map_facts(fd.as_fd())
        .map_err(|error| Error::io("ask about pinned map", shape.name, error))?;
    let size = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
    for (property, found, expected) in [
        ("type", facts.kind, shape.kind),
        ("key size", facts.key_size, size(shape.key_size)),
        ("value size", facts.value_size, size(shape.value_size)),
        ("room for", facts.max_entries, shape.max_entries),
    ] {
        if found != expected {
            return Err(Error::Mismatch { map: shape.name.to_owned(), property, found, expected });
        }
    }
    Ok(true)
}

/// Connections that the table pinned in `pins` holds, if there is one.
pub fn pinned_capacity(pins: &Path) -> Option<u32> {
    let fd = sys::open_pinned(&pins.join(map::CONN_FWD)).ok()?;
    sys::map_facts(fd.as_fd()).ok().map(|facts| facts.max_entries)
}

/// Removes the pin folder and everything in it: programs are taken off their TCX hooks, and maps are
/// freed as soon as no process holds them.
pub fn remove_pins(pins: &Path) -> Result<()> {
    let failed = |error| Error::io("remove pins", pins.display().to_string(), error);
    silence(pins);
    let entries = match fs::read_dir(pins) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(failed)?,
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if hook::is_link_pin(&entry.file_name().to_string_lossy()) {
            hook::remove_link(&entry.path())?;
        } else {
            fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    fs::remove_dir(pins).map_err(failed)?;
    // The folder around it, made with it, may hold other modules' pins: then this fails, rightly.
    if let Some(around) = pins.parent().filter(|around| *around != Path::new(BPFFS)) {
        let _ = fs::remove_dir(around);
    }
    Ok(())
}

/// Programs on hooks that no pin holds (before TCX) live on until their interface goes: make sure that
/// they answer for nothing.
fn silence(pins: &Path) {
    if let Ok(role) = crate::role::RoleHandle::open_pinned(pins) {
        let word = abi::RoleWord { role: Role::Initializing as u32, ..abi::RoleWord::default() };
        if let Err(error) = role.write(word) {
            tracing::warn!("role of removed pins not cleared: {error}");
        }
    }
}
