//! How many connections the main table holds. Programs and user space each count what they put in
//! and take out, in a word of their own that only grows; their difference is the number in use.

use hitless_model::abi::TableUse;
use serde::{Deserialize, Serialize};

use super::dump::PART;
use super::table::ConnTable;
use crate::error::Result;
use crate::kernel_map::{KernelMap, Position};
use crate::plane::{Shared, lock};

/// How often a recount starts anew because the table changed meanwhile.
const RECOUNT_ATTEMPTS: u32 = 3;

/// How full the main table is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

impl ConnTable {
    /// How full the main table is.
    pub fn usage(&self) -> Result<Usage> {
        self.accounts.usage()
    }

    /// Brings the account into line with the table: a process that was killed in the middle of its work
    /// has not counted all of it. Says by how much the account was wrong; `None` if the table changed
    /// too fast to tell.
    pub fn recount(&self) -> Result<Option<i64>> {
        for _ in 0..RECOUNT_ATTEMPTS {
            let before = self.usage()?.in_use;
            let mut counted = 0_u64;
            let mut position = Position::Start;
            while !matches!(position, Position::End) {
                let part = self.main.forward.read_part(&mut position, PART)?;
                counted += part.len() as u64;
            }
            if self.usage()?.in_use == before {
                let made = counted.saturating_sub(before);
                let removed = before.saturating_sub(counted);
                self.accounts.add(&self.shared, Delta { made, removed })?;
                return Ok(Some(made.cast_signed() - removed.cast_signed()));
            }
        }
        Ok(None)
    }
}
