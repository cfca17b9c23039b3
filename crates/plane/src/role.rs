//! The role word: one system call opens or closes everything floating.

use std::path::Path;

use hitless_model::abi::{RoleWord, map};

use crate::error::Result;
use crate::kernel_map::KernelMap;

/// Reads and writes the role word. Cheap to clone, usable from any thread.
///
/// The kernel copies the word without a lock. A program that looks in that instant may see the role of
/// one word and the lease of the other; it forwards only if the role and the lease both allow it, so
/// a word for a role that does not forward should have a lease that is over.
#[derive(Clone, Debug)]
pub struct RoleHandle {
    map: KernelMap<u32, RoleWord>,
}

impl RoleHandle {
    /// The role word pinned in `pins`; works on another process's data plane.
    pub fn open_pinned(pins: &Path) -> Result<Self> {
        Ok(Self { map: KernelMap::open(pins, map::ROLE)? })
    }

    /// Writes the word. One system call, no allocation.
    pub fn write(&self, word: RoleWord) -> Result<()> {
        self.map.put(&0, &word)
    }

    /// Reads the word.
    pub fn read(&self) -> Result<RoleWord> {
        self.map.get(&0).map(Option::unwrap_or_default)
    }
}
