//! One line of the log: how much it matters, and its text in the form of IOS.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::Level;

/// How much a line matters, as syslog counts it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The system is unusable.
    Emergency,
    /// Act at once.
    Alert,
    /// Critical.
    Critical,
    /// Function lost.
    Error,
    /// Someone should look.
    Warning,
    /// Normal, but worth knowing.
    Notice,
    /// Good to know.
    Info,
    /// For who looks for a defect.
    Debug,
}

impl Severity {
    const ALL: [Self; 8] = [
        Self::Emergency,
        Self::Alert,
        Self::Critical,
        Self::Error,
        Self::Warning,
        Self::Notice,
        Self::Info,
        Self::Debug,
    ];

    /// The digit in a message's name and in syslog.
    pub fn digit(self) -> u8 {
        self as u8
    }

    /// Of a line that names none itself.
    pub(super) fn of(level: Level) -> Self {
        match level {
            Level::ERROR => Self::Error,
            Level::WARN => Self::Warning,
            Level::INFO => Self::Info,
            _ => Self::Debug,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Emergency => "EMERGENCY",
            Self::Alert => "ALERT",
            Self::Critical => "CRITICAL",
            Self::Error => "ERROR",
            Self::Warning => "WARNING",
            Self::Notice => "NOTICE",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
        }
    }
}

/// The name of a message: `CSM_SLB`, 6 and `REDUNDANCY_INFO` of `%CSM_SLB-6-REDUNDANCY_INFO:…`.
pub(super) fn name(text: &str) -> Option<(&str, Severity, &str)> {
    let (name, _) = text.strip_prefix('%')?.split_once(':')?;
    let (facility, rest) = name.split_once('-')?;
    let (digit, mnemonic) = rest.split_once('-')?;
    let digit: usize = digit.parse().ok()?;
    Some((facility, *Severity::ALL.get(digit)?, mnemonic))
}

/// A line with its severity: what has no name yet gets that of the daemon.
pub(super) fn named(level: Level, text: String) -> (Severity, String) {
    if let Some((_, severity, _)) = name(&text) {
        return (severity, text);
    }
    let severity = Severity::of(level);
    (severity, format!("%HITLESS-{}-{}: {text}", severity.digit(), severity.word()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_keeps_its_name_and_others_get_one() {
        let text = "%CSM_SLB-4-REDUNDANCY_WARN: Module 3 FT warning: x".to_owned();
        assert_eq!(named(Level::INFO, text.clone()), (Severity::Warning, text));
        for plain in ["a: ready", "%x", "%A-9-B: c", "50 % of: it", "%A-B"] {
            let (severity, line) = named(Level::WARN, plain.to_owned());
            assert_eq!(
                (severity, line),
                (Severity::Warning, format!("%HITLESS-4-WARNING: {plain}"))
            );
        }
    }
}
