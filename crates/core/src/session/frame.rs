//! The frame around everything that the two boxes say to each other.
//!
//! `header (28) | [life nonce (32), hellos only] | body | tag (16)`; header and nonce are
//! authenticated with the body.

use alloc::vec::Vec;

use hitless_model::UnitId;

use super::config::Pair;
use super::error::Rejected;
use crate::wire::{CutShort, Reader, Writer};

/// First octets of every frame.
pub(super) const MAGIC: [u8; 2] = *b"HL";
/// Length of the header.
pub(super) const HEADER: usize = 28;
/// Length of the seal (or checksum).
pub(super) const TAG: usize = 16;
/// Largest frame: an Ethernet MTU less IPv6 and UDP headers.
pub const MAX_FRAME: usize = 1_452;
/// Largest body of a sealed frame.
pub const MAX_BODY: usize = MAX_FRAME - HEADER - TAG;
/// Versions of the wire format that this release speaks, oldest and newest.
pub(super) const VERSIONS: (u8, u8) = (1, 1);
/// The version that every release says hello in.
pub(super) const HELLO_VERSION: u8 = 1;

/// How a frame is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// Not at all; a checksum shows damage.
    Clear,
    /// By the configured `key-string`.
    KeyString,
    /// By the key of a session.
    Session,
}

impl Sealing {
    const fn number(self) -> u8 {
        match self {
            Self::Clear => 0,
            Self::KeyString => 1,
            Self::Session => 2,
        }
    }

    const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Clear),
            1 => Some(Self::KeyString),
            2 => Some(Self::Session),
            _ => None,
        }
    }
}

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// First contact: never sealed by a session.
    Hello,
    /// Proves to the peer that the session works, and tells it what only a session may tell.
    Greeting,
    /// About roles: heartbeats.
    Roles,
    /// Replication.
    Replication,
}

impl Kind {
    const fn number(self) -> u8 {
        match self {
            Self::Hello => 1,
            Self::Greeting => 2,
            Self::Roles => 3,
            Self::Replication => 4,
        }
    }

    const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Hello),
            2 => Some(Self::Greeting),
            3 => Some(Self::Roles),
            4 => Some(Self::Replication),
            _ => None,
        }
    }
}

/// The header, after the magic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) version: u8,
    pub(super) sealing: Sealing,
    pub(super) kind: Kind,
    pub(super) pair: Pair,
    pub(super) sender: UnitId,
    /// Tells the sessions of one peer apart; zero in hellos.
    pub(super) hint: u32,
    /// Number of the frame in the sender's life: the cipher's nonce, and what replays are known by.
    pub(super) counter: u64,
}

/// What can be said of a frame before it is known to be of this pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) version: u8,
    pub(super) sealing: u8,
    pub(super) group: u8,
    pub(super) kind: u8,
    pub(super) ft_vlan: u16,
    pub(super) sender: UnitId,
    hint: u32,
    counter: u64,
}

impl Envelope {
    /// Reads the header of a frame.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Rejected> {
        if !(HEADER + TAG..=MAX_FRAME).contains(&bytes.len()) {
            return Err(Rejected::Damaged);
        }
        let mut reader = Reader::new(bytes);
        if reader.array() != Ok(MAGIC) {
            return Err(Rejected::Damaged);
        }
        Self::read(&mut reader).map_err(|CutShort| Rejected::Damaged)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CutShort> {
        let [version, sealing, group, kind] = reader.array()?;
        Ok(Self {
            version,
            sealing,
            group,
            kind,
            ft_vlan: reader.u16()?,
            sender: UnitId(reader.u64()?),
            hint: reader.u32()?,
            counter: reader.u64()?,
        })
    }

    /// Whether the frame belongs to this pair.
    pub(super) fn is_of(&self, pair: Pair) -> bool {
        self.group == pair.group.get() && self.ft_vlan == pair.ft_vlan.get()
    }

    /// The header, once the pair is known to be ours.
    pub(super) fn header(&self, pair: Pair) -> Result<Header, Rejected> {
        let unknown = Rejected::UnknownKind;
        Ok(Header {
            version: self.version,
            sealing: Sealing::from_number(self.sealing).ok_or(unknown)?,
            kind: Kind::from_number(self.kind).ok_or(unknown)?,
            pair,
            sender: self.sender,
            hint: self.hint,
            counter: self.counter,
        })
    }
}

impl Header {
    /// The header's octets.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .bytes(&MAGIC)
            .u8(self.version)
            .u8(self.sealing.number())
            .u8(self.pair.group.get())
            .u8(self.kind.number())
            .u16(self.pair.ft_vlan.get())
            .u64(self.sender.0)
            .u32(self.hint)
            .u64(self.counter);
        debug_assert!(writer.len() == HEADER, "header of another length than documented");
        writer.finish()
    }
}
