//! The management API: HTTP and JSON over Unix sockets, between the command line, the supervisor
//! and its modules. [`types`] is what is said, [`client`] asks, [`server`] answers.

pub mod client;
pub mod server;
pub mod types;
