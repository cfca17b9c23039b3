//! What people see while a scenario runs: plain lines with the time since its start.

use std::cell::RefCell;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

/// The time line as others see it, on other threads.
pub type TimeLine = Arc<Mutex<Vec<Said>>>;

/// Where the lines go.
pub struct Console {
    start: Instant,
    to: Option<RefCell<Box<dyn Write>>>,
    said: TimeLine,
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console").field("start", &self.start).finish_non_exhaustive()
    }
}

impl Console {
    /// Lines on standard output.
    pub fn standard() -> Self {
        Self::new(Some(Box::new(std::io::stdout())))
    }

    /// Lines on standard error: standard output is for the JSON document.
    pub fn aside() -> Self {
        Self::new(Some(Box::new(std::io::stderr())))
    }

    /// Nothing but the time line: a view shows it.
    pub fn viewed() -> Self {
        Self::new(None)
    }

    fn new(to: Option<Box<dyn Write>>) -> Self {
        Self { start: Instant::now(), to: to.map(RefCell::new), said: TimeLine::default() }
    }

    /// A line of the time line.
    pub fn say(&self, line: impl AsRef<str>) {
        let (at_s, what) = (self.start.elapsed().as_secs_f64(), line.as_ref().to_owned());
        self.plain(&format!("{at_s:6.2} s  {what}"));
        self.lock().push(Said { at_s, what });
    }

    /// The time line so far.
    pub fn time_line(&self) -> Vec<Said> {
        self.lock().clone()
    }

    /// For others to look on, on other threads.
    pub fn onlooker(&self) -> TimeLine {
        Arc::clone(&self.said)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Said>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Text without time.
    pub fn plain(&self, text: &str) {
        let Some(to) = &self.to else { return };
        let mut to = to.borrow_mut();
        // A reader that went away does not stop the scenario, which has to clean up.
        let _ = writeln!(to, "{text}").and_then(|()| to.flush());
    }
}
