//! `standby G ...`: the virtual router of an interface's segment.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use hitless_model::Mac;
use serde::{Deserialize, Serialize};

use super::{InterfaceName, KeyString, Label};

/// A group of routers that are one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Hsrp {
    /// `ip`, without which there is no virtual router.
    pub address: Option<HsrpAddress>,
    /// `ip A secondary`.
    pub secondary: BTreeSet<Ipv4Addr>,
    /// `priority`, 0-255. Default 100.
    pub priority: u8,
    /// `preempt`.
    pub preempt: Option<PreemptDelay>,
    /// `timers`.
    pub timers: HsrpTimers,
    /// `track IF [DEC]`: what the priority loses while an interface is down.
    pub tracks: BTreeMap<InterfaceName, u8>,
    /// `authentication`.
    pub authentication: Option<HsrpAuthentication>,
    /// `name`.
    pub name: Option<Label>,
    /// `mac-address`.
    pub mac: Option<Mac>,
}

/// The virtual router's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum HsrpAddress {
    /// `ip`: what another router of the group says.
    Learnt,
    /// `ip A`.
    Configured(Ipv4Addr),
}

/// `preempt [delay ...]`, in seconds, 0-3600. Default 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PreemptDelay {
    /// `minimum`: after the interface came up.
    pub minimum_s: u16,
    /// `reload`: after the first time that it came up.
    pub reload_s: u16,
    /// `sync`: for others to be ready.
    pub sync_s: u16,
}

/// `timers [msec] H [msec] T`. Default 3 s and 10 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HsrpTimers {
    /// Time between hellos.
    pub hello: HsrpTime,
    /// Time without one after which a router is gone.
    pub hold: HsrpTime,
}

/// A time in the unit that it was given in, which is the unit of the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum HsrpTime {
    /// Seconds.
    Seconds(u8),
    /// Milliseconds.
    Milliseconds(u16),
}

impl HsrpTime {
    /// In milliseconds.
    pub fn millis(self) -> u32 {
        match self {
            Self::Seconds(seconds) => u32::from(seconds) * 1000,
            Self::Milliseconds(millis) => millis.into(),
        }
    }
}

/// `authentication`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum HsrpAuthentication {
    /// `[text] STRING`, up to eight characters: everybody on the segment can read it.
    Text(HsrpPassword),
    /// `md5 key-string KEY`.
    Md5Key(KeyString),
    /// `md5 key-chain NAME`.
    Md5Chain(Label),
}

/// 1-8 characters without white space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HsrpPassword(Label);

impl HsrpPassword {
    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<String> for HsrpPassword {
    type Error = BadPassword;

    fn try_from(text: String) -> Result<Self, BadPassword> {
        let label = Label::try_from(text).map_err(|_| BadPassword)?;
        if label.as_str().len() > 8 { Err(BadPassword) } else { Ok(Self(label)) }
    }
}

impl From<HsrpPassword> for String {
    fn from(password: HsrpPassword) -> Self {
        password.0.into()
    }
}

/// Not what a packet has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("1 to 8 plain characters")]
pub struct BadPassword;
