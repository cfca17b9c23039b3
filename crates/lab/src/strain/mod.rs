//! What makes life hard for the pair without breaking anything: busy processors, a flood of SYNs.

mod busy;
mod flood;

pub use busy::Busy;
pub use flood::{FLOOD_NETWORK, Flood};
