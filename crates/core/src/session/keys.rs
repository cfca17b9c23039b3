//! Derivation of nonces, keys and names: one hash, told apart by labels.

use blake2::{Blake2s256, Digest};
use hitless_model::UnitId;

use super::config::Pair;
use super::keyring::KeyId;
use crate::node::Secret;

/// Random octets that only their box can have made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Nonce(pub(super) [u8; 32]);

impl core::fmt::Debug for Nonce {
    /// Without a `key-string` session keys come out of nonces: they are never printed.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Nonce(…)")
    }
}

/// A key of the cipher.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key(pub(super) [u8; 32]);

impl core::fmt::Debug for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// One box in one of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) unit: UnitId,
    pub(super) nonce: Nonce,
}

/// One box with what it offers for the next session. A box makes a new offer whenever a session
/// begins: what was recorded of an earlier one never opens again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Party {
    pub(super) unit: UnitId,
    pub(super) offer: Nonce,
}

/// A hash over length-prefixed parts, so that no two lists of parts are the same octets.
struct Parts(Blake2s256);

impl Parts {
    fn new(label: &[u8]) -> Self {
        Self(Blake2s256::new()).part(b"hitless 1").part(label)
    }

    fn part(mut self, bytes: &[u8]) -> Self {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.0.update(length.to_be_bytes());
        self.0.update(bytes);
        self
    }

    fn pair(self, pair: Pair) -> Self {
        self.part(&[pair.group.get()]).part(&pair.ft_vlan.get().to_be_bytes())
    }

    fn named(self, unit: UnitId, nonce: &Nonce) -> Self {
        self.part(&unit.0.to_be_bytes()).part(&nonce.0)
    }

    fn secret(self, secret: Option<&Secret>) -> Self {
        match secret {
            Some(secret) => self.part(b"key-string").part(secret.expose()),
            None => self.part(b"no key-string"),
        }
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// The nonce of the life that was given this seed.
pub(super) fn life_nonce(seed: &[u8; 32]) -> Nonce {
    Nonce(Parts::new(b"life nonce").part(seed).finish())
}

/// An offer of the life that was given this seed.
pub(super) fn offer(seed: &[u8; 32], index: u64) -> Nonce {
    Nonce(Parts::new(b"offer").part(seed).part(&index.to_be_bytes()).finish())
}

/// The key that a box seals its hellos with.
pub(super) fn hello_key(secret: &Secret, pair: Pair, sender: &Life) -> Key {
    Key(Parts::new(b"hello")
        .secret(Some(secret))
        .pair(pair)
        .named(sender.unit, &sender.nonce)
        .finish())
}

/// The secret of a session, the same on both boxes.
pub(super) fn session_root(secret: Option<&Secret>, pair: Pair, parties: [&Party; 2]) -> Key {
    let [a, b] = parties;
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    let parts = Parts::new(b"session").secret(secret).pair(pair);
    let parts = parts.named(first.unit, &first.offer).named(second.unit, &second.offer);
    Key(parts.finish())
}

/// The key that one box of a session seals with: two boxes never use one nonce under one key.
pub(super) fn sender_key(root: &Key, sender: UnitId) -> Key {
    Key(Parts::new(b"sender").part(&root.0).part(&sender.0.to_be_bytes()).finish())
}

/// What two boxes compare to find a key that both have: it tells the key to nobody who cannot guess it.
pub(super) fn key_id(secret: Option<&Secret>, pair: Pair) -> KeyId {
    let hash = Parts::new(b"key id").secret(secret).pair(pair).finish();
    KeyId(hash.first_chunk().copied().map_or(0, u64::from_be_bytes))
}

/// The public name of a session.
pub(super) fn session_name(root: &Key) -> u64 {
    let hash = Parts::new(b"name").part(&root.0).finish();
    hash.first_chunk().copied().map_or(0, u64::from_be_bytes)
}

/// The checksum of a frame in clear.
pub(super) fn checksum(bytes: &[u8]) -> [u8; 16] {
    let hash = Parts::new(b"checksum").part(bytes).finish();
    hash.first_chunk().copied().unwrap_or_default()
}
