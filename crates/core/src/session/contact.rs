//! First contact and its upkeep: hellos, greetings, and who is let in.

use alloc::vec::Vec;
use core::time::Duration;

use hitless_model::{Instant, UnitId};

use super::error::Rejected;
use super::frame::{HEADER, HELLO_VERSION, Header, Kind, Sealing, TAG, VERSIONS};
use super::hello::{Greeting, Hello};
use super::keyring::{Held, KeyId};
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
        let heard = self.hear_hello(header, &sender, bytes);
        if let Err(rejected) = &heard {
            self.note_misfit(now, header.sender, *rejected);
        }
        let (key, hello) = heard?;
        let version = common_version(hello.versions).ok_or(Rejected::WrongVersion)?;
        self.admit(now, header.sender)?;
        self.counters.received += 1;
        self.heed_hello((now, header.sender), key, &hello, version);
        Ok(())
    }

    /// What a hello says, and the key that a session with its sender is to have.
    fn hear_hello(
        &self,
        header: &Header,
        sender: &Life,
        bytes: &[u8],
    ) -> Result<(KeyId, Hello), Rejected> {
        let (sealed_with, body) = self.open_hello(header, sender, bytes)?;
        let hello = Hello::parse(&body)?;
        let alone = [sealed_with];
        let theirs = if hello.keys.is_empty() { alone.as_slice() } else { hello.keys.as_slice() };
        let common = self.config.common_key(sender.unit, theirs);
        let Held { id, .. } = common.ok_or_else(|| self.config.misfit(theirs))?;
        Ok((id, hello))
    }

    /// Nothing to do when both hold one session, and under the right key. Otherwise they make a
    /// new one: out of two offers, each of which the other one has to have heard.
    fn heed_hello(
        &mut self,
        (now, unit): (Instant, UnitId),
        key: KeyId,
        hello: &Hello,
        version: u8,
    ) {
        let current = self.current_name();
        let holds_the_same = hello.session.is_some() && hello.session == current;
        let goes_over = holds_the_same && self.has_to_go_over(unit, key);
        if holds_the_same && !goes_over {
            return;
        }
        let peer = Party { unit, offer: hello.offer };
        let waiting = self.links().find(|link| {
            // It holds what is a candidate here; or it waits for proof of what stands here.
            let is_meant = hello.session == Some(link.name)
                || (link.peer == peer && hello.heard == Some(link.own.offer));
            is_meant && !(goes_over && Some(link.name) == current)
        });
        if let Some(name) = waiting.map(|link| link.name) {
            self.sight();
            return self.prove(now, name);
        }
        let continues = current.filter(|_| goes_over);
        let Some(name) = self.add_candidate((peer, key), hello, (version, continues)) else {
            return;
        };
        if hello.heard == Some(self.offer) {
            self.sight();
            self.prove(now, name);
        } else {
            self.answer_hello(now, hello.offer, key);
        }
    }

    /// The peer knows an offer of this life.
    fn sight(&mut self) {
        if self.current.is_none() {
            self.outputs.push_back(Output::Sighted);
        }
    }

    /// The candidate out of this box's present offer and the peer's; its name.
    fn add_candidate(
        &mut self,
        (peer, key): (Party, KeyId),
        hello: &Hello,
        (version, continues): (u8, Option<u64>),
    ) -> Option<u64> {
        let own = Party { unit: self.config.unit, offer: self.offer };
        let is_there = |link: &&Link| link.peer == peer && link.own == own && link.key == key;
        if let Some(link) = self.candidates.iter().find(is_there) {
            return Some(link.name);
        }
        let key = self.config.find_key(key)?;
        let mut link = Link::new(&key, self.config.pair, [&own, &peer], version);
        link.software.clone_from(&hello.software);
        link.continues = continues;
        let name = link.name;
        if self.candidates.len() == MAX_CANDIDATES {
            self.candidates.pop_front();
        }
        self.candidates.push_back(link);
        Some(name)
    }

    /// The body of a hello, and the key that opened it.
    fn open_hello(
        &self,
        header: &Header,
        peer: &Life,
        bytes: &[u8],
    ) -> Result<(KeyId, Vec<u8>), Rejected> {
        match header.sealing {
            Sealing::Clear => {
                let clear = self.open_keys().find(|held| held.secret.is_none());
                let Held { id, .. } = clear.ok_or(Rejected::KeyMissing)?;
                Ok((id, open_clear(bytes)?))
            }
            Sealing::KeyString => {
                let mut why = Rejected::KeyUnexpected;
                for Held { id, secret } in self.open_keys() {
                    let Some(secret) = secret else { continue };
                    let key = keys::hello_key(secret, self.config.pair, peer);
                    match Cipher::new(&key).open(header.counter, bytes, HELLO_OPEN) {
                        Ok(body) => return Ok((id, body)),
                        Err(_) => why = Rejected::WrongKey,
                    }
                }
                Err(why)
            }
            Sealing::Session => Err(Rejected::UnknownKind),
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

    pub(super) fn ask_who_is_there(&mut self, now: Instant) {
        if now >= self.answer_after {
            self.answer_after = now + ANSWER_GAP;
            self.seek();
        }
    }

    fn answer_hello(&mut self, now: Instant, heard: Nonce, key: KeyId) {
        if now < self.answer_after {
            return;
        }
        self.answer_after = now + ANSWER_GAP;
        self.say_hello(Some(heard), key);
    }

    pub(super) fn say_hello(&mut self, heard: Option<Nonce>, key: KeyId) {
        let counter = self.take_counter();
        let software = self.config.software.clone();
        let (offer, session, keys) = (self.offer, self.current_name(), self.told_keys(key));
        let body = Hello { versions: VERSIONS, offer, heard, session, keys, software }.write();
        let Some(frame) = self.hello_frame(counter, key, body) else { return };
        self.counters.sent += 1;
        self.outputs.push_back(Output::Send(frame));
    }

    fn hello_frame(&self, counter: u64, key: KeyId, body: Vec<u8>) -> Option<Vec<u8>> {
        let Held { secret, .. } = self.open_keys().find(|held| held.id == key)?;
        let sealing = if secret.is_some() { Sealing::KeyString } else { Sealing::Clear };
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
        if let Some(key) = secret {
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
