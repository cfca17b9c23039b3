//! One module's pure core: composes session, fault tolerance and replication.
//!
//! The shell (the core thread of a module process) and the simulation drive a [`Node`] through
//! [`Input`] and [`Output`] and nothing else.

mod carry;
mod counters;
mod input;
mod machine;
mod output;
mod parts;
mod record;
mod recording;
mod route;
mod status;
#[cfg(test)]
mod tests;

pub use input::{
    Captured, Command, HandoverCause, Input, NodeConfig, PathId, Resume, Secret, Snapshot,
    SplitBrain,
};
pub use machine::{Node, Timer};
pub use output::{
    BatchId, Bulk, Change, Decision, Destination, Event, Gateways, Lane, Output, PeerStatus,
    Status, TableJob, Transmit,
};
pub use record::Story;
pub use recording::{FORMAT, History, Kept, Played, Player, Recording, Step, Told, Torn};
