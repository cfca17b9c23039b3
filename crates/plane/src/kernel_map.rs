//! A typed handle of a pinned map: keys and values are structs of the ABI.
//!
//! Opening compares the sizes with the kernel's, so that no read or write can run over a buffer.
//! Handles are cheap to clone and independent of each other; the kernel does the locking.

use std::io;
use std::marker::PhantomData;
use std::mem::size_of;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::error::{Error, Result};
use crate::sys;

/// What a key or value has to be.
pub(crate) trait Plain: FromBytes + IntoBytes + Immutable + Copy {}

impl<T: FromBytes + IntoBytes + Immutable + Copy> Plain for T {}

/// A map of `K` to `V`.
#[derive(Debug)]
pub(crate) struct KernelMap<K, V> {
    fd: Arc<OwnedFd>,
    name: &'static str,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Clone for KernelMap<K, V> {
    fn clone(&self) -> Self {
        Self { fd: Arc::clone(&self.fd), name: self.name, types: PhantomData }
    }
}

/// Where a dump of a map has got to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Position<K> {
    /// Nothing read yet.
    #[default]
    Start,
    /// In the middle, by the kernel's batch position.
    Batch(u32),
    /// In the middle, after this key (the kernel has no batch look-up for this map).
    Key(K),
    /// Everything read.
    End,
}

/// Entries read, and where to go on.
type Part<K, V> = (Vec<(K, V)>, Position<K>);

impl<K: Plain, V: Plain> KernelMap<K, V> {
    /// Opens the map pinned under its name in `pins`.
    pub(crate) fn open(pins: &Path, name: &'static str) -> Result<Self> {
        let fd = sys::open_pinned(&pins.join(name))
            .map_err(|error| Error::io("open pinned map", name, error))?;
        let facts = sys::map_facts(fd.as_fd())
            .map_err(|error| Error::io("ask about pinned map", name, error))?;
        expect_size(name, "key size", facts.key_size, size_of::<K>())?;
        expect_size(name, "value size", facts.value_size, size_of::<V>())?;
        Ok(Self { fd: Arc::new(fd), name, types: PhantomData })
    }

    /// The value of `key`.
    pub(crate) fn get(&self, key: &K) -> Result<Option<V>> {
        let mut value = V::new_zeroed();
        let found = sys::lookup(self.fd.as_fd(), key.as_bytes(), value.as_mut_bytes())
            .map_err(|error| Error::io("read map", self.name, error))?;
        Ok(found.map(|()| value))
    }

    /// Makes or replaces the value of `key`.
    pub(crate) fn put(&self, key: &K, value: &V) -> Result<()> {
        self.update(key, value, sys::ANY).map_err(|error| Error::io("write map", self.name, error))
    }

    /// Writes the value of `key` as `flags` allow; for callers that decide by the kernel's answer.
    pub(crate) fn update(&self, key: &K, value: &V, flags: u64) -> io::Result<()> {
        sys::update(self.fd.as_fd(), key.as_bytes(), value.as_bytes(), flags)
    }

    /// Removes `key`; says whether it was there.
    pub(crate) fn remove(&self, key: &K) -> Result<bool> {
        sys::delete(self.fd.as_fd(), key.as_bytes())
            .map_err(|error| Error::io("remove from map", self.name, error))
    }

    /// Makes or replaces entries in as few calls as possible. `refused` hears of each that the kernel did
    /// not take; an error of its own ends the work.
    pub(crate) fn put_many(
        &self,
        entries: &[(K, V)],
        mut refused: impl FnMut(usize, io::Error) -> Result<()>,
    ) -> Result<()> {
        let keys: Vec<u8> = entries.iter().flat_map(|(key, _)| key.as_bytes()).copied().collect();
        let values: Vec<u8> =
            entries.iter().flat_map(|(_, value)| value.as_bytes()).copied().collect();
        let mut done = 0;
        while done < entries.len() {
            let rest = (tail(&keys, done * size_of::<K>()), tail(&values, done * size_of::<V>()));
            let count = u32::try_from(entries.len() - done).unwrap_or(u32::MAX);
            let (written, Err(error)) = sys::update_batch(self.fd.as_fd(), rest, count) else {
                break;
            };
            done += written as usize;
            refused(done, error)?;
            done += 1;
        }
        Ok(())
    }

    /// Removes keys in as few calls as possible; says of each whether it was there.
    pub(crate) fn remove_many(&self, all: &[K]) -> Result<Vec<bool>> {
        let keys: Vec<u8> = all.iter().flat_map(IntoBytes::as_bytes).copied().collect();
        let mut were_there = vec![true; all.len()];
        let mut done = 0;
        while done < all.len() {
            let count = u32::try_from(all.len() - done).unwrap_or(u32::MAX);
            let rest = tail(&keys, done * size_of::<K>());
            let (removed, Err(error)) = sys::delete_batch(self.fd.as_fd(), rest, count) else {
                break;
            };
            done += removed as usize;
            match were_there.get_mut(done) {
                Some(there) if error.raw_os_error() == Some(libc::ENOENT) => *there = false,
                _ => return Err(Error::io("remove from map", self.name, error)),
            }
            done += 1;
        }
        Ok(were_there)
    }

