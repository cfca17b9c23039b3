//! Maps whose values are only read here, and the counters.
//!
//! A value is lent for the length of the program's run: the kernel frees no element while a program
//! that could have found it runs. User space may change it meanwhile; every field is a number of which
//! any value is valid, and user space orders its writes so that a mixture harms nothing.

use core::intrinsics::{AtomicOrdering, atomic_xadd};

use aya_ebpf::maps::{Array, HashMap};
use hitless_model::Counter;

use crate::maps::{COUNTERS, TURN, USE_BPF};

/// The value of a key in a hash map.
#[inline(always)]
pub(crate) fn get<K, V>(map: &'static HashMap<K, V>, key: &K) -> Option<&'static V> {
    // SAFETY: see the module's documentation.
    unsafe { map.get(key) }
}

/// An element of an array.
#[inline(always)]
pub(crate) fn element<V>(map: &'static Array<V>, index: u32) -> Option<&'static V> {
    map.get(index)
}

/// Counts.
#[inline(always)]
pub(crate) fn count(counter: Counter) {
    if let Some(value) = COUNTERS.get_ptr_mut(counter as u32) {
        // SAFETY: a live element of this CPU; the program cannot be interrupted by itself.
        unsafe { *value += 1 }
    }
}

/// Takes the farm's next turn.
#[inline(always)]
pub(crate) fn take_turn(farm: u32) -> Option<u64> {
    let turn = TURN.get_ptr_mut(farm)?;
    // SAFETY: a live, aligned element that is only ever changed atomically.
    Some(unsafe { add_one(turn) })
}

/// One more connection in the main table.
#[inline(always)]
pub(crate) fn count_made() {
    if let Some(usage) = USE_BPF.get_ptr_mut(0) {
        // SAFETY: as above.
        unsafe { add_one(&raw mut (*usage).made) };
    }
}

/// One connection fewer in the main table.
#[inline(always)]
pub(crate) fn count_removed() {
    if let Some(usage) = USE_BPF.get_ptr_mut(0) {
        // SAFETY: as above.
        unsafe { add_one(&raw mut (*usage).removed) };
    }
}

/// Adds one for all CPUs to see; the value before. `AtomicU64::fetch_add` does not exist for this
/// target. Never `Relaxed`: LLVM 22 then takes the instruction that fetches nothing, even where the
/// value before is used, and hands on the summand in its place.
///
/// # Safety
/// The place must be alive and aligned, and only ever be changed atomically.
#[inline(always)]
unsafe fn add_one(place: *mut u64) -> u64 {
    // SAFETY: the caller's promise.
    unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::AcqRel }>(place, 1) }
}
