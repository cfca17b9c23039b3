//! The data plane of a box as a model: the gate with its lease, the connection table, and the ring
//! through which it reports to its process.
//!
//! It does what the BPF programs do, no more: it forwards only while active or draining and before
//! the end of the lease, and knows connections by their key.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::Bound;
use std::time::Duration;

use hitless_core::node::{Captured, Change};
use hitless_model::tcp::seen;
use hitless_model::{ConnKey, ConnRecord, ConnStage, Epoch, Instant, Role, VlanId};

use crate::time::Moment;

/// What gates everything floating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gate {
    pub(crate) role: Role,
    pub(crate) epoch: Epoch,
    /// Since when it has been meant to forward, if it is.
    pub(crate) since: Moment,
    /// From then on it acts as standby.
    pub(crate) ends: Moment,
    /// The end of the lease as the box wrote it, or of a promise.
    pub(crate) lease_until: Instant,
    /// The lease was renewed without a peer.
    pub(crate) alone: bool,
}

impl Gate {
    /// What a freshly loaded program has.
    pub(crate) const SHUT: Self = Self {
        role: Role::Initializing,
        epoch: Epoch(0),
        since: Moment::START,
        ends: Moment::START,
        lease_until: Instant::ZERO,
        alone: false,
    };

    pub(crate) fn forwards(&self, now: Moment) -> bool {
        self.role.forwards() && now < self.ends
    }
}

/// A connection in the table.
#[derive(Clone, Copy, Debug)]
struct Entry {
    record: ConnRecord,
    from_peer: bool,
    told: bool,
    made_at: Moment,
    /// When it carried a packet here last.
    used_at: Option<Moment>,
}

/// A segment of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Syn,
    SynAck,
    Ack,
    Data,
    /// FIN of both sides at once.
    Fin,
}

/// What became of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It went to, or came from, this real.
    Forwarded(SocketAddrV4),
    /// The gate is shut.
    Silent,
    /// No entry: dropped.
    Unknown,
}

/// Reports that fit into the ring until somebody reads them.
const RING: usize = 1024;

/// A box's data plane.
#[derive(Debug)]
pub(crate) struct Plane {
    pub(crate) gate: Gate,
    table: BTreeMap<ConnKey, Entry>,
    size: usize,
    net: u8,
    made: u16,
    ring: VecDeque<Captured>,
    ring_lost: bool,
    ring_broken_until: Moment,
}

impl Plane {
    /// `net` tells this box's choices of reals from the other's.
    pub(crate) fn new(size: usize, net: u8) -> Self {
        Self {
            gate: Gate::SHUT,
            table: BTreeMap::new(),
            size,
            net,
            made: 0,
            ring: VecDeque::new(),
            ring_lost: false,
            ring_broken_until: Moment::START,
        }
    }

    /// Power was lost, or the box cleaned up.
    pub(crate) fn clear(&mut self) {
        self.gate = Gate::SHUT;
        self.table.clear();
        self.ring.clear();
        self.ring_lost = false;
    }

    pub(crate) fn break_ring_until(&mut self, until: Moment) {
        self.ring_broken_until = until;
    }

    /// The real of a connection and how far it has come.
    pub(crate) fn find(&self, key: &ConnKey) -> Option<(SocketAddrV4, ConnStage)> {
        self.table.get(key).map(|entry| (entry.record.real, entry.record.stage()))
    }

    /// A segment arrives: from the client, or `from` a real, which then has to be the entry's.
    pub(crate) fn segment(
        &mut self,
        now: Moment,
        key: ConnKey,
        segment: Segment,
        from: Option<SocketAddrV4>,
    ) -> Verdict {
        if !self.gate.forwards(now) {
            return Verdict::Silent;
        }
        if segment == Segment::Syn {
            return self.open(now, key);
        }
        let is_its = |entry: &&mut Entry| from.is_none_or(|real| real == entry.record.real);
        let Some(entry) = self.table.get_mut(&key).filter(is_its) else { return Verdict::Unknown };
        entry.used_at = Some(now);
        let before = entry.record.seen;
        entry.record.seen |= match segment {
            Segment::Syn | Segment::Data => 0,
            Segment::SynAck => seen::REAL_ANSWERED,
            Segment::Ack => seen::CLIENT_CONFIRMED,
            Segment::Fin => seen::FIN_CLIENT | seen::FIN_REAL,
        };
        let record = entry.record;
        if record.seen != before && record.stage() != ConnStage::Embryonic {
            self.report(now, Captured::Upsert(record));
        }
        Verdict::Forwarded(record.real)
    }

    fn open(&mut self, now: Moment, key: ConnKey) -> Verdict {
        match self.find(&key) {
            Some((real, ConnStage::Embryonic)) => return Verdict::Forwarded(real),
            Some((_, ConnStage::Established | ConnStage::Closing)) => {
                self.table.remove(&key);
                self.report(now, Captured::Remove(key));
            }
            None => {}
        }
        if self.table.len() >= self.size {
            return Verdict::Unknown;
        }
        let record = self.new_record(key);
        self.table.insert(
            key,
            Entry { record, from_peer: false, told: false, made_at: now, used_at: Some(now) },
        );
        if self.gate.role == Role::Draining {
            self.report(now, Captured::Upsert(record));
        }
        Verdict::Forwarded(record.real)
    }

    /// Every connection gets a real of its own: a real then says which life of a key is meant.
    fn new_record(&mut self, key: ConnKey) -> ConnRecord {
        self.made = self.made.wrapping_add(1);
        let [high, low] = self.made.to_be_bytes();
        ConnRecord {
            key,
            real: SocketAddrV4::new(Ipv4Addr::new(10, self.net, high, low), 80),
            client_vlan: vlan(2),
            server_vlan: vlan(3),
            seen: 0,
            idle: Duration::ZERO,
        }
    }

