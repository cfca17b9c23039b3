//! Clients that stick: what the table thread does for them, what is shown of them, what is cleared.
//!
//! The programs make and use entries; this ends those whose time is over, part by part as connections are swept,
//! and only on the box that forwards: it alone sees connections begin and end.

use std::time::Duration;

use anyhow::Result;
use hitless_model::abi::RoleWord;
use hitless_model::{Instant, StickyOwner};
use hitless_plane::{Ended, StickyCursor, StickyDetail, StickySweep, StickyTable};

use super::clock;
use super::engine::Engine;
use super::views::{self, Names};
use crate::api::types::{ClearSticky, Cleared, StickyInfo, StickyPage, StickyQuery};

/// Entries or connections looked at in one turn, some two milliseconds.
const SWEPT_A_TURN: usize = 4_096;
/// Pause between two sweeps: times of entries are minutes.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// Entries of a page, if nothing is said.
const PAGE: usize = 1_000;
/// Entries of the longest page.
const LONGEST_PAGE: usize = 10_000;

/// The table thread's part.
pub(super) struct Keeper {
    table: StickyTable,
    sweep: StickySweep,
    sweep_due: Instant,
    /// There may be entries although no client sticks any more.
    has_rest: bool,
}

impl Keeper {
    /// Begins; an earlier life may have left entries.
    pub(super) fn new(table: StickyTable) -> Self {
        let sweep = StickySweep::default();
        Self { table, sweep, sweep_due: Instant::ZERO, has_rest: true }
    }

    /// Connections were forgotten whose clients stick.
    pub(super) fn ended(&self, ended: &[Ended]) {
        if let Err(error) = self.table.ended(ended) {
            tracing::warn!("table of clients that stick: {error}");
        }
    }

    /// Sweeps a part, if it is time.
    pub(super) fn sweep(&mut self, word: &RoleWord) {
        let now = clock::now();
        let is_idle = self.table.is_idle();
        if now < self.sweep_due || (is_idle && !self.has_rest) {
            return;
        }
        let active_since = Instant::from_nanos(word.active_since);
        match self.table.sweep(&mut self.sweep, SWEPT_A_TURN, (now, active_since)) {
            Ok((_, true)) => {
                self.sweep_due = now + SWEEP_EVERY;
                self.has_rest = !is_idle;
            }
            Ok((_, false)) => {}
            Err(error) => tracing::warn!("sweep of the clients that stick: {error}"),
        }
    }
}

/// A page of the entries that are asked for.
pub(super) fn page(engine: &Engine, query: &StickyQuery) -> Result<StickyPage> {
    let (table, names) = (engine.plane().sticky(), Names::new(&engine.held()));
    let limit = query.limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
    let first = query.offset.unwrap_or(0);
    let (mut page, mut seen) = (StickyPage::default(), 0);
    let mut cursor = StickyCursor::default();
    while !cursor.is_done() {
        let asked = (query.client, views::PART);
        for detail in table.dump_detail(asked, &mut cursor, clock::now())? {
            if page.entries.len() == limit {
                page.next = Some(first + limit);
                return Ok(page);
            }
            if seen >= first {
                page.entries.push(info(&names, &detail));
            }
            seen += 1;
        }
    }
    Ok(page)
}

fn info(names: &Names, detail: &StickyDetail) -> StickyInfo {
    let virtual_server = match detail.record.client.owner {
        StickyOwner::Group(_) => None,
        StickyOwner::Server { listens, protocol } => names.of(listens, protocol),
    };
    StickyInfo {
        record: detail.record,
        virtual_server,
        timeout_s: detail.left.map(|left| left.as_secs()),
        replicated: detail.replicated,
        from_peer: detail.from_peer,
    }
}

/// Forgets entries.
pub(super) fn clear(engine: &Engine, which: ClearSticky) -> Result<Cleared> {
    let is_asked = |owner: &StickyOwner| match (which, owner) {
        (ClearSticky::All, _) | (ClearSticky::Group(0), StickyOwner::Server { .. }) => true,
        (ClearSticky::Group(number), StickyOwner::Group(group)) => group.get() == number,
        (ClearSticky::Group(_), StickyOwner::Server { .. }) => false,
    };
    let (entries, _) = engine.plane().sticky().clear(is_asked)?;
    Ok(Cleared { entries, notices: Vec::new() })
}
