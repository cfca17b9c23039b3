//! How many connections the main table holds. Programs and user space each count what they put in
//! and take out, in a word of their own that only grows; their difference is the number in use.

use hitless_model::abi::TableUse;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::kernel_map::KernelMap;
use crate::plane::{Shared, lock};

/// How full the main table is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Connections in it.
    pub in_use: u64,
    /// Connections that it holds.
    pub capacity: u64,
}

/// What one piece of work put in and took out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delta {
    pub(crate) made: u64,
    pub(crate) removed: u64,
}

/// Both writers' words.
#[derive(Clone, Debug)]
pub(crate) struct Accounts {
    pub(crate) programs: KernelMap<u32, TableUse>,
    pub(crate) user: KernelMap<u32, TableUse>,
}

impl Accounts {
    /// Adds what was done.
    pub(crate) fn add(&self, shared: &Shared, delta: Delta) -> Result<()> {
        if delta == Delta::default() {
            return Ok(());
        }
        let _guard = lock(&shared.usage);
        let mut word = self.user.get(&0)?.unwrap_or_default();
        word.made += delta.made;
        word.removed += delta.removed;
        self.user.put(&0, &word)
    }

    /// The sum.
    pub(crate) fn usage(&self) -> Result<Usage> {
        let programs = self.programs.get(&0)?.unwrap_or_default();
        let user = self.user.get(&0)?.unwrap_or_default();
        // A removal may have been counted before the making it undoes was: never below zero.
        let in_use = (programs.made + user.made).saturating_sub(programs.removed + user.removed);
        Ok(Usage { in_use, capacity: user.capacity })
    }
}
