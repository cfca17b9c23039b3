//! The command language of hitless and the configuration that it yields.
//!
//! [`parse`] turns text in the form of IOS into a [`Configuration`], or says what is wrong with
//! every line; [`render`] turns it back; [`digest`] tells whether two boxes are configured as a
//! pair; [`parse_exec`] reads what is typed at the prompt. The commands are data ([`grammar`]).
//! Nothing here touches the system or does what a command asks for.

mod admit;
mod commands;
mod defaults;
mod diagnostic;
mod digest;
mod draft;
mod exec;
pub mod grammar;
mod line;
mod locate;
pub mod model;
mod parse;
mod reference;
mod render;
pub mod session;
mod validate;

pub use admit::admit;
pub use defaults::MAX_CONNECTIONS;
pub use diagnostic::Diagnostic;
pub use digest::digest;
pub use exec::{
    BadLine, Clear, Configure, Connections, Copy, ExecCommand, ExecLine, Filter, ModuleView,
    Modules, OutputFormat, Pattern, Privilege, Session, Show, Sticky, StickyEntries, Stored,
    SupportPart, parse_exec,
};
pub use grammar::{Candidate, Mode};
pub use locate::candidates;
pub use model::Configuration;
pub use parse::{Merged, Notice, merge, parse};
pub use reference::reference;
pub use render::{render, render_with_secrets};
pub use validate::{Problem, validate};
