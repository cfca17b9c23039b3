//! The daemon itself.

use hitless_model::{Role, Slot};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::log::Zone;

/// The daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct System {
    /// Name of the chassis.
    pub hostname: String,
    /// Its release.
    pub software: String,
    /// Version of the running kernel.
    pub kernel: String,
    /// The supervisor's process.
    pub pid: u32,
    /// Seconds since the supervisor began this life.
    pub uptime_s: u64,
    /// Unix time in milliseconds.
    pub unix_ms: u64,
    /// The zone that times are printed in.
    pub zone: Zone,
    /// Whether `clock calendar-valid` says that the calendar is right.
    pub calendar_valid: bool,
    /// The revision of the configuration in force.
    pub revision: u64,
}

/// A module, and whether it is at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModuleStatus {
    /// Its slot.
    pub slot: Slot,
    /// Whether it is at work.
    pub online: bool,
    /// How it is, in words.
    pub state: String,
    /// Its process, if it is at work.
    pub pid: Option<u32>,
    /// Its release, if it answers.
    pub software: Option<String>,
    /// Milliseconds since its core thread turned; none without one.
    pub core_age_ms: Option<u64>,
    /// The role in its gate, if it is a member of a group.
    pub role: Option<Role>,
}

/// A variable of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Variable {
    /// Its name, in upper case.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Whether it was configured, or is the default.
    pub configured: bool,
}

/// Which news a watcher wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventQuery {
    /// From the first that is kept with a greater number; without it, from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}
