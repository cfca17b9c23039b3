//! The raw `bpf()` calls on maps: the only unsafe code of this crate.
//!
//! aya loads and attaches; it has no batch operations and takes a typed map's sizes on trust, so
//! everything that reads or writes maps comes here. Sizes are checked when a map is opened
//! ([`crate::kernel_map`]); this file only knows bytes.

use std::ffi::CString;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

const MAP_LOOKUP_ELEM: libc::c_int = 1;
const MAP_UPDATE_ELEM: libc::c_int = 2;
const MAP_DELETE_ELEM: libc::c_int = 3;
const MAP_GET_NEXT_KEY: libc::c_int = 4;
const OBJ_GET: libc::c_int = 7;
const OBJ_GET_INFO_BY_FD: libc::c_int = 15;
const MAP_LOOKUP_BATCH: libc::c_int = 24;
const MAP_UPDATE_BATCH: libc::c_int = 26;
const MAP_DELETE_BATCH: libc::c_int = 27;
const LINK_DETACH: libc::c_int = 34;

/// Flag of an update: make it or replace it.
pub(crate) const ANY: u64 = 0;
/// Flag of an update: only if the key is not there.
pub(crate) const NO_EXIST: u64 = 1;
/// Flag of an update: only if the key is there.
pub(crate) const EXIST: u64 = 2;

#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct ElementAttr {
    map_fd: u32,
    pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[derive(IntoBytes, FromBytes, Immutable)]
#[repr(C)]
struct BatchAttr {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    elem_flags: u64,
    flags: u64,
}

#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct ObjectAttr {
    pathname: u64,
    bpf_fd: u32,
    file_flags: u32,
}

#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct InfoAttr {
    bpf_fd: u32,
    info_len: u32,
    info: u64,
}

/// The head of the kernel's `struct bpf_map_info`; the kernel fills as much as it is given room for.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct MapFacts {
    pub(crate) kind: u32,
    pub(crate) id: u32,
    pub(crate) key_size: u32,
    pub(crate) value_size: u32,
    pub(crate) max_entries: u32,
    pub(crate) flags: u32,
}

#[expect(unsafe_code, reason = "the bpf system call")]
fn bpf<A>(command: libc::c_int, attr: &mut A) -> io::Result<i32> {
    // SAFETY: `attr` is a live, initialised `repr(C)` struct of the size passed along; every pointer
    // inside it was made from a live buffer of the caller that is as long as the map's sizes demand.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attr), size_of::<A>()) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    i32::try_from(result).map_err(io::Error::other)
}

fn address<T: ?Sized>(of: *const T) -> u64 {
    of.cast::<u8>().addr() as u64
}

fn raw(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().cast_unsigned()
}

fn size<T>() -> u32 {
    u32::try_from(size_of::<T>()).unwrap_or(u32::MAX)
}

/// Opens what is pinned at `path`.
pub(crate) fn open_pinned(path: &Path) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut attr = ObjectAttr { pathname: address(path.as_ptr()), bpf_fd: 0, file_flags: 0 };
    let fd = bpf(OBJ_GET, &mut attr)?;
    #[expect(unsafe_code, reason = "the kernel hands over a descriptor as a number")]
    // SAFETY: the kernel has just made this descriptor for us; nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// What kind of map it is, and its sizes.
pub(crate) fn map_facts(fd: BorrowedFd<'_>) -> io::Result<MapFacts> {
    let mut facts = MapFacts::default();
    let mut attr = InfoAttr {
        bpf_fd: raw(fd),
        info_len: size::<MapFacts>(),
        info: address(std::ptr::from_mut(&mut facts)),
    };
    bpf(OBJ_GET_INFO_BY_FD, &mut attr)?;
    Ok(facts)
}

/// Takes the program of a link off its hook at once; without this it hangs there until the kernel has
/// got round to freeing the last reference.
pub(crate) fn detach_link(fd: BorrowedFd<'_>) -> io::Result<()> {
    let mut link = raw(fd);
    bpf(LINK_DETACH, &mut link).map(drop)
}

fn element(fd: BorrowedFd<'_>, key: *const u8, value: *const u8, flags: u64) -> ElementAttr {
    ElementAttr { map_fd: raw(fd), pad: 0, key: address(key), value: address(value), flags }
}

