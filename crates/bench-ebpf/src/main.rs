//! What the data plane is measured with and against.
//!
//! [`restore`] writes a fresh frame before each run, because a test run gives every run the frame that the
//! run before it left. [`floor`] is the least that any balancer does, [`traffic`] makes and swallows frames
//! for measurements from end to end. Nothing of this is part of the product.

#![no_std]
#![no_main]

mod floor;
mod frame;
mod maps;
pub mod plan;
mod restore;
mod traffic;

use core::ffi::c_void;

use aya_ebpf::bindings::{TC_ACT_SHOT, xdp_action};

use frame::{Tc, Xdp};

macro_rules! program {
    ($section:literal, $name:ident, $doc:literal, $work:expr) => {
        #[doc = $doc]
        #[unsafe(link_section = $section)]
        #[unsafe(no_mangle)]
        extern "C" fn $name(context: *mut c_void) -> i32 {
            ($work)(context)
        }
    };
}

program!("classifier", restore_tc, "Writes a frame and runs the program under test on it.", |c| {
    restore::and_run(&mut Tc::new(c))
});
program!("xdp", restore_xdp, "The same for XDP.", |c| restore::and_run(&mut Xdp::new(c)));
program!("classifier", empty_tc, "Does nothing.", |_| TC_ACT_SHOT);
program!("xdp", empty_xdp, "Does nothing.", |_| xdp_action::XDP_DROP.cast_signed());
program!("classifier", forward_tc, "The floor, client to real.", |c| {
    floor::forward(&mut Tc::new(c))
});
program!("xdp", forward_xdp, "The floor, client to real.", |c| floor::forward(&mut Xdp::new(c)));
program!("classifier", reverse_tc, "The floor, real to client.", |c| {
    floor::reverse(&mut Tc::new(c))
});
program!("xdp", reverse_xdp, "The floor, real to client.", |c| floor::reverse(&mut Xdp::new(c)));
program!("classifier", fill, "Opens the next flow of the plan in the floor's tables.", |c| {
    floor::fill(&mut Tc::new(c))
});
program!("xdp", generate, "Sends the next frame of the plan.", |c| {
    traffic::generate(&mut Xdp::new(c))
});
program!("xdp", sink, "Counts and swallows datagrams.", |c| traffic::sink(&Xdp::new(c)));

/// The kernel reads from here that it may lend helpers that are for GPL programs only.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

/// Never reached: a panic would be a loop, and the verifier refuses a program that holds one.
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
