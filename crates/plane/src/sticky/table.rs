//! Reading and writing entries.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use hitless_model::abi::{STICKY_FROM_PEER, STICKY_REPLICATE, StickyEntry, StickyKey};
use hitless_model::{Instant, StickyClient, StickyOwner, StickyRecord};

use super::entry;
use crate::conn::PeerWord;
use crate::error::{Error, Result};
use crate::kernel_map::{KernelMap, Position};
use crate::maps::{Maps, Table};
use crate::plane::Shared;
use crate::resolver::Resolver;
use crate::sys;

/// Entries that are read at once by work that goes through the whole table.
const PART: usize = 4_096;

/// The table of clients that stick. Every thread may have one of its own.
#[derive(Clone, Debug)]
pub struct StickyTable {
    pub(super) lasting: KernelMap<StickyKey, StickyEntry>,
    provisional: KernelMap<StickyKey, StickyEntry>,
    pub(super) established: Table,
    pub(super) embryonic: Table,
    pub(super) shared: Arc<Shared>,
}

/// Where a dump has got to.
#[derive(Clone, Copy, Debug, Default)]
pub struct StickyCursor(Position<StickyKey>);

impl StickyCursor {
    /// Whether everything has been told.
    pub fn is_done(&self) -> bool {
        matches!(self.0, Position::End)
    }
}

/// An entry as people look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StickyDetail {
    /// The entry.
    pub record: StickyRecord,
    /// The peer told it.
    pub from_peer: bool,
    /// The peer is told of it.
    pub replicated: bool,
    /// How much longer it lasts if the client begins no connection and has none; none if it does not
    /// end by time.
    pub left: Option<Duration>,
}

impl StickyTable {
    pub(crate) fn new(maps: &Maps, shared: Arc<Shared>) -> Self {
        Self {
            lasting: maps.sticky.clone(),
            provisional: maps.sticky_new.clone(),
            established: maps.main.clone(),
            embryonic: maps.embryonic.clone(),
            shared,
        }
    }

    /// Whether the configuration in force makes no client stick.
    pub fn is_idle(&self) -> bool {
        self.shared.resolver().sticky.is_empty()
    }

    /// The next part of what the peer is to know; go on until the cursor is done.
    pub fn dump(
        &self,
        max: usize,
        cursor: &mut StickyCursor,
        now: Instant,
    ) -> Result<Vec<StickyRecord>> {
        let part = self.lasting.read_part(&mut cursor.0, max)?;
        let told = part.iter().filter(|(_, entry)| entry.flags & STICKY_REPLICATE != 0);
        Ok(told.filter_map(|(key, entry)| entry::record(key, entry, now)).collect())
    }

    /// The next part of all entries, or of those about a client, with everything there is to show.
    pub fn dump_detail(
        &self,
        (about, max): (Option<Ipv4Addr>, usize),
        cursor: &mut StickyCursor,
        now: Instant,
    ) -> Result<Vec<StickyDetail>> {
        let resolver = self.shared.resolver();
        let part = self.lasting.read_part(&mut cursor.0, max)?;
        let details = part.iter().filter_map(|(key, entry)| {
            let record = entry::record(key, entry, now)?;
            let rule = resolver.sticky.of(record.client.owner);
            let fits = |address| rule.is_some_and(|rule| rule.is_about(&record.client, address));
            about.is_none_or(fits).then(|| StickyDetail {
                from_peer: entry.flags & STICKY_FROM_PEER != 0,
                replicated: entry.flags & STICKY_REPLICATE != 0,
                left: rule.and_then(|rule| rule.left(Instant::from_nanos(entry.last_used), now)),
                record,
            })
        });
        Ok(details.collect())
    }

    /// Makes or updates entries that the peer told; says how many this box cannot hold.
    pub fn upsert(&self, records: &[StickyRecord], word: PeerWord, now: Instant) -> Result<u32> {
        let resolver = self.shared.resolver();
        let mut refused = 0;
        for record in records {
            let is_taken = self.upsert_one(record, word, (&resolver, now))?;
            refused += u32::from(!is_taken);
        }
        Ok(refused)
    }

    fn upsert_one(
        &self,
        record: &StickyRecord,
        word: PeerWord,
        (resolver, now): (&Resolver, Instant),
    ) -> Result<bool> {
        let Some(rule) = resolver.sticky.of(record.client.owner) else { return Ok(false) };
        let key = entry::key(&record.client);
        let told = StickyEntry {
            last_used: now.saturating_sub(record.idle).as_nanos(),
            real_ip: record.real.ip().octets(),
            real_port: record.real.port().to_be_bytes(),
            flags: STICKY_FROM_PEER | if rule.replicate { STICKY_REPLICATE } else { 0 },
        };
        let Some(old) = self.lasting.get(&key)? else { return self.put(&key, &told) };
        if old.real() != told.real() && word == PeerWord::Additions {
            return Ok(true);
        }
        let last_used = old.last_used.max(told.last_used);
        self.put(&key, &StickyEntry { last_used, ..told })
    }

    /// Says whether there was room.
    fn put(&self, key: &StickyKey, entry: &StickyEntry) -> Result<bool> {
        match self.lasting.update(key, entry, sys::ANY) {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.raw_os_error(), Some(libc::E2BIG | libc::ENOMEM)) => {
                Ok(false)
            }
            Err(error) => Err(Error::io("write map", "of clients that stick", error)),
        }
    }

    /// Removes entries; unknown ones are no error.
    pub fn remove(&self, clients: &[StickyClient]) -> Result<u64> {
        let keys: Vec<_> = clients.iter().map(entry::key).collect();
        let were_there = self.lasting.remove_many(&keys)?;
        Ok(were_there.into_iter().map(u64::from).sum())
    }

    /// Removes all entries of owners that are asked for, provisional ones too; says how many lasting ones
    /// there were, and whom those of them were about that the peer is told of.
    pub fn clear(&self, of: impl Fn(&StickyOwner) -> bool) -> Result<(u64, Vec<StickyClient>)> {
        let is_asked = |key: &StickyKey| entry::client(key).is_some_and(|client| of(&client.owner));
        let mut found = Vec::new();
        for map in [&self.provisional, &self.lasting] {
            let mut position = Position::Start;
            found.clear();
            while !matches!(position, Position::End) {
                let part = map.read_part(&mut position, PART)?;
                found.extend(part.into_iter().filter(|(key, _)| is_asked(key)));
            }
            map.remove_many(&found.iter().map(|(key, _)| *key).collect::<Vec<_>>())?;
        }
        let told = found.iter().filter(|(_, entry)| entry.flags & STICKY_REPLICATE != 0);
        Ok((found.len() as u64, told.filter_map(|(key, _)| entry::client(key)).collect()))
    }
}
