//! Carries this box's connections to the peer, and the peer's to this box's table.
//!
//! A sequence of numbered batches in each direction over datagrams that may be lost, doubled and
//! reordered. A batch is acknowledged when it is in the receiver's kernel table, not before.
//! Changes wait in a bounded queue, one per connection, the newest wins; what cannot be told that
//! way (a new session, an overflow, lost captures) is told by a full dump of the table, read part
//! by part at the pace of the link. The table is live at the receiver: a takeover needs nothing
//! from here.
//!
//! Not here: sealing, replay protection and paths (`session`), who is active (`ft`), the kernel's
//! table (the shell). Start at [`Input`] and [`Output`], then `machine`; the wire format is in
//! `codec` and in `docs/protocol/replication.md`.

mod batch;
mod codec;
mod dump;
mod input;
mod machine;
mod output;
mod pace;
mod queue;
mod receiver;
mod records;
mod repairs;
mod sender;
mod speaks;
mod standing;
mod teller;

pub use input::{Input, Mode, Sending, SessionId};
pub use machine::{MAX_OUTPUTS, Replica};
pub use output::{Event, Output, Rejected, Status, Timer};

/// Octets of the largest message: what is left of 1,452 (an Ethernet MTU less IPv6 and UDP headers)
/// after the session's header and seal.
pub const MAX_MESSAGE: usize = 1_380;

#[cfg(test)]
mod tests;
