//! What a module can be told to forget.

use std::net::Ipv4Addr;

use hitless_config::model::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which connections to clear.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ClearConnections {
    /// All of them.
    #[default]
    All,
    /// Those that a real server carries.
    Real(Ipv4Addr),
    /// Those of a virtual server.
    VirtualServer(Name),
}

/// What to clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clearing {
    /// Connections.
    Connections(ClearConnections),
    /// What `show module csm N stats` counts.
    Counters,
    /// What is known of neighbours' MACs: of all of them, or of one.
    ArpCache(Option<Ipv4Addr>),
    /// Clients that stick.
    Sticky(super::ClearSticky),
}

/// What was cleared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cleared {
    /// How many entries are gone.
    pub entries: u64,
    /// What somebody who knows the original might not expect.
    pub notices: Vec<String>,
}
