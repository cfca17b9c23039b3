//! Clients that stick to a real: which are asked for, and how they are told.

use std::net::Ipv4Addr;

use hitless_config::model::Name;
use hitless_model::StickyRecord;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A client, or a network of clients, that sticks to a real.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StickyInfo {
    /// Whom it is about, the real, and how long it has not been used.
    pub record: StickyRecord,
    /// The virtual server that it belongs to, if that has no group.
    pub virtual_server: Option<Name>,
    /// Seconds until it ends, if the client begins no connection and has none; none if it does not end by time.
    pub timeout_s: Option<u64>,
    /// Whether the peer is told of it.
    pub replicated: bool,
    /// Whether it came from the peer.
    pub from_peer: bool,
}

/// Which entries are asked for: those that fit everything that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StickyQuery {
    /// About this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Ipv4Addr>,
    /// So many at most; 1,000 if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub limit: Option<usize>,
    /// Without the first so many that fit: `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<usize>,
}

/// A page of entries. The table lives on between two pages: an entry may be in both of them, or in none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StickyPage {
    /// Those that fit.
    pub entries: Vec<StickyInfo>,
    /// The `offset` to go on with; none if there are no more.
    pub next: Option<usize>,
}

/// Which entries to clear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ClearSticky {
    /// All of them.
    #[default]
    All,
    /// Those of a group; 0 = of virtual servers that have none.
    Group(u8),
}
