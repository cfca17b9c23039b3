//! What the reader has to say about the lines: which are wrong, and which do not fit together.

use super::reader::Reader;
use super::{Merged, Notice, sentence};
use crate::commands::mention;
use crate::diagnostic::Diagnostic;
use crate::grammar::{Mismatch, Refusal, Scope};
use crate::line::{Place, Word};
use crate::locate::Failure;
use crate::validate::{Problem, remarks, validate};

/// Most wrong lines that are told one by one: who has more has pasted something else.
const MOST: usize = 100;

impl Reader<'_> {
    pub(super) fn report(&mut self, place: Place, message: String, expected: Vec<String>) {
        if self.diagnostics.len() >= MOST {
            self.untold += 1;
            return;
        }
        self.diagnostics.push(Diagnostic {
            file: self.file.to_owned(),
            line: Some(place.line + 1),
            message,
            source: self.lines.get(place.line).map(|line| (*line).to_owned()).unwrap_or_default(),
            column: place.column,
            expected,
        });
    }

    /// What no line is to blame for.
    fn report_nowhere(&mut self, message: String) {
        let (file, source) = (self.file.to_owned(), String::new());
        let (line, column, expected) = (None, 0, Vec::new());
        self.diagnostics.push(Diagnostic { file, line, message, source, column, expected });
    }

    pub(super) fn report_mismatch(&mut self, failure: &Failure, words: &[Word<'_>]) {
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

    pub(super) fn report_refusal(&mut self, refusal: &Refusal, first: Place, places: &[Place]) {
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

    pub(super) fn finish(mut self) -> Result<Merged, Vec<Diagnostic>> {
        mention(&mut self.configuration);
        // A line that was refused is missing from what would be validated.
        if self.diagnostics.is_empty() {
            for problem in validate(&self.configuration) {
                let message = sentence(&problem.message);
                match self.find(&problem) {
                    Some(place) => self.report(place, message, Vec::new()),
                    None => self.report_nowhere(message),
                }
            }
        }
        for remark in remarks(&self.configuration) {
            let place = self.find(&remark);
            let notice = |at: Place| Notice { line: at.line + 1, what: remark.message.clone() };
            self.notices.extend(place.map(notice));
        }
        if self.untold > 0 {
            let message = format!("{} more lines are wrong.", self.untold);
            self.report_nowhere(message);
        }
        if self.diagnostics.is_empty() {
            Ok(Merged { configuration: self.configuration, notices: self.notices })
        } else {
            Err(self.diagnostics)
        }
    }
}
