//! Entries of the tables of clients that stick: shared with the other CPUs, changed in place.
//!
//! As with connections ([`super::entry`]) nothing is locked: what can be lost is that an entry was used.

use hitless_model::abi::{StickyEntry, StickyKey};

use crate::maps::{STICKY, STICKY_NEW};

/// An entry found in one of the tables.
#[derive(Clone, Copy)]
pub(crate) struct Place(*mut StickyEntry);

impl Place {
    /// The entry of a client that has had a connection.
    #[inline(always)]
    pub(crate) fn lasting(key: &StickyKey) -> Option<Self> {
        STICKY.get_ptr_mut(key).map(Self)
    }

    /// The entry of a client that has none yet.
    #[inline(always)]
    pub(crate) fn provisional(key: &StickyKey) -> Option<Self> {
        STICKY_NEW.get_ptr_mut(key).map(Self)
    }

    /// What it says.
    #[inline(always)]
    pub(crate) fn entry(&self) -> &StickyEntry {
        // SAFETY: an element of a map, which stays one for the program's run; all numbers.
        unsafe { &*self.0 }
    }

    /// Notes that a connection was begun by it.
    #[inline(always)]
    pub(crate) fn touch(&self, now: u64) {
        // SAFETY: as above.
        unsafe { (*self.0).last_used = now }
    }

    /// Notes what is true of it.
    #[inline(always)]
    pub(crate) fn set_flags(&self, flags: u16) {
        // SAFETY: as above.
        unsafe { (*self.0).flags = flags }
    }
}

/// Keeps an entry; says whether there was room.
#[inline(always)]
pub(crate) fn keep(key: &StickyKey, entry: &StickyEntry) -> bool {
    STICKY.insert(key, entry, 0).is_ok()
}

/// Keeps an entry until others need its room.
#[inline(always)]
pub(crate) fn keep_for_now(key: &StickyKey, entry: &StickyEntry) {
    // The table evicts: it is only full while other CPUs hold all of its elements.
    let _ = STICKY_NEW.insert(key, entry, 0);
}

/// Forgets a provisional entry.
#[inline(always)]
pub(crate) fn forget_provisional(key: &StickyKey) {
    let _ = STICKY_NEW.remove(key);
}
