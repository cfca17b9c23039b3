//! The object as such: the verifier takes it, and it says nothing of where it was built.

use crate::support::kernel::{OBJECT, info, load};

/// The verifier's count may grow with the program, but not unnoticed; the kernel's limit is a million.
const VERIFIED_INSTRUCTIONS_BUDGET: u32 = 100_000;

#[test]
fn the_verifier_accepts_the_program_within_its_budget() {
    let ebpf = load(16);
    let info = info(&ebpf);
    let verified = info.verified_instruction_count().expect("kernel 5.16 or later");
    println!(
        "{verified} instructions verified, {} translated bytes",
        info.size_translated().unwrap_or_default()
    );
    assert!(verified < VERIFIED_INSTRUCTIONS_BUDGET, "{verified} instructions verified");
    assert_eq!(info.gpl_compatible(), Some(true));
}

#[test]
fn the_object_holds_no_path_of_the_machine_that_built_it() {
    let text = String::from_utf8_lossy(OBJECT);
    for path in ["/home/", "/root/", "/tmp/", "/usr/", ".cargo/", "registry/src"] {
        assert!(!text.contains(path), "{path} is in the object");
    }
    // Cargo puts a hash of the checkout's path into the names of functions that are not inlined.
    assert!(!text.contains("hitless_bpf"), "a function of the programs is not inlined");
}
