//! The supervisor: the chassis around the modules.
//!
//! It keeps the VLAN bridges, the access ports, and one network namespace with its veths per module
//! ([`desired`] → [`plan`] → [`kernel`]), and one process per module ([`process`]), level-triggered:
//! what is removed by hand comes back, what dies or stands still is started again. It can be killed,
//! or replaced by its next release ([`reload`], [`succession`]), without a module noticing more than
//! that. It forwards nothing and decides no roles. Start at [`supervisor::Supervisor::run`].
//!
//! ```text
//!  configuration → Desired ─┐
//!                           ├─ plan → operations → kernel     on events, and every few seconds
//!  kernel dump   → Actual ──┘
//! ```

mod attached;
mod backoff;
pub mod desired;
mod devices;
mod handle;
mod keeper;
pub mod kernel;
mod manager;
mod modules;
mod network;
mod overlap;
pub mod plan;
pub mod preflight;
pub mod privileges;
pub mod process;
pub mod reload;
mod signals;
pub mod state_dir;
pub mod succession;
pub mod supervisor;
mod taking;
mod tending;
mod transaction;
mod vitals;

#[cfg(test)]
mod tests;

pub use handle::Chassis;
pub use keeper::ModuleState;
pub use tending::Arrival;
