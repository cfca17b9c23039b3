//! Connections of a module: which are asked for, and how they are told.

use std::net::Ipv4Addr;

use hitless_config::model::Name;
use hitless_model::{ConnRecord, ConnStage, Protocol};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An open connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConnInfo {
    /// Addresses, real and idle time.
    pub record: ConnRecord,
    /// How far it has come.
    pub stage: ConnStage,
    /// Its virtual server.
    pub virtual_server: Option<Name>,
    /// Whether it is replicated.
    pub replicated: bool,
    /// Whether it came from the peer.
    pub from_peer: bool,
    /// Packets forwarded by this box, from the client and from the real.
    pub packets: (u64, u64),
    /// Bytes forwarded by this box, from the client and from the real.
    pub bytes: (u64, u64),
}

/// Which connections are asked for: those that fit everything that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnQuery {
    /// Of this virtual server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vserver: Option<Name>,
    /// Carried by this real server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real: Option<Ipv4Addr>,
    /// Of this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Ipv4Addr>,
    /// So far come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<ConnStage>,
    /// Of this protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// So many at most; 1,000 if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub limit: Option<usize>,
    /// Without the first so many that fit: `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<usize>,
}

impl ConnQuery {
    /// Whether a connection is asked for.
    pub fn fits(&self, conn: &ConnInfo) -> bool {
        let Self { vserver, real, client, stage, protocol, limit: _, offset: _ } = self;
        let record = &conn.record;
        vserver.as_ref().is_none_or(|name| conn.virtual_server.as_ref() == Some(name))
            && real.is_none_or(|real| *record.real.ip() == real)
            && client.is_none_or(|client| record.client_ip() == client)
            && stage.is_none_or(|stage| conn.stage == stage)
            && protocol.is_none_or(|protocol| record.key.protocol == protocol)
    }
}

/// A page of connections. The table lives on between two pages: a connection may be in both of them,
/// or in none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConnPage {
    /// Those that fit.
    pub conns: Vec<ConnInfo>,
    /// The `offset` to go on with; none if there are no more.
    pub next: Option<usize>,
}

/// Connections by virtual server and real, counted in one pass over the table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Virtual servers.
    pub virtual_servers: Vec<super::VirtualServerInfo>,
    /// Real servers.
    pub reals: Vec<super::RealInfo>,
}
