//! First contact and its upkeep: hellos, greetings, and who is let in.

use alloc::vec::Vec;
use core::time::Duration;

use hitless_model::Instant;

use super::error::Rejected;
use super::frame::{HEADER, HELLO_VERSION, Header, Kind, Sealing, TAG, VERSIONS};
use super::hello::{Greeting, Hello};
use super::keys::{self, Life, LifeNonce};
use super::link::{Cipher, Link};
use super::machine::{Session, sealed_header};
use super::output::Output;
use crate::node::PathId;

/// Shortest and longest time between hellos while there is no session.
const SEARCH_EVERY: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));
/// Shortest time between answers to hellos: a flood of them is answered at this pace.
const ANSWER_GAP: Duration = Duration::from_millis(2);
/// Octets in front of a hello's body: the header, then the sender's life nonce.
const HELLO_OPEN: usize = HEADER + 32;

/// Whether a greeting asks for one in return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    Yes,
    No,
}

impl Session {
    pub(super) fn receive_hello(
        &mut self,
        now: Instant,
        path: PathId,
        header: &Header,
        bytes: &[u8],
    ) -> Result<(), Rejected> {
        if !self.is_ft(path) {
            return Err(Rejected::Unsealed);
        }
        let nonce = life_nonce_of(bytes).ok_or(Rejected::Damaged)?;
        let peer = Life { unit: header.sender, nonce };
        let hello = Hello::parse(&self.open_hello(header, &peer, bytes)?)?;
        let version = common_version(hello.versions).ok_or(Rejected::WrongVersion)?;
        self.admit(now, &peer)?;
        self.counters.received += 1;
        self.ensure_link(&peer, &hello, version);
        if hello.heard == Some(self.own.nonce) {
            if self.current.is_none() {
                self.outputs.push_back(Output::Sighted);
            }
            self.prove(now, &peer);
        } else {
            self.answer_hello(now, Some(nonce));
        }
        Ok(())
    }

    fn open_hello(&self, header: &Header, peer: &Life, bytes: &[u8]) -> Result<Vec<u8>, Rejected> {
        match (header.sealing, &self.config.key) {
            (Sealing::KeyString, Some(key)) => {
                let key = keys::hello_key(key, self.config.pair, peer);
                Cipher::new(&key).open(header.counter, bytes, HELLO_OPEN)
            }
            (Sealing::Clear, None) => open_clear(bytes),
            (Sealing::Clear, Some(_)) => Err(Rejected::KeyMissing),
            (Sealing::KeyString, None) => Err(Rejected::KeyUnexpected),
            (Sealing::Session, _) => Err(Rejected::UnknownKind),
        }
    }

    /// Lets nobody in whose session ended in this life, nor a third box while the peer is alive.
    pub(super) fn admit(&self, now: Instant, peer: &Life) -> Result<(), Rejected> {
        if self.retired.contains(peer) {
            return Err(Rejected::Replayed);
        }
        let third = self.current.as_ref().is_some_and(|current| {
            current.link.peer.unit != peer.unit && now < current.heard_at + self.config.peer_timeout
        });
        if third { Err(Rejected::ThirdUnit) } else { Ok(()) }
    }

    fn ensure_link(&mut self, peer: &Life, hello: &Hello, version: u8) {
        let known = self.current.as_ref().is_some_and(|current| current.link.peer == *peer)
            || self.candidates.iter().any(|link| link.peer == *peer);
        if known {
            return;
        }
        let lives = [&self.own, peer];
        let mut link = Link::new(self.config.key.as_ref(), self.config.pair, lives, version);
        link.software.clone_from(&hello.software);
        self.add_candidate(link);
    }

