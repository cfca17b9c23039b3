//! What there is to show of a node.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use hitless_model::Instant;

use super::counters::HELLO;
use super::machine::Node;
use super::output::Status;
use crate::replica;

impl Node {
    /// What there is to show at `now`.
    pub fn status(&self, now: Instant) -> Status {
        let replication = self.replica.status(now);
        let lease_left = self.ft.lease_until().map(|until| until.saturating_since(now));
        let hellos = self.session.counters();
        Status {
            role: self.ft.role(),
            epoch: self.ft.epoch(),
            lease_left_ns: lease_left.map(nanos),
            priority: self.config.priority,
            since: self.ft.since(),
            role_changes: self.ft.role_changes(),
            lease_expiries: self.ft.lease_expiries(),
            longest_delay_ns: nanos(self.ft.longest_delay()),
            delays: self.ft.delays(),
            waiting: self.ft.waiting(now),
            gateways: self.ft.gateways(now),
            peer: self.ft.peer_status(),
            key: self.session.key_in_use(),
            paths: self.paths().map(|path| (path, self.ft.is_path_up(path))).collect(),
            in_step: self.is_in_step(),
            at_risk: replication.at_risk,
            queued: replication.queued,
            lag_ms: replication.lag_ms,
            diverged: replication.diverged,
            repaired: replication.repaired,
            bulk: replication.bulk,
            sent: self.sent.list_with(&[(HELLO, hellos.sent)]),
            received: self.received_by_name(hellos.received),
            rejected: self.rejected.list_with(&[]),
        }
    }

    fn received_by_name(&self, hellos: u64) -> Vec<(String, u64)> {
        let beats = self.ft.received().map(|(purpose, count)| (purpose.name(), count));
        let all: Vec<_> = beats.chain([(HELLO, hellos)]).collect();
        self.received.list_with(&all)
    }

    /// How replication does.
    pub fn replication(&self, now: Instant) -> replica::Status {
        self.replica.status(now)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
