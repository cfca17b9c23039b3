//! What the table thread of a box does with its kernel.

use std::time::Duration;

use hitless_core::node::{BatchId, Change, Snapshot, TableJob};
use hitless_model::ConnKey;

use super::{Event, World};
use crate::pair::Side;
use crate::process::{Dump, Inbound};

/// How often the table thread looks for lost reports.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Entries in one part of a dump: few, so that much can happen between two parts.
const PART: usize = 5;

impl World {
    pub(super) fn plan_table_step(&mut self, side: Side) {
        let delay = Duration::from_micros(self.rngs.boxes.between(20, 1500));
        let Some(process) = &mut self.hosts[side].process else { return };
        if process.table_thread.is_busy || process.table_thread.jobs.is_empty() {
            return;
        }
        process.table_thread.is_busy = true;
        let life = process.life;
        self.after(delay, Event::TableStep(side, life));
    }

    pub(super) fn table_step(&mut self, side: Side, life: u32) {
        if !self.hosts[side].is_life(life) {
            return;
        }
        if let Some(until) = self.paused_until(side) {
            self.queue.push(until, Event::TableStep(side, life));
            return;
        }
        let Some(process) = &mut self.hosts[side].process else { return };
        process.table_thread.is_busy = false;
        for job in std::mem::take(&mut process.table_thread.jobs) {
            self.work(side, job);
        }
        self.plan_table_step(side);
    }

    fn work(&mut self, side: Side, job: TableJob) {
        match job {
            TableJob::Apply { batch, changes } => self.apply(side, batch, &changes),
            TableJob::Dump { generation, embryonic } => {
                let dump = Dump { generation, embryonic, after: None };
                if let Some(process) = &mut self.hosts[side].process {
                    process.table_thread.dump = Some(dump);
                }
                self.dump_part(side, generation);
            }
            TableJob::DumpMore { generation } => self.dump_part(side, generation),
            TableJob::Audit(task) => self.set_audit(side, task),
            TableJob::Compare(listing) => self.compare(side, &listing),
        }
    }

    fn apply(&mut self, side: Side, batch: BatchId, changes: &[Change]) {
        let mut refused = 0;
        for change in changes {
            self.trace.full(self.now, || format!("{side} applies {change:?}"));
            let Some(change) = self.audited(side, change) else { continue };
            match self.hosts[side].plane.apply(self.now, &change) {
                Some(keys) => {
                    self.took(side, &change, &keys);
                    for key in keys {
                        self.table_changed(side, key);
                    }
                }
                None => refused += 1,
            }
        }
        self.stats.refused += u64::from(refused);
        self.feed(side, Inbound::Applied { batch, refused });
    }

    /// What happened is reported before each part, so that no part is older than a report before it.
    fn dump_part(&mut self, side: Side, generation: u64) {
        self.report(side);
        let Some(process) = &mut self.hosts[side].process else { return };
        let dump = process.table_thread.dump.filter(|dump| dump.generation == generation);
        let Some(Dump { embryonic, after, .. }) = dump else { return };
        let (records, next) = self.hosts[side].plane.part(after, PART, embryonic);
        if let Some(process) = &mut self.hosts[side].process {
            process.table_thread.dump =
                next.map(|next| Dump { generation, embryonic, after: Some(next) });
        }
        let of = self.hosts[side].plane.len() as u64;
        let last = next.is_none();
        self.feed(side, Inbound::Snapshot(Snapshot { generation, records, last, of }));
    }

    /// Something may be in the ring now.
    pub(super) fn plan_ring(&mut self, side: Side) {
        let delay = Duration::from_micros(self.rngs.boxes.between(20, 1200));
        let Some(process) = &self.hosts[side].process else { return };
        if self.hosts[side].plane.has_reports() {
            self.after(delay, Event::ReadRing(side, process.life));
        }
    }

    pub(super) fn read_ring(&mut self, side: Side, life: u32) {
        if !self.hosts[side].is_life(life) {
            return;
        }
        if let Some(until) = self.paused_until(side) {
            self.queue.push(until, Event::ReadRing(side, life));
            return;
        }
        self.report(side);
    }

    pub(super) fn report(&mut self, side: Side) {
        let changes = self.hosts[side].plane.read_reports();
        if !changes.is_empty() {
            self.reported(side, &changes);
            self.ledger_takes(side, &changes);
            self.feed(side, Inbound::Captured(changes));
        }
    }

    /// Now and then the table thread looks whether the data plane has lost reports.
    pub(super) fn look_for_losses(&mut self, side: Side, life: u32) {
        if !self.hosts[side].is_life(life) {
            return;
        }
        if self.hosts[side].plane.take_loss() {
            self.stats.captures_lost += 1;
            self.feed(side, Inbound::CapturesLost);
        }
        self.after(LOOK_EVERY, Event::LookForLosses(side, life));
    }

    pub(super) fn sweep(&mut self, side: Side, key: ConnKey) {
        if self.hosts[side].running().is_some() {
            self.hosts[side].plane.sweep(self.now, key);
            self.plan_ring(side);
        }
    }

    fn paused_until(&self, side: Side) -> Option<crate::time::Moment> {
        self.hosts[side].process.as_ref().and_then(|process| process.paused_until)
    }
}
