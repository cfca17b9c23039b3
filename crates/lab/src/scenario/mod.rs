//! Scenarios: what happens to the pair, what is measured, what must hold.
//!
//! [`table`] lists every fault with what must follow, in the words of [`fault`]; the acts do it.
//! [`turn`] lets one fault happen once and judges it, [`run`] repeats those of a scenario for
//! figures, [`demo`] shows them to a newcomer's eyes.

mod acts;
pub mod demo;
pub mod events;
pub mod fault;
pub mod report;
pub mod rows;
pub mod run;
pub mod table;
pub mod turn;
