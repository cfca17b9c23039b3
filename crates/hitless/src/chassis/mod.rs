//! The supervisor: the chassis around the modules.
//!
//! It keeps the VLAN bridges, the access ports, and one network namespace with its veths per module
//! ([`desired`] → [`plan`] → [`kernel`]), and one process per module ([`process`]), level-triggered:
//! what is removed by hand comes back, what dies is started again. It forwards nothing and decides
//! no roles. Start at [`supervisor::Supervisor::run`].
//!
//! ```text
//!  configuration → Desired ─┐
//!                           ├─ plan → operations → kernel     on events, and every few seconds
//!  kernel dump   → Actual ──┘
//! ```

mod backoff;
pub mod desired;
mod handle;
mod keeper;
pub mod kernel;
mod modules;
pub mod plan;
pub mod preflight;
pub mod privileges;
pub mod process;
pub mod state_dir;
pub mod supervisor;

#[cfg(test)]
mod tests;

pub use handle::Chassis;
pub use keeper::ModuleState;
