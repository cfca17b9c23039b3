//! Why a frame was dropped: one definition for counter, log and documentation.

/// A frame had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rejected {
    /// Too short, too long, not ours by its first octets, or its checksum is wrong.
    Damaged,
    /// It speaks a version that this release does not, or no version is common to both.
    WrongVersion,
    /// It belongs to another group or another fault-tolerant VLAN.
    ForeignPair,
    /// This box's own frame came back.
    OwnFrame,
    /// Another box claims this box's identity.
    DuplicateUnit,
    /// A third box claims to be of this pair while the peer is alive.
    ThirdUnit,
    /// A kind of frame, or a way of sealing it, that is not known.
    UnknownKind,
    /// It had to be sealed by the session and is not, or contact was tried on a second path.
    Unsealed,
    /// This box has a `key-string`, the sender has none.
    KeyMissing,
    /// The sender has a `key-string`, this box has none.
    KeyUnexpected,
    /// First contact sealed with a `key-string` that this box does not have.
    WrongKey,
    /// Its seal does not fit: forged, or damaged.
    Forged,
    /// Its number was seen before, or is too old to tell.
    Replayed,
    /// It belongs to a session that does not exist (any more).
    UnknownSession,
    /// The seal is right and the content is not.
    Malformed,
}

impl Rejected {
    /// Every reason.
    pub const ALL: [Self; 15] = [
        Self::Damaged,
        Self::WrongVersion,
        Self::ForeignPair,
        Self::OwnFrame,
        Self::DuplicateUnit,
        Self::ThirdUnit,
        Self::UnknownKind,
        Self::Unsealed,
        Self::KeyMissing,
        Self::KeyUnexpected,
        Self::WrongKey,
        Self::Forged,
        Self::Replayed,
        Self::UnknownSession,
        Self::Malformed,
    ];

    /// Stable name: a counter's label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::WrongVersion => "wrong-version",
            Self::ForeignPair => "foreign-pair",
            Self::OwnFrame => "own-frame",
            Self::DuplicateUnit => "duplicate-unit",
            Self::ThirdUnit => "third-unit",
            Self::UnknownKind => "unknown-kind",
            Self::Unsealed => "unsealed",
            Self::KeyMissing => "key-missing",
            Self::KeyUnexpected => "key-unexpected",
            Self::WrongKey => "wrong-key",
            Self::Forged => "forged",
            Self::Replayed => "replayed",
            Self::UnknownSession => "unknown-session",
            Self::Malformed => "malformed",
        }
    }
}
