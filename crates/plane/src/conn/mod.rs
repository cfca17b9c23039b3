//! The connection tables as user space works on them: records of the peer go in, dumps come out,
//! expired connections are swept, and the number of connections stays exact throughout.
//!
//! Established connections are in the main table (`CONN_*`), others in the small evicting one
//! (`EMB_*`). [`entry`] converts, [`ConnTable`] writes and removes (`together` many at once), `dump`
//! reads, `sweep` expires, `tally` counts.

mod dump;
pub(crate) mod entry;
mod peer_dump;
mod sweep;
mod table;
mod tally;
mod together;
mod usage;

pub use dump::{ConnDetail, DirectionDetail, DumpCursor, Scope, Which};
pub use entry::Refusal;
pub use sweep::{Ended, SweepCursor, SweepPolicy, Swept};
pub use table::{ConnTable, PeerWord, Refused};
pub use tally::{Counts, Tally};
pub use usage::Usage;
