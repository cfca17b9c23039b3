//! A configuration as it lies on disk: its text, below one line that says what it is.
//!
//! The line is a comment to whoever reads the file as a configuration. It carries a digest of the
//! rest, so that a file that was cut short or written over is not taken for a shorter configuration.

use blake2::{Blake2s256, Digest as _};
use serde::{Deserialize, Serialize};

/// What the first line begins with.
const FORM: &str = "! hitless-configuration 1 ";

/// What is known of a configuration besides its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Label {
    /// Its revision.
    pub(crate) revision: u64,
    /// Who made it.
    pub(crate) by: String,
    /// When, in milliseconds since 1970.
    pub(crate) at_unix_ms: u64,
    /// Digest of the startup configuration as it was last read or written.
    pub(crate) startup: Option<String>,
    /// It rolls back unless it is confirmed.
    pub(crate) revert: Option<Revert>,
}

/// An unconfirmed change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Revert {
    /// The revision to go back to.
    pub(crate) revision: u64,
    /// When, in nanoseconds of the monotonic clock: it is of no meaning after a restart of the
    /// machine, and then the startup configuration is what runs.
    pub(crate) deadline_ns: u64,
    /// Who asked for it.
    pub(crate) by: String,
}

/// Why a file is not what this writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Damage {
    /// The first line is not ours.
    #[error("its first line is not what this daemon writes")]
    Label,
    /// The rest is not what the first line says.
    #[error("it was cut short or written over")]
    Digest,
}

/// The content of the file.
pub(crate) fn write(label: &Label, text: &str) -> serde_json::Result<String> {
    let label = serde_json::to_string(label)?;
    let rest = format!("{label}\n{text}");
    Ok(format!("{FORM}{} {rest}", digest(&rest)))
}

/// Reads what [`write`] wrote.
pub(crate) fn read(content: &str) -> Result<(Label, &str), Damage> {
    let marked = content.strip_prefix(FORM).ok_or(Damage::Label)?;
    let (found, rest) = marked.split_once(' ').ok_or(Damage::Label)?;
    let (label, text) = rest.split_once('\n').ok_or(Damage::Label)?;
    if found != digest(rest) {
        return Err(Damage::Digest);
    }
    Ok((serde_json::from_str(label).map_err(|_| Damage::Label)?, text))
}

/// Tells one text from another.
pub(crate) fn digest(text: &str) -> String {
    let hash = Blake2s256::digest(text);
    hash.iter()
        .flat_map(|octet| [octet >> 4, octet & 15])
        .filter_map(|n| char::from_digit(u32::from(n), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label() -> Label {
        let revert = Revert { revision: 6, deadline_ns: 12, by: "shell".to_owned() };
        Label {
            revision: 7,
            by: "somebody\nelse".to_owned(),
            at_unix_ms: 3,
            startup: Some(digest("")),
            revert: Some(revert),
        }
    }

    #[test]
    fn what_was_written_is_read_and_is_a_configuration_as_it_is() {
        let text = "hostname a\nvlan 2\nend\n";
        let content = write(&label(), text).unwrap();
        assert_eq!(read(&content).unwrap(), (label(), text));
        let read_as_text = hitless_config::parse(&content, "checkpoint").unwrap();
        assert_eq!(read_as_text, hitless_config::parse(text, "text").unwrap());
    }

    #[test]
    fn a_file_cut_short_anywhere_is_known_as_damaged() {
        let content = write(&label(), "hostname a\nvlan 2\nend\n").unwrap();
        for end in 0..content.len() {
            assert!(read(&content[..end]).is_err(), "{end}");
        }
        assert_eq!(read(&content.replace("vlan 2", "vlan 3")), Err(Damage::Digest));
        assert_eq!(read("hostname a\n"), Err(Damage::Label));
    }
}
