//! The daemons and the command line of hitless.
//!
//! `hitlessd` is the supervisor ([`chassis`]) and, as its hidden sub-command, a module process
//! ([`module`]); `hitless` is the command line. All of them speak HTTP and JSON over Unix sockets
//! ([`api`]). [`exec`] carries out commands, [`show`] lays out what they say. Nothing here decides
//! who is active: that is `hitless-core`.

pub mod api;
pub mod chassis;
pub mod exec;
pub mod log;
pub mod metrics;
pub mod module;
pub mod names;
pub mod netlink;
pub mod shell;
pub mod show;
pub mod store;
