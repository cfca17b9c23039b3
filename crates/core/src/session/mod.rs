//! Identity and sealing: who the peer is, and that a frame is really its, fresh and whole.
//!
//! Each life of a box has a random nonce. The two say `Hello` on the fault-tolerant VLAN, derive a
//! session key from both nonces (and the `key-string`, if there is one) and seal everything else
//! with it, on every path. A peer that rebooted has a new nonce: that makes a *candidate* session,
//! and the current one stays until a valid frame sealed under the candidate arrives, so a replayed
//! `Hello` cuts nothing. Every frame has its own number; a window per kind drops replays.
//!
//! While keys are changed a box takes two ([`keyring`]), and a session that stands goes over from one to
//! the other without a frame lost ([`rekey`]).
//!
//! Without a key the fault-tolerant VLAN itself is trusted, because the nonces cross it in clear;
//! the other VLANs never are. What bodies mean is not known here. Wire format:
//! `docs/protocol/frames.md`. Start at [`Session`].

mod config;
mod contact;
mod error;
mod frame;
mod hello;
mod input;
mod keyring;
mod keys;
mod link;
mod machine;
mod output;
mod rekey;
#[cfg(test)]
mod tests;
mod window;

pub use config::{Config, Pair};
pub use error::Rejected;
pub use frame::{Kind, MAX_BODY, MAX_FRAME, Sealing};
pub use input::Input;
pub use keyring::{KeyInUse, KeyTrouble};
pub use machine::Session;
pub use output::{Counters, Output, Timer};
