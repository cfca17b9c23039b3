//! What the management API says. A module answers on its own socket:
//!
//! | request | answer |
//! |---|---|
//! | `PUT /v1/config` with [`ModuleConfig`] | nothing, or [`Problem`] |
//! | `GET /v1/ready` | [`Ready`] |
//! | `GET /v1/ft` | [`FtState`], or null without a group |
//! | `GET /v1/vservers` `/v1/reals` `/v1/serverfarms` `/v1/vlans` `/v1/arp` `/v1/conns` | lists |
//! | `GET /v1/stats` | [`Stats`] |
//! | `GET /v1/dataplane` | [`Dataplane`] |
//! | `POST /v1/handover` | nothing, or [`Problem`] |
//! | `POST /v1/stop` | nothing, when handed over and about to leave |
//!
//! The supervisor answers `POST /v1/exec` with [`ExecRequest`] → [`ExecReply`].

use std::net::Ipv4Addr;

use hitless_config::model::{Module, Name, Side, Subnet};
use hitless_core::node::{Decision, Status};
use hitless_model::{ConnRecord, ConnStage, GroupId, Mac, Priority, Protocol, VlanId};
use serde::{Deserialize, Serialize};

/// A module's configuration, as the supervisor hands it over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleConfig {
    /// Name of the chassis.
    pub hostname: String,
    /// The module itself.
    pub module: Module,
    /// Digest of the module's configuration, the same on both boxes when they agree.
    pub digest: u64,
}

/// Why a request was not carried out: one sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// For people.
    pub error: String,
}

/// Whether a module is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// A configuration is in force.
    pub configured: bool,
    /// The module's process.
    pub pid: u32,
}

/// A command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecRequest {
    /// As typed.
    pub command: String,
}

/// What a command printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecReply {
    /// Text with line ends, or a JSON document.
    pub output: String,
}

/// Fault tolerance of a module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FtState {
    /// Number of the group.
    pub group: GroupId,
    /// Its VLAN.
    pub ft_vlan: VlanId,
    /// Configured priority.
    pub priority: Priority,
    /// Configured priority of the peer by config sync.
    pub alt_priority: Option<Priority>,
    /// Milliseconds between heartbeats.
    pub heartbeat_ms: u64,
    /// Milliseconds without a heartbeat after which the peer counts as gone.
    pub failover_ms: u64,
    /// `preempt`.
    pub preempt: bool,
    /// Whether a `key-string` is configured.
    pub authenticated: bool,
    /// The machine's own view.
    pub status: Status,
    /// Unix time in milliseconds of the last role change.
    pub since_unix_ms: u64,
    /// The newest role changes and refusals, oldest first.
    pub decisions: Vec<DatedDecision>,
}

/// A decision with calendar time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatedDecision {
    /// Unix time in milliseconds.
    pub unix_ms: u64,
    /// What was decided on what.
    #[serde(flatten)]
    pub decision: Decision,
}

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

/// A VLAN of the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VlanInfo {
    /// Number.
    pub vlan: VlanId,
    /// Client or server; `None` for a fault-tolerant VLAN.
    pub side: Option<Side>,
    /// The module's own address.
    pub address: Option<Subnet>,
    /// Gateways.
    pub gateways: Vec<Ipv4Addr>,
    /// Aliases.
    pub aliases: Vec<Subnet>,
    /// Routes as network and gateway.
    pub routes: Vec<(Subnet, Ipv4Addr)>,
    /// The module's own MAC.
    pub mac: Mac,
    /// MAC of the floating addresses.
    pub virtual_mac: Option<Mac>,
}

/// What an address in the ARP table belongs to (csm-spec 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArpKind {
    /// A virtual server.
    #[serde(rename = "VSERVER")]
    VirtualServer,
    /// An alias.
    #[serde(rename = "ALIAS")]
    Alias,
    /// The module's own address.
    #[serde(rename = "--SLB--")]
    Own,
    /// A gateway.
    #[serde(rename = "GATEWAY")]
    Gateway,
    /// A real server.
    #[serde(rename = "REAL")]
    Real,
}

/// Whether an address answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArpStatus {
    /// This box's own.
    Local,
    /// Resolved.
    Up,
    /// Not resolved.
    Down,
}

/// An entry of the ARP table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArpInfo {
    /// Address.
    pub address: Ipv4Addr,
    /// MAC, if known.
    pub mac: Option<Mac>,
    /// VLAN, if it lies on one of the module's.
    pub vlan: Option<VlanId>,
    /// What it belongs to.
    pub kind: ArpKind,
    /// Whether it answers.
    pub status: ArpStatus,
}

/// An open connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

/// A counter with its sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterInfo {
    /// Name.
    pub name: String,
    /// Value.
    pub value: u64,
    /// One sentence.
    pub help: String,
}

/// Counters of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Open connections in the main table.
    pub connections: u64,
    /// Entries that the main table has.
    pub capacity: u64,
    /// Counters of the data plane.
    pub counters: Vec<CounterInfo>,
}

/// What the data plane is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataplane {
    /// Whether the maps of an earlier process were adopted.
    pub adopted: bool,
    /// Interface numbers of the VLANs, to read the hooks by.
    pub interfaces: Vec<(VlanId, u32)>,
    /// Program, hooks, and how full the table is.
    pub plane: hitless_plane::Dataplane,
}
