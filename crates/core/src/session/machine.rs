//! The session machine: finds the peer, keeps one session with it, seals and opens.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use hitless_model::{Instant, UnitId};

use super::config::Config;
use super::contact::{Asks, life_nonce_of};
use super::error::Rejected;
use super::frame::{Envelope, Header, Kind, Sealing, VERSIONS};
use super::input::Input;
use super::keys::{self, Life, Nonce};
use super::link::Link;
use super::output::{Counters, Output, Timer};
use super::rekey::{Former, Misfit};
use crate::machine::{Clock, Deadline, Machine};
use crate::node::PathId;

/// Sessions that wait for proof. More than one, so that a replayed hello does not push out the
/// peer's own one in the round trip between it and the proof.
pub(super) const MAX_CANDIDATES: usize = 4;
/// Strangers on the fault-tolerant VLAN that are told of, each once. Further ones are only counted:
/// whoever makes up senders must not fill the log.
const MAX_STRANGERS: usize = 16;
/// Time between greetings once a session stands.
const GREETING_EVERY: Duration = Duration::from_secs(1);
/// Finds the peer, keeps one session with it, seals and opens frames.
#[derive(Debug)]
pub struct Session {
    pub(super) clock: Clock,
    pub(super) config: Config,
    pub(super) own: Life,
    /// What this box offers for the next session, and how many offers it made before.
    pub(super) offer: Nonce,
    pub(super) offers: u64,
    /// Number of the next frame; counts through all kinds and paths.
    pub(super) counter: u64,
    pub(super) current: Option<Current>,
    pub(super) candidates: VecDeque<Link>,
    /// What stood before the key was changed under way.
    pub(super) former: Option<Former>,
    /// Boxes whose keys do not fit.
    pub(super) misfits: Vec<Misfit>,
    /// When one of them may be answered again.
    pub(super) misfit_after: Instant,
    pub(super) strangers: Vec<(u8, u16, UnitId)>,
    pub(super) hello_due: Instant,
    /// When a hello may be answered again.
    pub(super) answer_after: Instant,
    /// When proof may be given again.
    pub(super) prove_after: Instant,
    pub(super) counters: Counters,
    pub(super) outputs: VecDeque<Output>,
}

/// The session that stands.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) link: Link,
    pub(super) heard_at: Instant,
}

impl Session {
    /// A session machine that starts looking for its peer at `now`.
    pub fn new(now: Instant, config: Config) -> Self {
        let own = Life { unit: config.unit, nonce: keys::life_nonce(&config.seed) };
        Self {
            clock: Clock::new(now),
            own,
            offer: keys::offer(&config.seed, 0),
            offers: 0,
            config,
            counter: 0,
            current: None,
            candidates: VecDeque::new(),
            former: None,
            misfits: Vec::new(),
            misfit_after: now,
            strangers: Vec::new(),
            hello_due: now,
            answer_after: now,
            prove_after: now,
            counters: Counters::default(),
            outputs: VecDeque::new(),
        }
    }

    /// A frame with `body` under the current session; `None` while there is none.
    pub fn seal(&mut self, kind: Kind, body: Vec<u8>) -> Option<Vec<u8>> {
        debug_assert!(body.len() <= super::MAX_BODY, "body longer than a frame takes");
        let counter = self.take_counter();
        let link = &self.current.as_ref()?.link;
        link.seal(&sealed_header(&self.config, link, kind, counter), body)
    }

    /// Name of the session that stands.
    pub(super) fn current_name(&self) -> Option<u64> {
        self.current.as_ref().map(|current| current.link.name)
    }

    /// Whether a session stands.
    pub fn is_established(&self) -> bool {
        self.current.is_some()
    }

