//! Routes: datagrams go through `session` to `ft` or `replica`, heartbeats out over all paths.

use alloc::vec::Vec;

use hitless_model::{Instant, Mac};

use super::counters::REPLICATION;
use super::input::PathId;
use super::machine::Node;
use super::output::{Destination, Event, Lane, Output, Transmit};
use crate::ft;
use crate::machine::Machine;
use crate::replica::{self, SessionId};
use crate::session::{self, Kind};

const _: () = assert!(replica::MAX_MESSAGE <= session::MAX_BODY, "a message fits into a frame");

impl Node {
    pub(super) fn on_session(&mut self, now: Instant, output: session::Output) {
        match output {
            session::Output::Send(bytes) => {
                let (path, lane) = (self.ft_path(), Lane::Heartbeat);
                let to = Destination::Multicast;
                self.outputs.push_back(Output::Transmit(Transmit { path, lane, to, bytes }));
            }
            session::Output::Established { id, unit, software } => {
                self.session_id = Some(SessionId(id));
                self.warn_unauthenticated();
                self.ft.handle_input(now, ft::Input::Established { unit, software });
            }
            session::Output::Rekeyed { unit, key } => {
                self.warn_unauthenticated();
                self.event(Event::Rekeyed { unit, key });
            }
            session::Output::KeyDiffers { unit, trouble } => {
                self.event(Event::KeyDiffers { unit, trouble });
            }
            session::Output::Sighted => self.ft.handle_input(now, ft::Input::Sighted),
            session::Output::Macs(macs) => self.learn_macs(macs),
            session::Output::Opened { path, kind, body } => self.opened(now, path, kind, &body),
            session::Output::Rejected(reason) => self.reject(reason.name()),
            session::Output::Foreign { group, unit } => {
                self.event(Event::ForeignPair { group, unit });
            }
        }
    }

    fn opened(&mut self, now: Instant, path: PathId, kind: Kind, body: &[u8]) {
        match kind {
            Kind::Roles => self.ft.handle_input(now, ft::Input::Beat { path, body }),
            Kind::Replication => {
                self.received.count(REPLICATION);
                self.replica.handle_input(now, replica::Input::Message(body));
            }
            // The session keeps these to itself.
            Kind::Hello | Kind::Greeting => {}
        }
    }

    pub(super) fn on_ft(&mut self, output: ft::Output) {
        match output {
            ft::Output::Send { purpose, body } => self.send_beat(purpose, &body),
            ft::Output::Gate { role, epoch, lease_until, alone } => {
                self.outputs.push_back(Output::Gate { role, epoch, lease_until, alone });
            }
            ft::Output::Announce => self.outputs.push_back(Output::Announce),
            ft::Output::AskGateways => self.outputs.push_back(Output::AskGateways),
            ft::Output::PersistEpoch(epoch) => {
                self.outputs.push_back(Output::PersistEpoch(epoch));
            }
            ft::Output::Decision(decision) => self.outputs.push_back(Output::Decision(decision)),
            ft::Output::Event(event) => self.event(event),
            ft::Output::Malformed(ft::Malformed) => {
                self.reject(session::Rejected::Malformed.name());
            }
        }
    }

    pub(super) fn on_replica(&mut self, output: replica::Output) {
        match output {
            replica::Output::Send(message) => self.send_replication(message),
            replica::Output::Table(job) => self.outputs.push_back(Output::Table(job)),
            replica::Output::InStep(in_step) => self.event(Event::InStep(in_step)),
            replica::Output::Event(replica::Event::Rejected(reason)) => self.reject(reason.name()),
            replica::Output::Event(replica::Event::Diverged { connections }) => {
                self.event(Event::Diverged { connections });
            }
            replica::Output::Event(replica::Event::Repaired { connections }) => {
                self.event(Event::Repaired { connections });
            }
            // Visible as its consequences: not in step, a new dump, and a number in the status.
            replica::Output::Event(replica::Event::Overflow { .. }) => {}
        }
    }

    fn send_beat(&mut self, purpose: ft::Purpose, body: &[u8]) {
        let paths: Vec<_> = self.paths().collect();
        let mut sent = false;
        for path in paths {
            let Some(to) = self.destination(path) else { continue };
            let Some(bytes) = self.session.seal(Kind::Roles, body.to_vec()) else { return };
            let lane = Lane::Heartbeat;
            self.outputs.push_back(Output::Transmit(Transmit { path, lane, to, bytes }));
            sent = true;
        }
        if sent {
            self.sent.count(purpose.name());
        }
    }

    /// The fault-tolerant VLAN is found by multicast; on the others only the peer is spoken to.
    fn destination(&self, path: PathId) -> Option<Destination> {
        if path == self.ft_path() {
            return Some(Destination::Multicast);
        }
        self.macs.get(&path).map(|mac| Destination::Peer(mac.link_local()))
    }

    fn send_replication(&mut self, message: Vec<u8>) {
        let path = self.ft_path();
        let Some(bytes) = self.session.seal(Kind::Replication, message) else { return };
        let peer = self.macs.get(&path).map(|mac| Destination::Peer(mac.link_local()));
        let (to, lane) = (peer.unwrap_or(Destination::Multicast), Lane::Replication);
        self.sent.count(REPLICATION);
        self.outputs.push_back(Output::Transmit(Transmit { path, lane, to, bytes }));
    }

    /// Takes the peer's MACs; the kernel is told of those on paths that are configured here.
    pub(super) fn learn_macs(&mut self, macs: Vec<(PathId, Mac)>) {
        let paths: Vec<_> = self.paths().collect();
        for (path, mac) in macs {
            let usable = is_unicast(mac) && paths.contains(&path);
            if usable && self.macs.insert(path, mac) != Some(mac) {
                self.outputs.push_back(Output::Neighbour { path, mac });
            }
        }
    }

    fn warn_unauthenticated(&mut self) {
        if self.config.key.is_none() && !self.carried.unauthenticated {
            self.carried.unauthenticated = true;
            self.event(Event::Unauthenticated);
        }
    }

    fn reject(&mut self, name: &'static str) {
        self.rejected.count(name);
        // A network that loops this box's own frames back does so all the time.
        if name != session::Rejected::OwnFrame.name() {
            self.event(Event::Rejected { reason: name.into() });
        }
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}

fn is_unicast(mac: Mac) -> bool {
    let [first, ..] = mac.0;
    first & 1 == 0 && mac != Mac::default()
}
