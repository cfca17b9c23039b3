//! Fault tolerance: which of the two boxes is active.
//!
//! ```text
//!                 nobody / election          handover asked for
//!  Initializing ───────────────────▶ Active ◀──────────────────▶ Draining
//!       │ hears an active            │  ▲  │ yields                 │ peer is active
//!       ▼       silence / election   │  │  └──────────┐             ▼
//!    Standby ────────────────────────┼──┘             │          Leaving
//!       ▲  ▲                lease over                ▼             │ 50 ms
//!       │  └───────────────── Lapsed ◀────────────────┼─────────────┤
//!       └─────────────────────────────────────────────┴─────────────┘
//! ```
//!
//! Everything is told by *state*, inside heartbeats that repeat: there is no message whose loss or
//! doubling matters. The right to forward is a lease that the peer's confirmations renew, so that
//! the old active is silent before the peer may take over. Why so: `docs/adr/0003-lease.md` and
//! `docs/adr/0005-handover.md`.
//!
//! Not here: sealing and replays (`session`), connections (`replica`), paths and addresses
//! (`node`). Start at [`Ft`]; `decide` holds the rules, `transitions` the only writers of the
//! state.

mod absence;
mod beat;
mod config;
mod deadlines;
mod decide;
mod delays;
mod handover;
mod input;
mod machine;
mod output;
mod peer;
mod resume;
mod sent;
mod speak;
mod state;
mod status;
#[cfg(test)]
mod tests;
mod transitions;
mod wish;
mod witness;

pub use beat::{Beat, Flags, Purpose, Seq};
pub use config::Config;
pub use input::Input;
pub use machine::Ft;
pub use output::{Malformed, Output, Timer};
