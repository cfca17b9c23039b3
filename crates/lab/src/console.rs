//! What people see while a scenario runs: plain lines with the time since its start.

use std::cell::RefCell;
use std::io::Write;
use std::time::Instant;

use serde::Serialize;

/// A line of the time line.
#[derive(Clone, Debug, Serialize)]
pub struct Said {
    /// Seconds since the start.
    pub at_s: f64,
    /// What happened.
    pub what: String,
}

/// Where the lines go.
pub struct Console {
    start: Instant,
    to: RefCell<Box<dyn Write>>,
    said: RefCell<Vec<Said>>,
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console").field("start", &self.start).finish_non_exhaustive()
    }
}

impl Console {
    /// Lines on standard output.
    pub fn standard() -> Self {
        Self::new(Box::new(std::io::stdout()))
    }

    /// Lines on standard error: standard output is for the JSON document.
    pub fn aside() -> Self {
        Self::new(Box::new(std::io::stderr()))
    }

    fn new(to: Box<dyn Write>) -> Self {
        Self { start: Instant::now(), to: RefCell::new(to), said: RefCell::default() }
    }

    /// A line of the time line.
    pub fn say(&self, line: impl AsRef<str>) {
        let (at_s, what) = (self.start.elapsed().as_secs_f64(), line.as_ref().to_owned());
        self.plain(&format!("{at_s:6.2} s  {what}"));
        self.said.borrow_mut().push(Said { at_s, what });
    }

    /// The time line so far.
    pub fn time_line(&self) -> Vec<Said> {
        self.said.borrow().clone()
    }

    /// Text without time.
    pub fn plain(&self, text: &str) {
        let mut to = self.to.borrow_mut();
        // A reader that went away does not stop the scenario, which has to clean up.
        let _ = writeln!(to, "{text}").and_then(|()| to.flush());
    }
}
