//! Telling apart what the peer still has from what it has no more: while its dump is under way, what
//! it tells is remembered, and at the end the rest of what came from it goes.

use std::collections::HashSet;

use hitless_model::abi::{CONN_FROM_PEER, Conn, FlowKey};

use super::dump::{PART, Scope};
use super::entry;
use super::table::{ConnTable, remove_entries};
use super::usage::Delta;
use crate::error::Result;
use crate::kernel_map::Position;

impl ConnTable {
    /// The peer begins to tell all its connections.
    pub fn begin_peer_dump(&mut self) {
        self.told = Some(HashSet::new());
    }

    /// The peer has told all its connections. What it did not tell is gone there, and goes here; but
    /// while this box `forwards` itself, only what came from the peer and carried no packet here.
    /// Says how many; none if no dump had begun.
    pub fn end_peer_dump(&mut self, forwards: bool) -> Result<u64> {
        let Some(told) = self.told.take() else { return Ok(0) };
        let mut delta = Delta::default();
        let mut position = Position::Start;
        while !matches!(position, Position::End) {
            for (key, conn) in self.main.forward.read_part(&mut position, PART)? {
                let wanted = told.contains(&key) || !Scope::Replicated.includes(&conn);
                if !wanted && (!forwards || self.is_unused(&key, &conn)?) {
                    delta.removed += u64::from(remove_entries(&self.main, &key, &conn)?);
                }
            }
        }
        self.accounts.add(&self.shared, delta)?;
        Ok(delta.removed)
    }

    fn is_unused(&self, key: &FlowKey, forward: &Conn) -> Result<bool> {
        if forward.flags & CONN_FROM_PEER == 0 || forward.packets > 0 {
            return Ok(false);
        }
        let reverse = self.main.reverse.get(&entry::reverse_key(key, forward))?;
        Ok(reverse.is_none_or(|reverse| reverse.packets == 0))
    }
}
