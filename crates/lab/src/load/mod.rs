//! Load: TCP connections that keep exchanging small numbered messages, and who answers them.
//!
//! [`servers`] answers on the real servers, [`clients`] opens the connections and watches over each
//! of them. [`message`] is what they exchange.

pub mod clients;
pub mod message;
pub mod servers;

/// Port of the virtual server that TCP connections are opened to (`www`).
pub const TCP_PORT: u16 = 80;
/// Port of the virtual server that a crowd connects to.
pub const CROWD_PORT: u16 = 8080;
/// Port of the virtual server that probes are sent to (`echo`).
pub const UDP_PORT: u16 = 7;
