//! Writing and removing connections.
//!
//! A connection counts by its forward entry: whoever makes or removes that one changes the number in
//! use, so that user space and programs can work on the table at the same time.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::Arc;

use hitless_model::abi::{CONN_FROM_PEER, Conn, FlowKey};
use hitless_model::tcp::seen;
use hitless_model::{ConnKey, ConnRecord, Instant};

use super::entry::{self, Pair, Refusal};
use super::usage::{Accounts, Delta};
use crate::error::{Error, Result};
use crate::maps::{Flows, Maps, Table};
use crate::plane::Shared;
use crate::sys;

/// Records that were not applied, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused(pub BTreeMap<Refusal, u32>);

impl Refused {
    /// How many there are.
    pub fn total(&self) -> u32 {
        self.0.values().sum()
    }

    pub(super) fn count(&mut self, why: Refusal) {
        *self.0.entry(why).or_default() += 1;
    }
}

/// The connection tables. Every thread may have one of its own; only the one that applies the peer's
/// records should use [`ConnTable::begin_peer_dump`].
#[derive(Debug)]
pub struct ConnTable {
    pub(super) main: Table,
    pub(super) embryonic: Table,
    pub(super) accounts: Accounts,
    pub(super) shared: Arc<Shared>,
    /// Forward keys that the peer's dump has told so far, while one is under way.
    pub(super) told: Option<HashSet<FlowKey>>,
    /// How much of the peer's word is taken.
    word: PeerWord,
    /// What is known of the small table.
    pub(super) small: SmallTable,
}

/// What is known of the small table, which is empty on a box that never forwarded: asking for every
/// connection again would cost more than the connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum SmallTable {
    /// There may be connections; it was asked for some so often since somebody looked.
    Used(u32),
    /// There are none.
    Empty,
}

/// How much of the peer's word is taken, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PeerWord {
    /// All of it: the peer is active, or was until now.
    #[default]
    Everything,
    /// All of it, and no program makes or removes connections meanwhile: this box does not forward.
    Undisturbed,
    /// Only what changes no connection of ours, unless it is closing: this box is active, and what the
    /// peer removes or gives to another real may be of an earlier reign. What is kept too long ends by
    /// its idle time.
    Additions,
}

impl ConnTable {
    pub(crate) fn new(maps: &Maps, shared: Arc<Shared>) -> Self {
        Self {
            main: maps.main.clone(),
            embryonic: maps.embryonic.clone(),
            accounts: Accounts { programs: maps.use_bpf.clone(), user: maps.use_user.clone() },
            shared,
            told: None,
            word: PeerWord::default(),
            small: SmallTable::Used(0),
        }
    }

    /// Says how much of what follows is taken.
    pub fn take(&mut self, word: PeerWord) {
        self.word = word;
        match word {
            PeerWord::Everything | PeerWord::Additions => self.small = SmallTable::Used(0),
            PeerWord::Undisturbed => {}
        }
    }

    /// Whether a connection is ours, with another real, and not over anyway.
    fn contradicts(&self, key: &FlowKey, told: &Conn) -> Result<bool> {
        match self.word {
            PeerWord::Everything | PeerWord::Undisturbed => return Ok(false),
            PeerWord::Additions => {}
        }
        let found = match self.main.forward.get(key)? {
            Some(conn) => Some(conn),
            None => self.embryonic.forward.get(key)?,
        };
        let real = |conn: &Conn| (conn.rewrite_ip, conn.rewrite_port);
        let stays = |conn: Conn| real(&conn) != real(told) && !seen::is_closing(conn.seen);
        Ok(found.is_some_and(stays))
    }

    /// Makes or updates connections that the peer told. An established one goes to the main table,
    /// any other to the small one.
    pub fn upsert(&mut self, records: &[ConnRecord], now: Instant) -> Result<Refused> {
        let resolver = self.shared.resolver();
        let mut refused = Refused::default();
        let mut delta = Delta::default();
        let mut pairs = Vec::with_capacity(records.len());
        for record in records {
            match entry::pair(record, &resolver, now) {
                Ok(pair) => pairs.push(pair),
                Err(why) => refused.count(why),
            }
        }
        let outcome = match self.word {
            PeerWord::Undisturbed => self.upsert_together(&pairs, &mut delta, &mut refused),
            PeerWord::Everything | PeerWord::Additions => {
                self.upsert_each(&pairs, &mut delta, &mut refused)
            }
        };
        self.accounts.add(&self.shared, delta)?;
        outcome.map(|()| refused)
    }

