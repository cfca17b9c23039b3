//! A session that stands goes over to another key.
//!
//! Whoever was given another key says hello. The two make a candidate as at first contact, of new offers
//! and the key that both take, and remember that it continues what stands: nothing but the key
//! changes when it is proved. What was on its way meanwhile was sealed before and is opened for a
//! while yet, so not a frame is lost. A box whose keys do not fit is told of once it has tried for a while.

use alloc::vec::Vec;
use core::time::Duration;

use hitless_model::{Instant, UnitId};

use super::config::Config;
use super::error::Rejected;
use super::frame::Header;
use super::keyring::{Held, KeyId, KeyInUse, KeyTrouble};
use super::link::Link;
use super::machine::Session;
use super::output::Output;

/// Frames under the former key are opened for so long.
const LINGERS: Duration = Duration::from_secs(1);
/// A box whose keys do not fit has tried for so long before that is told: two that find each other after
/// one of them has said hello with a key that the other one does not have yet are in no trouble.
const PERSISTS: Duration = Duration::from_secs(1);
/// It tries once a second at least; one that was not heard for so long begins anew.
const TRIES_EVERY: Duration = Duration::from_millis(1_500);
/// Boxes whose keys do not fit that are remembered: whoever makes up senders must not fill the log.
const MAX_MISFITS: usize = 16;

/// The session of before, under its key.
#[derive(Debug)]
pub(super) struct Former {
    link: Link,
    until: Instant,
}

/// A box whose keys do not fit.
#[derive(Debug)]
pub(super) struct Misfit {
    unit: UnitId,
    since: Instant,
    heard_at: Instant,
    is_told: bool,
}

impl Misfit {
    /// It tries again; whether that is to be told now.
    fn has_tried(&mut self, now: Instant) -> bool {
        if now > self.heard_at + TRIES_EVERY {
            self.since = now;
        }
        self.heard_at = now;
        let is_news = !self.is_told && now >= self.since + PERSISTS;
        self.is_told |= is_news;
        is_news
    }
}

impl Session {
    /// Takes a configuration; changed keys count at once.
    pub(super) fn configure(&mut self, now: Instant, config: &Config) {
        let Config { pair, unit, seed, .. } = self.config;
        let next = Config { pair, unit, seed, ..config.clone() };
        let is_rekeyed =
            (&self.config.key, &self.config.accepted_key) != (&next.key, &next.accepted_key);
        self.config = next;
        if is_rekeyed {
            // They were made with what is not so any more.
            self.candidates.clear();
            self.misfits.clear();
            self.hello_due = now;
        }
    }

    /// Whether a session stands and this box would rather have it under its own key.
    pub(super) fn wants_own_key(&self) -> bool {
        self.current_key().is_some_and(|key| key != self.config.own_key().id)
    }

    /// Whether the session that stands with `unit` has to go over to this key.
    pub(super) fn has_to_go_over(&self, unit: UnitId, key: KeyId) -> bool {
        let current = self.current.as_ref().map(|current| &current.link);
        current.is_some_and(|link| link.peer.unit == unit && link.key != key)
    }

    /// The key of the session that stands.
    pub(super) fn current_key(&self) -> Option<KeyId> {
        self.current.as_ref().map(|current| current.link.key)
    }

    /// What the key of the session that stands is to this box.
    pub fn key_in_use(&self) -> Option<KeyInUse> {
        self.current_key().map(|key| self.config.use_of(key))
    }

    /// The keys that open first contact: this box's, and that of the session that stands, which the peer has.
    pub(super) fn open_keys(&self) -> impl Iterator<Item = Held<'_>> {
        let current = self.current.as_ref().map(|current| current.link.held());
        let also = current.filter(|held| self.config.find_key(held.id).is_none());
        self.config.held().chain(also)
    }

    /// Says hello: with the key of the session that stands, which the peer surely has; without one, with
    /// each key that the peer may have.
    pub(super) fn seek(&mut self) {
        let keys: Vec<KeyId> = match self.current_key() {
            Some(key) => [key].into(),
            None => self.config.held().map(|held| held.id).collect(),
        };
        for key in keys {
            self.say_hello(None, key);
        }
    }

    /// What is told of this box's keys in a hello that is sealed with one: nothing if that is all.
    pub(super) fn told_keys(&self, sealed_with: KeyId) -> Vec<KeyId> {
        let all: Vec<KeyId> = self.config.held().map(|held| held.id).collect();
        if all == [sealed_with] { Vec::new() } else { all }
    }

    /// The session of before goes on being opened for a while.
    pub(super) fn linger(&mut self, now: Instant, link: Link) {
        self.former = Some(Former { link, until: now + LINGERS });
    }

    /// Opens a frame of the session of before; none if it is not of that.
    pub(super) fn open_former(
        &mut self,
        now: Instant,
        header: &Header,
        bytes: &[u8],
    ) -> Option<Result<Vec<u8>, Rejected>> {
        let former = self.former.as_mut()?;
        let is_of_it = now < former.until && former.link.claims(header);
        is_of_it.then(|| former.link.open(header, bytes))
    }

    /// A box tried to make contact, and was rejected for its keys. While a session stands it would hear
    /// nothing of that: it gets a hello, and finds the same.
    pub(super) fn note_misfit(&mut self, now: Instant, unit: UnitId, rejected: Rejected) {
        let Some(trouble) = KeyTrouble::of(rejected) else { return };
        if self.misfits.iter_mut().any(|misfit| misfit.unit == unit && misfit.has_tried(now)) {
            self.outputs.push_back(Output::KeyDiffers { unit, trouble });
        }
        let is_new = self.misfits.iter().all(|misfit| misfit.unit != unit);
        if is_new && self.misfits.len() < MAX_MISFITS {
            self.misfits.push(Misfit { unit, since: now, heard_at: now, is_told: false });
        }
        if self.current.is_some() && now >= self.misfit_after {
            self.misfit_after = now + PERSISTS;
            self.seek();
        }
    }

    /// The two have come to terms.
    pub(super) fn forget_misfit(&mut self, unit: UnitId) {
        self.misfits.retain(|misfit| misfit.unit != unit);
    }
}
