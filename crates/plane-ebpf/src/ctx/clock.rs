//! The clocks: the kernel's tick, and the time line that user space calls `CLOCK_MONOTONIC`.

use aya_ebpf::helpers::generated::{bpf_jiffies64, bpf_ktime_get_ns};

/// The number of the present tick: a word in memory, and never zero.
#[inline(always)]
pub(crate) fn tick() -> u64 {
    // SAFETY: takes nothing and touches nothing.
    unsafe { bpf_jiffies64() }
}

/// The exact time.
#[inline(always)]
pub(crate) fn precise() -> u64 {
    // SAFETY: takes nothing and touches nothing.
    unsafe { bpf_ktime_get_ns() }
}
