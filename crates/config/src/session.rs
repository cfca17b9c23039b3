//! A session at the prompt: which mode it is in, and what the next line is.
//!
//! Pure, and without the configuration: prompts, `?`, Tab and errors of form need only the grammar,
//! so a key is answered at once however large the configuration is. What a line does to the
//! configuration is for [`crate::merge`] to say, wherever that is kept; a caller whose change is
//! refused goes back to the copy of the session that it made before.

mod help;

use std::net::Ipv4Addr;

use crate::exec::{BadLine, Configure, ExecCommand, ExecLine, Privilege, Session, parse_exec};
use crate::grammar::{Mismatch, Mode, Verdict};
use crate::line::{LONGEST_LINE, prompt, words};
use crate::locate::{Failure, Found, locate_pasted};

/// What the VLAN database says when it is left.
const APPLIED: &str = "APPLY completed.\nExiting....";

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it was empty, a comment, a piece of output, or it only changed the mode.
    Nothing,
    /// To print this.
    Say(String),
    /// An exec command. If it is `configure terminal`, the session is in that mode already.
    Exec(ExecLine),
    /// A change of the configuration.
    Change {
        /// The lines that lead to the mode that it is for.
        context: Vec<String>,
        /// The line; several, each ended by a line feed but the last, when the VLAN database is left.
        line: String,
        /// What to print once it is done.
        said: Option<&'static str>,
    },
    /// To print what is wrong with it: [`BadLine::under_prompt`] for people at a terminal.
    Error(BadLine),
}

/// A mode and the line that entered it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Level {
    mode: Mode,
    line: String,
}

/// Someone at the prompt.
#[derive(Clone, Debug)]
pub struct EditSession {
    privilege: Privilege,
    /// From `(config)` inwards; empty at `Router#`.
    path: Vec<Level>,
    /// Lines of the VLAN database: they take effect when it is left.
    pending: Vec<String>,
    /// A line that lacked its end, in case a page wrapped it.
    cut: Option<String>,
}

impl EditSession {
    /// A session at `Router#`, or at `Router>` for one who may only look.
    pub fn new(privilege: Privilege) -> Self {
        Self { privilege, path: Vec::new(), pending: Vec::new(), cut: None }
    }

    /// What its user may do.
    pub fn privilege(&self) -> Privilege {
        self.privilege
    }

    /// `enable` and `disable`, once the caller knows that it may be.
    pub fn set_privilege(&mut self, privilege: Privilege) {
        self.privilege = privilege;
        if privilege == Privilege::Reader {
            self.end();
        }
    }

    /// The mode that it is in.
    pub fn mode(&self) -> Mode {
        self.path.last().map_or(Mode::Exec, |level| level.mode)
    }

    /// Back to `Router#`, as by Ctrl-Z; what the VLAN database has collected is given up.
    pub fn end(&mut self) {
        self.path.clear();
        self.pending.clear();
    }

    /// What stands in front of the next line.
    pub fn prompt(&self, hostname: &str) -> String {
        let mark = match (self.mode(), self.privilege) {
            (Mode::Exec, Privilege::Reader) => '>',
            (_, Privilege::Reader | Privilege::Administrator) => '#',
        };
        format!("{hostname}{}{mark}", self.mode())
    }

    /// The modes that a line may belong to, from the inside out.
    fn modes(&self) -> Vec<Mode> {
        self.path.iter().rev().map(|level| level.mode).chain([Mode::Exec]).collect()
    }

    /// Understands a line and changes the mode by it.
    pub fn line(&mut self, text: &str) -> Step {
        let text = text.trim_end_matches(['\r', '\n']);
        if text.len() > LONGEST_LINE {
            return Step::Error(BadLine::too_long());
        }
        if let Some(before) = text.strip_suffix('\u{1a}') {
            let step = self.line(before);
            self.end();
            return step;
        }
        // Where nobody presses keys, as in a pipe, a question mark at the end asks for help; in a
        // remark it asks nobody.
        if let Some(typed) = text.strip_suffix('?')
            && !words(text, 0).is_empty()
        {
            return Step::Say(self.help(typed));
        }
        let mut text = plain(text);
        if let Some(cut) = self.cut.take()
            && text.trim().parse::<Ipv4Addr>().is_ok()
        {
            text = format!("{cut} {}", text.trim());
        }
        if words(&text, 0).is_empty() {
            return Step::Nothing;
        }
        match self.locate(&text) {
            Ok(found) => self.run(&found, &text),
            Err(failure) => {
                let is_cut = matches!(failure.mismatch, Mismatch::Incomplete { .. });
                self.cut = is_cut.then(|| text.clone());
                Step::Error(wrong(&text, &failure))
            }
        }
    }

