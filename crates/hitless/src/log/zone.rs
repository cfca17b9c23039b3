//! Calendar time in a zone with a name and a fixed offset, as `clock timezone` gives it.

use hitless_config::Configuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// A time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Zone {
    /// What is printed behind the time.
    pub name: String,
    /// Minutes that its clocks are ahead of UTC.
    pub offset_minutes: i16,
}

impl Default for Zone {
    fn default() -> Self {
        Self { name: "UTC".to_owned(), offset_minutes: 0 }
    }
}

impl Zone {
    /// What `clock timezone` says.
    pub fn configured(configuration: &Configuration) -> Self {
        let zone = configuration.clock.timezone.as_ref();
        zone.map_or_else(Self::default, |zone| Self {
            name: zone.name.to_string(),
            offset_minutes: zone.offset.minutes(),
        })
    }

    /// As IOS prints it in `show`: `12:34:56.789 UTC Sat Nov 22 2025`.
    pub fn calendar(&self, unix_ms: u64) -> String {
        let at = self.at(unix_ms);
        let clock = format_description!("[hour]:[minute]:[second].[subsecond digits:3]");
        let day = format_description!(
            "[weekday repr:short] [month repr:short] [day padding:none] [year]"
        );
        let (clock, day) = (at.format(clock), at.format(day));
        format!("{} {} {}", clock.unwrap_or_default(), self.name, day.unwrap_or_default())
    }

    /// As IOS begins a log line: `Nov 22 2025 12:34:56.789 UTC`.
    pub fn stamp(&self, unix_ms: u64) -> String {
        let format = format_description!(
            "[month repr:short] [day padding:space] [year] [hour]:[minute]:[second].[subsecond digits:3]"
        );
        format!("{} {}", self.at(unix_ms).format(format).unwrap_or_default(), self.name)
    }

    /// As programs like it: `2025-11-22T12:34:56.789+01:00`.
    pub fn rfc3339(&self, unix_ms: u64) -> String {
        self.at(unix_ms).format(&Rfc3339).unwrap_or_default()
    }

    /// A time after the year 9999 is none.
    fn at(&self, unix_ms: u64) -> OffsetDateTime {
        let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(unix_ms) * 1_000_000);
        let offset = UtcOffset::from_whole_seconds(i32::from(self.offset_minutes) * 60);
        let (moment, offset) =
            (moment.unwrap_or(OffsetDateTime::UNIX_EPOCH), offset.unwrap_or(UtcOffset::UTC));
        moment.checked_to_offset(offset).unwrap_or(moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_printed_right() {
        let utc = Zone::default();
        assert_eq!(utc.calendar(0), "00:00:00.000 UTC Thu Jan 1 1970");
        assert_eq!(utc.calendar(951_782_400_000), "00:00:00.000 UTC Tue Feb 29 2000");
        assert_eq!(utc.calendar(951_868_799_999), "23:59:59.999 UTC Tue Feb 29 2000");
        assert_eq!(utc.calendar(1_000_000_000_000), "01:46:40.000 UTC Sun Sep 9 2001");
        assert_eq!(utc.stamp(1_000_000_000_007), "Sep  9 2001 01:46:40.007 UTC");
    }

    #[test]
    fn a_zone_moves_clock_and_calendar() {
        let zone = |name: &str, offset_minutes| Zone { name: name.to_owned(), offset_minutes };
        let new_year = 1_767_225_000_000;
        assert_eq!(zone("CET", 60).calendar(new_year), "00:50:00.000 CET Thu Jan 1 2026");
        assert_eq!(zone("NST", -210).calendar(new_year), "20:20:00.000 NST Wed Dec 31 2025");
        assert_eq!(zone("CET", 60).rfc3339(new_year + 5), "2026-01-01T00:50:00.005+01:00");
        assert_eq!(zone("X", i16::MAX).calendar(u64::MAX), "00:00:00.000 X Thu Jan 1 1970");
    }
}
