//! How interfaces are called.
//!
//! A port is a network device by its name in the kernel, or one by its place as the original names
//! it. The type may be abbreviated and stand apart from the number; it is kept as
//! `FastEthernet3/6`. The beginning of a type, two letters or more, is therefore no name of a device.

use std::fmt;

use hitless_model::{ChannelGroup, VlanId};
use serde::{Deserialize, Serialize};

/// Name of an interface.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum InterfaceName {
    /// A port.
    Port(PortName),
    /// `vlan136`.
    Vlan(VlanId),
    /// `Port-channel100`.
    Channel(ChannelGroup),
    /// `Dialer1`: nothing that exists here, but tracking may name it.
    Logical(LogicalKind, u16),
}

/// Name of a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum PortName {
    /// A network device by its name in the kernel.
    Device(String),
    /// A port by its place.
    Placed(PortKind, PortPlace),
}

/// Kinds of ports that are named by their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PortKind {
    /// `FastEthernet`.
    Fast,
    /// `GigabitEthernet`.
    Gigabit,
    /// `TenGigabitEthernet`.
    TenGigabit,
}

/// Slot and port, as in `3/6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortPlace {
    /// Slot of the chassis, 0-13.
    pub slot: u8,
    /// Number of the port, 0-255.
    pub port: u8,
}

/// Kinds of interfaces of the original that only tracking names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogicalKind {
    /// `async`.
    Async,
    /// `ctunnel`.
    Ctunnel,
    /// `dialer`.
    Dialer,
}

/// Not an interface's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of an interface")]
pub struct BadInterface;

/// Words that stand apart from a number: a device of the kernel has no name that begins one.
const APART: [&str; 5] =
    ["FastEthernet", "GigabitEthernet", "TenGigabitEthernet", "vlan", "Port-channel"];

/// Whether a word abbreviates another; a single letter is too little.
fn abbreviates(word: &str, text: &str) -> bool {
    let start = text.get(..word.len());
    word.len() > 1 && start.is_some_and(|start| start.eq_ignore_ascii_case(word))
}

impl PortKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Fast, Self::Gigabit, Self::TenGigabit];

    /// The whole word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fast => "FastEthernet",
            Self::Gigabit => "GigabitEthernet",
            Self::TenGigabit => "TenGigabitEthernet",
        }
    }
}

impl LogicalKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Async, Self::Ctunnel, Self::Dialer];

    /// The whole word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Async => "Async",
            Self::Ctunnel => "Ctunnel",
            Self::Dialer => "Dialer",
        }
    }
}

impl PortPlace {
    /// Reads `3/6`.
    pub fn parse(text: &str) -> Option<Self> {
        let (slot, port) = text.split_once('/')?;
        let number = |text: &str| {
            let plain = text.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| text.parse::<u8>().ok()).flatten()
        };
        let slot = number(slot).filter(|slot| *slot <= 13)?;
        Some(Self { slot, port: number(port)? })
    }
}

impl fmt::Display for PortPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.slot, self.port)
    }
}

impl PortName {
    /// The device of the kernel that the port is, if it is named by that.
    pub fn device(&self) -> Option<&str> {
        match self {
            Self::Device(device) => Some(device),
            Self::Placed(..) => None,
        }
    }
}

impl fmt::Display for PortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(device) => f.write_str(device),
            Self::Placed(kind, place) => write!(f, "{}{place}", kind.word()),
        }
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => port.fmt(f),
            Self::Vlan(vlan) => write!(f, "vlan{vlan}"),
            Self::Channel(channel) => write!(f, "Port-channel{channel}"),
            Self::Logical(kind, number) => write!(f, "{}{number}", kind.word()),
        }
    }
}

impl TryFrom<String> for InterfaceName {
    type Error = BadInterface;

