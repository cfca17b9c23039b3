//! The data plane of hitless: what happens to a packet inside the kernel.
//!
//! One source for every hook: [`ctx::Packet`] is all that the packet's way knows of the hook it runs
//! at, and each hook, TC and XDP, has one module that implements it. The way of a packet begins in
//! [`pipeline`]; the maps are in [`maps`], their layout in `hitless_model::abi`.
//!
//! Everything that is unsafe is under [`ctx`]. A packet that is dropped has a reason, the reason is a
//! [`hitless_model::Counter`], and it is counted in one place.

#![no_std]
#![no_main]
// `atomic_xadd` only; see `ctx::table`.
#![feature(core_intrinsics)]
// Two loads; see `ctx::xdp`.
#![feature(asm_experimental_arch)]
#![expect(
    internal_features,
    reason = "there is no other way to an atomic addition for this target"
)]

mod arp;
mod create;
mod ctx;
mod gate;
mod icmp;
mod ipv4;
mod leave;
mod lookup;
mod mac;
mod maps;
mod parse;
mod pipeline;
mod rewrite;
mod sticky;
mod track;
mod usual;
mod verdict;

use core::ffi::c_void;

/// The program for TC ingress of every client and server VLAN of the module.
///
/// Written out instead of by aya's macro: with the kernel's `__sk_buff` in its signature the object's
/// BTF would describe it, and LLVM orders the structures that it points to by where they happen to lie
/// in memory, another way in every build.
#[unsafe(link_section = "classifier")]
#[unsafe(no_mangle)]
extern "C" fn hitless_tc(skb: *mut c_void) -> i32 {
    ctx::tc::run(skb)
}

/// The program for interfaces whose driver runs it, before the kernel has made anything of the frame.
#[unsafe(link_section = "xdp")]
#[unsafe(no_mangle)]
extern "C" fn hitless_xdp(xdp: *mut c_void) -> u32 {
    ctx::xdp::run(xdp)
}

/// The kernel reads from here that it may lend helpers that are for GPL programs only.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

/// Never reached: a panic would be a loop, and the verifier refuses a program that holds one.
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
