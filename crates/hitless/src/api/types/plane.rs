//! The data plane of a module and what it counts.

use hitless_model::{Epoch, Role, VlanId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A counter with its sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CounterInfo {
    /// Name.
    pub name: String,
    /// Value.
    pub value: u64,
    /// One sentence.
    pub help: String,
}

/// Counters of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    /// Open connections in the main table.
    pub connections: u64,
    /// Entries that the main table has.
    pub capacity: u64,
    /// Counters of the data plane.
    pub counters: Vec<CounterInfo>,
}

/// What the data plane is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InterfaceInfo {
    /// The VLAN.
    pub vlan: VlanId,
    /// The interface's number.
    pub index: u32,
    /// The device that is attached as this interface, by its name in the chassis.
    pub device: Option<String>,
}

/// The role word of the data plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateInfo {
    /// The role; none if the word is none that this release knows.
    pub role: Option<Role>,
    /// Its epoch.
    pub epoch: Epoch,
    /// Milliseconds of its lease that are left; none for a role that needs no lease or has it for ever.
    pub lease_ms: Option<u64>,
}