    /// Whether there is no entry.
    pub(crate) fn is_empty(&self) -> Result<bool> {
        let mut next = vec![0_u8; size_of::<K>()];
        let found = sys::next_key(self.fd.as_fd(), None, &mut next)
            .map_err(|error| Error::io("read map", self.name, error))?;
        Ok(found.is_none())
    }

    /// Reads the next part of the map, `room` entries or fewer (more, if one hash bucket needs it).
    pub(crate) fn read_part(&self, position: &mut Position<K>, room: usize) -> Result<Vec<(K, V)>> {
        let part = match *position {
            Position::Start => self.batch(None, room),
            Position::Batch(next) => self.batch(Some(next), room),
            Position::Key(_) => Ok(self.walk(*position, room)),
            Position::End => Ok((Vec::new(), Position::End)),
        };
        let (entries, next) = match part {
            Err(error) if matches!(position, Position::Start) && lacks_batches(&error) => {
                self.walk(Position::Start, room)
            }
            other => other.map_err(|error| Error::io("dump map", self.name, error))?,
        };
        *position = next;
        Ok(entries)
    }

    /// The whole map.
    pub(crate) fn entries(&self) -> Result<Vec<(K, V)>> {
        let mut position = Position::Start;
        let mut all = Vec::new();
        while !matches!(position, Position::End) {
            all.append(&mut self.read_part(&mut position, PART)?);
        }
        Ok(all)
    }

    /// How many entries there are.
    pub(crate) fn count(&self) -> Result<u64> {
        let (mut position, mut count) = (Position::Start, 0);
        while !matches!(position, Position::End) {
            count += self.read_part(&mut position, PART)?.len() as u64;
        }
        Ok(count)
    }

    fn batch(&self, from: Option<u32>, room: usize) -> io::Result<Part<K, V>> {
        let mut room = room.max(1);
        loop {
            let mut keys = vec![0_u8; room * size_of::<K>()];
            let mut values = vec![0_u8; room * size_of::<V>()];
            let count = u32::try_from(room).unwrap_or(u32::MAX);
            let part =
                match sys::lookup_batch(self.fd.as_fd(), from, (&mut keys, &mut values), count) {
                    // A hash bucket is read whole or not at all: make room for it.
                    Err(error) if error.raw_os_error() == Some(libc::ENOSPC) => {
                        room *= 2;
                        continue;
                    }
                    other => other?,
                };
            let entries = pairs(&keys, &values).take(part.count).collect();
            return Ok((entries, part.next.map_or(Position::End, Position::Batch)));
        }
    }

    /// Key by key. A key that vanishes meanwhile sends the kernel back to the start of the map;
    /// entries may then be told twice, which every caller bears.
    pub(crate) fn walk(&self, from: Position<K>, room: usize) -> Part<K, V> {
        let mut entries = Vec::new();
        let mut last = match from {
            Position::Key(key) => Some(key),
            Position::Start | Position::Batch(_) | Position::End => None,
        };
        while entries.len() < room.max(1) {
            let mut next = vec![0_u8; size_of::<K>()];
            let found =
                sys::next_key(self.fd.as_fd(), last.as_ref().map(IntoBytes::as_bytes), &mut next);
            let Ok(Some(())) = found else { return (entries, Position::End) };
            let Ok(key) = K::read_from_bytes(&next) else { return (entries, Position::End) };
            if let Ok(Some(value)) = self.get(&key) {
                entries.push((key, value));
            }
            last = Some(key);
        }
        (entries, last.map_or(Position::End, Position::Key))
    }
}

/// Entries that one batch look-up reads at most: 320 kB of a connection table.
const PART: usize = 4096;

fn pairs<K: Plain, V: Plain>(keys: &[u8], values: &[u8]) -> impl Iterator<Item = (K, V)> {
    let keys = keys.chunks_exact(size_of::<K>());
    let values = values.chunks_exact(size_of::<V>());
    keys.zip(values).filter_map(|(key, value)| {
        Some((K::read_from_bytes(key).ok()?, V::read_from_bytes(value).ok()?))
    })
}

fn tail(bytes: &[u8], from: usize) -> &[u8] {
    bytes.get(from..).unwrap_or_default()
}

fn lacks_batches(error: &io::Error) -> bool {
    /// The kernel's own ENOTSUPP, which no header exports.
    const KERNEL_ENOTSUPP: i32 = 524;
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP | KERNEL_ENOTSUPP))
}

fn expect_size(name: &str, property: &'static str, found: u32, expected: usize) -> Result<()> {
    let expected = u32::try_from(expected).unwrap_or(u32::MAX);
    if found == expected {
        return Ok(());
    }
    Err(Error::Mismatch { map: name.to_owned(), property, found, expected })
}
