//! What the table thread of a box does to compare its table with the peer's.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use hitless_core::audit::{Due, Listing, Task};
use hitless_core::node::{Captured, Change};
use hitless_model::ConnKey;

use super::{Event, World};
use crate::pair::Side;
use crate::process::Inbound;

/// Entries in one part of a walk: few, so that much can happen between two parts.
const PART: usize = 16;

impl World {
    pub(super) fn set_audit(&mut self, side: Side, task: Task) {
        let now = self.hosts[side].clock.read(self.now);
        self.trace.full(self.now, || format!("{side} compares: {task:?}"));
        if let Some(process) = &mut self.hosts[side].process {
            process.table_thread.audit.set(now, task);
        }
        self.plan_audit(side);
    }

    fn plan_audit(&mut self, side: Side) {
        let host = &mut self.hosts[side];
        let Some(process) = &mut host.process else { return };
        let Some((due, _)) = process.table_thread.audit.next_due() else { return };
        let at = host.clock.moment_of(due).max(self.now);
        if process.table_thread.audits_at.is_some_and(|planned| planned > self.now && planned <= at)
        {
            return;
        }
        process.table_thread.audits_at = Some(at);
        let life = process.life;
        self.queue.push(at, Event::Audit(side, life));
    }

    /// The next step, if its time has come.
    pub(super) fn audit(&mut self, side: Side, life: u32) {
        if !self.hosts[side].is_life(life) {
            return;
        }
        let now = self.hosts[side].clock.read(self.now);
        let Some(process) = &mut self.hosts[side].process else { return };
        if let Some(until) = process.paused_until {
            self.queue.push(until, Event::Audit(side, life));
            return;
        }
        process.table_thread.audits_at = None;
        match process.table_thread.audit.next_due() {
            Some((at, due)) if at <= now => self.audit_step(side, due),
            Some(_) | None => {}
        }
        self.plan_audit(side);
    }

    fn audit_step(&mut self, side: Side, due: Due) {
        self.report(side);
        let now = self.hosts[side].clock.read(self.now);
        match due {
            Due::Read { begins } => self.walk(side, begins),
            Due::Check => self.check_unmet(side),
            Due::Tell => {
                let Some(process) = &mut self.hosts[side].process else { return };
                let digests = process.table_thread.audit.digests(now);
                self.feed(side, Inbound::Digests(digests));
            }
            Due::List => {
                let Some(process) = &mut self.hosts[side].process else { return };
                for listing in process.table_thread.audit.listings(now) {
                    self.feed(side, Inbound::Listing(listing));
                }
            }
        }
    }

    fn walk(&mut self, side: Side, begins: bool) {
        let host = &mut self.hosts[side];
        let now = host.clock.read(self.now);
        let Some(process) = &mut host.process else { return };
        let after = process.table_thread.walked_to.take().filter(|_| !begins);
        let (records, next) = host.plane.part(after, PART, false);
        let records: Vec<_> = records
            .into_iter()
            .filter(|record| host.plane.main_record(&record.key).is_some())
            .collect();
        process.table_thread.walked_to = next;
        let walked = process.table_thread.audit.walked(now, &records, next.is_none());
        let known = walked.unknown.iter().filter_map(|record| host.plane.main_record(&record.key));
        let unknown: Vec<Captured> = known.map(Captured::Upsert).collect();
        for change in &unknown {
            process.table_thread.audit.captured(now, change);
        }
        if !unknown.is_empty() {
            self.feed(side, Inbound::Compared(unknown));
        }
        let refreshed: Vec<_> = walked.refreshed.into_iter().map(Captured::Refresh).collect();
        if !refreshed.is_empty() {
            self.feed(side, Inbound::Captured(refreshed));
        }
    }

    fn check_unmet(&mut self, side: Side) {
        let host = &mut self.hosts[side];
        let now = host.clock.read(self.now);
        let Some(process) = &mut host.process else { return };
        let mut gone = Vec::new();
        for key in process.table_thread.audit.unmet(now) {
            let record = host.plane.main_record(&key);
            if record.is_some() {
                process.table_thread.audit.found(now, &key, record.as_ref());
            } else {
                process.table_thread.audit.is_gone(&key);
                gone.push(Captured::Remove(key));
            }
        }
        if !gone.is_empty() && process.table_thread.audit.task() == Task::Tells {
            self.feed(side, Inbound::Captured(gone));
        }
    }

    /// The peer holds something else than this box: what it has to be told.
    pub(super) fn compare(&mut self, side: Side, listing: &Listing) {
        self.report(side);
        let host = &mut self.hosts[side];
        let now = host.clock.read(self.now);
        let Some(process) = &mut host.process else { return };
        let difference = process.table_thread.audit.difference(listing);
        let mut changes = Vec::new();
        for key in difference.missing {
            let record = host.plane.main_record(&key);
            process.table_thread.audit.found(now, &key, record.as_ref());
            changes.extend(record.map(Captured::Upsert));
        }
        changes.extend(difference.surplus.into_iter().map(Captured::Surplus));
        self.feed(side, Inbound::Compared(changes));
    }

    /// A change of the peer's as the table is to take it, if it is one of the table.
    pub(super) fn audited(&mut self, side: Side, change: &Change) -> Option<Change> {
        let now = self.hosts[side].clock.read(self.now);
        let process = self.hosts[side].process.as_mut()?;
        match change {
            Change::Digests(digests) => {
                process.table_thread.audit.compare(now, digests);
                self.plan_audit(side);
                None
            }
            Change::Surplus(fingerprint) => {
                process.table_thread.audit.named(*fingerprint).map(Change::Remove)
            }
            Change::Upsert(_) | Change::Remove(_) | Change::DumpBegins | Change::DumpEnds => {
                Some(change.clone())
            }
        }
    }

    /// The table took a change; a box that forwards takes some as it likes.
    pub(super) fn took(&mut self, side: Side, change: &Change, keys: &[ConnKey]) {
        let host = &mut self.hosts[side];
        let now = host.clock.read(self.now);
        let Some(process) = &mut host.process else { return };
        let audit = &mut process.table_thread.audit;
        if !host.plane.gate.forwards(self.now) {
            return audit.applied(now, change);
        }
        for key in keys {
            audit.found(now, key, host.plane.main_record(key).as_ref());
        }
    }

    /// The data plane reported changes.
    pub(super) fn ledger_takes(&mut self, side: Side, changes: &[Captured]) {
        let now = self.hosts[side].clock.read(self.now);
        let Some(process) = &mut self.hosts[side].process else { return };
        for change in changes {
            process.table_thread.audit.captured(now, change);
        }
    }

    /// Established connections in a box's table, and their reals.
    pub fn established(&self, side: Side) -> BTreeMap<ConnKey, SocketAddrV4> {
        self.hosts[side].plane.established()
    }

    /// Entries of a box's table vanish behind its back; says which.
    pub fn lose_entries(&mut self, side: Side, every: usize) -> Vec<ConnKey> {
        let lost = self.hosts[side].plane.lose_every(every);
        self.trace.brief(self.now, || format!("{side} loses {} connections", lost.len()));
        for client in self.clients.iter_mut().filter(|client| lost.contains(&client.key)) {
            if let Some(open) = client.open_mut() {
                (open.held_by[side], open.is_in_doubt) = (false, true);
                open.is_safe_at[side] = false;
            }
        }
        lost
    }
}
