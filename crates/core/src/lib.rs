//! The pure machines of a hitless pair.
//!
//! `no_std` + `alloc`: no clock, no input or output, no threads, no randomness but an injected
//! seed. Time and input go in, outputs are polled, deadlines are read off the state; see
//! [`machine::Machine`]. [`node`] composes the others and is what the shell and the simulation
//! drive; [`ft`] decides who is active; [`replica`] carries connections to the peer; [`session`]
//! seals and opens what goes over the wire; [`audit`] compares the two connection tables. Machines
//! never import each other; only `node` knows them all.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod audit;
pub mod ft;
pub mod machine;
pub mod node;
pub mod replica;
pub mod session;
pub mod wire;
