//! Finds the command that a line is, in the modes that it may belong to.
//!
//! The innermost mode whose commands fit the whole line wins, as IOS falls back to the modes above.
//! If none fits, the mode that got furthest says what is wrong.

use crate::commands::trees;
use crate::exec::{Privilege, is_for_readers};
use crate::grammar::{Candidate, Form, Hint, Match, Mismatch, Mode, Verdict};

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

/// What stands in front of a command.
struct Prefix {
    form: Form,
    /// `do`: it is an exec command, whatever the mode.
    is_exec: bool,
    /// Number of words.
    length: usize,
}

fn prefix(words: &[&str]) -> Prefix {
    let is = |at: usize, word: &str| words.get(at).is_some_and(|w| w.eq_ignore_ascii_case(word));
    let is_exec = is(0, "do");
    let length = usize::from(is_exec);
    if is(length, "no") {
        return Prefix { form: Form::No, is_exec, length: length + 1 };
    }
    Prefix { form: Form::Plain, is_exec, length }
}

/// As [`locate`], for a line that may have been pasted with its prompt: if that shows one of
/// `modes` and the line is a command of just that one, it is meant. Prompts of printed transcripts
/// are often wrong, so nothing else follows from them.
pub(crate) fn locate_pasted(
    modes: &[Mode],
    pasted_in: Option<Mode>,
    words: &[&str],
) -> Result<Found, Failure> {
    // Several modes have one prompt.
    let is_shown = |mode: &Mode| pasted_in.is_some_and(|it| it.to_string() == mode.to_string());
    let shown = modes.iter().position(is_shown);
    if let Some(shown) = shown
        && let Ok(found) = locate(&modes[shown..], words)
        && found.level == 0
        && !matches!(found.verdict, Verdict::Unavailable(_))
    {
        return Ok(Found { level: shown, ..found });
    }
    locate(modes, words)
}

/// Finds the command that `words` are; `modes` go from the inside out and are not empty.
pub(crate) fn locate(modes: &[Mode], words: &[&str]) -> Result<Found, Failure> {
    let Prefix { form, is_exec, length: skipped } = prefix(words);
    let words = &words[skipped..];
    let mut worst: Option<Failure> = None;
    let modes = modes.iter().enumerate().filter(|(_, mode)| !is_exec || **mode == Mode::Exec);
    for (level, &mode) in modes {
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
    match hint(mode, line, Privilege::Administrator) {
        Hint::Candidates(found) => found,
        Hint::Ambiguous => Vec::new(),
    }
}

/// What is known about the end of `line` in `mode`.
pub(crate) fn hint(mode: Mode, line: &str, privilege: Privilege) -> Hint {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    let partial = if line.ends_with(char::is_whitespace) { None } else { words.pop() };
    let partial = partial.unwrap_or("");
    let Prefix { form, is_exec, length } = prefix(&words);
    if is_exec && mode != Mode::Exec {
        return Hint::Candidates(Vec::new());
    }
    let trees = trees(mode);
    let mut found = match trees.tree(form).hint(&words[length..], partial) {
        Hint::Candidates(found) => found,
        Hint::Ambiguous => return Hint::Ambiguous,
    };
    let is_first = words.len() == usize::from(is_exec);
    if is_first {
        found.extend(prefixes(mode, is_exec, partial));
        found.sort();
    }
    if is_first && mode == Mode::Exec && privilege == Privilege::Reader {
        found.retain(|candidate| is_for_readers(&candidate.label));
    }
    if mode == Mode::Exec && found.last() == Some(&Candidate::end()) && is_show(line) {
        found.insert(found.len() - 1, Candidate::argument("|", "Output modifiers"));
    }
    Hint::Candidates(found)
}

/// `no` and `do`, where they may stand and become of `partial`.
fn prefixes(mode: Mode, is_exec: bool, partial: &str) -> Vec<Candidate> {
    let may_negate = trees(mode).tree(Form::No).hint(&[], "") != Hint::Candidates(Vec::new());
    let no = may_negate.then(|| Candidate::word("no", "Undo, or restore the default"));
    let may_do = mode != Mode::Exec && !is_exec;
    let do_ = may_do.then(|| Candidate::word("do", "An exec command"));
    let found = no.into_iter().chain(do_);
    found.filter(|candidate| candidate.label.starts_with(&partial.to_ascii_lowercase())).collect()
}

/// Whether a line is a whole command that shows something.
pub(crate) fn is_show(line: &str) -> bool {
    crate::parse_exec(line).is_ok_and(|line| line.command.is_show())
}
