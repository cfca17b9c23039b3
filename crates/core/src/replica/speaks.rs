//! What a box speaks: versions of the language, and kinds of records beyond the first four.
//!
//! Every message says it, so that nothing depends on one of them. A version changes what all boxes have
//! to understand; a kind of records is an addition: it is told to who takes it and to nobody else, for
//! who skips a record acknowledges its batch all the same.

/// Kinds of records, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Takes(u32);

impl Takes {
    /// The first four kinds, which everybody takes.
    pub(super) const NONE: Self = Self(0);
    /// Digests and what follows from them.
    pub(super) const AUDIT: Self = Self(1);

    /// Whether these kinds are among them.
    pub(super) const fn include(self, kinds: Self) -> bool {
        self.0 & kinds.0 == kinds.0
    }

    /// As a number on the wire.
    pub(super) const fn bits(self) -> u32 {
        self.0
    }
}

impl From<u32> for Takes {
    /// Bits that this release does not know mean nothing to it.
    fn from(bits: u32) -> Self {
        Self(bits)
    }
}

/// What a box speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Speaks {
    /// The oldest version that it understands.
    pub(super) oldest: u8,
    /// The newest one.
    pub(super) newest: u8,
    /// Kinds of records that it takes.
    pub(super) takes: Takes,
}

impl Speaks {
    /// This release.
    pub(super) const OURS: Self = Self { oldest: 1, newest: 1, takes: Takes::AUDIT };
    /// A release that does not say.
    pub(super) const FIRST: Self = Self { oldest: 1, newest: 1, takes: Takes::NONE };

    /// The version that the two speak with each other, if they have one in common.
    pub(super) fn version_with(self, other: Self) -> Option<u8> {
        let (oldest, newest) = (self.oldest.max(other.oldest), self.newest.min(other.newest));
        (oldest <= newest).then_some(newest)
    }
}
