//! Newtypes for every number that has a range or a name space of its own.

use core::fmt;

macro_rules! ranged {
    ($(#[$doc:meta])* $name:ident($inner:ty), $min:expr, $max:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(try_from = "u64", into = "u64"))]
        pub struct $name($inner);

        impl $name {
            /// Smallest value allowed.
            pub const MIN: u64 = $min;
            /// Largest value allowed.
            pub const MAX: u64 = $max;

            /// The value as a number.
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> alloc::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "integer", "minimum": $min, "maximum": $max })
            }
        }

        impl TryFrom<u64> for $name {
            type Error = OutOfRange;

            fn try_from(value: u64) -> Result<Self, OutOfRange> {
                let out_of_range = OutOfRange { min: Self::MIN, max: Self::MAX };
                if !(Self::MIN..=Self::MAX).contains(&value) {
                    return Err(out_of_range);
                }
                <$inner>::try_from(value).map(Self).map_err(|_| out_of_range)
            }
        }

        impl From<$name> for u64 {
            fn from(value: $name) -> u64 {
                u64::from(value.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

/// A number outside the range of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    /// Smallest value allowed.
    pub min: u64,
    /// Largest value allowed.
    pub max: u64,
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number from {} to {}", self.min, self.max)
    }
}

impl core::error::Error for OutOfRange {}

ranged! {
    /// A VLAN number that a module may use, 2-4094 (VLAN 1 is the switch's own).
    VlanId(u16), 2, 4094
}
ranged! {
    /// The slot that a module sits in, 1-13 (a 6513 has thirteen).
    Slot(u8), 1, 13
}
ranged! {
    /// Number of a fault-tolerant group, 1-254.
    GroupId(u8), 1, 254
}
ranged! {
    /// Number of an HSRP group, 0-4095 (version 1: 0-255).
    HsrpGroup(u16), 0, 4095
}
ranged! {
    /// Number of a sticky group, 1-255.
    StickyGroup(u8), 1, 255
}
ranged! {
    /// Number of a port-channel, 1-256.
    ChannelGroup(u16), 1, 256
}
ranged! {
    /// Priority of a member of a fault-tolerant group, 1-254; the higher one wins.
    Priority(u8), 1, 254
}

impl Priority {
    /// What applies when no `priority` command is given.
    pub const DEFAULT: Self = Self(10);
}

/// Number of a role change; grows with every new active, survives restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Epoch(pub u64);

impl Epoch {
    /// The epoch after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Identity of one box, derived from its state directory and its module's slot; decides ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnitId(pub u64);

impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A transport protocol that can be balanced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Protocol {
    /// IP protocol 6.
    Tcp,
    /// IP protocol 17.
    Udp,
}

impl Protocol {
    /// The number in the IP header.
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }

    /// The protocol with this number in the IP header, if it can be balanced.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            6 => Some(Self::Tcp),
            17 => Some(Self::Udp),
            _ => None,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_kept_at_both_ends() {
        assert!(VlanId::try_from(1).is_err());
        assert_eq!(VlanId::try_from(2).unwrap().get(), 2);
        assert_eq!(VlanId::try_from(4094).unwrap().get(), 4094);
        assert!(VlanId::try_from(4095).is_err());
        assert!(GroupId::try_from(255).is_err());
        assert!(Priority::try_from(0).is_err());
    }

    #[test]
    fn a_range_error_says_what_is_allowed() {
        assert_eq!(Slot::try_from(0).unwrap_err().to_string(), "a number from 1 to 13");
    }
}
