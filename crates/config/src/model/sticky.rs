//! `sticky ID ...`: groups of virtual servers whose clients keep their real.

use serde::{Deserialize, Serialize};

use super::Label;

/// A group, by what its clients are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StickyGroupConfig {
    /// What a client is told by.
    pub by: StickyBy,
    /// `timeout MINUTES`: how long an entry lasts, 0-65535. Default 1440.
    pub timeout_min: u16,
}

/// What a client is told by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum StickyBy {
    /// `netmask M [address ...]`.
    Address {
        /// Length of the mask of what counts as one client.
        prefix: u8,
        /// Which address.
        of: StickyAddress,
    },
    /// `cookie NAME [insert]`.
    Cookie {
        /// Its name.
        name: Label,
        /// Whether the module makes it.
        is_inserted: bool,
    },
    /// `ssl`: the session's identity.
    Ssl,
    /// `header NAME`.
    Header {
        /// Its name.
        name: Label,
    },
}

/// Which addresses stick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum StickyAddress {
    /// The client's.
    #[default]
    Source,
    /// The virtual server's.
    Destination,
    /// Both together.
    Both,
}

impl StickyAddress {
    /// The keyword.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
            Self::Both => "both",
        }
    }
}
