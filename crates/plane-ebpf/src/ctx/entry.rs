//! Entries of the connection tables: shared with the other CPUs, changed in place.
//!
//! The fields are changed without locks. What can be lost that way is a packet in a statistic, or a
//! bit of `seen` that the next segment sets again. Nor does anything keep an element for the key that it was
//! found by: once deleted or evicted it is the next connection's, and a packet that is in between goes
//! astray.

use aya_ebpf::maps::{HashMap, LruHashMap};
use hitless_model::abi::{Conn, FlowKey};

/// The kernel's error number of a key that exists already.
const EXISTS: i32 = -17;

/// A connection table of either sort.
pub(crate) trait Table {
    /// The place of an entry.
    fn place(&self, key: &FlowKey) -> Option<*mut Conn>;
    /// Writes an entry.
    fn write(&self, key: &FlowKey, conn: &Conn, flags: u64) -> Result<(), i32>;
    /// Deletes an entry.
    fn delete(&self, key: &FlowKey) -> Result<(), i32>;
}

macro_rules! table {
    ($sort:ident) => {
        impl Table for $sort<FlowKey, Conn> {
            #[inline(always)]
            fn place(&self, key: &FlowKey) -> Option<*mut Conn> {
                self.get_ptr_mut(key)
            }

            #[inline(always)]
            fn write(&self, key: &FlowKey, conn: &Conn, flags: u64) -> Result<(), i32> {
                self.insert(key, conn, flags)
            }

            #[inline(always)]
            fn delete(&self, key: &FlowKey) -> Result<(), i32> {
                self.remove(key)
            }
        }
    };
}

table!(HashMap);
table!(LruHashMap);

/// An entry found in a table.
#[derive(Clone, Copy)]
pub(crate) struct Entry(*mut Conn);

/// Why an entry was not inserted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is one of this key.
    Exists,
    /// There is no room.
    Full,
}

impl Entry {
    /// The entry of a key.
    #[inline(always)]
    pub(crate) fn find(table: &'static impl Table, key: &FlowKey) -> Option<Self> {
        table.place(key).map(Self)
    }

    /// What it says.
    #[inline(always)]
    pub(crate) fn conn(&self) -> &Conn {
        // SAFETY: an element of a map, which stays one for the program's run; all numbers.
        unsafe { &*self.0 }
    }

    /// Notes a packet of this direction that is forwarded.
    #[inline(always)]
    pub(crate) fn touch(&self, now: u64, bytes: u16) {
        // SAFETY: as above.
        unsafe {
            (*self.0).last_seen = now;
            (*self.0).packets += 1;
            (*self.0).bytes += u64::from(bytes);
        }
    }

    /// Notes what is true of this direction.
    #[inline(always)]
    pub(crate) fn set_flags(&self, flags: u8) {
        // SAFETY: as above.
        unsafe { (*self.0).flags = flags }
    }

    /// Notes what has been seen of the connection.
    #[inline(always)]
    pub(crate) fn set_seen(&self, seen: u8) {
        // SAFETY: as above.
        unsafe { (*self.0).seen = seen }
    }
}

/// Inserts an entry if its key is free.
#[inline(always)]
pub(crate) fn insert_new(
    table: &'static impl Table,
    key: &FlowKey,
    conn: &Conn,
) -> Result<(), Refused> {
    const NOEXIST: u64 = 1;
    table.write(key, conn, NOEXIST).map_err(|error| match error {
        EXISTS => Refused::Exists,
        _ => Refused::Full,
    })
}

/// Inserts an entry in the place of any other.
#[inline(always)]
pub(crate) fn insert(
    table: &'static impl Table,
    key: &FlowKey,
    conn: &Conn,
) -> Result<(), Refused> {
    table.write(key, conn, 0).map_err(|_| Refused::Full)
}

/// Deletes an entry; says whether there was one.
#[inline(always)]
pub(crate) fn delete(table: &'static impl Table, key: &FlowKey) -> bool {
    table.delete(key).is_ok()
}
