//! A person at a terminal: keys go in through a pseudo-terminal, and what the person sees is the
//! screen of a terminal emulator.

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// How long anything may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// A person with a shell.
pub struct Person {
    keyboard: File,
    screen: Arc<Mutex<vt100::Parser>>,
    shell: Child,
}

impl Person {
    /// Sits down before a window of this many rows and columns.
    pub fn new(socket: &Path, rows: u16, columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC);
        let master = master.unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = File::from(rustix::fs::open(name, flags, Mode::empty()).unwrap());
        // Makes the terminal the one that Ctrl-C and a hangup go through.
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(env!("CARGO_BIN_EXE_hitless")).arg("--socket").arg(socket);
        command.env("TERM", "xterm");
        command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave);
        let shell = command.spawn().unwrap();
        let cells = |n| NonZeroU16::new(n).unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(cells(rows), cells(columns), 0)));
        let keyboard = File::from(master);
        let (mut output, seen) = (keyboard.try_clone().unwrap(), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut octets = [0; 4096];
            // Ends with an error once nobody has the other side any more.
            while let Ok(length @ 1..) = output.read(&mut octets) {
                seen.lock().unwrap().process(&octets[..length]);
            }
        });
        Self { keyboard, screen, shell }
    }

    /// Presses keys.
    pub fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// The screen's rows, without blanks at their ends and without empty rows at the end.
    pub fn screen(&self) -> Vec<String> {
        let screen = self.screen.lock().unwrap();
        let text = screen.screen().contents();
        text.trim_end().lines().map(|row| row.trim_end().to_owned()).collect()
    }

    /// The row that the cursor is in, up to the cursor.
    pub fn at_cursor(&self) -> String {
        let screen = self.screen.lock().unwrap();
        let (row, column) = screen.screen().cursor_position();
        screen.screen().contents_between(row, 0, row, column)
    }

    /// The row that the cursor is in, by number.
    pub fn row(&self) -> u16 {
        self.screen.lock().unwrap().screen().cursor_position().0
    }

    /// Waits until the cursor stands at its row's end that satisfies `is_it`, further down than `row`.
    pub fn further_down(&self, row: u16, is_it: impl Fn(&str) -> bool) {
        self.until("the next prompt", |person| person.row() > row && is_it(&person.at_cursor()));
    }

    /// Waits until the person sees what is expected.
    pub fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !condition(self) {
            let screen = self.screen().join("\n");
            assert!(begun.elapsed() < PATIENCE, "not seen: {what}\n--- screen:\n{screen}\n---");
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Waits until the cursor stands behind `text` at the beginning of its row.
    pub fn cursor_behind(&self, text: &str) {
        self.until(&format!("the cursor behind {text:?}"), |person| person.at_cursor() == text);
    }

    /// Waits until a row is exactly this.
    pub fn sees(&self, row: &str) {
        self.until(&format!("a row {row:?}"), |person| person.screen().iter().any(|r| r == row));
    }

    /// Types a line, and waits for a prompt after it.
    pub fn enters(&mut self, line: &str, prompt: &str) {
        self.types(line);
        let end: String = line.chars().skip(line.chars().count().saturating_sub(8)).collect();
        self.until("what was typed", |person| person.at_cursor().ends_with(&end));
        self.types("\r");
        self.cursor_behind(prompt);
    }

    /// Goes away: the terminal is closed.
    pub fn hangs_up(&mut self) {
        let pid = rustix::process::Pid::from_raw(self.shell.id().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    }

    /// Waits until the shell has ended.
    pub fn leaves(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.shell.try_wait().unwrap() {
                return status;
            }
            let screen = self.screen().join("\n");
            assert!(begun.elapsed() < PATIENCE, "the shell does not end\n{screen}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The shell's process, for those who measure it.
    pub fn shell(&self) -> u32 {
        self.shell.id()
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let _gone_already = self.shell.kill();
        let _gone_already = self.shell.wait();
    }
}