    /// The sweep of user space: a closing connection goes.
    pub(crate) fn sweep(&mut self, now: Moment, key: ConnKey) {
        if self.find(&key).is_some_and(|(_, stage)| stage == ConnStage::Closing) {
            self.table.remove(&key);
            self.report(now, Captured::Remove(key));
        }
    }

    fn report(&mut self, now: Moment, change: Captured) {
        if now < self.ring_broken_until || self.ring.len() >= RING {
            self.ring_lost = true;
        } else {
            self.ring.push_back(change);
        }
    }

    /// Whether reports get lost at present.
    pub(crate) fn loses_reports(&self, now: Moment) -> bool {
        now < self.ring_broken_until
    }

    /// Whether anything waits to be read.
    pub(crate) fn has_reports(&self) -> bool {
        !self.ring.is_empty()
    }

    /// Reads the ring.
    pub(crate) fn read_reports(&mut self) -> Vec<Captured> {
        self.ring.drain(..).collect()
    }

    /// Whether reports were lost since this was asked last.
    pub(crate) fn take_loss(&mut self) -> bool {
        std::mem::take(&mut self.ring_lost)
    }

    /// Does one change that the peer asked for; the keys that it touched, or `None` if refused.
    pub(crate) fn apply(&mut self, now: Moment, change: &Change) -> Option<Vec<ConnKey>> {
        let own_since = self.gate.since;
        let is_active = self.gate.role == Role::Active && self.gate.forwards(now);
        let contradicts = |record: &ConnRecord| {
            self.find(&record.key)
                .is_some_and(|(real, stage)| real != record.real && stage != ConnStage::Closing)
        };
        match change {
            // To an active box its peer can only add, or replace what is closing anyway.
            Change::Remove(_) if is_active => Some(Vec::new()),
            Change::Upsert(record) if is_active && contradicts(record) => Some(Vec::new()),
            Change::Upsert(record) => self.upsert(now, record).then(|| vec![record.key]),
            Change::Remove(key) => {
                self.table.remove(key);
                Some(vec![*key])
            }
            // The table thread makes removals and comparisons of these.
            Change::Surplus(_) | Change::Digests(_) => Some(Vec::new()),
            Change::DumpBegins => {
                self.table.values_mut().for_each(|entry| entry.told = false);
                Some(Vec::new())
            }
            Change::DumpEnds => {
                let forwards = self.gate.forwards(now);
                let is_in_use = |entry: &Entry| {
                    forwards && entry.used_at.is_some_and(|used_at| used_at >= own_since)
                };
                // A box that does not forward has nothing of its own that the active does not know.
                let is_gone = |entry: &Entry| {
                    !entry.told && (entry.from_peer || !forwards) && !is_in_use(entry)
                };
                let swept = self.table.extract_if(.., |_, entry| is_gone(entry));
                Some(swept.map(|(key, _)| key).collect())
            }
        }
    }

    /// An established connection is not put back by an older word of the peer.
    fn upsert(&mut self, now: Moment, record: &ConnRecord) -> bool {
        let known = self.table.get(&record.key).copied();
        if known.is_none() && self.table.len() >= self.size {
            return false;
        }
        let stage = known.map(|entry| entry.record.stage());
        if record.stage() == ConnStage::Embryonic
            && stage.is_some_and(|stage| stage != ConnStage::Embryonic)
        {
            return true;
        }
        let used_at = known.and_then(|entry| entry.used_at);
        let made_at = known.map_or(now, |entry| entry.made_at);
        let entry = Entry { record: *record, from_peer: true, told: true, made_at, used_at };
        self.table.insert(record.key, entry);
        true
    }

    /// The records of up to `count` entries after `after`, as a dump reads them, and where to go on.
    pub(crate) fn part(
        &self,
        after: Option<ConnKey>,
        count: usize,
        embryonic: bool,
    ) -> (Vec<ConnRecord>, Option<ConnKey>) {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let entries: Vec<&Entry> = self
            .table
            .range((from, Bound::Unbounded))
            .take(count)
            .map(|(_, entry)| entry)
            .collect();
        let more = entries.len() == count;
        let next = entries.last().filter(|_| more).map(|entry| entry.record.key);
        let wanted = |record: &ConnRecord| embryonic || record.stage() != ConnStage::Embryonic;
        (entries.into_iter().map(|entry| entry.record).filter(wanted).collect(), next)
    }

    /// What the kernel holds of a connection in its main table.
    pub(crate) fn main_record(&self, key: &ConnKey) -> Option<ConnRecord> {
        let record = self.table.get(key).map(|entry| entry.record);
        record.filter(|record| seen::is_established(record.seen))
    }

    /// Connections vanish behind everybody's back: every `nth` established one.
    pub(crate) fn lose_every(&mut self, nth: usize) -> Vec<ConnKey> {
        let chosen: Vec<ConnKey> = self.established().into_keys().step_by(nth).collect();
        for key in &chosen {
            self.table.remove(key);
        }
        chosen
    }

    /// Every connection of the main table, closing ones too, and the real that carries it.
    pub(crate) fn established(&self) -> BTreeMap<ConnKey, SocketAddrV4> {
        let is_established = |entry: &&Entry| seen::is_established(entry.record.seen);
        let entries = self.table.values().filter(is_established);
        entries.map(|entry| (entry.record.key, entry.record.real)).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }
}

/// A VLAN number that is known to be one.
pub(crate) fn vlan(number: u64) -> VlanId {
    VlanId::try_from(number).unwrap_or_else(|_| unreachable!("{number} is a VLAN number"))
}
