//! What the programs tell: connections established, changed, removed, begun; clients that stick.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use aya::maps::{Map, MapData, RingBuf};
use hitless_model::abi::{self, map};
use hitless_model::{ConnRecord, Instant, StickyRecord};
use zerocopy::FromBytes;

use crate::conn::entry;
use crate::error::{Error, Result};
use crate::load::chain;
use crate::sticky;

/// What happened to a connection, or to a client's stickiness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnEvent {
    /// Both sides talk.
    Established(ConnRecord),
    /// An established connection saw FIN or RST.
    Changed(ConnRecord),
    /// An established connection was removed because its client opened it anew.
    Removed(ConnRecord),
    /// A connection was begun; told only while draining.
    Embryonic(ConnRecord),
    /// A client sticks, to another real than before perhaps.
    Sticks(StickyRecord),
}

/// The reading end of the programs' ring buffer; wait for it with epoll.
pub struct EventReader {
    ring: RingBuf<MapData>,
    undecodable: u64,
}

impl EventReader {
    /// Opens the ring pinned in `pins`. What an earlier reader left unread is still told.
    pub(crate) fn open(pins: &Path) -> Result<Self> {
        let failed = |error: &dyn std::error::Error| {
            Error::io("open pinned map", map::EVENTS, std::io::Error::other(chain(error)))
        };
        let data = MapData::from_pin(pins.join(map::EVENTS)).map_err(|error| failed(&error))?;
        let map = Map::from_map_data(data).map_err(|error| failed(&error))?;
        let ring = RingBuf::try_from(map).map_err(|error| failed(&error))?;
        Ok(Self { ring, undecodable: 0 })
    }

    /// The next event, if there is one.
    #[expect(clippy::should_implement_trait, reason = "None is for now, not for good")]
    pub fn next(&mut self) -> Option<ConnEvent> {
        loop {
            let item = self.ring.next()?;
            match decode(&item) {
                Some(event) => return Some(event),
                None => self.undecodable += 1,
            }
        }
    }

    /// Events that made no sense: of a program of another release.
    pub fn undecodable(&self) -> u64 {
        self.undecodable
    }
}

impl fmt::Debug for EventReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventReader")
            .field("undecodable", &self.undecodable)
            .finish_non_exhaustive()
    }
}

impl AsFd for EventReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }
}

fn decode(bytes: &[u8]) -> Option<ConnEvent> {
    let (kind, _) = u32::read_from_prefix(bytes).ok()?;
    if kind == abi::EVENT_STICKY { decode_sticky(bytes) } else { decode_connection(bytes) }
}

fn decode_sticky(bytes: &[u8]) -> Option<ConnEvent> {
    let (event, _) = abi::StickyEvent::read_from_prefix(bytes).ok()?;
    let now = Instant::from_nanos(event.entry.last_used);
    sticky::entry::record(&event.key, &event.entry, now).map(ConnEvent::Sticks)
}

fn decode_connection(bytes: &[u8]) -> Option<ConnEvent> {
    let (event, _) = abi::Event::read_from_prefix(bytes).ok()?;
    let record = entry::record(&event.key, &event.conn, Instant::from_nanos(event.conn.last_seen))?;
    match event.kind {
        abi::EVENT_ESTABLISHED => Some(ConnEvent::Established(record)),
        abi::EVENT_CHANGED => Some(ConnEvent::Changed(record)),
        abi::EVENT_REMOVED => Some(ConnEvent::Removed(record)),
        abi::EVENT_EMBRYONIC => Some(ConnEvent::Embryonic(record)),
        _ => None,
    }
}
