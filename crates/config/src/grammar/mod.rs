//! The command language as data.
//!
//! A [`Table`] holds the commands of one mode. Each [`Command`] is a path of [`Element`]s (keywords
//! and typed arguments) with what it does to the mode's target and how the target shows it. From
//! the paths come the two trees (plain and `no`) that parsing, abbreviation, `?` and error texts
//! walk, and the lines of `show running-config`. Nothing here knows a command of the product:
//! those are in [`crate::commands`] and [`crate::exec`].

mod element;
mod mode;
mod port;
mod printer;
mod table;
mod tree;
mod trees;
mod value;

pub use element::{Element, Kind, arg, keyword, keyword_or, rest};
pub use mode::{Child, Mode, Scope};
pub use port::{port_by_name, port_name};
pub use printer::{Lines, Printer, Secrets};
pub use table::{Action, Command, Lack, Refusal, Table};
pub use tree::{Candidate, Hint, Listing, Match, Mismatch, Tree};
pub use trees::{Entry, Form, Trees, Verdict};
pub use value::{Args, Extract, Value, VlanList};
