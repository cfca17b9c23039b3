//! Forgetting entries whose time is over.
//!
//! What counts for most of them is the end of the client's last connection. A connection that is forgotten
//! tells when it ended ([`StickyTable::ended`]); whether others are open is found out only for entries whose
//! time would be over, by one walk through the tables of connections.

use std::collections::BTreeMap;

use hitless_model::Instant;
use hitless_model::abi::{CONN_STICKY, Conn, FlowKey, STICKY_REPLICATE, StickyEntry, StickyKey};
use hitless_model::{StickyClient, tcp::seen};

use super::entry;
use super::table::StickyTable;
use crate::conn::Ended;
use crate::desired::StickySince;
use crate::error::{Error, Result};
use crate::kernel_map::Position;
use crate::sys;

/// Entries that may wait for one walk through the tables; the others wait for the next one.
const MOST: usize = 65_536;
/// A use that is no more recent than this is not worth writing down: times of entries are minutes.
const GRAIN_NS: u64 = 1_000_000_000;

/// How far a sweep has come.
#[derive(Debug, Default)]
pub struct StickySweep {
    stage: Stage,
    /// Entries whose time is over unless their client has a connection, and when each was used last.
    over: BTreeMap<StickyKey, u64>,
}

#[derive(Debug)]
enum Stage {
    Entries(Position<StickyKey>),
    Established(Position<FlowKey>),
    Embryonic(Position<FlowKey>),
}

impl Default for Stage {
    fn default() -> Self {
        Self::Entries(Position::Start)
    }
}

/// What a part of a sweep is done with.
#[derive(Clone, Copy)]
struct Now {
    at: Instant,
    /// Since when this box forwards: what it did not see before then says nothing.
    active_since: Instant,
}

impl StickyTable {
    /// Removes entries whose time is over, looking at about `max` entries or connections. Says whom those were
    /// about that the peer is told of, and true in the second place when the whole table has been seen; the
    /// next call begins anew.
    pub fn sweep(
        &self,
        sweep: &mut StickySweep,
        max: usize,
        (at, active_since): (Instant, Instant),
    ) -> Result<(Vec<StickyClient>, bool)> {
        let mut removed = Vec::new();
        let now = Now { at, active_since };
        match &mut sweep.stage {
            Stage::Entries(position) => {
                let part = self.lasting.read_part(position, max)?;
                let is_last = matches!(position, Position::End);
                self.judge(&part, &mut sweep.over, now, &mut removed)?;
                if is_last && sweep.over.is_empty() {
                    *sweep = StickySweep::default();
                    return Ok((removed, true));
                }
                if is_last {
                    sweep.stage = Stage::Established(Position::Start);
                }
            }
            Stage::Established(position) => {
                let part = self.established.forward.read_part(position, max)?;
                let is_last = matches!(position, Position::End);
                self.spare(&part, &mut sweep.over, at)?;
                if is_last {
                    sweep.stage = Stage::Embryonic(Position::Start);
                }
            }
            Stage::Embryonic(position) => {
                let part = self.embryonic.forward.read_part(position, max)?;
                let is_last = matches!(position, Position::End);
                self.spare(&part, &mut sweep.over, at)?;
                if is_last {
                    self.remove_unused(&std::mem::take(&mut sweep.over), &mut removed)?;
                    *sweep = StickySweep::default();
                    return Ok((removed, true));
                }
            }
        }
        Ok((removed, false))
    }

    /// Removes what is over whatever connections there are, and notes what is over unless there are some.
    fn judge(
        &self,
        part: &[(StickyKey, StickyEntry)],
        over: &mut BTreeMap<StickyKey, u64>,
        now: Now,
        removed: &mut Vec<StickyClient>,
    ) -> Result<()> {
        let resolver = self.shared.resolver();
        let mut gone = BTreeMap::new();
        for (key, entry) in part {
            let client = entry::client(key);
            let rule = client.and_then(|client| resolver.sticky.of(client.owner));
            let used = Instant::from_nanos(entry.last_used).max(now.active_since);
            match rule.map(|rule| (rule.left(used, now.at), rule.since)) {
                Some((Some(left), _)) if !left.is_zero() => {}
                Some((Some(_), StickySince::LastEnd)) if over.len() < MOST => {
                    over.insert(*key, entry.last_used);
                }
                Some((None, _) | (Some(_), StickySince::LastEnd)) => {}
                Some((Some(_), StickySince::LastBegin)) | None => {
                    gone.insert(*key, entry.last_used);
                }
            }
        }
        self.remove_unused(&gone, removed)
    }

    /// Whoever has a connection sticks on: an entry that is over otherwise was used just now.
    fn spare(
        &self,
        part: &[(FlowKey, Conn)],
        over: &mut BTreeMap<StickyKey, u64>,
        at: Instant,
    ) -> Result<()> {
        let resolver = self.shared.resolver();
        let open = part.iter().filter(|(_, conn)| {
            conn.flags & CONN_STICKY != 0
                && seen::is_established(conn.seen)
                && !seen::is_closing(conn.seen)
        });
        for key in open.filter_map(|(flow, _)| resolver.sticky.key_of(flow)) {
            if over.remove(&key).is_some() {
                self.note_use(&key, at.as_nanos())?;
            }
        }
        Ok(())
    }

    /// Removes entries, but for those that were used meanwhile.
    fn remove_unused(
        &self,
        over: &BTreeMap<StickyKey, u64>,
        removed: &mut Vec<StickyClient>,
    ) -> Result<()> {
        for (key, last_used) in over {
            let found = self.lasting.get(key)?.filter(|entry| entry.last_used == *last_used);
            let Some(found) = found else { continue };
            if self.lasting.remove(key)? && found.flags & STICKY_REPLICATE != 0 {
                removed.extend(entry::client(key));
            }
        }
        Ok(())
    }

    /// Connections have ended: the time of their clients' entries counts from there.
    pub fn ended(&self, ended: &[Ended]) -> Result<()> {
        let resolver = self.shared.resolver();
        for Ended { flow, at } in ended {
            let Some(key) = resolver.sticky.key_of(flow) else { continue };
            let owner = entry::client(&key).map(|client| client.owner);
            let rule = owner.and_then(|owner| resolver.sticky.of(owner));
            if rule.is_some_and(|rule| rule.since == StickySince::LastEnd) {
                self.note_use(&key, *at)?;
            }
        }
        Ok(())
    }

    /// Moves an entry's last use on, if there is an entry.
    fn note_use(&self, key: &StickyKey, at: u64) -> Result<()> {
        let Some(entry) = self.lasting.get(key)? else { return Ok(()) };
        if at <= entry.last_used.saturating_add(GRAIN_NS) {
            return Ok(());
        }
        match self.lasting.update(key, &StickyEntry { last_used: at, ..entry }, sys::EXIST) {
            Ok(()) => Ok(()),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
            Err(error) => Err(Error::io("write map", "of clients that stick", error)),
        }
    }
}
