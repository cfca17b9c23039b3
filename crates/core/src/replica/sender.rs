//! Batches on their way to the peer: which are acknowledged, lost, sent again.
//!
//! Two kinds of acknowledgement: *received* stops retransmission, *applied* (the batch is in the
//! peer's kernel table) ends a batch's life here. A batch that is received but not applied still
//! fills its place in the window, so that the peer's table sets the pace.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use hitless_model::Instant;

use super::codec::{Ack, Seq};
use super::output::Rejected;
use super::pace::{BulkPace, MAX_WINDOW, Pace};

/// Batches received after a missing one that make it count as lost, as in TCP: less is reordering.
const REORDERING: u32 = 3;

/// Doublings of the timeout that the peer's table has for applying what was received.
const APPLYING: u32 = 2;

/// What a batch holds.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// Its encoded records.
    pub(super) records: Vec<u8>,
    /// Since when the oldest change among them waited to be told.
    pub(super) since: Option<Instant>,
    /// Connections among them, removals left out.
    pub(super) upserts: u64,
    /// Records that make a difference good that was found.
    pub(super) repairs: u64,
    /// It holds connections of a dump.
    pub(super) is_bulk: bool,
}

/// A batch that the peer has not applied.
#[derive(Debug)]
struct Flight {
    content: Content,
    /// When it was sent first, and last.
    begun_at: Instant,
    sent_at: Instant,
    is_repeated: bool,
    tries: u32,
    received: bool,
    lost: bool,
}

/// Counters that outlive sessions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent {
    /// Batches, first transmissions only.
    pub(super) batches: u64,
    /// Batches sent again.
    pub(super) again: u64,
}

/// The sending half of a session.
#[derive(Debug, Default)]
pub(super) struct Sender {
    applied: Seq,
    /// Batch `applied + 1 + i` is at i.
    flights: VecDeque<Flight>,
    pace: Pace,
    bulk: BulkPace,
    /// Repairs that were applied and not asked for yet.
    repaired: u64,
    /// When an acknowledgement came last.
    heard_at: Instant,
    refused: u32,
    sent: Sent,
}

impl Sender {
    /// Begins a new session.
    pub(super) fn reset(&mut self) {
        *self = Self { sent: self.sent, ..Self::default() };
    }

    /// Whether another batch may leave that holds connections of a dump.
    pub(super) fn has_room_for_bulk(&self) -> bool {
        self.bulk_in_flight() < self.bulk.window()
    }

    /// Batches in flight that hold connections of a dump.
    pub(super) fn bulk_in_flight(&self) -> usize {
        self.flights.iter().filter(|flight| flight.content.is_bulk).count()
    }

    /// Repairs that were applied since this was asked last.
    pub(super) fn take_repaired(&mut self) -> u64 {
        core::mem::take(&mut self.repaired)
    }

    /// Whether another batch may leave.
    pub(super) fn has_room(&self) -> bool {
        self.flights.len() < self.pace.window()
    }

    /// Puts a batch into flight and gives it its number.
    pub(super) fn send(&mut self, now: Instant, content: Content) -> Seq {
        debug_assert!(self.flights.len() < MAX_WINDOW, "an acknowledgement could not name it");
        let flight = Flight {
            content,
            begun_at: now,
            sent_at: now,
            is_repeated: false,
            tries: 0,
            received: false,
            lost: false,
        };
        self.flights.push_back(flight);
        self.sent.batches += 1;
        self.newest()
    }

    /// Empties what is in flight. The numbers have to arrive all the same, and at once: the peer
    /// holds back what came after a missing one, and it must not take that in a later reign.
    pub(super) fn empty(&mut self) {
        for flight in &mut self.flights {
            flight.content = Content::default();
            flight.lost = !flight.received;
        }
    }

    /// The link is back: what did not arrive is sent again at once.
    pub(super) fn hurry(&mut self) {
        for flight in &mut self.flights {
            flight.lost = !flight.received;
            flight.tries = 0;
        }
    }

    /// Takes an acknowledgement in.
    pub(super) fn on_ack(&mut self, now: Instant, ack: Ack) -> Result<(), Rejected> {
        let Some(newly) = ack.applied.0.checked_sub(self.applied.0) else {
            return Ok(()); // overtaken on its way by a newer one
        };
        let left = (self.flights.len() as u64).checked_sub(newly);
        let left = left.ok_or(Rejected::AckBeyondSent)?;
        if left < 64 && ack.received >> left != 0 {
            return Err(Rejected::AckBeyondSent);
        }
        self.heard_at = self.heard_at.max(now);
        let patience = self.pace.patience();
        self.refused = self.refused.max(ack.refused);
        for _ in 0..newly {
            if let Some(mut flight) = self.flights.pop_front() {
                flight.arrive(now, &mut self.pace);
                self.repaired += flight.content.repairs;
                if flight.content.is_bulk && !flight.is_repeated {
                    self.bulk.on_applied(now.saturating_since(flight.begun_at));
                }
            }
        }
        self.applied = ack.applied;
        self.mark_received(now, ack.received);
        self.mark_lost(now, patience);
        Ok(())
    }

