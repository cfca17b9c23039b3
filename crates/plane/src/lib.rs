//! The user-space side of the data plane: loads, pins, adopts and attaches the eBPF programs, fills
//! their maps from the configuration, and keeps their connection tables.
//!
//! Start at [`desired`] (what the maps should hold, pure) and at [`Plane`] (the kernel's side of it).
//! Threads get handles of their own: [`RoleHandle`] for the core, [`ConnTable`] and [`EventReader`]
//! for replication, [`NextHops`] for the neighbour table, [`CounterReader`] for `show`. Not here:
//! netlink, addresses, routes, neighbours; who is active; what is replicated when.

mod apply;
mod conn;
mod counters;
mod desired;
mod endpoint;
mod error;
mod events;
mod hook;
mod info;
mod kernel_map;
#[cfg(test)]
mod kernel_tests;
mod layout;
mod load;
mod maps;
mod neighbours;
mod pins;
mod plane;
mod resolver;
mod role;
mod sticky;
mod sys;
#[cfg(test)]
mod testing;

pub use apply::Applied;
pub use conn::{
    ConnDetail, ConnTable, Counts, DirectionDetail, DumpCursor, Ended, PeerWord, Refusal, Refused,
    Scope, SweepCursor, SweepPolicy, Swept, Tally, Usage, Which,
};
pub use counters::CounterReader;
pub use desired::{
    Desired, Farm, FloatingKind, NextHop, Port, PortFacts, Real, Sticky, StickySince, Unsupported,
    VirtualServer, desired,
};
pub use endpoint::Endpoint;
pub use error::{Error, Result};
pub use events::{ConnEvent, EventReader};
pub use hook::{Hook, HookKind, Wanted};
pub use info::{Dataplane, LoadedProgram, MapUse};
pub use neighbours::{Neighbour, NextHops};
pub use pins::{pinned_capacity, remove_pins};
pub use plane::{Layout, Plane};
pub use role::RoleHandle;
pub use sticky::{StickyCursor, StickyDetail, StickySweep, StickyTable};
