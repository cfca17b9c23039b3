//! The two clocks of the time line that user space calls `CLOCK_MONOTONIC`.

use aya_ebpf::helpers::generated::{bpf_ktime_get_coarse_ns, bpf_ktime_get_ns};

/// Time of the last kernel tick: cheap, and late by up to a tick.
#[inline(always)]
pub(crate) fn coarse() -> u64 {
    // SAFETY: takes nothing and touches nothing.
    unsafe { bpf_ktime_get_coarse_ns() }
}

/// The exact time.
#[inline(always)]
pub(crate) fn precise() -> u64 {
    // SAFETY: takes nothing and touches nothing.
    unsafe { bpf_ktime_get_ns() }
}
