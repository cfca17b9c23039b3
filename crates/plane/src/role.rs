//! The role word: one system call opens or closes everything floating.

use std::path::Path;

use hitless_model::abi::{RoleWord, map};

use crate::error::Result;
use crate::kernel_map::KernelMap;

/// Reads and writes the role word. Cheap to clone, usable from any thread.
///
/// The kernel copies a word of 64 bits at a time in the order of the fields, the role first: a program
/// that looks in the middle of a write sees a new role with an old lease, never an old role with a
/// new one.
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
