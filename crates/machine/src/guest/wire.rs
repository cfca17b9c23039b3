//! What the guest tells the host: one line each, on the second serial line.
//!
//! `@booted KERNEL MS`, `@ready MODULES MS`, `@begin NAME`, `@end NAME STATUS MS`, `@fault TEXT`,
//! `@over`, with tabs in between; what a step prints is marked with a bar, its errors with an
//! exclamation mark. The host's side of it is in xtask (`vm/wire.rs`).

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result};

const LINE: &str = "/dev/ttyS1";

/// The serial line.
pub(super) struct Wire {
    file: File,
}

impl Wire {
    /// Opens it.
    pub(super) fn open() -> Result<Self> {
        let file = OpenOptions::new().write(true).open(LINE);
        Ok(Self { file: file.with_context(|| format!("cannot open {LINE}"))? })
    }

    pub(super) fn booted(&self, kernel: &str, uptime: Duration) {
        self.line(&format!("@booted\t{kernel}\t{}", uptime.as_millis()));
    }

    pub(super) fn ready(&self, modules: usize, uptime: Duration) {
        self.line(&format!("@ready\t{modules}\t{}", uptime.as_millis()));
    }

    pub(super) fn begin(&self, step: &str) {
        self.line(&format!("@begin\t{step}"));
    }

    pub(super) fn end(&self, step: &str, status: &str, took: Duration) {
        self.line(&format!("@end\t{step}\t{status}\t{}", took.as_millis()));
    }

    /// A line of a step's standard output.
    pub(super) fn output(&self, text: &str) {
        self.line(&format!("|{text}"));
    }

    /// A line of a step's standard error.
    pub(super) fn error(&self, text: &str) {
        self.line(&format!("!{text}"));
    }

    pub(super) fn fault(&self, text: &str) {
        self.line(&format!("@fault\t{}", text.replace('\n', " ")));
    }

    pub(super) fn over(&self) {
        self.line("@over");
    }

    /// A line in one write, so that the lines of several threads stay whole.
    fn line(&self, text: &str) {
        // A line that cannot be written is missed by the host, which waits for the last one.
        let _ = (&self.file).write_all(format!("{text}\n").as_bytes());
    }
}
