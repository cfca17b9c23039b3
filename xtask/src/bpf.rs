//! `cargo xtask bpf`: builds the BPF object.

use anyhow::{Result, bail};

/// Rebuilds the committed object, or compares it with what the source gives.
pub(crate) fn run(_check: bool) -> Result<()> {
    bail!("the BPF object has no build yet")
}
