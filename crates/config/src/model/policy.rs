//! `policy NAME`: where connections go that fit, as far as addresses decide.

use hitless_model::StickyGroup;
use serde::{Deserialize, Serialize};

use super::{Backup, Label, Name};

/// A policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Policy {
    /// `client-group`: the access list of clients that it is for; none = all.
    pub client_group: Option<Label>,
    /// `serverfarm F`.
    pub farm: Option<Name>,
    /// `serverfarm F backup B [sticky]`.
    pub backup: Option<Backup>,
    /// `sticky-group G`.
    pub sticky_group: Option<StickyGroup>,
    /// `reverse-sticky G`.
    pub reverse_sticky: Option<StickyGroup>,
    /// `set ip dscp N`, 0-63: how its packets are marked.
    pub dscp: Option<u8>,
}
