//! What a module balances, as the API shows it: virtual servers, reals, farms.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use hitless_config::model::{
    Advertise, ClientSticky, FailAction, InbandHealth, Name, RequestReading, Service, Subnet,
    VirtualProtocol,
};
use hitless_model::VlanId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// State of a virtual server (csm-spec 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VirtualServerInfo {
    /// Name.
    pub name: Name,
    /// Transport protocol; `None` until `virtual` is given.
    pub protocol: Option<VirtualProtocol>,
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
    /// What is configured and has no effect yet.
    #[serde(default)]
    pub kept: KeptSettings,
}

/// Settings of a virtual server that this release keeps and does not carry out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeptSettings {
    /// `vlan`.
    pub vlan: Option<VlanId>,
    /// `service`.
    pub service: Option<Service>,
    /// `unidirectional`.
    pub unidirectional: bool,
    /// `advertise`.
    pub advertise: Option<Advertise>,
    /// The farm behind `backup`.
    pub backup: Option<Name>,
    /// `replicate csrp sticky`.
    pub replicate_sticky: bool,
    /// `sticky`.
    pub sticky: Option<ClientSticky>,
    /// `persistent rebalance`, `parse-length`, `ssl-sticky`, `url-hash`.
    pub requests: Option<RequestReading>,
}

/// State of a real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum RealState {
    /// Takes connections.
    Operational,
    /// `no inservice`.
    OutOfService,
}

/// A real server in a farm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// `maxconns`; has no effect yet.
    #[serde(default)]
    pub max_conns: Option<u32>,
    /// `minconns`; has no effect yet.
    #[serde(default)]
    pub min_conns: u32,
}

/// A server farm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FarmInfo {
    /// Name.
    pub name: Name,
    /// Word of the predictor.
    pub predictor: String,
    /// `nat server`.
    pub nat_server: bool,
    /// Number of reals.
    pub reals: usize,
    /// `nat client`; has no effect yet.
    #[serde(default)]
    pub nat_client: Option<Name>,
    /// `bindid`; has no effect.
    #[serde(default)]
    pub bind_id: u16,
    /// `failaction`; has no effect yet.
    #[serde(default)]
    pub fail_action: Option<FailAction>,
    /// `health retries`; has no effect yet.
    #[serde(default)]
    pub health: Option<InbandHealth>,
    /// `retcode-map`; has no effect yet.
    #[serde(default)]
    pub return_codes: Option<Name>,
    /// `probe`; has no effect yet.
    #[serde(default)]
    pub probes: BTreeSet<Name>,
}
