//! Comparing the kernel's table with the peer's: the steps that [`Audit`](hitless_core::audit::Audit)
//! asks for.
//!
//! A walk reads the table in parts, each about a millisecond of work, after all events that there are:
//! so what it meets and does not know was not told by anybody.

use hitless_core::audit::{Due, Listing, Task};
use hitless_core::node::{Captured, Change};
use hitless_model::{ConnKey, ConnRecord};
use hitless_plane::{DumpCursor, Scope, Which};

use super::super::clock;
use super::super::inbox::{CoreInput, Gone};
use super::{Running, Together};

/// Connections in one part of a walk.
const PART: usize = 2_048;

impl Running {
    /// Does what is due of the comparison.
    pub(super) fn compare_tables(&mut self) -> Result<(), Gone> {
        let now = clock::now();
        let Some((_, due)) = self.audit.next_due().filter(|(at, _)| *at <= now) else {
            return Ok(());
        };
        self.report_events()?;
        match due {
            Due::Read { begins } => self.walk(begins),
            Due::Check => self.check_unmet(),
            Due::Tell => {
                let digests = self.audit.digests(now);
                self.tell(CoreInput::Digests(digests))
            }
            Due::List => {
                for listing in self.audit.listings(now) {
                    self.tell(CoreInput::Listing(listing))?;
                }
                Ok(())
            }
        }
    }

    fn walk(&mut self, begins: bool) -> Result<(), Gone> {
        if begins {
            self.walked = DumpCursor::default();
        }
        let (what, now) = ((Which::Main, Scope::Replicated), clock::now());
        let part = match self.own.table.dump(what, PART, &mut self.walked, now) {
            Ok(part) => part,
            Err(error) => {
                tracing::warn!("walk through the connection table: {error}");
                self.audit.walk_failed(now);
                return Ok(());
            }
        };
        let walked = self.audit.walked(now, &part, self.walked.is_done());
        let unknown =
            walked.unknown.iter().filter_map(|record| self.held(&record.key).ok().flatten());
        let unknown: Vec<Captured> = unknown.map(Captured::Upsert).collect();
        self.keep_ledger(&unknown);
        if !unknown.is_empty() {
            self.tell(CoreInput::Compared(unknown))?;
        }
        if walked.refreshed.is_empty() {
            return Ok(());
        }
        let refreshed = walked.refreshed.into_iter().map(Captured::Refresh).collect();
        self.tell(CoreInput::Captured(refreshed))
    }

    /// What the walk did not meet is gone, unless it was made behind the walk.
    fn check_unmet(&mut self) -> Result<(), Gone> {
        let mut gone = Vec::new();
        for key in self.audit.unmet(clock::now()) {
            match self.held(&key) {
                Ok(Some(record)) => self.audit.found(clock::now(), &key, Some(&record)),
                Ok(None) => {
                    self.audit.is_gone(&key);
                    gone.push(Captured::Remove(key));
                }
                Err(_) => {}
            }
        }
        if gone.is_empty() || self.audit.task() != Task::Tells {
            return Ok(());
        }
        self.tell(CoreInput::Captured(gone))
    }

    /// The peer holds something else of a bucket: finds what it has to be told.
    pub(super) fn compare_bucket(&mut self, listing: &Listing) -> Result<(), Gone> {
        self.report_events()?;
        let difference = self.audit.difference(listing);
        let mut changes = Vec::with_capacity(difference.missing.len() + difference.surplus.len());
        for key in difference.missing {
            let Ok(record) = self.held(&key) else { continue };
            self.audit.found(clock::now(), &key, record.as_ref());
            changes.extend(record.map(Captured::Upsert));
        }
        changes.extend(difference.surplus.into_iter().map(Captured::Surplus));
        self.tell(CoreInput::Compared(changes))
    }

    /// What the kernel holds of a connection, if it can be asked.
    fn held(&self, key: &ConnKey) -> hitless_plane::Result<Option<ConnRecord>> {
        let found = self.own.table.find(key, clock::now());
        found.inspect_err(|error| tracing::warn!("look into the connection table: {error}"))
    }

    /// The programs, or the sweep, changed the table.
    pub(super) fn keep_ledger(&mut self, changes: &[Captured]) {
        let now = clock::now();
        for change in changes {
            self.audit.captured(now, change);
        }
    }

    /// The peer's changes were written. If some may not have been taken, the kernel is asked.
    pub(super) fn ledger_of_written(&mut self, together: &Together, in_doubt: bool) {
        if self.audit.task() == Task::Idle {
            return;
        }
        let now = clock::now();
        let written = together.upserts.iter().map(|record| (record.key, Some(record)));
        let removed = together.removals.iter().map(|key| (*key, None));
        for (key, record) in written.chain(removed) {
            if in_doubt {
                let Ok(held) = self.held(&key) else { continue };
                self.audit.found(now, &key, held.as_ref());
            } else {
                let change = record.map_or(Change::Remove(key), |record| Change::Upsert(*record));
                self.audit.applied(now, &change);
            }
        }
    }
}
