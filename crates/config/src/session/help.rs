//! What `?` prints and what Tab completes, at any place of a line.

use super::EditSession;
use crate::exec::PIPES;
use crate::grammar::{Candidate, Hint};
use crate::line::{LONGEST_LINE, prompt};
use crate::locate::{hint, is_show};

impl EditSession {
    /// What `?` prints behind `typed`: words that the last one may become, or, behind a blank, what
    /// may follow, each with its explanation.
    pub fn help(&self, typed: &str) -> String {
        let Some(typed) = own(typed) else { return unrecognized() };
        if typed.trim().is_empty() {
            let heading = self.mode().title();
            return format!("{heading}:\n{}", columns(&self.everything()));
        }
        let is_word = !typed.ends_with(char::is_whitespace);
        match self.hint(typed) {
            Hint::Candidates(found) if found.is_empty() => unrecognized(),
            Hint::Candidates(found) if is_word => words(&found),
            Hint::Candidates(found) => columns(&found),
            Hint::Ambiguous => format!("% Ambiguous command:  \"{typed}\"\n"),
        }
    }

    /// The words that the last one may become: one, if Tab completes it.
    pub fn complete(&self, typed: &str) -> Vec<String> {
        let Some(typed) = own(typed) else { return Vec::new() };
        let found = match (self.hint(typed), typed.trim().is_empty()) {
            (Hint::Candidates(found), false) => found,
            (Hint::Candidates(_), true) => self.everything(),
            (Hint::Ambiguous, _) => Vec::new(),
        };
        let words = found.into_iter().filter(|candidate| candidate.is_word);
        words.map(|candidate| candidate.label).collect()
    }

    /// What may stand first in this mode.
    fn everything(&self) -> Vec<Candidate> {
        match hint(self.mode(), "", self.privilege()) {
            Hint::Candidates(found) => found,
            Hint::Ambiguous => Vec::new(),
        }
    }

    /// The innermost mode that knows what may follow says it.
    fn hint(&self, typed: &str) -> Hint {
        if let Some((shown, piped)) = typed.split_once('|') {
            let found = if is_show(shown) { behind_bar(piped) } else { Vec::new() };
            return Hint::Candidates(found);
        }
        let mut answer = Hint::Candidates(Vec::new());
        for mode in self.modes() {
            match hint(mode, typed, self.privilege()) {
                Hint::Candidates(found) if found.is_empty() => {}
                Hint::Candidates(found) => return Hint::Candidates(found),
                Hint::Ambiguous => answer = Hint::Ambiguous,
            }
        }
        answer
    }
}

/// What was typed without the prompt that came along; none if it is longer than a line may be.
fn own(typed: &str) -> Option<&str> {
    let typed = (typed.len() <= LONGEST_LINE).then_some(typed)?;
    typed.get(prompt(typed).length..)
}

fn unrecognized() -> String {
    "% Unrecognized command\n".to_owned()
}

fn behind_bar(piped: &str) -> Vec<Candidate> {
    let typed = piped.trim_start();
    match typed.split_once(char::is_whitespace) {
        None => {
            let known = PIPES.iter().filter(|(verb, _)| verb.starts_with(&typed.to_lowercase()));
            let known = known.map(|(verb, help)| Candidate::word(verb, help));
            known.collect()
        }
        Some((verb, what)) => {
            let verb = verb.to_lowercase();
            let is_json = !verb.is_empty() && "json".starts_with(&verb);
            let is_known = PIPES.iter().any(|(known, _)| known.starts_with(&verb));
            match (is_known, is_json, what.trim().is_empty()) {
                (true, true, true) => vec![Candidate::end()],
                (true, false, true) => vec![Candidate::argument("LINE", "Regular expression")],
                (true, false, false) => vec![Candidate::argument("LINE", ""), Candidate::end()],
                (true, true, false) | (false, ..) => Vec::new(),
            }
        }
    }
}

/// Two blanks, label, help, one below the other.
fn columns(found: &[Candidate]) -> String {
    let width = found.iter().map(|candidate| candidate.label.chars().count()).max().unwrap_or(0);
    let line = |candidate: &Candidate| {
        let line = format!("  {:width$}  {}", candidate.label, candidate.help);
        line.trim_end().to_owned() + "\n"
    };
    found.iter().map(line).collect()
}

/// The words themselves, as IOS lists them behind a word.
fn words(found: &[Candidate]) -> String {
    let labels: Vec<&str> = found.iter().map(|candidate| candidate.label.as_str()).collect();
    labels.join("  ") + "\n"
}
