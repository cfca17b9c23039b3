//! The laboratory: figure 7-1 in network namespaces with real daemons, load, probes and faults.
//!
//! [`topology`] says what there is, [`network`] makes it. [`load`] opens connections and watches over
//! them, [`probe`] measures outages, [`strain`] makes life hard. [`arena`] is all of it in operation,
//! [`scenario`] what happens there, [`view`] what a terminal shows of it. The laboratory only drives
//! the daemons by their outside contract (configuration text, signals, the command line), as a user
//! would. It is no part of the product: nothing of it runs in production.

pub mod arena;
pub mod chassis;
pub mod clock;
pub mod config_text;
pub mod console;
pub mod gauge;
pub mod interrupt;
pub mod load;
pub mod namespace;
pub mod netlink;
pub mod network;
pub mod pair;
pub mod probe;
pub mod process;
pub mod sampler;
pub mod scenario;
pub mod strain;
pub mod system;
pub mod topology;
pub mod traffic;
pub mod view;
pub mod work;
