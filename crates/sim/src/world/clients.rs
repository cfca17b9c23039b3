//! Clients send their segments to whichever box the switches point at.

use std::net::SocketAddrV4;
use std::time::Duration;

use hitless_core::node::Captured;
use hitless_model::{ConnKey, ConnStage, Role};

use super::{Event, World};
use crate::check::Invariant;
use crate::client::{Client, Open, Phase};
use crate::pair::Side;
use crate::plane::{Segment, Verdict};

/// Attempts of a handshake before a client tries another connection.
const TRIES: u8 = 5;
/// For so long an established connection may be unknown to a box that begins to forward: its
/// segments are dropped and sent again while the other box's last reports are on their way.
const PATIENCE: Duration = Duration::from_millis(100);

/// A client waits so long before it may use an address and port again, as TCP does (much longer).
const REST: Duration = Duration::from_millis(150);

/// How a segment fared.
enum Fate {
    /// It went through this box, which knows this real.
    Through(Side, SocketAddrV4),
    /// This box dropped it as unknown.
    Dropped(Side),
    /// Nobody took it.
    Lost,
}

impl World {
    pub(super) fn client_step(&mut self, number: usize) {
        if self.now + self.plan.rests_for() >= self.plan.ends_at() {
            return;
        }
        let pause = self.plan.traffic.pause;
        let pause = self.rngs.clients.duration(pause / 10, pause);
        let client = self.clients[number];
        let pause = if client.phase == Phase::Closed { pause.max(REST) } else { pause };
        let goes_on_at_once = match client.phase {
            Phase::Opening => self.open(number, client.key),
            Phase::Answered(real) => self.answer(number, client.key, real),
            Phase::Confirming(real) => self.confirm(number, client.key, real),
            Phase::Open(open) => self.talk(number, client.key, open),
            Phase::Closed => {
                let reuses = self.plan.traffic.reuses;
                self.clients[number].renew(reuses, &mut self.rngs.clients);
                false
            }
        };
        let round_trip = Duration::from_micros(self.rngs.clients.between(80, 400));
        self.after(if goes_on_at_once { round_trip } else { pause }, Event::Client(number));
    }

    /// A segment leaves: from the client, or from the real.
    fn send(&mut self, key: ConnKey, segment: Segment, from: Option<SocketAddrV4>) -> Fate {
        let learned = if from.is_some() { self.switches.server } else { self.switches.client };
        let Some(side) = learned else { return Fate::Lost };
        let verdict = self.hosts[side].plane.segment(self.now, key, segment, from);
        self.plan_ring(side);
        match verdict {
            Verdict::Forwarded(real) => Fate::Through(side, real),
            Verdict::Unknown => Fate::Dropped(side),
            Verdict::Silent => {
                self.stats.segments_lost += 1;
                if self.stage.is_settled() {
                    let what = format!("{side} does not forward, but the switches point at it");
                    self.violated(Invariant::NoGap, what);
                }
                Fate::Lost
            }
        }
    }

    fn open(&mut self, number: usize, key: ConnKey) -> bool {
        match self.send(key, Segment::Syn, None) {
            Fate::Through(_, real) => {
                self.clients[number].phase = Phase::Answered(real);
                true
            }
            Fate::Dropped(_) | Fate::Lost => false,
        }
    }

    fn answer(&mut self, number: usize, key: ConnKey, real: SocketAddrV4) -> bool {
        match self.send(key, Segment::SynAck, Some(real)) {
            Fate::Through(_, known) if known == real => {
                self.clients[number].phase = Phase::Confirming(real);
                true
            }
            Fate::Through(..) | Fate::Dropped(_) | Fate::Lost => {
                self.try_again(number, Phase::Opening);
                false
            }
        }
    }

    fn confirm(&mut self, number: usize, key: ConnKey, real: SocketAddrV4) -> bool {
        let fate = self.send(key, Segment::Ack, None);
        match fate {
            Fate::Through(side, known) if known == real && self.is_established(side, key) => {
                self.stats.established += 1;
                let mut open = Open::through(side, real);
                open.is_in_doubt = self.hosts[side].plane.loses_reports(self.now);
                self.clients[number].phase = Phase::Open(open);
            }
            Fate::Through(..) | Fate::Dropped(_) | Fate::Lost => {
                self.try_again(number, Phase::Answered(real));
            }
        }
        false
    }

    fn is_established(&self, side: Side, key: ConnKey) -> bool {
        let stage = self.hosts[side].plane.find(&key).map(|(_, stage)| stage);
        stage == Some(ConnStage::Established)
    }

    fn try_again(&mut self, number: usize, phase: Phase) {
        let client = &mut self.clients[number];
        client.tries += 1;
        client.phase = phase;
        if client.tries >= TRIES {
            client.renew(0, &mut self.rngs.clients);
        }
    }

