//! First contact and its upkeep: hellos, greetings, and who is let in.

use alloc::vec::Vec;
use core::time::Duration;

use hitless_model::{Instant, UnitId};

use super::error::Rejected;
use super::frame::{HEADER, HELLO_VERSION, Header, Kind, Sealing, TAG, VERSIONS};
use super::hello::{Greeting, Hello};
use super::keys::{self, Life, Nonce, Party};
use super::link::{Cipher, Link};
use super::machine::{MAX_CANDIDATES, Session, sealed_header};
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
        let sender = Life { unit: header.sender, nonce };
        let hello = Hello::parse(&self.open_hello(header, &sender, bytes)?)?;
        let version = common_version(hello.versions).ok_or(Rejected::WrongVersion)?;
        self.admit(now, header.sender)?;
        self.counters.received += 1;
        self.heed_hello(now, header.sender, &hello, version);
        Ok(())
    }

    /// Nothing to do when both hold one session. Otherwise one of them does not, and they make a
    /// new one: out of two offers, each of which the other one has to have heard.
    fn heed_hello(&mut self, now: Instant, unit: UnitId, hello: &Hello, version: u8) {
        if hello.session.is_some() && hello.session == self.current_name() {
            return;
        }
        let peer = Party { unit, offer: hello.offer };
        let waiting = self.links().find(|link| {
            // It holds what is a candidate here; or it waits for proof of what stands here.
            hello.session == Some(link.name)
                || (link.peer == peer && hello.heard == Some(link.own.offer))
        });
        if let Some(name) = waiting.map(|link| link.name) {
            self.sight();
            return self.prove(now, name);
        }
        let name = self.add_candidate(peer, hello, version);
        if hello.heard == Some(self.offer) {
            self.sight();
            self.prove(now, name);
        } else {
            self.answer_hello(now, Some(hello.offer));
        }
    }

    /// The peer knows an offer of this life.
    fn sight(&mut self) {
        if self.current.is_none() {
            self.outputs.push_back(Output::Sighted);
        }
    }

    /// The candidate out of this box's present offer and the peer's; its name.
    fn add_candidate(&mut self, peer: Party, hello: &Hello, version: u8) -> u64 {
        let own = Party { unit: self.config.unit, offer: self.offer };
        if let Some(link) = self.candidates.iter().find(|l| l.peer == peer && l.own == own) {
            return link.name;
        }
        let (key, pair) = (self.config.key.as_ref(), self.config.pair);
        let mut link = Link::new(key, pair, [&own, &peer], version);
        link.software.clone_from(&hello.software);
        let name = link.name;
        if self.candidates.len() == MAX_CANDIDATES {
            self.candidates.pop_front();
        }
        self.candidates.push_back(link);
        name
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

    /// Lets no third box in while the peer is alive.
    pub(super) fn admit(&self, now: Instant, unit: UnitId) -> Result<(), Rejected> {
        let third = self.current.as_ref().is_some_and(|current| {
            current.link.peer.unit != unit && now < current.heard_at + self.config.peer_timeout
        });
        if third { Err(Rejected::ThirdUnit) } else { Ok(()) }
    }

    /// The peer knows our offer: a frame sealed by the session proves to it that we are alive.
    fn prove(&mut self, now: Instant, name: u64) {
        if now < self.prove_after {
            return;
        }
        self.prove_after = now + ANSWER_GAP;
        let stands = self.current_name() == Some(name);
        self.greet(name, if stands { Asks::No } else { Asks::Yes });
    }

    pub(super) fn answer_hello(&mut self, now: Instant, heard: Option<Nonce>) {
        if now < self.answer_after {
            return;
        }
        self.answer_after = now + ANSWER_GAP;
        self.say_hello(heard);
    }

    pub(super) fn say_hello(&mut self, heard: Option<Nonce>) {
        let counter = self.take_counter();
        let software = self.config.software.clone();
        let (offer, session) = (self.offer, self.current_name());
        let body = Hello { versions: VERSIONS, offer, heard, session, software }.write();
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

    /// Greets under the session of that name.
    pub(super) fn greet(&mut self, name: u64, asks: Asks) {
        let counter = self.take_counter();
        let Some(link) = self.links().find(|link| link.name == name) else { return };
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
        if let Some(name) = self.current_name().filter(|_| greeting.asks) {
            self.greet(name, Asks::No);
        }
        Ok(())
    }

    pub(super) fn search_every(&self) -> Duration {
        self.config.heartbeat.clamp(SEARCH_EVERY.0, SEARCH_EVERY.1)
    }
}

pub(super) fn life_nonce_of(frame: &[u8]) -> Option<Nonce> {
    let nonce = frame.get(HEADER..HELLO_OPEN)?;
    nonce.try_into().ok().map(Nonce)
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
