//! Standing comparison of the two boxes' connection tables.
//!
//! ```text
//!  kernel table ─ walk ─┐                              ┌─ walk ─ kernel table
//!   (active)            ▼                              ▼         (standby)
//!  events ────────▶ ledger ── digests, in the stream ─▶ ledger ◀──── batches
//!                      ▲ compare                          │
//!                      └──────── listing of a bucket ◀────┘ differs
//! ```
//! Each box keeps a ledger of what its kernel table should hold: a fingerprint for every replicated
//! connection, in 1,024 buckets, from events or applied batches. A slow walk through the kernel table
//! finds what those did not tell. The active's digests travel among its changes, so that both ends mean
//! the same moment and live traffic makes no difference. The standby answers a digest that differs with
//! what it holds; the active tells what is missing there and names what is too much.
//!
//! No clock, no input or output: the table's thread reads the kernel and passes on what comes out.
//! Start at [`Audit`]; `docs/adr/0021-anti-entropy.md` has the reasons.

mod fingerprint;
mod ledger;
mod machine;

pub use fingerprint::{BUCKETS, Bucket, Digest, Fingerprint};
pub use ledger::Ledger;
pub use machine::{Audit, Difference, Due, Listing, MAX_LISTED, Task, Walked};

#[cfg(test)]
mod tests;