    /// The peer knows our nonce: a frame sealed by the session proves to it that we are alive.
    fn prove(&mut self, now: Instant, peer: &Life) {
        if now < self.prove_after {
            return;
        }
        self.prove_after = now + ANSWER_GAP;
        let confirmed = self.current.as_ref().is_some_and(|current| current.link.peer == *peer);
        let asks = if confirmed { Asks::No } else { Asks::Yes };
        self.greet(peer, asks);
    }

    pub(super) fn answer_hello(&mut self, now: Instant, heard: Option<LifeNonce>) {
        if now < self.answer_after {
            return;
        }
        self.answer_after = now + ANSWER_GAP;
        self.say_hello(heard);
    }

    pub(super) fn say_hello(&mut self, heard: Option<LifeNonce>) {
        let counter = self.take_counter();
        let software = self.config.software.clone();
        let body = Hello { versions: VERSIONS, heard, software }.write();
        let Some(frame) = self.hello_frame(counter, body) else { return };
        self.counters.sent += 1;
        self.outputs.push_back(Output::Send(frame));
    }

    fn hello_frame(&self, counter: u64, body: Vec<u8>) -> Option<Vec<u8>> {
        let sealing = if self.config.key.is_some() { Sealing::KeyString } else { Sealing::Clear };
        let header = Header {
            version: HELLO_VERSION,
            sealing,
            kind: Kind::Hello,
            pair: self.config.pair,
            sender: self.config.unit,
            hint: 0,
            counter,
        };
        let mut frame = header.write();
        frame.extend_from_slice(&self.own.nonce.0);
        if let Some(key) = &self.config.key {
            let key = keys::hello_key(key, self.config.pair, &self.own);
            return Cipher::new(&key).seal(counter, &frame, body);
        }
        frame.extend_from_slice(&body);
        frame.extend_from_slice(&keys::checksum(&frame));
        Some(frame)
    }

    pub(super) fn greet(&mut self, peer: &Life, asks: Asks) {
        let counter = self.take_counter();
        let current = self.current.as_ref().map(|current| &current.link);
        let mut links = current.into_iter().chain(&self.candidates);
        let Some(link) = links.find(|link| link.peer == *peer) else { return };
        let greeting = Greeting { asks: asks == Asks::Yes, macs: self.config.macs.clone() };
        let header = sealed_header(&self.config, link, Kind::Greeting, counter);
        let Some(frame) = link.seal(&header, greeting.write()) else { return };
        self.counters.sent += 1;
        self.outputs.push_back(Output::Send(frame));
    }

    pub(super) fn receive_greeting(&mut self, body: &[u8]) -> Result<(), Rejected> {
        let greeting = Greeting::parse(body)?;
        self.counters.received += 1;
        self.outputs.push_back(Output::Macs(greeting.macs));
        let peer = self.current.as_ref().map(|current| current.link.peer);
        if let Some(peer) = peer.filter(|_| greeting.asks) {
            self.greet(&peer, Asks::No);
        }
        Ok(())
    }

    pub(super) fn search_every(&self) -> Duration {
        self.config.heartbeat.clamp(SEARCH_EVERY.0, SEARCH_EVERY.1)
    }
}

pub(super) fn life_nonce_of(frame: &[u8]) -> Option<LifeNonce> {
    let nonce = frame.get(HEADER..HELLO_OPEN)?;
    nonce.try_into().ok().map(LifeNonce)
}

fn open_clear(frame: &[u8]) -> Result<Vec<u8>, Rejected> {
    let (content, sum) =
        frame.split_at_checked(frame.len().saturating_sub(TAG)).ok_or(Rejected::Damaged)?;
    if keys::checksum(content) != sum {
        return Err(Rejected::Damaged);
    }
    content.get(HELLO_OPEN..).map(<[u8]>::to_vec).ok_or(Rejected::Damaged)
}

/// The newest version that both speak.
fn common_version(theirs: (u8, u8)) -> Option<u8> {
    let newest = VERSIONS.1.min(theirs.1);
    (newest >= VERSIONS.0.max(theirs.0)).then_some(newest)
}
