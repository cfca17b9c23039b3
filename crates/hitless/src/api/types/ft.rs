//! Fault tolerance of a module: its state, its decisions.

use hitless_config::model::SplitBrain;
use hitless_core::node::{Decision, History, Kept, Status};
use hitless_model::{GroupId, Priority, VlanId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Fault tolerance of a module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct KeptStory(#[schemars(with = "serde_json::Value")] Box<RawValue>);

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
