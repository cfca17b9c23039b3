//! What the management API says. A module answers on its own socket:
//!
//! | request | answer |
//! |---|---|
//! | `PUT /v1/config` with [`ModuleConfig`] | nothing, or [`Problem`] |
//! | `GET /v1/ready` | [`Ready`] |
//! | `GET /v1/ft` | [`FtState`], or null without a group |
//! | `GET /v1/history` | [`FtHistory`], or null without a group |
//! | `GET /v1/vservers` `/v1/reals` `/v1/serverfarms` `/v1/vlans` `/v1/arp` `/v1/conns` | lists |
//! | `GET /v1/stats` | [`Stats`] |
//! | `GET /v1/dataplane` | [`Dataplane`] |
//! | `POST /v1/handover` | nothing, or [`Problem`] |
//! | `POST /v1/reload` with [`Renew`] | [`Renewal`] |
//! | `POST /v1/stop` | nothing, when handed over and about to leave |
//!
//! The supervisor answers `POST /v1/exec` with [`ExecRequest`] → [`ExecReply`], and `GET /v1/reload`
//! with the [`ExecReply`] of the reload that it came out of, as soon as that is over.

mod servers;

use std::net::Ipv4Addr;
use std::path::PathBuf;

use hitless_config::model::{Module, Name, Side, SplitBrain, Subnet};
use hitless_core::node::{Decision, History, Kept, Status};
use hitless_model::{ConnRecord, ConnStage, Epoch, GroupId, Mac, Priority, Role, VlanId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use servers::{FarmInfo, RealInfo, RealState, VirtualServerInfo, VirtualServerState};

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

/// Whether a module is at work. Answered without asking any of its threads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// A configuration is in force.
    pub configured: bool,
    /// The module's process.
    pub pid: u32,
    /// When its program was started, in nanoseconds of the monotonic clock: tells one life of the
    /// same process from the next.
    pub life: u64,
    /// Its release.
    pub software: String,
    /// Milliseconds since its core thread turned; none without one.
    pub core_age_ms: Option<u64>,
    /// The role in its gate, if it is a member of a group.
    pub role: Option<Role>,
    /// How this life began.
    pub beginning: Beginning,
}

/// How a module's life began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beginning {
    /// It went on as active where an earlier life had left off.
    pub resumed: bool,
    /// Microseconds from the start of its program, or from the end of the one before in the same
    /// process, to its first heartbeat.
    pub heartbeat_us: Option<u64>,
    /// Microseconds from then until it was wholly at work.
    pub ready_us: Option<u64>,
}

/// A module is to replace its program and configuration, in place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Renew {
    /// The program to become.
    pub program: PathBuf,
    /// The [`ModuleConfig`] to run with, in the form of the release to become.
    pub config: serde_json::Value,
    /// Only say whether it is possible.
    pub trial: bool,
}

/// What a module answers to [`Renew`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Renewal {
    /// It is possible; unless only that was asked for, it happens at once.
    Granted,
    /// It would cost the active role, or is not possible now.
    Refused(String),
    /// What changes cannot be taken over: the module has to be stopped and started.
    Anew(String),
}

impl Renewal {
    /// Whether nothing stands in the way.
    pub fn is_granted(&self) -> bool {
        match self {
            Self::Granted => true,
            Self::Refused(_) | Self::Anew(_) => false,
        }
    }
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
    /// The rest of the answer is given by `GET /v1/reload`: the daemon is being replaced.
    #[serde(default)]
    pub follow: bool,
}

impl ExecReply {
    /// All there is to say.
    pub fn done(output: impl Into<String>) -> Self {
        Self { output: output.into(), follow: false }
    }
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
    /// `split-brain`.
    #[serde(default)]
    pub split_brain: SplitBrain,
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

/// Every decision that is kept, those of earlier lives too, with what led to each.
pub type FtHistory = History<KeptStory>;

/// A decision with what led to it.
pub type KeptDecision = Kept<KeptStory>;

/// The record of a decision as text: written once, and passed on as it is. Another release's can be
/// kept and shown without being understood.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeptStory(Box<RawValue>);

impl KeptStory {
    /// Writes a record down.
    pub fn new(recording: &impl Serialize) -> serde_json::Result<Self> {
        serde_json::value::to_raw_value(recording).map(Self)
    }

    /// Its length.
    pub fn octets(&self) -> usize {
        self.0.get().len()
    }
}

impl PartialEq for KeptStory {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
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
    /// The module's interfaces, to read the hooks by.
    pub interfaces: Vec<InterfaceInfo>,
    /// Whether packets for floating addresses are let through.
    pub gate: GateInfo,
    /// Programs, hooks and maps.
    pub plane: hitless_plane::Dataplane,
    /// Counters of the data plane.
    pub counters: Vec<CounterInfo>,
}

/// The interface of a module on a VLAN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceInfo {
    /// The VLAN.
    pub vlan: VlanId,
    /// The interface's number.
    pub index: u32,
    /// The device that is attached as this interface, by its name in the chassis.
    pub device: Option<String>,
}

/// The role word of the data plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateInfo {
    /// The role; none if the word is none that this release knows.
    pub role: Option<Role>,
    /// Its epoch.
    pub epoch: Epoch,
    /// Milliseconds of its lease that are left; none for a role that needs no lease or has it for ever.
    pub lease_ms: Option<u64>,
}
