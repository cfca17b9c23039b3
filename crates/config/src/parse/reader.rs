//! Walks the lines of a text, from mode to mode, and applies each to the configuration.
//!
//! After a wrong line that would have entered a mode the lines that follow are still read in that
//! mode, applied to nothing, so that one mistake is one diagnostic.

use std::collections::BTreeMap;

use super::Notice;
use crate::commands::trees;
use crate::diagnostic::Diagnostic;
use crate::draft::{self, Call};
use crate::exec::{Configure, ExecCommand, Privilege};
use crate::grammar::{Child, Form, Mismatch, Mode, Scope, Value, Verdict};
use crate::line::{Line, Place, Word};
use crate::locate::{Failure, Found, locate_pasted};
use crate::model::Configuration;

/// A command that was applied, for those who later find that it does not fit.
pub(super) struct Applied {
    pub(super) word: &'static str,
    pub(super) values: Vec<Value>,
    pub(super) entered: Option<Child>,
    pub(super) first: Place,
    pub(super) places: Vec<Place>,
}

pub(super) struct Reader<'a> {
    pub(super) file: &'a str,
    pub(super) lines: Vec<&'a str>,
    pub(super) configuration: Configuration,
    pub(super) scope: Scope,
    /// Modes that could not be entered, the innermost last.
    pub(super) lost: Vec<Mode>,
    pub(super) applied: BTreeMap<Scope, Vec<Applied>>,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// How many more there are.
    pub(super) untold: usize,
    pub(super) notices: Vec<Notice>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(base: &Configuration, text: &'a str, file: &'a str) -> Self {
        Self {
            file,
            lines: text.trim_start_matches('\u{feff}').lines().collect(),
            configuration: base.clone(),
            scope: Scope::default(),
            lost: Vec::new(),
            applied: BTreeMap::new(),
            diagnostics: Vec::new(),
            untold: 0,
            notices: Vec::new(),
        }
    }

    /// The modes that a line may belong to, from the inside out; exec commands work in each.
    fn modes(&self) -> Vec<Mode> {
        let mut modes: Vec<Mode> = self.lost.iter().rev().copied().collect();
        let mut scope = Some(self.scope.clone());
        while let Some(at) = scope {
            modes.push(at.mode());
            scope = at.parent();
        }
        modes.push(Mode::Exec);
        modes
    }

    pub(super) fn read(&mut self, line: &Line<'_>) {
        let words = &line.words;
        let texts: Vec<&str> = words.iter().map(|word| word.text).collect();
        let modes = self.modes();
        match locate_pasted(&modes, line.pasted_in, &texts) {
            Ok(found) => self.run(&modes, &found, words),
            Err(failure) => {
                self.report_mismatch(&failure, words);
                self.lose(&failure);
            }
        }
    }

    fn run(&mut self, modes: &[Mode], found: &Found, words: &[Word<'_>]) {
        let Some(mode) = modes.get(found.level).copied() else { return };
        let first = words.get(found.skipped).or(words.first());
        let Some(first) = first.map(|word| word.place) else { return };
        if let Verdict::Unavailable(element) = found.verdict {
            let blamed = words.get(found.skipped + element).map_or(first, |word| word.place);
            let word = words.get(found.skipped + element).map_or("", |word| word.text);
            let message = format!("\"{word}\" is not available in this release.");
            return self.report(blamed, message, Vec::new());
        }
        match (mode, found.verdict) {
            (Mode::Exec, _) => self.run_exec(found, first),
            (_, Verdict::Leave) => self.leave(),
            (_, Verdict::Top) => self.top(),
            _ if found.level < self.lost.len() => self.run_lost(found),
            _ => self.run_here(found, words, first),
        }
    }

    fn leave(&mut self) {
        if self.lost.pop().is_none() {
            self.scope = self.scope.parent().unwrap_or_default();
        }
    }

    /// Looking has no effect on a configuration, a transcript begins with `configure terminal`, and
    /// doing something has no place in one.
    fn run_exec(&mut self, found: &Found, first: Place) {
        let matched = &found.matched;
        let command = crate::exec::command(matched.command, found.form, &matched.args);
        match command {
            Ok(ExecCommand::Configure(Configure::Terminal { .. })) => self.top(),
            Ok(command) if command.privilege() == Privilege::Reader => {}
            Ok(_) | Err(_) => {
                let message = "This is not a configuration command.".to_owned();
                self.report(first, message, Vec::new());
            }
        }
    }

    fn top(&mut self) {
        self.lost.clear();
        self.scope = Scope::default();
    }

    fn run_lost(&mut self, found: &Found) {
        self.lost.truncate(self.lost.len() - found.level);
        if let Verdict::Enter(mode) = found.verdict {
            self.lost.push(mode);
        }
    }

    fn run_here(&mut self, found: &Found, words: &[Word<'_>], first: Place) {
        let mut scope = self.scope.clone();
        for _ in self.lost.len()..found.level {
            scope = scope.parent().unwrap_or_default();
        }
        let place = |word: &usize| words.get(found.skipped + word).map_or(first, |w| w.place);
        let places: Vec<Place> = found.matched.places.iter().map(place).collect();
        let matched = &found.matched;
        let call = Call { command: matched.command, form: found.form, args: &matched.args };
        match draft::apply(&mut self.configuration, &scope, call) {
            Ok(draft::Applied { entered, lacks }) => {
                self.lost.clear();
                let notice = |what: &str| Notice { line: first.line + 1, what: what.to_owned() };
                self.notices.extend(lacks.map(notice));
                if found.form == Form::Plain {
                    let applied = Applied {
                        word: trees(scope.mode()).first_word(matched.command),
                        values: matched.args.values().to_vec(),
                        entered: entered.clone(),
                        first,
                        places,
                    };
                    self.applied.entry(scope.clone()).or_default().push(applied);
                }
                self.scope = entered.map_or(scope.clone(), |child| scope.enter(child));
            }
            Err(refusal) => {
                self.report_refusal(&refusal, first, &places);
                self.scope = scope;
                self.lost.clear();
                if let Verdict::Enter(mode) = found.verdict {
                    self.lost.push(mode);
                }
            }
        }
    }

    /// Guesses from the beginning of a wrong line which mode it would have entered.
    fn lose(&mut self, failure: &Failure) {
        let (Mismatch::Invalid { begun, .. } | Mismatch::Incomplete { begun, .. }) =
            &failure.mismatch
        else {
            return;
        };
        if failure.form == Form::No {
            return;
        }
        let tree = trees(failure.mode);
        let entered =
            begun.iter().find_map(|command| match tree.verdict(*command, Form::Plain)? {
                Verdict::Enter(mode) => Some(mode),
                Verdict::Apply
                | Verdict::Nothing
                | Verdict::Unavailable(_)
                | Verdict::Leave
                | Verdict::Top => None,
            });
        let Some(entered) = entered else { return };
        if failure.level < self.lost.len() {
            self.lost.truncate(self.lost.len() - failure.level);
        } else {
            for _ in self.lost.len()..failure.level {
                self.scope = self.scope.parent().unwrap_or_default();
            }
            self.lost.clear();
        }
        self.lost.push(entered);
    }
}