    fn upsert_each(
        &mut self,
        pairs: &[Pair],
        delta: &mut Delta,
        refused: &mut Refused,
    ) -> Result<()> {
        let mut outcome = Ok(());
        for pair in pairs {
            match self.upsert_one(pair, delta) {
                Ok(None) => {}
                Ok(Some(why)) => refused.count(why),
                // The rest of the batch may still be good; the first error is told at the end.
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }

    pub(super) fn upsert_one(&mut self, pair: &Pair, delta: &mut Delta) -> Result<Option<Refusal>> {
        let key = &pair.forward.0;
        if self.contradicts(key, &pair.forward.1)? {
            return Ok(None);
        }
        if !seen::is_established(pair.forward.1.seen) {
            return self.upsert_embryonic(pair);
        }
        let refusal = match self.main.forward.update(key, &pair.forward.1, sys::NO_EXIST) {
            Ok(()) => {
                delta.made += 1;
                self.complete(pair, delta)?
            }
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => self.renew(pair, delta)?,
            Err(error) => refusal(error)?,
        };
        if refusal.is_none() {
            remove_pair(&self.embryonic, key)?;
            if let Some(told) = &mut self.told {
                told.insert(*key);
            }
        }
        Ok(refusal)
    }

    /// Puts the reverse entry to a forward entry that was just made.
    fn complete(&self, pair: &Pair, delta: &mut Delta) -> Result<Option<Refusal>> {
        let (key, conn) = &pair.reverse;
        let failed = match self.main.reverse.update(key, conn, sys::NO_EXIST) {
            Ok(()) => return Ok(None),
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => {
                self.evict_rival(key, &pair.forward.0, delta)?;
                self.main.reverse.update(key, conn, sys::ANY)
            }
            Err(error) => Err(error),
        };
        let Err(error) = failed else { return Ok(None) };
        delta.removed += u64::from(self.main.forward.remove(&pair.forward.0)?);
        refusal(error)
    }

    /// The peer's table cannot hold two connections with one reverse key, so ours is an old one.
    fn evict_rival(&self, key: &FlowKey, ours: &FlowKey, delta: &mut Delta) -> Result<()> {
        let Some(rival) = self.main.reverse.get(key)? else { return Ok(()) };
        let its_forward = key.forward_of_reverse((rival.rewrite_ip, rival.rewrite_port));
        if its_forward != *ours {
            delta.removed += u64::from(self.main.forward.remove(&its_forward)?);
        }
        Ok(())
    }

    /// Brings a connection that is there up to date: its times and counts stay the greater ones.
    fn renew(&self, pair: &Pair, delta: &mut Delta) -> Result<Option<Refusal>> {
        let (key, new) = &pair.forward;
        let old = self.main.forward.get(key)?.unwrap_or_default();
        let moved = (old.rewrite_ip, old.rewrite_port) != (new.rewrite_ip, new.rewrite_port);
        let reverse = entry::reverse_key(key, &old);
        if moved && belongs_to(&self.main.reverse, &reverse, key)? {
            self.main.reverse.remove(&reverse)?;
        }
        match self.main.forward.update(key, &merged(&old, new), sys::EXIST) {
            Ok(()) => {}
            // The program removed it meanwhile: then it is made anew.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {
                self.main.forward.put(key, new)?;
                delta.made += 1;
            }
            Err(error) => return refusal(error),
        }
        let old = self.main.reverse.get(&pair.reverse.0)?;
        let reverse = old.map_or(pair.reverse.1, |old| merged(&old, &pair.reverse.1));
        self.complete_renewed(pair, &reverse, delta)
    }

    fn complete_renewed(
        &self,
        pair: &Pair,
        reverse: &Conn,
        delta: &mut Delta,
    ) -> Result<Option<Refusal>> {
        self.evict_rival(&pair.reverse.0, &pair.forward.0, delta)?;
        match self.main.reverse.update(&pair.reverse.0, reverse, sys::ANY) {
            Ok(()) => Ok(None),
            Err(error) => {
                delta.removed += u64::from(self.main.forward.remove(&pair.forward.0)?);
                refusal(error)
            }
        }
    }

    /// A connection that is established here is not put back by an older word of the peer.
    fn upsert_embryonic(&mut self, pair: &Pair) -> Result<Option<Refusal>> {
        if self.main.forward.get(&pair.forward.0)?.is_some() {
            return Ok(None);
        }
        remove_pair(&self.embryonic, &pair.forward.0)?;
        self.small = SmallTable::Used(0);
        self.embryonic.reverse.put(&pair.reverse.0, &pair.reverse.1)?;
        self.embryonic.forward.put(&pair.forward.0, &pair.forward.1)?;
        Ok(None)
    }

    /// Removes connections, wherever they are. Unknown ones are no error.
    pub fn remove(&mut self, keys: &[ConnKey]) -> Result<u64> {
        let mut delta = Delta::default();
        let keys: Vec<_> = keys.iter().map(entry::forward_key).collect();
        let outcome = match self.word {
            PeerWord::Undisturbed => self.remove_together(&keys, &mut delta),
            PeerWord::Everything => self.remove_each(&keys, &mut delta),
            PeerWord::Additions => Ok(()),
        };
        self.accounts.add(&self.shared, delta)?;
        outcome.map(|()| delta.removed)
    }

    fn remove_each(&mut self, keys: &[FlowKey], delta: &mut Delta) -> Result<()> {
        for key in keys {
            delta.removed += u64::from(remove_pair(&self.main, key)?);
            remove_pair(&self.embryonic, key)?;
            if let Some(told) = &mut self.told {
                told.remove(key);
            }
        }
        Ok(())
    }
}

/// The newer of two states of one direction.
fn merged(old: &Conn, new: &Conn) -> Conn {
    Conn {
        last_seen: old.last_seen.max(new.last_seen),
        created: old.created,
        packets: old.packets,
        bytes: old.bytes,
        flags: new.flags | (old.flags & !CONN_FROM_PEER),
        mac: old.mac,
        ..*new
    }
}

/// Removes a connection by its forward key; says whether its forward entry was removed by us.
pub(super) fn remove_pair(table: &Table, key: &FlowKey) -> Result<bool> {
    let Some(forward) = table.forward.get(key)? else { return Ok(false) };
    remove_entries(table, key, &forward)
}

/// Removes a connection by its forward entry. The reverse one goes first: if we die in between, the
/// forward one is still there to be swept.
pub(super) fn remove_entries(table: &Table, key: &FlowKey, forward: &Conn) -> Result<bool> {
    let reverse = entry::reverse_key(key, forward);
    if belongs_to(&table.reverse, &reverse, key)? {
        table.reverse.remove(&reverse)?;
    }
    table.forward.remove(key)
}

/// Whether the reverse entry is of the connection with this forward key.
pub(super) fn belongs_to(reverses: &Flows, reverse: &FlowKey, forward: &FlowKey) -> Result<bool> {
    Ok(reverses.get(reverse)?.is_some_and(|conn| is_reverse_of(reverse, &conn, forward)))
}

/// Whether a reverse entry is of the connection with this forward key.
pub(super) fn is_reverse_of(key: &FlowKey, conn: &Conn, forward: &FlowKey) -> bool {
    key.forward_of_reverse((conn.rewrite_ip, conn.rewrite_port)) == *forward
}

pub(super) fn refusal(error: io::Error) -> Result<Option<Refusal>> {
    match error.raw_os_error() {
        // A hash without a free element says so in either way.
        Some(libc::E2BIG | libc::ENOMEM) => Ok(Some(Refusal::TableFull)),
        _ => Err(Error::io("write map", "of connections", error)),
    }
}
