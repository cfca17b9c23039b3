//! Carries out lines, one after the other, in the mode that they stand in.
//!
//! What a line is, [`EditSession`] says without asking anybody. Changes go to the daemon one by one
//! and are in force when the next line is read; a refused one leaves the session where it was.

use std::sync::Arc;

use hitless_config::session::{EditSession, Step};
use hitless_config::{Configure, Copy, ExecCommand, ExecLine, Mode, Privilege, Session, Show};

use super::daemon::{Daemon, Said};
use super::face::Face;
use super::files::{self, How};
use super::keys::{SharedSession, lock};
use super::monitor::Monitor;
use crate::api::types::Lines;
use crate::store::Applied;

/// What a prompt says before a daemon has told its name.
const NAMELESS: &str = "Router";

/// Whether there is a next line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// There is.
    Goes,
    /// `exit` was said.
    Ends,
}

/// What a line came to: the error is for people, and ends with a line feed.
pub(super) type Done = Result<Flow, String>;

/// One shell.
pub(super) struct Shell {
    pub(super) daemon: Daemon,
    pub(super) face: Face,
    session: SharedSession,
    hostname: String,
    /// What the daemon lets this session do.
    may: Privilege,
    /// The revision that this session has seen and changes.
    base: Option<u64>,
    /// Lines of a page; none = as many as the window has.
    length: Option<u16>,
    monitor: Option<Monitor>,
}

impl Shell {
    pub(super) fn new(daemon: Daemon, face: Face, session: SharedSession) -> Self {
        let hostname = NAMELESS.to_owned();
        let may = lock(&session).privilege();
        Self { daemon, face, session, hostname, may, base: None, length: None, monitor: None }
    }

    /// Learns from the daemon what a person is shown before the first line.
    pub(super) fn greet(&mut self) -> Result<(), String> {
        self.hostname = self.daemon.system().map_err(|said| said.text)?.hostname;
        Ok(())
    }

    /// What stands in front of the next line.
    pub(super) fn prompt(&self) -> String {
        lock(&self.session).prompt(&self.hostname)
    }

    /// What `?` prints behind `typed`.
    pub(super) fn help(&self, typed: &str) -> String {
        lock(&self.session).help(typed)
    }

    /// Back to the top, as by Ctrl-Z.
    pub(super) fn end(&mut self) {
        lock(&self.session).end();
    }

    /// Whether it is in a mode that `exit` leads out of.
    pub(super) fn is_configuring(&self) -> bool {
        lock(&self.session).mode() != Mode::Exec
    }

    /// Carries out a line of a script.
    pub(super) fn scripted(&mut self, text: &str) -> Done {
        self.face.remember(text);
        self.line(text)
    }

    /// Carries out a line.
    pub(super) fn line(&mut self, text: &str) -> Done {
        let before = lock(&self.session).clone();
        let prompt = self.prompt().chars().count();
        let step = lock(&self.session).line(text);
        match step {
            Step::Nothing => Ok(Flow::Goes),
            Step::Say(said) => self.print(&with_end(&said)),
            Step::Exec(line) => {
                let done = self.exec(&line, text);
                if done.is_err() && line_enters(&line) {
                    *lock(&self.session) = before;
                }
                done
            }
            Step::Change { context, line, said } => {
                let is_global = context.is_empty();
                let changed = self.change(context, &line).inspect_err(|_| {
                    *lock(&self.session) = before;
                });
                let notices = changed?;
                if is_global {
                    self.learn_name();
                }
                self.print(&(notices + &said.map(with_end).unwrap_or_default()))
            }
            Step::Error(bad) if self.face.is_person() => Err(bad.under_prompt(prompt)),
            Step::Error(bad) => Err(with_end(&bad.to_string())),
        }
    }

    /// Prints a text without pages.
    pub(super) fn print(&mut self, text: &str) -> Done {
        self.show(text, Some(0))
    }

    /// Prints a text in pages.
    pub(super) fn page(&mut self, text: &str) -> Done {
        self.show(text, self.length)
    }

    /// Prints a text in pages of `length` lines.
    fn show(&mut self, text: &str, length: Option<u16>) -> Done {
        let printed = self.face.print(text, length);
        printed.map(|()| Flow::Goes).map_err(|error| format!("% standard output: {error}\n"))
    }

    /// A change of this session's own is no conflict with it.
    pub(super) fn has_changed(&mut self, revision: u64) {
        self.base = self.base.map(|_| revision);
        self.learn_name();
    }

    /// Asks the daemon how it is called.
    fn learn_name(&mut self) {
        if !self.face.is_person() {
            return;
        }
        if let Ok(system) = self.daemon.system() {
            self.hostname = system.hostname;
        }
    }

