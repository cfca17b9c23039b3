//! `clock`: the zone that times are shown in.

use serde::{Deserialize, Serialize};

use super::Label;

/// The clock of a chassis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Clock {
    /// `clock timezone NAME HOURS [MINUTES]`; without it UTC.
    pub timezone: Option<TimeZone>,
    /// `clock calendar-valid`: the hardware's calendar is right.
    pub calendar_valid: bool,
}

/// A zone by its distance from UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TimeZone {
    /// Its name, as it is shown behind a time.
    pub name: Label,
    /// Its distance from UTC.
    pub offset: UtcOffset,
}

/// A distance from UTC in minutes, less than a day; east of Greenwich is positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i16", into = "i16")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UtcOffset(i16);

impl UtcOffset {
    /// From hours (-23 to 23) and minutes (0 to 59); the minutes count in the direction of the
    /// hours.
    pub fn new(hours: i8, minutes: u8) -> Result<Self, BadOffset> {
        let minutes = i16::from(minutes);
        let minutes = if hours < 0 { -minutes } else { minutes };
        Self::try_from(i16::from(hours) * 60 + minutes)
    }

    /// Minutes east of Greenwich.
    pub const fn minutes(self) -> i16 {
        self.0
    }

    /// Hours, rounded towards zero, and the minutes beyond them.
    pub const fn hours_and_minutes(self) -> (i16, u16) {
        (self.0 / 60, self.0.unsigned_abs() % 60)
    }
}

impl TryFrom<i16> for UtcOffset {
    type Error = BadOffset;

    fn try_from(minutes: i16) -> Result<Self, BadOffset> {
        // Less than an hour west of Greenwich cannot be written: there is no "-0".
        let is_written = !(-59..0).contains(&minutes);
        if minutes.abs() < 24 * 60 && is_written { Ok(Self(minutes)) } else { Err(BadOffset) }
    }
}

impl From<UtcOffset> for i16 {
    fn from(offset: UtcOffset) -> Self {
        offset.0
    }
}

/// Not a distance from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a distance from UTC of less than a day")]
pub struct BadOffset;
