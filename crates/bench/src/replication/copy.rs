//! The least that a copy of a table costs: the same entries read in batches and written in batches into
//! an empty table of the same shape, by the kernel's own operations, both directions.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use aya::maps::MapData;
use hitless_model::abi::{Conn, FlowKey, map};
use serde::Serialize;

const KEY: usize = size_of::<FlowKey>();
const ENTRY: usize = size_of::<Conn>();
/// Entries read or written with one call.
const PART: u32 = 4096;

const MAP_CREATE: u32 = 0;
const LOOKUP_BATCH: u32 = 24;
const UPDATE_BATCH: u32 = 26;
const HASH: u32 = 1;

/// How long it took.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Copied {
    pub(super) entries: u64,
    pub(super) read_s: f64,
    pub(super) written_s: f64,
}

impl Copied {
    pub(super) fn seconds(&self) -> f64 {
        self.read_s + self.written_s
    }
}

/// Copies both directions of a box's table.
pub(super) fn copy(pins: &Path, room: u32) -> Result<Copied> {
    let (mut read, mut written, mut entries) = (Duration::ZERO, Duration::ZERO, 0);
    for name in [map::CONN_FWD, map::CONN_REV] {
        let data = MapData::from_pin(pins.join(name)).context("pinned table")?;
        let start = Instant::now();
        let (keys, values) = read_all(data.fd().as_fd(), room).context("batch read")?;
        read += start.elapsed();
        let empty = create(room).context("cannot make an empty table")?;
        let start = Instant::now();
        write_all(empty.as_fd(), &keys, &values).context("batch write")?;
        written += start.elapsed();
        entries = (keys.len() / KEY) as u64;
    }
    let seconds = |time: Duration| time.as_secs_f64();
    Ok(Copied { entries, read_s: seconds(read), written_s: seconds(written) })
}

/// The kernel's structure for batches.
#[repr(C)]
#[derive(Default)]
struct Batch {
    from: u64,
    next: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    elem_flags: u64,
    flags: u64,
}

/// The beginning of the kernel's structure for a new map.
#[repr(C)]
#[derive(Default)]
struct Shape {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
}

fn create(room: u32) -> io::Result<OwnedFd> {
    let size = |octets: usize| u32::try_from(octets).unwrap_or(0);
    let (key_size, value_size) = (size(KEY), size(ENTRY));
    let mut shape = Shape { map_type: HASH, key_size, value_size, max_entries: room, flags: 0 };
    let fd = bpf(MAP_CREATE, &mut shape)?;
    #[expect(unsafe_code, reason = "the kernel gives a descriptor as a number")]
    // SAFETY: the call has just made this descriptor, and nobody else knows it.
    let owned = unsafe { OwnedFd::from_raw_fd(fd) };
    Ok(owned)
}

fn read_all(fd: BorrowedFd<'_>, room: u32) -> Result<(Vec<u8>, Vec<u8>)> {
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    keys.reserve(room as usize * KEY);
    values.reserve(room as usize * ENTRY);
    let (mut position, mut next, mut is_first) = (0_u32, 0_u32, true);
    let mut part = (vec![0; PART as usize * KEY], vec![0; PART as usize * ENTRY]);
    loop {
        let mut batch = Batch {
            from: if is_first { 0 } else { address(&raw const position) },
            next: address(&raw mut next),
            keys: address(part.0.as_mut_ptr()),
            values: address(part.1.as_mut_ptr()),
            count: PART,
            map_fd: number(fd),
            ..Batch::default()
        };
        let result = bpf(LOOKUP_BATCH, &mut batch);
        let count = batch.count as usize;
        let is_end = match &result {
            Ok(_) => false,
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => true,
            Err(_) => return result.map(|_| (keys, values)).map_err(Into::into),
        };
        keys.extend_from_slice(part.0.get(..count * KEY).context("a batch within its room")?);
        values.extend_from_slice(part.1.get(..count * ENTRY).context("a batch within its room")?);
        if is_end {
            return Ok((keys, values));
        }
        (position, is_first) = (next, false);
    }
}

fn write_all(fd: BorrowedFd<'_>, keys: &[u8], values: &[u8]) -> Result<()> {
    let parts = keys.chunks(PART as usize * KEY).zip(values.chunks(PART as usize * ENTRY));
    for (keys, values) in parts {
        let wanted = u32::try_from(keys.len() / KEY)?;
        let mut batch = Batch {
            keys: address(keys.as_ptr()),
            values: address(values.as_ptr()),
            count: wanted,
            map_fd: number(fd),
            ..Batch::default()
        };
        bpf(UPDATE_BATCH, &mut batch)?;
        ensure!(batch.count == wanted, "{} of {wanted} entries were written", batch.count);
    }
    Ok(())
}

fn address<T>(pointer: *const T) -> u64 {
    pointer.addr() as u64
}

fn number(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().cast_unsigned()
}

fn bpf<T>(command: u32, attribute: &mut T) -> io::Result<i32> {
    let length = size_of::<T>();
    #[expect(unsafe_code, reason = "no crate in use has batches of map entries")]
    // SAFETY: the structure begins as the kernel's for this command and has the length that is said; the
    // buffers that it points to live for the call and hold as many entries as `count` says.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attribute), length) };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(i32::try_from(result).unwrap_or(-1))
    }
}
