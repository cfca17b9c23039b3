//! The data plane, packet by packet: the committed object is loaded into the kernel, given maps and a
//! frame, and its verdict, the frame that comes out, the counters and the tables are compared.
//!
//! Frames are built and checked by etherparse, which sums from scratch what the programs only adjust.
//! This binary runs them at the TC hook, `xdp.rs` runs the same at XDP. `support` has the world that the frames live in; each other module is one part of the behaviour.

mod arp;
mod balance;
mod cable;
mod closing;
mod exits;
mod floating;
mod icmp;
mod load;
mod malformed;
mod pending;
mod roles;
mod sticky;
mod support;
mod table_full;
mod tcp;
mod udp;
mod wire;

/// The hook under test.
const HOOK: support::kernel::Hook = support::kernel::Hook::Tc;
