//! Telling apart what the peer still has from what it has no more: while its dump is under way, what
//! it tells is remembered, and at the end the rest of what came from it goes.

use std::collections::HashSet;

use hitless_model::abi::CONN_FROM_PEER;

use super::dump::PART;
use super::table::{ConnTable, remove_entries};
use super::usage::Delta;
use crate::error::Result;
use crate::kernel_map::Position;

impl ConnTable {
    /// The peer begins to tell all its connections.
    pub fn begin_peer_dump(&mut self) {
        self.told = Some(HashSet::new());
    }

    /// The peer has told all its connections: those that came from it earlier and were not told again
    /// are gone there, and go here. Says how many; none if no dump had begun.
    pub fn end_peer_dump(&mut self) -> Result<u64> {
        let Some(told) = self.told.take() else { return Ok(0) };
        let mut delta = Delta::default();
        let mut position = Position::Start;
        while !matches!(position, Position::End) {
            for (key, conn) in self.main.forward.read_part(&mut position, PART)? {
                if conn.flags & CONN_FROM_PEER != 0 && !told.contains(&key) {
                    delta.removed += u64::from(remove_entries(&self.main, &key, &conn)?);
                }
            }
        }
        self.accounts.add(&self.shared, delta)?;
        Ok(delta.removed)
    }
}
