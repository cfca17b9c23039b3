//! `ft group G vlan V`: the pair that a module is one of.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use hitless_model::{GroupId, HsrpGroup, Priority, VlanId};
use serde::{Deserialize, Serialize};

use super::{InterfaceName, KeyString};

/// The fault-tolerant group of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FtGroup {
    /// Group number.
    pub group: GroupId,
    /// Its VLAN.
    pub vlan: VlanId,
    /// `priority N`. Default 10.
    pub priority: Priority,
    /// `alt N`: what the peer gets by config sync.
    pub alt_priority: Option<Priority>,
    /// `heartbeat-time S | msec MS`. Default 1 s.
    pub heartbeat: Duration,
    /// `failover S | msec MS`. Default 3 s.
    pub failover: Duration,
    /// `preempt`.
    pub preempt: bool,
    /// `key-string`.
    pub key: Option<KeyString>,
    /// `key-string KEY accept`: taken besides, while keys are changed.
    #[serde(default)]
    pub accepted_key: Option<KeyString>,
    /// `split-brain`.
    #[serde(default)]
    pub split_brain: SplitBrain,
    /// `track ...`.
    #[serde(default)]
    pub tracking: Tracking,
}

/// `split-brain`: what a box does that hears nothing of its peer, which may be dead, or alive and as
/// alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum SplitBrain {
    /// It is active, as in the original: both are, if both live.
    #[default]
    BothActive,
    /// It is active if one of its gateways hears it.
    Gateway,
}

/// What has to be well for a box to stay active.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tracking {
    /// `track group`: HSRP groups that this chassis is the active router of.
    pub groups: BTreeSet<HsrpGroup>,
    /// `track gateway`: gateways that answer.
    pub gateways: BTreeSet<Ipv4Addr>,
    /// `track interface`: interfaces that are up.
    pub interfaces: BTreeSet<InterfaceName>,
    /// `track mode`.
    pub mode: TrackMode,
}

/// `track mode`: when the role is handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TrackMode {
    /// If anything is not well.
    #[default]
    Any,
    /// If something is not well of each kind that is tracked.
    All,
}
