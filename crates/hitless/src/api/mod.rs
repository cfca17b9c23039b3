//! The management API: HTTP and JSON over Unix sockets, between the command line, the supervisor
//! and its modules; and over TCP with TLS for others, if that is configured.
//!
//! [`types`] is what is said, [`client`] asks. What the supervisor answers is one list of routes
//! ([`routes`], each an [`endpoint`]), from which the router, the rights and the OpenAPI document come;
//! [`serve`] and [`tls`] let clients in. Reasons: `docs/adr/0016-api.md`.

pub mod access;
pub mod app;
pub mod client;
pub mod doors;
mod endpoint;
mod extract;
pub(crate) mod follow;
pub(crate) mod keys;
mod openapi;
pub mod refusal;
pub mod routes;
pub mod serve;
pub mod server;
pub mod tls;
pub mod types;
