//! From text to a configuration: all of it, or every line that is wrong.
//!
//! After a wrong line that would have entered a mode the lines that follow are still read in that
//! mode, applied to nothing, so that one mistake is one diagnostic.

use std::collections::BTreeMap;

use crate::commands::{implied_vlans, trees};
use crate::diagnostic::Diagnostic;
use crate::draft::{self, Call};
use crate::grammar::{Child, Form, Mismatch, Mode, Refusal, Scope, Value, Verdict};
use crate::line::{Place, Word, commands};
use crate::locate::{Failure, Found, locate};
use crate::model::Configuration;
use crate::validate::{Problem, validate};

/// Reads a configuration.
///
/// # Errors
/// Every wrong line and everything that does not fit together. Nothing of a bad text is applied.
pub fn parse(text: &str, file_name: &str) -> Result<Configuration, Vec<Diagnostic>> {
    let mut reader = Reader::new(text, file_name);
    for words in commands(text) {
        reader.read(&words);
    }
    reader.finish()
}

/// A command that was applied, for those who later find that it does not fit.
struct Applied {
    word: &'static str,
    values: Vec<Value>,
    entered: Option<Child>,
    first: Place,
    places: Vec<Place>,
}

struct Reader<'a> {
    file: &'a str,
    lines: Vec<&'a str>,
    configuration: Configuration,
    scope: Scope,
    /// Modes that could not be entered, the innermost last.
    lost: Vec<Mode>,
    applied: BTreeMap<Scope, Vec<Applied>>,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, file: &'a str) -> Self {
        Self {
            file,
            lines: text.trim_start_matches('\u{feff}').lines().collect(),
            configuration: Configuration::default(),
            scope: Scope::default(),
            lost: Vec::new(),
            applied: BTreeMap::new(),
            diagnostics: Vec::new(),
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

    fn read(&mut self, words: &[Word<'_>]) {
        let texts: Vec<&str> = words.iter().map(|word| word.text).collect();
        let modes = self.modes();
        match locate(&modes, &texts) {
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
            (_, Verdict::Top) => {
                self.lost.clear();
                self.scope = Scope::default();
            }
            _ if found.level < self.lost.len() => self.run_lost(found),
            _ => self.run_here(found, words, first),
        }
    }

    fn leave(&mut self) {
        if self.lost.pop().is_none() {
            self.scope = self.scope.parent().unwrap_or_default();
        }
    }

    /// Showing something has no effect on a configuration; doing something has no place in one.
    fn run_exec(&mut self, found: &Found, first: Place) {
        let command = crate::exec::command(found.matched.command, &found.matched.args);
        if !command.is_some_and(|command| command.is_show()) {
            let message = "This is not a configuration command.".to_owned();
            self.report(first, message, Vec::new());
        }
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
            Ok(entered) => {
                self.lost.clear();
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

    fn report(&mut self, place: Place, message: String, expected: Vec<String>) {
        self.diagnostics.push(Diagnostic {
            file: self.file.to_owned(),
            line: Some(place.line + 1),
            message,
            source: self.lines.get(place.line).map(|line| (*line).to_owned()).unwrap_or_default(),
            column: place.column,
            expected,
        });
    }

    fn report_mismatch(&mut self, failure: &Failure, words: &[Word<'_>]) {
        let (message, expected) = failure.mismatch.message(words.iter().map(|word| word.text));
        let place = match &failure.mismatch {
            Mismatch::Invalid { at, .. } | Mismatch::Ambiguous { at, .. } => {
                words.get(failure.skipped + at).map(|word| word.place)
            }
            Mismatch::Incomplete { .. } => words.last().map(Word::end),
        };
        if let Some(place) = place {
            self.report(place, message, expected);
        }
    }

    fn report_refusal(&mut self, refusal: &Refusal, first: Place, places: &[Place]) {
        let blamed = refusal.argument.and_then(|argument| places.get(argument)).copied();
        self.report(blamed.unwrap_or(first), sentence(&refusal.message), Vec::new());
    }

    /// Where the text says what a problem is about.
    fn find(&self, problem: &Problem) -> Option<Place> {
        let applied = self.applied.get(&problem.scope);
        let found = applied.into_iter().flatten().rev().find_map(|applied| {
            let said = problem.words.contains(&applied.word);
            match &problem.value {
                None => said.then_some(applied.first),
                Some(value) if said => {
                    let at = applied.values.iter().position(|v| v == value)?;
                    applied.places.get(at).copied()
                }
                Some(_) => None,
            }
        });
        found.or_else(|| self.entered(&problem.scope))
    }

    /// Where the text enters a scope.
    fn entered(&self, scope: &Scope) -> Option<Place> {
        let applied = self.applied.get(&scope.parent()?)?;
        let last = scope.steps().last();
        applied.iter().rev().find(|a| a.entered.as_ref() == last).map(|a| a.first)
    }

    fn finish(mut self) -> Result<Configuration, Vec<Diagnostic>> {
        let implied = implied_vlans(&self.configuration);
        self.configuration.vlans.extend(implied);
        // A line that was refused is missing from what would be validated.
        if self.diagnostics.is_empty() {
            for problem in validate(&self.configuration) {
                let message = sentence(&problem.message);
                match self.find(&problem) {
                    Some(place) => self.report(place, message, Vec::new()),
                    None => self.diagnostics.push(Diagnostic {
                        file: self.file.to_owned(),
                        line: None,
                        message,
                        source: String::new(),
                        column: 0,
                        expected: Vec::new(),
                    }),
                }
            }
        }
        if self.diagnostics.is_empty() { Ok(self.configuration) } else { Err(self.diagnostics) }
    }
}

/// With a capital and a period, as IOS speaks.
pub(crate) fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).chain(['.']).collect()
}