    fn talk(&mut self, number: usize, key: ConnKey, open: Open) -> bool {
        let closes = self.rngs.clients.chance(self.plan.traffic.closes);
        let from = Some(open.real).filter(|_| self.rngs.clients.chance(500));
        let segment = if closes { Segment::Fin } else { Segment::Data };
        match self.send(key, segment, from) {
            Fate::Through(side, real) if real == open.real => {
                if let Some(open) = self.clients[number].open_mut() {
                    open.dropped_since = None;
                }
                if closes {
                    self.clients[number].phase = Phase::Closed;
                    let delay = self.rngs.boxes.duration(PATIENCE / 20, PATIENCE);
                    self.after(delay, Event::Sweep(side, key));
                }
            }
            Fate::Through(side, _) | Fate::Dropped(side) => self.unknown(number, side, open),
            Fate::Lost => {}
        }
        false
    }

    /// A segment of an established connection met a box that does not know it, or knows another.
    fn unknown(&mut self, number: usize, side: Side, open: Open) {
        if open.held_by[side] && open.is_owed() {
            let what = format!("{side} dropped a segment of {}", name(&self.clients[number].key));
            self.violated(Invariant::ConnectionsStay, what);
        }
        let since = open.dropped_since.unwrap_or(self.now);
        if self.now.since(since) <= PATIENCE {
            if let Some(open) = self.clients[number].open_mut() {
                open.dropped_since = Some(since);
            }
            return;
        }
        self.stats.broken += 1;
        if self.plan.promises_calm() {
            let what = format!("{} broke at {side}", name(&self.clients[number].key));
            self.violated(Invariant::HandoverKeepsConnections, what);
        }
        self.clients[number].renew(0, &mut self.rngs.clients);
    }

    /// A box's table changed at this key, because its peer said so. A standby may forget what its
    /// active does not claim that it holds: after a split the tables have to be made equal first.
    pub(super) fn table_changed(&mut self, side: Side, key: ConnKey) {
        let found = self.hosts[side].plane.find(&key);
        let may_forget =
            !self.hosts[side].plane.gate.forwards(self.now) && !self.claims_in_step(side.other());
        let is_active = self.hosts[side].plane.gate.role == Role::Active;
        let client = self.clients.iter_mut().find(|client| client.key == key);
        let Some(open) = client.and_then(Client::open_mut) else { return };
        let holds =
            found.is_some_and(|(real, stage)| real == open.real && stage == ConnStage::Established);
        if holds || may_forget {
            open.held_by[side] = holds;
            open.is_in_doubt &= !(holds && is_active);
        } else if open.held_by[side] && open.is_owed() {
            let what = format!(
                "{side}'s peer made it forget {} (real {}): now {found:?}",
                name(&key),
                open.real
            );
            self.violated(Invariant::ConnectionsStay, what);
        }
    }

    /// A box took a handover: what it does not know yet depends on the words that are on their way.
    pub(super) fn takes_over_from_draining(&mut self, side: Side) {
        for open in self.clients.iter_mut().filter_map(Client::open_mut) {
            open.is_in_doubt |= !open.held_by[side];
        }
    }

    fn claims_in_step(&self, side: Side) -> bool {
        let forwards = self.hosts[side].plane.gate.forwards(self.now);
        forwards && self.status(side).is_some_and(|status| status.in_step)
    }

    /// A box was told of changes by its data plane.
    pub(super) fn reported(&mut self, side: Side, changes: &[Captured]) {
        let Some(life) = self.hosts[side].process.as_ref().map(|process| process.life) else {
            return;
        };
        for change in changes {
            let Captured::Upsert(record) = change else { continue };
            let client = self.clients.iter_mut().find(|client| client.key == record.key);
            let Some(open) = client.and_then(Client::open_mut) else { continue };
            if open.real == record.real && record.stage() == ConnStage::Established {
                open.reported_to = Some((side, life));
            }
        }
    }

    /// A box forwards alone now: what it does not know is lost.
    pub(super) fn forwards_alone(&mut self, side: Side) {
        self.trace.brief(self.now, || format!("{side} forwards alone"));
        let promises = self.plan.promises_calm() && self.stage.is_settled();
        let is_lost = |open: &&Open| open.is_safe_at[side] && !open.held_by[side] && open.is_owed();
        let is_lost = |client: &&Client| client.open().as_ref().is_some_and(is_lost);
        if let Some(lost) = self.clients.iter().find(is_lost) {
            let what = format!("{side} forwards alone and has lost {}", name(&lost.key));
            self.violated(Invariant::ReplicatedSurvives, what);
        }
        let mut missing = Vec::new();
        for client in &mut self.clients {
            let key = client.key;
            let Some(open) = client.open_mut().filter(|open| !open.held_by[side]) else { continue };
            open.is_forfeit = true;
            missing.push(name(&key));
        }
        if promises && !missing.is_empty() {
            let what = format!("{side} forwards alone and does not know {}", missing.join(", "));
            self.violated(Invariant::HandoverKeepsConnections, what);
        }
    }
}

fn name(key: &ConnKey) -> String {
    format!("connection {}", key.client)
}
