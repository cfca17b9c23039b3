//! What every part of hitless agrees on: newtypes, the nouns of the field, and the ABI of the BPF maps.
//!
//! Pure data and small pure functions; `no_std`, because the BPF programs use it too. No clock, no
//! input or output, no allocation. Start at [`abi`] for what the data plane sees, at [`conn`] for
//! what travels between the two boxes.

#![cfg_attr(not(test), no_std)]

#[cfg(feature = "schema")]
extern crate alloc;

pub mod abi;
pub mod checksum;
pub mod conn;
pub mod counter;
pub mod ids;
pub mod mac;
pub mod role;
pub mod sticky;
pub mod tcp;
pub mod time;

pub use conn::{ConnKey, ConnRecord, ConnStage};
pub use counter::Counter;
pub use ids::{
    ChannelGroup, Epoch, GroupId, HsrpGroup, Priority, Protocol, Slot, StickyGroup, UnitId, VlanId,
};
pub use mac::Mac;
pub use role::Role;
pub use sticky::{StickyClient, StickyOwner, StickyRecord};
pub use time::Instant;