fn absent_is_none(result: io::Result<i32>) -> io::Result<Option<()>> {
    match result {
        Ok(_) => Ok(Some(())),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the value of `key` into `value`.
pub(crate) fn lookup(fd: BorrowedFd<'_>, key: &[u8], value: &mut [u8]) -> io::Result<Option<()>> {
    let mut attr = element(fd, key.as_ptr(), value.as_mut_ptr(), 0);
    absent_is_none(bpf(MAP_LOOKUP_ELEM, &mut attr))
}

/// Writes the value of `key`.
pub(crate) fn update(fd: BorrowedFd<'_>, key: &[u8], value: &[u8], flags: u64) -> io::Result<()> {
    let mut attr = element(fd, key.as_ptr(), value.as_ptr(), flags);
    bpf(MAP_UPDATE_ELEM, &mut attr).map(drop)
}

/// Removes `key`; says whether it was there.
pub(crate) fn delete(fd: BorrowedFd<'_>, key: &[u8]) -> io::Result<bool> {
    let mut attr = element(fd, key.as_ptr(), std::ptr::null(), 0);
    absent_is_none(bpf(MAP_DELETE_ELEM, &mut attr)).map(|found| found.is_some())
}

/// Reads the key after `key` (the first one for `None`) into `next`.
pub(crate) fn next_key(
    fd: BorrowedFd<'_>,
    key: Option<&[u8]>,
    next: &mut [u8],
) -> io::Result<Option<()>> {
    let key = key.map_or(std::ptr::null(), <[u8]>::as_ptr);
    let mut attr = element(fd, key, next.as_mut_ptr(), 0);
    absent_is_none(bpf(MAP_GET_NEXT_KEY, &mut attr))
}

/// One part of a batch look-up.
pub(crate) struct BatchPart {
    /// Entries read.
    pub(crate) count: usize,
    /// Where to go on; `None` at the end of the map.
    pub(crate) next: Option<u32>,
}

/// Reads up to `room` entries from position `from` into `keys` and `values`, which must hold `room`
/// keys and values.
pub(crate) fn lookup_batch(
    fd: BorrowedFd<'_>,
    from: Option<u32>,
    (keys, values): (&mut [u8], &mut [u8]),
    room: u32,
) -> io::Result<BatchPart> {
    let mut next = 0_u32;
    let mut attr = BatchAttr {
        in_batch: from.as_ref().map_or(0, |from| address(std::ptr::from_ref(from))),
        out_batch: address(std::ptr::from_mut(&mut next)),
        keys: address(keys.as_mut_ptr()),
        values: address(values.as_mut_ptr()),
        count: room,
        map_fd: raw(fd),
        elem_flags: 0,
        flags: 0,
    };
    let more = absent_is_none(bpf(MAP_LOOKUP_BATCH, &mut attr))?.is_some();
    Ok(BatchPart { count: attr.count as usize, next: more.then_some(next) })
}

/// Makes or replaces `count` elements, one after the other up to the first that the kernel refuses; says
/// how many were written, and why no more.
pub(crate) fn update_batch(
    fd: BorrowedFd<'_>,
    (keys, values): (&[u8], &[u8]),
    count: u32,
) -> (u32, io::Result<()>) {
    let mut attr = BatchAttr {
        in_batch: 0,
        out_batch: 0,
        keys: address(keys.as_ptr()),
        values: address(values.as_ptr()),
        count,
        map_fd: raw(fd),
        elem_flags: ANY,
        flags: 0,
    };
    let result = bpf(MAP_UPDATE_BATCH, &mut attr).map(drop);
    (attr.count.min(count), result)
}

/// Removes `count` elements, one after the other up to the first that is not there; says how many were
/// removed, and why no more.
pub(crate) fn delete_batch(fd: BorrowedFd<'_>, keys: &[u8], count: u32) -> (u32, io::Result<()>) {
    let mut attr = BatchAttr {
        in_batch: 0,
        out_batch: 0,
        keys: address(keys.as_ptr()),
        values: 0,
        count,
        map_fd: raw(fd),
        elem_flags: 0,
        flags: 0,
    };
    let result = bpf(MAP_DELETE_BATCH, &mut attr).map(drop);
    (attr.count.min(count), result)
}
