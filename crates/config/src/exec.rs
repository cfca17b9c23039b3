//! The exec commands: what is typed at `Router#` and given to `hitless -c`.
//!
//! [`command`] has them as values, [`table`] as a tree that yields those values, [`line`] reads a
//! line. Nothing here carries one out: showing is done by who answers the management API, and what
//! concerns only the terminal ([`Session`]) by the shell.

mod command;
mod line;
mod pipe;
mod table;

pub use command::{
    Clear, Configure, Connections, Copy, ExecCommand, ModuleView, Modules, Privilege, Session,
    Show, Sticky, StickyEntries, Stored, SupportPart,
};
pub(crate) use line::PIPES;
pub use line::{BadLine, ExecLine, parse_exec};
pub use pipe::{Filter, OutputFormat, Pattern};
pub(crate) use table::{EXEC, command, is_for_readers, privilege};
