//! The daemons and the command line of hitless.
//!
//! `hitlessd` is the supervisor ([`chassis`]) and, as its hidden sub-command, a module process
//! ([`module`]); `hitless` is the command line. All of them speak HTTP and JSON over Unix sockets
//! ([`api`]). Nothing here decides who is active: that is `hitless-core`.

pub mod api;
pub mod chassis;
pub mod module;
pub mod names;
pub mod netlink;
