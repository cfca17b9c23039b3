//! Taking the peer's word while no program works on the tables: many connections in a few system calls.
//!
//! The programs of a box that does not forward make and remove nothing. So what was read a moment ago
//! still holds, and entries are written and removed together, without asking the kernel about each
//! whether somebody else was faster.

use hitless_model::abi::{CONN_FROM_PEER, Conn, FlowKey};
use hitless_model::tcp::seen;

use super::entry::{self, Pair, Refusal};
use super::table::{ConnTable, Refused, SmallTable, belongs_to, refusal, remove_pair};
use super::usage::Delta;
use crate::error::Result;

/// Connections written at once: more than a datagram tells.
const AT_ONCE: usize = 64;
/// Connections for which the small table is asked before somebody looks whether it is empty: to find
/// that out, the kernel goes through all of it.
const LOOK_AFTER: u32 = 1_024;

/// Entries that are to be written together; those of one connection are at the same place.
#[derive(Debug, Default)]
struct Plan {
    forward: Vec<(FlowKey, Conn)>,
    reverse: Vec<(FlowKey, Conn)>,
    /// Whether the connection is a new one.
    new: Vec<bool>,
}

/// What the main table holds of a connection that the peer tells.
enum Held {
    /// Nothing, and its reverse key is free.
    Nothing,
    /// What the peer told earlier, and nothing else.
    Mirrored(Conn),
    /// Something that has to be looked at closely.
    More,
}

impl Plan {
    /// Whether a connection shares a key with one that is to be written.
    fn meets(&self, pair: &Pair) -> bool {
        self.forward.iter().any(|(key, _)| *key == pair.forward.0)
            || self.reverse.iter().any(|(key, _)| *key == pair.reverse.0)
    }

    fn add(&mut self, pair: &Pair, new: bool) {
        self.forward.push(pair.forward);
        self.reverse.push(pair.reverse);
        self.new.push(new);
    }
}

impl ConnTable {
    /// Makes or updates connections, embryonic ones too.
    pub(super) fn upsert_together(
        &mut self,
        pairs: &[Pair],
        delta: &mut Delta,
        refused: &mut Refused,
    ) -> Result<()> {
        let mut plan = Plan::default();
        for pair in pairs {
            if plan.meets(pair) || plan.new.len() == AT_ONCE {
                self.write(&std::mem::take(&mut plan), delta, refused)?;
            }
            match self.held(pair)? {
                Held::Nothing => plan.add(pair, true),
                Held::Mirrored(old) => plan.add(&renewed(pair, &old), false),
                Held::More => {
                    if let Some(why) = self.upsert_one(pair, delta)? {
                        refused.count(why);
                    }
                }
            }
        }
        self.write(&plan, delta, refused)
    }

    fn held(&self, pair: &Pair) -> Result<Held> {
        let (key, new) = &pair.forward;
        if !seen::is_established(new.seen) {
            return Ok(Held::More);
        }
        let Some(old) = self.main.forward.get(key)? else {
            let taken = self.main.reverse.get(&pair.reverse.0)?.is_some();
            return Ok(if taken { Held::More } else { Held::Nothing });
        };
        let is_same = (old.rewrite_ip, old.rewrite_port) == (new.rewrite_ip, new.rewrite_port);
        let is_mirrored = is_same && old.flags & CONN_FROM_PEER != 0 && old.packets == 0;
        Ok(if is_mirrored { Held::Mirrored(old) } else { Held::More })
    }

    fn write(&mut self, plan: &Plan, delta: &mut Delta, refused: &mut Refused) -> Result<()> {
        if plan.forward.is_empty() {
            return Ok(());
        }
        let mut failed = vec![None; plan.new.len()];
        self.main
            .forward
            .put_many(&plan.forward, |index, error| note(&mut failed, index, error))?;
        let has_forward = |index: &usize| failed.get(*index).is_some_and(Option::is_none);
        let places: Vec<usize> = (0..plan.new.len()).filter(has_forward).collect();
        let reverse: Vec<_> =
            places.iter().filter_map(|index| plan.reverse.get(*index)).copied().collect();
        let place = |index: usize| places.get(index).copied().unwrap_or(usize::MAX);
        let forward = &self.main.forward;
        self.main.reverse.put_many(&reverse, |index, error| {
            note(&mut failed, place(index), error)?;
            let half = plan.forward.get(place(index));
            half.map_or(Ok(()), |(key, _)| forward.remove(key).map(drop))
        })?;
        self.settle(plan, &failed, delta, refused)
    }

    /// Counts what was written, and takes it out of the small table.
    fn settle(
        &mut self,
        plan: &Plan,
        failed: &[Option<Refusal>],
        delta: &mut Delta,
        refused: &mut Refused,
    ) -> Result<()> {
        for (((key, _), new), failed) in plan.forward.iter().zip(&plan.new).zip(failed) {
            if let Some(why) = failed {
                refused.count(*why);
                // One that was there is gone with its other half.
                delta.removed += u64::from(!new);
                continue;
            }
            delta.made += u64::from(*new);
            self.take_out_of_small(key)?;
            if let Some(told) = &mut self.told {
                told.insert(*key);
            }
        }
        Ok(())
    }

    /// Removes connections, wherever they are.
    pub(super) fn remove_together(&mut self, keys: &[FlowKey], delta: &mut Delta) -> Result<()> {
        let (mut forward, mut reverse) = (Vec::new(), Vec::new());
        for key in keys {
            let Some(conn) = self.main.forward.get(key)? else { continue };
            let back = entry::reverse_key(key, &conn);
            if belongs_to(&self.main.reverse, &back, key)? {
                reverse.push(back);
            }
            forward.push(*key);
        }
        // The reverse ones first: if we die in between, the forward ones are still there to be swept.
        self.main.reverse.remove_many(&reverse)?;
        let removed = self.main.forward.remove_many(&forward)?;
        delta.removed += removed.into_iter().filter(|was_there| *was_there).count() as u64;
        for key in keys {
            self.take_out_of_small(key)?;
            if let Some(told) = &mut self.told {
                told.remove(key);
            }
        }
        Ok(())
    }
}

/// A connection that is there already keeps its times, as far as they are newer.
fn renewed(pair: &Pair, old: &Conn) -> Pair {
    let keep = |new: Conn| Conn {
        created: old.created,
        last_seen: new.last_seen.max(old.last_seen),
        ..new
    };
    let ((key, forward), (back, reverse)) = (pair.forward, pair.reverse);
    Pair { forward: (key, keep(forward)), reverse: (back, keep(reverse)) }
}

impl ConnTable {
    fn take_out_of_small(&mut self, key: &FlowKey) -> Result<()> {
        let SmallTable::Used(asked) = self.small else { return Ok(()) };
        remove_pair(&self.embryonic, key)?;
        let is_time = asked >= LOOK_AFTER;
        self.small = if is_time && self.embryonic.forward.is_empty()? {
            SmallTable::Empty
        } else {
            SmallTable::Used(if is_time { 0 } else { asked + 1 })
        };
        Ok(())
    }
}

/// Notes a refusal for want of room; any other error ends the work.
fn note(failed: &mut [Option<Refusal>], index: usize, error: std::io::Error) -> Result<()> {
    let why = refusal(error)?;
    if let Some(place) = failed.get_mut(index) {
        *place = why;
    }
    Ok(())
}