    fn try_from(text: String) -> Result<Self, BadInterface> {
        let digits = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
        let (word, number) = text.split_at_checked(digits).ok_or(BadInterface)?;
        if let Some(name) = named(word, number) {
            return Ok(name);
        }
        let is_word_apart = APART.iter().any(|type_word| abbreviates(&text, type_word));
        if is_word_apart || !is_device(&text) {
            return Err(BadInterface);
        }
        Ok(Self::Port(PortName::Device(text)))
    }
}

/// What type and number name together. Only a place cannot be part of a device's name, so other
/// types are known by their usual short form or their whole word.
fn named(word: &str, number: &str) -> Option<InterfaceName> {
    let is = |text: &str| word.eq_ignore_ascii_case(text);
    if let Some(place) = PortPlace::parse(number) {
        let kind = PortKind::ALL.into_iter().find(|kind| abbreviates(word, kind.word()))?;
        return Some(InterfaceName::Port(PortName::Placed(kind, place)));
    }
    if is("vlan") || is("vl") {
        return id(number).map(InterfaceName::Vlan);
    }
    if is("Port-channel") || is("po") {
        return id(number).map(InterfaceName::Channel);
    }
    let kind = LogicalKind::ALL.into_iter().find(|kind| is(kind.word()))?;
    let number = u16::try_from(id::<u64>(number)?).ok()?;
    Some(InterfaceName::Logical(kind, number))
}

/// Digits only, as an identifier.
fn id<T: TryFrom<u64>>(text: &str) -> Option<T> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number: Option<u64> = plain.then(|| text.parse().ok()).flatten();
    number.and_then(|number| T::try_from(number).ok())
}

/// What the kernel takes as a device's name; `%` would be a pattern there.
pub(crate) fn is_device(word: &str) -> bool {
    let fits = !word.is_empty() && word.len() <= 15 && !matches!(word, "." | ".." | "!");
    fits && word.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '/' | ':' | '%'))
}

impl TryFrom<String> for PortName {
    type Error = BadInterface;

    fn try_from(text: String) -> Result<Self, BadInterface> {
        match InterfaceName::try_from(text)? {
            InterfaceName::Port(port) => Ok(port),
            InterfaceName::Vlan(_) | InterfaceName::Channel(_) | InterfaceName::Logical(..) => {
                Err(BadInterface)
            }
        }
    }
}

impl From<PortName> for String {
    fn from(name: PortName) -> Self {
        name.to_string()
    }
}

impl From<InterfaceName> for String {
    fn from(name: InterfaceName) -> Self {
        name.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<String> {
        InterfaceName::try_from(text.to_owned()).ok().map(|name| name.to_string())
    }

    #[test]
    fn a_type_may_be_abbreviated_and_in_any_case() {
        for (text, full) in [
            ("Fa3/6", "FastEthernet3/6"),
            ("fastethernet3/6", "FastEthernet3/6"),
            ("gig1/1", "GigabitEthernet1/1"),
            ("Te13/255", "TenGigabitEthernet13/255"),
            ("Vl136", "vlan136"),
            ("po100", "Port-channel100"),
            ("dialer1", "Dialer1"),
            ("eth-client", "eth-client"),
            ("eth0.7", "eth0.7"),
        ] {
            assert_eq!(name(text).as_deref(), Some(full));
            assert_eq!(name(full).as_deref(), Some(full));
        }
    }

    #[test]
    fn what_is_neither_is_no_name() {
        for text in ["", "fa", "FastEthernet", "Fa3/256", "Fa14/1", "a/b", "vlan", "é1", "a:b", "!"]
        {
            assert_eq!(name(text), None, "{text}");
        }
    }

    #[test]
    fn a_device_may_have_a_name_that_only_looks_like_a_type() {
        for text in ["fab0", "vlan5000", "vlan1x", "port7", "v2", "p1", "fa0", "d0"] {
            assert_eq!(name(text).as_deref(), Some(text));
        }
        assert!(PortName::try_from("vlan7".to_owned()).is_err());
    }
}
