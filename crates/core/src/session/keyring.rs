//! The keys that a box has: one that it seals first contact with, and while keys are changed a second
//! one that it opens too. No key is one of them, that of frames in clear.
//!
//! Two boxes with two keys each find the one that both take by their [`KeyId`]s, and both find the same.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::config::Config;
use super::error::Rejected;
use super::keys;
use crate::node::Secret;

/// What two boxes compare of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyId(pub(super) u64);

/// A key that this box has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held<'a> {
    pub(super) id: KeyId,
    /// None for frames in clear.
    pub(super) secret: Option<&'a Secret>,
}

/// The key of the session that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum KeyInUse {
    /// None: the fault-tolerant VLAN is trusted.
    Clear,
    /// This box's `key-string`.
    Own,
    /// The one that this box takes besides.
    Accepted,
    /// One that this box does not have any more.
    Former,
}

/// What the keys of two boxes differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyTrouble {
    /// The other one has a key that this box does not have.
    Other,
    /// The other one has none, and this box needs one.
    Missing,
    /// The other one has one, and this box has none.
    Unexpected,
}

impl KeyTrouble {
    /// What a frame was dropped for, if it was for its key.
    pub(super) fn of(rejected: Rejected) -> Option<Self> {
        match rejected {
            Rejected::WrongKey => Some(Self::Other),
            Rejected::KeyMissing => Some(Self::Missing),
            Rejected::KeyUnexpected => Some(Self::Unexpected),
            Rejected::Damaged
            | Rejected::WrongVersion
            | Rejected::ForeignPair
            | Rejected::OwnFrame
            | Rejected::DuplicateUnit
            | Rejected::ThirdUnit
            | Rejected::UnknownKind
            | Rejected::Unsealed
            | Rejected::Forged
            | Rejected::Replayed
            | Rejected::UnknownSession
            | Rejected::Malformed => None,
        }
    }
}

impl Config {
    /// The key that this box seals with.
    pub(super) fn own_key(&self) -> Held<'_> {
        self.hold(self.key.as_ref())
    }

    /// All keys that it opens, the one it seals with first.
    pub(super) fn held(&self) -> impl Iterator<Item = Held<'_>> {
        let also = self.accepted_key.as_ref().filter(|_| self.accepted_key != self.key);
        core::iter::once(self.own_key()).chain(also.map(|key| self.hold(Some(key))))
    }

    /// The one with this id, if it has that.
    pub(super) fn find_key(&self, id: KeyId) -> Option<Held<'_>> {
        self.held().find(|held| held.id == id)
    }

    /// The key that a session with `unit` is made with, which takes these.
    pub(super) fn common_key(
        &self,
        unit: hitless_model::UnitId,
        theirs: &[KeyId],
    ) -> Option<Held<'_>> {
        let ours: Vec<KeyId> = self.held().map(|held| held.id).collect();
        let (lower, higher) =
            if self.unit < unit { (ours.as_slice(), theirs) } else { (theirs, ours.as_slice()) };
        common(lower, higher).and_then(|id| self.find_key(id))
    }

    /// Why there is no such key.
    pub(super) fn misfit(&self, theirs: &[KeyId]) -> Rejected {
        let clear = keys::key_id(None, self.pair);
        let has_keys = self.held().any(|held| held.secret.is_some());
        match (theirs == [clear], has_keys) {
            (true, _) => Rejected::KeyMissing,
            (false, true) => Rejected::WrongKey,
            (false, false) => Rejected::KeyUnexpected,
        }
    }

    /// What a key is to this box.
    pub(super) fn use_of(&self, id: KeyId) -> KeyInUse {
        match self.find_key(id) {
            None => KeyInUse::Former,
            Some(Held { secret: None, .. }) => KeyInUse::Clear,
            Some(held) if held.id == self.own_key().id => KeyInUse::Own,
            Some(_) => KeyInUse::Accepted,
        }
    }

    fn hold<'a>(&self, secret: Option<&'a Secret>) -> Held<'a> {
        Held { id: keys::key_id(secret, self.pair), secret }
    }
}

/// What both take: the own one of the box with the lower number if the other one takes it, else the
/// other way round, else any. Both boxes find the same, whoever asks.
fn common(lower: &[KeyId], higher: &[KeyId]) -> Option<KeyId> {
    let own = |keys: &[KeyId]| keys.first().copied();
    let in_order = own(lower).into_iter().chain(own(higher)).chain(lower.iter().copied());
    in_order.into_iter().find(|key| lower.contains(key) && higher.contains(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: &[u64]) -> Vec<KeyId> {
        numbers.iter().copied().map(KeyId).collect()
    }

    #[test]
    fn two_boxes_find_the_same_key_if_they_have_one_in_common() {
        let cases: [(&[u64], &[u64], Option<u64>); 7] = [
            (&[1], &[1], Some(1)),
            (&[1], &[2], None),
            (&[2, 1], &[1], Some(1)),
            (&[1], &[2, 1], Some(1)),
            (&[2, 1], &[1, 2], Some(2)),
            (&[2, 1], &[2], Some(2)),
            (&[3, 1], &[2, 1], Some(1)),
        ];
        for (lower, higher, found) in cases {
            assert_eq!(common(&ids(lower), &ids(higher)), found.map(KeyId), "{lower:?} {higher:?}");
        }
    }
}
