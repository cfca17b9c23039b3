//! Calendar time as IOS prints it, in UTC.

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// 1 January 1970 was a Thursday.
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// `12:34:56.789 UTC Sat Nov 22 2025`.
pub(super) fn calendar(unix_ms: u64) -> String {
    let (seconds, ms) = (unix_ms / 1000, unix_ms % 1000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let weekday = usize::try_from(days % 7).ok().and_then(|day| DAYS.get(day)).unwrap_or(&"");
    let month = usize::try_from(month - 1).ok().and_then(|m| MONTHS.get(m)).unwrap_or(&"");
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{hour:02}:{minute:02}:{second:02}.{ms:03} UTC {weekday} {month} {day} {year}")
}

/// Year, month from 1 and day from 1 of a number of days since 1970, in the Gregorian calendar.
/// Counted in years that begin on 1 March, so that the leap day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_printed_right() {
        assert_eq!(calendar(0), "00:00:00.000 UTC Thu Jan 1 1970");
        assert_eq!(calendar(951_782_400_000), "00:00:00.000 UTC Tue Feb 29 2000");
        assert_eq!(calendar(951_868_799_999), "23:59:59.999 UTC Tue Feb 29 2000");
        assert_eq!(calendar(951_868_800_000), "00:00:00.000 UTC Wed Mar 1 2000");
        assert_eq!(calendar(1_000_000_000_000), "01:46:40.000 UTC Sun Sep 9 2001");
        assert_eq!(calendar(4_107_542_400_000), "00:00:00.000 UTC Mon Mar 1 2100");
    }
}
