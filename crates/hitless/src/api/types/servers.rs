//! What a module balances, as the API shows it: virtual servers, reals, farms.

use std::net::Ipv4Addr;

use hitless_config::model::{Name, Subnet};
use hitless_model::Protocol;
use serde::{Deserialize, Serialize};

/// State of a virtual server (csm-spec 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum VirtualServerState {
    /// In service on the active box.
    Operational,
    /// Not in service, or without a real in service.
    OutOfService,
    /// In service on a box that is not active.
    Standby,
}

/// A virtual server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualServerInfo {
    /// Name.
    pub name: Name,
    /// Transport protocol; `None` until `virtual` is given.
    pub protocol: Option<Protocol>,
    /// Address and mask.
    pub address: Option<Subnet>,
    /// Port; 0 = all.
    pub port: u16,
    /// State now.
    pub state: VirtualServerState,
    /// Open connections.
    pub conns: u64,
    /// Its farm.
    pub farm: Option<Name>,
    /// `replicate csrp connection`.
    pub replicate_connections: bool,
    /// `idle`, seconds.
    pub idle_s: u64,
    /// `pending`, seconds.
    pub pending_s: u64,
}

/// State of a real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RealState {
    /// Takes connections.
    Operational,
    /// `no inservice`.
    OutOfService,
}

/// A real server in a farm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RealInfo {
    /// Address.
    pub address: Ipv4Addr,
    /// Port, if not the virtual server's.
    pub port: Option<u16>,
    /// Its farm.
    pub farm: Name,
    /// Weight.
    pub weight: u8,
    /// State now.
    pub state: RealState,
    /// Open connections.
    pub conns: u64,
}

/// A server farm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FarmInfo {
    /// Name.
    pub name: Name,
    /// Word of the predictor.
    pub predictor: String,
    /// `nat server`.
    pub nat_server: bool,
    /// Number of reals.
    pub reals: usize,
}
