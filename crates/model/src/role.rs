//! What a box is in its pair.

use core::fmt;

/// The role that the data plane acts by; the machine behind it is `hitless-core`'s `ft`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[repr(u8)]
pub enum Role {
    /// Listening after start: answers for nothing.
    Initializing = 0,
    /// Holds the state, answers for nothing.
    Standby = 1,
    /// Answers for the floating addresses and forwards, while its lease lasts.
    Active = 2,
    /// Handing over: answers no ARP, forwards what still arrives, while its lease lasts.
    Draining = 3,
}

impl Role {
    /// Whether a data plane in this role forwards (its lease permitting).
    pub const fn forwards(self) -> bool {
        matches!(self, Self::Active | Self::Draining)
    }

    /// The role with this number in a map or a frame.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Initializing),
            1 => Some(Self::Standby),
            2 => Some(Self::Active),
            3 => Some(Self::Draining),
            _ => None,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Initializing => "initializing",
            Self::Standby => "standby",
            Self::Active => "active",
            Self::Draining => "draining",
        })
    }
}
