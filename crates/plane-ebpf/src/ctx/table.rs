//! Maps that user space fills, and numbers that all processors count up.
//!
//! A value is lent for the length of the program's run: its memory stays a value of that map. What it says
//! does not: user space may write over it meanwhile, and the element of a preallocated hash that is
//! deleted goes to the next key at once. So every field is a number of which any value is valid; user space
//! orders its writes so that a mixture misleads no more than the packet that meets it.

use core::intrinsics::{AtomicOrdering, atomic_xadd};

use aya_ebpf::maps::{Array, HashMap};
use hitless_model::abi::{VlanPort, slot_of};

use crate::maps::{PORT_SLOTS, PORTS, TURN, USE_BPF};

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

/// What an interface is; none if it is not one of the module's.
#[inline(always)]
pub(crate) fn port(ifindex: u32) -> Option<&'static VlanPort> {
    match element(&PORT_SLOTS, slot_of(ifindex)) {
        // An empty slot says 0, which is no interface's number.
        Some(port) if port.ifindex == ifindex && ifindex != 0 => Some(port),
        Some(_) | None => get(&PORTS, &ifindex),
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