    /// What was counted.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    pub(super) fn take_counter(&mut self) -> u64 {
        let counter = self.counter;
        self.counter = self.counter.saturating_add(1);
        counter
    }

    fn receive(&mut self, now: Instant, path: PathId, bytes: &[u8]) -> Result<(), Rejected> {
        let envelope = Envelope::parse(bytes)?;
        if !(VERSIONS.0..=VERSIONS.1).contains(&envelope.version) {
            return Err(Rejected::WrongVersion);
        }
        if !envelope.is_of(self.config.pair) {
            self.note_stranger(path, &envelope);
            return Err(Rejected::ForeignPair);
        }
        let header = envelope.header(self.config.pair)?;
        if header.sender == self.config.unit {
            return Err(self.own_frame(&header, bytes));
        }
        match (header.sealing, header.kind) {
            (Sealing::Clear | Sealing::KeyString, Kind::Hello) => {
                self.receive_hello(now, path, &header, bytes)
            }
            (Sealing::Session, Kind::Greeting | Kind::Roles | Kind::Replication) => {
                self.receive_sealed(now, path, &header, bytes)
            }
            (Sealing::Session, Kind::Hello) => Err(Rejected::UnknownKind),
            (
                Sealing::Clear | Sealing::KeyString,
                Kind::Greeting | Kind::Roles | Kind::Replication,
            ) => Err(Rejected::Unsealed),
        }
    }

    /// A frame under this box's own name is a loop in the network, unless it tells another nonce.
    fn own_frame(&self, header: &Header, bytes: &[u8]) -> Rejected {
        let tells_another = header.kind == Kind::Hello
            && life_nonce_of(bytes).is_some_and(|nonce| nonce != self.own.nonce);
        if tells_another { Rejected::DuplicateUnit } else { Rejected::OwnFrame }
    }

    fn note_stranger(&mut self, path: PathId, envelope: &Envelope) {
        let stranger = (envelope.group, envelope.ft_vlan, envelope.sender);
        let is_told = self.strangers.len() == MAX_STRANGERS || self.strangers.contains(&stranger);
        if is_told || !self.is_ft(path) {
            return;
        }
        self.strangers.push(stranger);
        self.outputs.push_back(Output::Foreign { group: envelope.group, unit: envelope.sender });
    }

    pub(super) fn is_ft(&self, path: PathId) -> bool {
        path.0 == self.config.pair.ft_vlan
    }

    fn receive_sealed(
        &mut self,
        now: Instant,
        path: PathId,
        header: &Header,
        bytes: &[u8],
    ) -> Result<(), Rejected> {
        let opened = match self.current.as_mut().filter(|current| current.link.claims(header)) {
            Some(current) => current.link.open(header, bytes)?,
            None => match self.open_former(now, header, bytes) {
                Some(opened) => opened?,
                None => self.open_candidate(now, path, header, bytes)?,
            },
        };
        if let Some(current) = &mut self.current {
            current.heard_at = now;
        }
        if header.kind == Kind::Greeting {
            return self.receive_greeting(&opened);
        }
        self.outputs.push_back(Output::Opened { path, kind: header.kind, body: opened });
        Ok(())
    }

    /// A valid frame under a candidate makes it the current session.
    fn open_candidate(
        &mut self,
        now: Instant,
        path: PathId,
        header: &Header,
        bytes: &[u8],
    ) -> Result<Vec<u8>, Rejected> {
        let Some(index) = self.candidates.iter().position(|link| link.claims(header)) else {
            if self.is_ft(path) {
                // One of the two has forgotten the session: a hello finds out who.
                self.ask_who_is_there(now);
            }
            return Err(Rejected::UnknownSession);
        };
        let link = self.candidates.get_mut(index).ok_or(Rejected::UnknownSession)?;
        let opened = link.open(header, bytes)?;
        self.admit(now, header.sender)?;
        if let Some(link) = self.candidates.remove(index) {
            self.promote(now, link);
        }
        Ok(opened)
    }

    /// A session begins. Candidates were made with the offer that it used up.
    fn promote(&mut self, now: Instant, link: Link) {
        let (name, unit) = (link.name, link.peer.unit);
        let goes_on = link.continues.is_some() && link.continues == self.current_name();
        self.outputs.push_back(if goes_on {
            Output::Rekeyed { unit, key: self.config.use_of(link.key) }
        } else {
            Output::Established { id: name, unit, software: link.software.clone() }
        });
        self.offers += 1;
        self.offer = keys::offer(&self.config.seed, self.offers);
        self.candidates.clear();
        self.forget_misfit(unit);
        self.former = None;
        if let Some(before) =
            self.current.replace(Current { link, heard_at: now }).filter(|_| goes_on)
        {
            self.linger(now, before.link);
        }
        self.hello_due = now + GREETING_EVERY;
        self.greet(name, Asks::Yes);
    }

    /// The session that stands, or one that waits for proof.
    pub(super) fn links(&self) -> impl Iterator<Item = &Link> {
        self.current.as_ref().map(|current| &current.link).into_iter().chain(&self.candidates)
    }
}

pub(super) fn sealed_header(config: &Config, link: &Link, kind: Kind, counter: u64) -> Header {
    Header {
        version: link.version,
        sealing: Sealing::Session,
        kind,
        pair: config.pair,
        sender: config.unit,
        hint: link.hint(),
        counter,
    }
}

impl Machine for Session {
    type Input<'a> = Input<'a>;
    type Output = Output;
    type Timer = Timer;

    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        let now = self.clock.advance(now);
        match input {
            Input::Datagram { path, bytes } => {
                if let Err(rejected) = self.receive(now, path, bytes) {
                    self.outputs.push_back(Output::Rejected(rejected));
                }
            }
            Input::Configure(config) => self.configure(now, config),
        }
    }

    fn handle_deadline(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        if now < self.hello_due {
            return;
        }
        if let Some(name) = self.current_name() {
            self.hello_due = now + GREETING_EVERY;
            self.greet(name, Asks::No);
            if self.wants_own_key() {
                self.seek();
            }
        } else {
            self.hello_due = now + self.search_every();
            self.seek();
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn next_deadline(&self) -> Option<Deadline<Timer>> {
        Some(Deadline { at: self.hello_due, why: Timer::Hello })
    }
}
