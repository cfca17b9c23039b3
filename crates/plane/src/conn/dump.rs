//! Reading the tables, in parts.

use std::time::Duration;

use hitless_model::abi::{CONN_FROM_PEER, CONN_REPLICATE, Conn, FlowKey};
use hitless_model::{ConnKey, ConnRecord, ConnStage, Instant};
use serde::{Deserialize, Serialize};

use super::entry;
use super::table::ConnTable;
use crate::error::Result;
use crate::kernel_map::Position;
use crate::maps::Table;

/// Entries that are read at once by work that goes through a whole table.
pub(super) const PART: usize = 4096;

/// One of the two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Established connections.
    Main,
    /// Those that are not.
    Embryonic,
}

/// Which connections of a table are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every one.
    All,
    /// Those that are replicated.
    Replicated,
}

impl Scope {
    pub(super) fn includes(self, conn: &Conn) -> bool {
        match self {
            Self::All => true,
            Self::Replicated => conn.flags & (CONN_REPLICATE | CONN_FROM_PEER) != 0,
        }
    }
}

/// Where a dump has got to. A connection that is made or removed meanwhile may or may not be told;
/// every other one is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct DumpCursor(Position<FlowKey>);

impl DumpCursor {
    /// Whether everything has been told.
    pub fn is_done(&self) -> bool {
        matches!(self.0, Position::End)
    }
}

/// One direction of a connection as people look at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectionDetail {
    /// Packets that this box forwarded.
    pub packets: u64,
    /// Octets that this box forwarded.
    pub bytes: u64,
}

/// A connection as people look at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnDetail {
    /// The connection; idle is the shorter time of its directions.
    pub record: ConnRecord,
    /// How far it has come.
    pub stage: ConnStage,
    /// The peer told it.
    pub from_peer: bool,
    /// It is replicated.
    pub replicated: bool,
    /// Since it began, or since the peer told it.
    pub age: Duration,
    /// From the client.
    pub to_real: DirectionDetail,
    /// To the client.
    pub to_client: DirectionDetail,
}

impl ConnTable {
    pub(crate) fn table(&self, which: Which) -> &Table {
        match which {
            Which::Main => &self.main,
            Which::Embryonic => &self.embryonic,
        }
    }

    /// The next part of a table: about `max` connections, fewer if others are left out, none at all
    /// perhaps; go on until the cursor is done.
    pub fn dump(
        &self,
        (which, scope): (Which, Scope),
        max: usize,
        cursor: &mut DumpCursor,
        now: Instant,
    ) -> Result<Vec<ConnRecord>> {
        let part = self.table(which).forward.read_part(&mut cursor.0, max)?;
        let told = part.iter().filter(|(_, conn)| scope.includes(conn));
        Ok(told.filter_map(|(key, conn)| entry::record(key, conn, now)).collect())
    }

    /// An established connection, if it is here and replicated.
    pub fn find(&self, key: &ConnKey, now: Instant) -> Result<Option<ConnRecord>> {
        let key = entry::forward_key(key);
        let found = self.main.forward.get(&key)?.filter(|conn| Scope::Replicated.includes(conn));
        Ok(found.and_then(|conn| entry::record(&key, &conn, now)))
    }

    /// The next part of a table with everything there is to show; costs a look-up for each connection.
    pub fn dump_detail(
        &self,
        which: Which,
        max: usize,
        cursor: &mut DumpCursor,
        now: Instant,
    ) -> Result<Vec<ConnDetail>> {
        let table = self.table(which);
        let mut details = Vec::new();
        for (key, forward) in table.forward.read_part(&mut cursor.0, max)? {
            let reverse = table.reverse.get(&entry::reverse_key(&key, &forward))?;
            details.extend(detail(&key, &forward, &reverse.unwrap_or_default(), now));
        }
        Ok(details)
    }
}

fn detail(key: &FlowKey, forward: &Conn, reverse: &Conn, now: Instant) -> Option<ConnDetail> {
    let newest = Conn { last_seen: forward.last_seen.max(reverse.last_seen), ..*forward };
    let record = entry::record(key, &newest, now)?;
    let direction = |conn: &Conn| DirectionDetail { packets: conn.packets, bytes: conn.bytes };
    Some(ConnDetail {
        stage: record.stage(),
        record,
        from_peer: forward.flags & CONN_FROM_PEER != 0,
        replicated: forward.flags & CONN_REPLICATE != 0,
        age: now.saturating_since(Instant::from_nanos(forward.created)),
        to_real: direction(forward),
        to_client: direction(reverse),
    })
}