    /// Finds the command; a `|` ends one that is an exec command.
    fn locate(&self, text: &str) -> Result<Found, Failure> {
        let modes = self.modes();
        let pasted_in = prompt(text).mode;
        let locate = |text: &str| {
            let words = words(text, 0);
            let texts: Vec<&str> = words.iter().map(|word| word.text).collect();
            locate_pasted(&modes, pasted_in, &texts)
        };
        let found = locate(text);
        let is_change = found.as_ref().is_ok_and(|found| found.level + 1 < modes.len());
        match text.split_once('|') {
            Some((left, _)) if !is_change => locate(left),
            Some(_) | None => found,
        }
    }

    fn run(&mut self, found: &Found, text: &str) -> Step {
        if let Verdict::Unavailable(element) = found.verdict {
            let words = words(text, 0);
            let blamed = words.get(found.skipped + element);
            let word = blamed.map_or("", |word| word.text);
            let message = format!("\"{word}\" is not available in this release.");
            return Step::Error(BadLine::new(text, blamed.map(|word| word.place.column), message));
        }
        let Some(depth) = self.path.len().checked_sub(found.level + 1) else {
            return self.run_exec(text);
        };
        match found.verdict {
            Verdict::Leave => {
                let step = self.apply_database();
                self.path.truncate(depth);
                step
            }
            Verdict::Top => {
                let step = self.apply_database();
                self.end();
                step
            }
            Verdict::Apply | Verdict::Enter(_) | Verdict::Nothing | Verdict::Unavailable(_) => {
                self.change(depth, found.verdict, text)
            }
        }
    }

    fn run_exec(&mut self, text: &str) -> Step {
        let line = match parse_exec(text) {
            Ok(line) => line,
            Err(bad) => return Step::Error(bad),
        };
        if line.command.privilege() > self.privilege {
            let column = words(text, 0).first().map_or(0, |word| word.place.column);
            return Step::Error(BadLine::invalid(text, column, &[]));
        }
        match &line.command {
            ExecCommand::Session(Session::End) => return Step::Nothing,
            ExecCommand::Configure(Configure::Terminal { .. }) => {
                self.end();
                self.path.push(Level { mode: Mode::Config, line: String::new() });
            }
            ExecCommand::Show(_)
            | ExecCommand::Clear { .. }
            | ExecCommand::ConfigSync { .. }
            | ExecCommand::ReloadDaemon
            | ExecCommand::Configure(_)
            | ExecCommand::Copy(_)
            | ExecCommand::Session(_) => {}
        }
        Step::Exec(line)
    }

    /// What leaving the innermost mode asks for, if that is the VLAN database.
    fn apply_database(&mut self) -> Step {
        if self.mode() != Mode::VlanDatabase {
            return Step::Nothing;
        }
        if self.pending.is_empty() {
            return Step::Say(APPLIED.to_owned());
        }
        let line = std::mem::take(&mut self.pending).join("\n");
        Step::Change { context: self.context(), line, said: Some(APPLIED) }
    }

    /// A line for the mode at `depth`: the modes further in are left by it.
    fn change(&mut self, depth: usize, verdict: Verdict, text: &str) -> Step {
        let own = command_of(text);
        if self.mode() == Mode::VlanDatabase && depth + 1 == self.path.len() {
            self.pending.push(own);
            return Step::Nothing;
        }
        let left: Vec<Level> = self.path.drain(depth + 1..).collect();
        let context = self.context();
        let pending = std::mem::take(&mut self.pending);
        let is_applied = !pending.is_empty();
        // What the database has collected comes first, behind the line that entered it.
        let mut lines =
            if is_applied { left.into_iter().map(|l| l.line).collect() } else { vec![] };
        lines.extend(pending);
        if let Verdict::Enter(mode) = verdict {
            self.path.push(Level { mode, line: own.clone() });
            if mode == Mode::VlanDatabase {
                return Step::Nothing;
            }
        }
        lines.push(own);
        let said = is_applied.then_some(APPLIED);
        Step::Change { context, line: lines.join("\n"), said }
    }

    /// The lines that lead here.
    fn context(&self) -> Vec<String> {
        self.path.iter().skip(1).map(|level| level.line.clone()).collect()
    }
}

/// A line without its prompt and comment.
fn command_of(text: &str) -> String {
    let words = words(text, 0);
    let first = words.first().map_or(0, |word| word.place.column);
    let end = words.last().map_or(0, |word| word.end().column);
    text.chars().skip(first).take(end - first).collect()
}

/// What is typed steers no terminal and is one line.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn wrong(text: &str, failure: &Failure) -> BadLine {
    let words = words(text, 0);
    let (message, expected) = failure.mismatch.message(words.iter().map(|word| word.text));
    let column = match &failure.mismatch {
        Mismatch::Invalid { at, .. } => words.get(failure.skipped + at).map(|w| w.place.column),
        Mismatch::Incomplete { .. } | Mismatch::Ambiguous { .. } => None,
    };
    BadLine { line: text.to_owned(), column, message, expected }
}
