//! Installs what is missing, saying what before it does.
//!
//! The demo needs nothing but stable Rust and build-essential: the BPF object is committed, and the
//! laboratory speaks netlink itself. What rebuilding the BPF object needs, [`crate::bpf`] installs.

use anyhow::{Result, ensure};

use crate::shell;

/// What building needs.
pub(crate) fn for_build() -> Result<()> {
    ensure!(
        shell::succeeds(&["cc", "--version"]),
        "there is no C linker: `apt-get install build-essential`"
    );
    Ok(())
}

/// What `cargo xtask test` needs beyond that.
pub(crate) fn for_test() -> Result<()> {
    for_build()?;
    component("rustfmt", &["cargo", "fmt", "--version"])?;
    component("clippy", &["cargo", "clippy", "--version"])
}

fn component(name: &str, probe: &[&str]) -> Result<()> {
    if shell::succeeds(probe) {
        return Ok(());
    }
    println!("set-up: installing the Rust component {name} (rustup component add {name})");
    shell::run(&["rustup", "component", "add", name])
}
