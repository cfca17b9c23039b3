//! The time line of a run, for people.

use crate::time::Moment;

/// How much is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Nothing.
    None,
    /// Faults, roles, decisions, events.
    Brief,
    /// Every input and output too.
    Full,
}

/// Lines written down so far.
#[derive(Debug)]
pub struct Trace {
    detail: Detail,
    lines: Vec<String>,
}

impl Trace {
    /// Nothing written yet.
    pub const fn new(detail: Detail) -> Self {
        Self { detail, lines: Vec::new() }
    }

    /// The lines.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    pub(crate) fn brief(&mut self, at: Moment, line: impl FnOnce() -> String) {
        self.write(Detail::Brief, at, line);
    }

    pub(crate) fn full(&mut self, at: Moment, line: impl FnOnce() -> String) {
        self.write(Detail::Full, at, line);
    }

    fn write(&mut self, detail: Detail, at: Moment, line: impl FnOnce() -> String) {
        if detail <= self.detail {
            self.lines.push(format!("{at}  {}", line()));
        }
    }
}
