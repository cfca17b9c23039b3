//! Names, texts and keys: what a user words himself.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Name of a server farm, virtual server, probe, pool or policy: 1-15 characters without white
/// space, stored upper-case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Name(String);

impl Name {
    /// The upper-case text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        let plain = text.chars().all(|c| c.is_ascii_graphic());
        if text.is_empty() || text.len() > 15 || !plain || text == COMMENT {
            return Err(BadName);
        }
        Ok(Self(text.to_ascii_uppercase()))
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name of 1 to 15 characters without white space")]
pub struct BadName;

/// A word that means something to others: a header, a cookie, a domain. 1-127 characters without
/// white space, kept as written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Label(String);

impl Label {
    /// Most characters of a label.
    const MAX: usize = 127;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Label {
    type Error = BadLabel;

    fn try_from(text: String) -> Result<Self, BadLabel> {
        let plain = text.chars().all(|c| c.is_ascii_graphic());
        let fits = !text.is_empty() && text.len() <= Self::MAX && text != COMMENT;
        if plain && fits { Ok(Self(text)) } else { Err(BadLabel) }
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Not a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a word of 1 to 127 plain characters")]
pub struct BadLabel;

/// `description`: words with single blanks between them, up to 80 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Description(String);

impl Description {
    /// Most characters of a description.
    const MAX: usize = 80;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Description {
    type Error = BadDescription;

    fn try_from(text: String) -> Result<Self, BadDescription> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ");
        let is_plain = !text.chars().any(char::is_control) && !words.contains(&COMMENT);
        let fits = (1..=Self::MAX).contains(&text.chars().count());
        if is_plain && fits { Ok(Self(text)) } else { Err(BadDescription) }
    }
}

impl From<Description> for String {
    fn from(description: Description) -> Self {
        description.0
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Not a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a text of 1 to 80 characters without a \"!\" that stands alone")]
pub struct BadDescription;

/// The word that begins a comment, and so cannot be one of a command.
const COMMENT: &str = "!";

/// A key that is printed only where the configuration itself is stored.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyString(String);

impl KeyString {
    /// Wraps a key.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The key itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyString(…)")
    }
}
