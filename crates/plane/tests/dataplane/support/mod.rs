//! What every fixture needs: a loaded object with its maps, the addresses, and frames.

pub(crate) mod case;
pub(crate) mod frame;
pub(crate) mod kernel;
pub(crate) mod raw;
pub(crate) mod scene;
pub(crate) mod world;
