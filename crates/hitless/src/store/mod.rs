//! The configuration that runs: changed wholly or not at all, kept over restarts, told who by.
//!
//! ```text
//!  Change ─ merge, validate ─▶ candidate ─ prepare ─▶ chassis and modules ─ apply ─▶ commit
//!             (config)            │                      (chassis)                (files)
//!                                 └── refused anywhere: everything is as it was
//! ```
//! [`Store`] serialises changes and knows what runs. Three things are on disk ([`shelf`]): the
//! *startup configuration*, which a daemon begins with; the *checkpoint* of what runs, which the next
//! daemon goes on with while modules live; and the *archive* of what ran before. The store
//! knows neither network nor modules: it asks the chassis ([`Wish`]) and is told yes or no.
//! Reasons: `docs/adr/0015-store.md`.

mod types;

pub use types::{
    Applied, ArchiveEntry, Change, ChangeError, Outlook, PendingRevert, Running,
};
