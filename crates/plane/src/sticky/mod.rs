//! The table of clients that stick, as user space works on it: records of the peer go in, dumps come out,
//! and entries whose time is over are swept.
//!
//! The programs make and use entries; only user space ends them, because the time of most entries counts from
//! the end of the client's last connection, which no packet shows. [`entry`] converts, [`StickyTable`] writes and
//! removes, `sweep` expires.

pub(crate) mod entry;
mod rules;
mod sweep;
mod table;

pub(crate) use rules::Rules;
pub use sweep::StickySweep;
pub use table::{StickyCursor, StickyDetail, StickyTable};
