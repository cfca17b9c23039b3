//! Finds the command that a line is, in the modes that it may belong to.
//!
//! The innermost mode whose commands fit the whole line wins, as IOS falls back to the modes above.
//! If none fits, the mode that got furthest says what is wrong.

use crate::commands::trees;
use crate::grammar::{Candidate, Form, Match, Mismatch, Mode, Verdict};

/// A command found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// How many modes out.
    pub(crate) level: usize,
    /// Which form.
    pub(crate) form: Form,
    /// Words before the command itself: the `no`.
    pub(crate) skipped: usize,
    /// The command and its arguments; places are counted from behind the `no`.
    pub(crate) matched: Match,
    /// What it is going to do.
    pub(crate) verdict: Verdict,
}

/// Why no command was found.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// How many modes out the mode is that says so.
    pub(crate) level: usize,
    /// That mode.
    pub(crate) mode: Mode,
    /// Which form.
    pub(crate) form: Form,
    /// Words before the command itself.
    pub(crate) skipped: usize,
    /// What is wrong.
    pub(crate) mismatch: Mismatch,
}

/// The form of a line and the words behind the `no`.
fn form<'a, 'b>(words: &'a [&'b str]) -> (Form, usize, &'a [&'b str]) {
    match words.split_first() {
        Some((no, rest)) if no.eq_ignore_ascii_case("no") => (Form::No, 1, rest),
        _ => (Form::Plain, 0, words),
    }
}

/// Finds the command that `words` are; `modes` go from the inside out and are not empty.
pub(crate) fn locate(modes: &[Mode], words: &[&str]) -> Result<Found, Failure> {
    let (form, skipped, words) = form(words);
    let mut worst: Option<Failure> = None;
    for (level, &mode) in modes.iter().enumerate() {
        let trees = trees(mode);
        let mismatch = match trees.tree(form).walk(words) {
            Ok(matched) => {
                let verdict = trees.verdict(matched.command, form).unwrap_or(Verdict::Nothing);
                let is_lacking = matches!(verdict, Verdict::Unavailable(_));
                match worst.take() {
                    // A typing error further in is a better guess than a command that this
                    // release lacks further out.
                    Some(failure) if is_lacking && failure.mismatch.depth(words.len()) > 0 => {
                        return Err(failure);
                    }
                    Some(_) | None => return Ok(Found { level, form, skipped, matched, verdict }),
                }
            }
            Err(mismatch) => mismatch,
        };
        let is_ambiguous = matches!(mismatch, Mismatch::Ambiguous { .. });
        let depth = mismatch.depth(words.len());
        if worst.as_ref().is_none_or(|w| depth > w.mismatch.depth(words.len())) {
            worst = Some(Failure { level, mode, form, skipped, mismatch });
        }
        if is_ambiguous {
            break;
        }
    }
    let nothing = Mismatch::Incomplete { expected: Vec::new(), begun: Vec::new() };
    let none = Failure { level: 0, mode: Mode::Exec, form, skipped, mismatch: nothing };
    Err(worst.unwrap_or(none))
}

impl Mismatch {
    /// How many words fitted.
    fn depth(&self, words: usize) -> usize {
        match self {
            Self::Invalid { at, .. } | Self::Ambiguous { at, .. } => *at,
            Self::Incomplete { .. } => words,
        }
    }

    /// The sentence that IOS says, and what would have been right.
    pub(crate) fn message<'a>(
        &self,
        words: impl Iterator<Item = &'a str>,
    ) -> (String, Vec<String>) {
        match self {
            Self::Invalid { expected, .. } => {
                ("Invalid input detected at '^' marker.".to_owned(), expected.clone())
            }
            Self::Incomplete { expected, .. } => {
                ("Incomplete command.".to_owned(), expected.clone())
            }
            Self::Ambiguous { candidates, .. } => {
                let line: Vec<&str> = words.collect();
                (format!("Ambiguous command:  \"{}\"", line.join(" ")), candidates.clone())
            }
        }
    }
}

/// What may stand at the end of `line` in `mode`: what `?` lists.
pub fn candidates(mode: Mode, line: &str) -> Vec<Candidate> {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    let partial = if line.ends_with(char::is_whitespace) { None } else { words.pop() };
    let partial = partial.unwrap_or("");
    let (form, _, rest) = form(&words);
    let mut found = trees(mode).tree(form).candidates(rest, partial);
    let may_negate = words.is_empty() && mode != Mode::Exec && "no".starts_with(partial);
    if may_negate {
        found.push(Candidate { label: "no".to_owned(), help: "Undo, or restore the default" });
        found.sort();
    }
    found
}
