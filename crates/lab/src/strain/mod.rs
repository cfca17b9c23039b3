//! What makes life hard for the pair without breaking anything: busy processors, a flood of SYNs, a crowd
//! of connections.

mod busy;
pub mod crowd;
mod flood;
mod gathered;
pub mod relay;

pub use busy::Busy;
pub use flood::{FLOOD_NETWORK, Flood};
pub use gathered::Gathered;
