//! What people see while a scenario runs: plain lines with the time since its start.

use std::cell::RefCell;
use std::io::Write;
use std::time::Instant;

/// Where the lines go.
pub struct Console {
    start: Instant,
    to: RefCell<Box<dyn Write>>,
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
        Self { start: Instant::now(), to: RefCell::new(to) }
    }

    /// A line of the time line.
    pub fn say(&self, line: impl AsRef<str>) {
        self.plain(&format!("{:6.2} s  {}", self.start.elapsed().as_secs_f64(), line.as_ref()));
    }

    /// Text without time.
    pub fn plain(&self, text: &str) {
        let mut to = self.to.borrow_mut();
        // A reader that went away does not stop the scenario, which has to clean up.
        let _ = writeln!(to, "{text}").and_then(|()| to.flush());
    }
}
