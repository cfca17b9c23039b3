//! What the supervisor and its modules say to each other alone.

use std::path::PathBuf;

use hitless_config::model::Module;
use hitless_model::Role;
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