    fn change(&mut self, context: Vec<String>, line: &str) -> Result<String, String> {
        let lines = line.lines().map(str::to_owned).collect();
        match self.daemon.change(&Lines { context, lines }, self.base) {
            Ok(applied) => {
                self.base = Some(applied.revision);
                Ok(notices(&applied))
            }
            Err(Said { text, revision }) => {
                self.base = revision.or(self.base);
                Err(text)
            }
        }
    }

    fn exec(&mut self, line: &ExecLine, text: &str) -> Done {
        match &line.command {
            ExecCommand::Session(what) => self.set(*what),
            ExecCommand::Show(Show::History) => {
                let history = self.face.history();
                let text: String = history.iter().flat_map(|line| ["  ", line, "\n"]).collect();
                let text = line.filter.as_ref().map_or(text.clone(), |filter| filter.apply(&text));
                self.page(&text)
            }
            ExecCommand::Configure(Configure::Terminal { revert }) => self.configure(*revert),
            ExecCommand::Configure(Configure::Replace { with, force, revert }) => {
                files::replace(self, with, How { force: *force, revert: *revert }, text)
            }
            ExecCommand::Copy(Copy::Merge(from)) => files::merge(self, from, text),
            ExecCommand::Copy(Copy::Export(file)) => files::export(self, file),
            ExecCommand::Copy(Copy::Save) => files::save(self, says_startup(text)),
            ExecCommand::Show(_) | ExecCommand::Clear { .. } | ExecCommand::ConfigSync { .. } => {
                let output = self.daemon.exec(text).map_err(|said| said.text)?;
                self.page(&output)
            }
            ExecCommand::ReloadDaemon
            | ExecCommand::Configure(Configure::Confirm | Configure::RevertNow) => {
                self.ask_daemon(text)
            }
        }
    }

    /// Has the daemon carry out an exec command that may change the configuration.
    pub(super) fn ask_daemon(&mut self, line: &str) -> Done {
        let output = self.daemon.exec(line).map_err(|said| said.text)?;
        if self.base.is_some() {
            self.base = Some(self.daemon.system().map_err(|said| said.text)?.revision);
        }
        self.learn_name();
        self.page(&output)
    }

    fn set(&mut self, what: Session) -> Done {
        match what {
            Session::Leave => return Ok(Flow::Ends),
            Session::End => {}
            Session::Enable if self.may == Privilege::Reader => return Err(only_look()),
            Session::Enable => lock(&self.session).set_privilege(self.may),
            Session::Disable => lock(&self.session).set_privilege(Privilege::Reader),
            Session::Length(lines) => self.length = Some(lines),
            Session::Width(columns) => self.face.set_width(columns),
            Session::Monitor(false) => self.monitor = None,
            Session::Monitor(true) => {
                let zone = self.daemon.system().map_err(|said| said.text)?.zone;
                let printer = self.face.printer()?;
                self.monitor = Some(Monitor::start(self.daemon.socket(), zone, printer)?);
            }
        }
        Ok(Flow::Goes)
    }

    fn configure(&mut self, revert: Option<std::time::Duration>) -> Done {
        let system = self.daemon.system().map_err(|said| said.text)?;
        self.base = Some(system.revision);
        if let Some(after) = revert {
            self.daemon.revert_in(after).map_err(|said| said.text)?;
            self.print(&files::will_revert(after))?;
        }
        if self.face.is_person() {
            self.print("Enter configuration commands, one per line.  End with CNTL/Z.\n")?;
        }
        Ok(Flow::Goes)
    }
}

/// A shared session.
pub(super) fn session(privilege: Privilege) -> SharedSession {
    Arc::new(std::sync::Mutex::new(EditSession::new(privilege)))
}

fn line_enters(line: &ExecLine) -> bool {
    matches!(line.command, ExecCommand::Configure(Configure::Terminal { .. }))
}

fn only_look() -> String {
    "% This session may only look: the administrators' socket cannot be opened.\n".to_owned()
}

/// Whether a saving line names its destination, so that IOS asks for it again.
fn says_startup(text: &str) -> bool {
    let is_it = |word: &str| "startup-config".starts_with(&word.to_ascii_lowercase());
    text.split_whitespace().skip(1).any(is_it)
}

/// What is to be told of a change that was made.
pub(super) fn notices(applied: &Applied) -> String {
    let line = |notice: &String| {
        let mark = if notice.starts_with('%') { "" } else { "% " };
        [mark, notice, "\n"].concat()
    };
    applied.notices.iter().map(line).collect()
}

fn with_end(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}
