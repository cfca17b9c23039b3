//! Scenarios: what happens to the pair, what is measured, what must hold.
//!
//! [`events`] lets one thing happen and measures it. [`planned`](run) and power loss are repeated
//! events for figures; [`demo`] is all of them once for a newcomer's eyes.

pub mod demo;
pub mod events;
pub mod report;
mod run;

pub use run::{Kind, bring_up, run};
