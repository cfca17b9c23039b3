//! Deterministic simulation of a pair.
//!
//! Two real cores ([`hitless_core::node::Node`]), each with a model of its data plane, joined by
//! links that lose, delay, repeat, reorder and cut; clients that open, use and close connections
//! through whichever box the switches point at; faults drawn from a seed; and watchers that look
//! after every event at what must hold ([`Invariant`]). Each run has a safety phase, in which
//! anything may fail and nothing bad may happen, and a liveness phase, in which everything is healed
//! and the pair has to settle.
//!
//! No sockets, no clock, no threads inside a run: a seed is a run. Start at [`plan`] for what a run
//! is made of, at [`World`] for how it goes, at [`Invariant`] for what is promised.

#![forbid(unsafe_code)]

pub mod fault;
pub mod pair;
pub mod plan;
pub mod replay;
pub mod time;
pub mod trace;

mod check;
mod client;
mod link;
mod plane;
mod process;
mod queue;
mod rng;
mod run;
mod world;

pub use check::{Invariant, Violation};
pub use run::{Outcome, Tally, explain, run_plan, run_seed, run_seeds};
pub use world::{Stats, World};