    fn mark_received(&mut self, now: Instant, bitmap: u64) {
        for (index, flight) in self.flights.iter_mut().enumerate() {
            if bitmap >> index & 1 == 1 {
                flight.arrive(now, &mut self.pace);
            }
        }
    }

    /// What was overtaken by several others that arrived is lost, unless it was sent just now.
    fn mark_lost(&mut self, now: Instant, patience: Duration) {
        let newest = self.newest();
        let mut overtakers = 0;
        for (index, flight) in self.flights.iter_mut().enumerate().rev() {
            if flight.received {
                overtakers += 1;
            } else if overtakers >= REORDERING && now.saturating_since(flight.sent_at) >= patience {
                flight.lost = true;
                self.pace.on_loss(Seq(self.applied.0 + 1 + index as u64), newest);
            }
        }
    }

    /// Takes out the oldest batch that is to be sent again at `now`.
    pub(super) fn next_again(&mut self, now: Instant) -> Option<Seq> {
        let newest = self.newest();
        let due = |i: usize| self.due(i).is_some_and(|at| at <= now);
        let index = (0..self.flights.len()).find(|i| due(*i))?;
        let seq = Seq(self.applied.0 + 1 + index as u64);
        let flight = self.flights.get_mut(index)?;
        if !flight.received {
            self.pace.on_loss(seq, newest);
        }
        flight.sent_at = now;
        flight.is_repeated = true;
        flight.tries = flight.tries.saturating_add(1);
        flight.lost = false;
        self.sent.again += 1;
        Some(seq)
    }

    /// When the next batch is to be sent again.
    pub(super) fn next_due(&self) -> Option<Instant> {
        (0..self.flights.len()).filter_map(|index| self.due(index)).min()
    }

    /// When a batch is to be sent again. One that arrived is not, but for the oldest: if the word
    /// that it was applied got lost, it is what makes the peer repeat that word.
    fn due(&self, index: usize) -> Option<Instant> {
        let flight = self.flights.get(index)?;
        match (flight.lost, flight.received) {
            (true, _) => Some(flight.sent_at),
            (false, false) => Some(flight.sent_at + self.pace.timeout(flight.tries)),
            (false, true) if index == 0 => {
                let wait = self.pace.timeout(flight.tries.saturating_add(APPLYING));
                Some(flight.sent_at.max(self.heard_at) + wait)
            }
            (false, true) => None,
        }
    }

    /// The number of the newest batch sent.
    pub(super) fn newest(&self) -> Seq {
        Seq(self.applied.0 + self.flights.len() as u64)
    }

    /// Every batch up to this one is in the peer's table.
    pub(super) const fn applied(&self) -> Seq {
        self.applied
    }

    /// The encoded records of a batch in flight.
    pub(super) fn records(&self, seq: Seq) -> &[u8] {
        let index = seq.ahead_of(self.applied).and_then(|ahead| usize::try_from(ahead - 1).ok());
        let flight = index.and_then(|index| self.flights.get(index));
        flight.map_or(&[], |flight| flight.content.records.as_slice())
    }

    /// Batches in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// Connections in flight, removals left out.
    pub(super) fn upserts(&self) -> u64 {
        self.flights.iter().map(|flight| flight.content.upserts).sum()
    }

    /// Since when the oldest change in flight waited.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.flights.iter().filter_map(|flight| flight.content.since).min()
    }

    /// Batches that may be in flight.
    pub(super) const fn window(&self) -> usize {
        self.pace.window()
    }

    /// The smoothed round trip, once measured.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.pace.round_trip()
    }

    /// Records that the peer's table refused in this session.
    pub(super) const fn refused(&self) -> u32 {
        self.refused
    }

    /// What was sent since the start.
    pub(super) const fn sent(&self) -> Sent {
        self.sent
    }
}

impl Flight {
    /// It arrived: the first sign of it measures the round trip and widens the window.
    fn arrive(&mut self, now: Instant, pace: &mut Pace) {
        if self.received {
            return;
        }
        if self.tries == 0 {
            pace.on_round_trip(now, self.sent_at);
        }
        pace.on_arrival();
        self.received = true;
        self.lost = false;
        self.tries = 0;
    }
}
