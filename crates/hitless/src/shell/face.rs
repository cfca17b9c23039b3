//! Who a shell talks to: a person at a terminal, or a script.

use std::io::Write;

use super::terminal::{Printer, Terminal};

/// The other side.
pub(super) enum Face {
    /// A person: pages, questions, keys that are answered at once.
    Person(Box<Terminal>),
    /// A pipe or `-c`: text goes out as it is, nothing is asked, and lines are remembered here.
    Script(Vec<String>),
}

impl Face {
    /// Whether somebody is there to be asked.
    pub(super) fn is_person(&self) -> bool {
        match self {
            Self::Person(_) => true,
            Self::Script(_) => false,
        }
    }

    /// Prints a text; `length` is the number of lines of a page.
    pub(super) fn print(&mut self, text: &str, length: Option<u16>) -> std::io::Result<()> {
        match self {
            Self::Person(terminal) => terminal.page(text, length),
            Self::Script(_) => flow(text),
        }
    }

    /// Asks a question: none if the person gave up, and nothing typed if nobody is there.
    pub(super) fn ask(&mut self, question: &str) -> Option<String> {
        match self {
            Self::Person(terminal) => terminal.ask(question),
            Self::Script(_) => Some(String::new()),
        }
    }

    /// How wide lines are taken to be; 0 = as the window is.
    pub(super) fn set_width(&mut self, columns: u16) {
        match self {
            Self::Person(terminal) => terminal.set_width(columns),
            Self::Script(_) => {}
        }
    }

    /// A printer for what happens meanwhile.
    pub(super) fn printer(&mut self) -> Result<Printer, String> {
        match self {
            Self::Person(terminal) => {
                terminal.printer().map_err(|error| format!("% The terminal: {error}\n"))
            }
            Self::Script(_) => {
                Err("% Nobody is there to watch: that needs a terminal.\n".to_owned())
            }
        }
    }

    /// Remembers a line; a terminal does so by itself.
    pub(super) fn remember(&mut self, line: &str) {
        match self {
            Self::Person(_) => {}
            Self::Script(lines) => lines.push(line.to_owned()),
        }
    }

    /// The lines so far, the oldest first.
    pub(super) fn history(&self) -> Vec<String> {
        match self {
            Self::Person(terminal) => terminal.history(),
            Self::Script(lines) => lines.clone(),
        }
    }
}

/// A reader that has seen enough, as `head` does, is no error.
fn flow(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
