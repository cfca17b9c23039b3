//! The settings that `variable NAME VALUE` knows.

use crate::defaults::{HOOK_VARIABLE, MAX_CONNECTIONS_VARIABLE};
use crate::grammar::Refusal;
use crate::model::HookChoice;

/// What the connection table may hold: below it makes no sense, above it no memory.
const MAX_CONNECTIONS: std::ops::RangeInclusive<u32> = 1024..=4_194_304;

/// Variables of the original: kept and shown, without an effect in this release.
const WITHOUT_EFFECT: &[&str] = &[
    "ADVERTISE_RHI_FREQ",
    "AGGREGATE_BACKUP_SF_STATE_TO_VS",
    "ARP_GRATUITOUS_INTERVAL",
    "ARP_INTERVAL",
    "ARP_LEARNED_INTERVAL",
    "ARP_LEARN_MODE",
    "ARP_RATE",
    "ARP_REPLY_FOR_NO_INSERVICE_VIP",
    "ARP_RETRIES",
    "NO_TIMEOUT_IP_STICKY_ENTRIES",
];

/// The value as it is stored, or why it is none.
pub(crate) fn check(name: &str, value: &str) -> Result<String, Refusal> {
    if WITHOUT_EFFECT.contains(&name) {
        return number(value).map(|n| n.to_string());
    }
    if name == HOOK_VARIABLE {
        return hook(value);
    }
    if name != MAX_CONNECTIONS_VARIABLE {
        return Err(Refusal::argument(0, format!("there is no variable {name}")));
    }
    let connections = number(value)?;
    if !MAX_CONNECTIONS.contains(&connections) {
        let (min, max) = (MAX_CONNECTIONS.start(), MAX_CONNECTIONS.end());
        return Err(Refusal::argument(1, format!("{name} is a number from {min} to {max}")));
    }
    Ok(connections.to_string())
}

/// Whether two boxes of a pair may have different values: what depends on a box's own devices.
pub(crate) fn is_local(name: &str) -> bool {
    name == HOOK_VARIABLE
}

impl HookChoice {
    /// The choice that a word stands for.
    pub fn by_word(word: &str) -> Option<Self> {
        let is = |choice: &Self| choice.word().eq_ignore_ascii_case(word);
        [Self::Auto, Self::Tc, Self::Xdp].into_iter().find(is)
    }

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Tc => "tc",
            Self::Xdp => "xdp",
        }
    }
}

fn hook(value: &str) -> Result<String, Refusal> {
    let choice = HookChoice::by_word(value).ok_or_else(|| {
        Refusal::argument(1, format!("{HOOK_VARIABLE} is one of auto, tc and xdp"))
    })?;
    Ok(choice.word().to_owned())
}

fn number(value: &str) -> Result<u32, Refusal> {
    let plain = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let number = plain.then(|| value.parse().ok()).flatten();
    number.ok_or_else(|| Refusal::argument(1, "the value of a variable is a number"))
}
