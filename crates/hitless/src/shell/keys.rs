//! What single keys do, beside what the line editor does with them anyway.
//!
//! A key that must be answered before the line is finished (`?`, Ctrl-Z, a key at `--More--`) ends
//! the editor's turn and leaves behind what was wanted; who asked for a line finds it there.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hitless_config::session::EditSession;
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Cmd, ConditionalEventHandler, Context, Event, EventContext, Helper, KeyCode, KeyEvent,
    Modifiers, RepeatCount,
};

/// Longer lines are not read: nothing that can be configured needs them, and each key of a line is
/// shown again with all of it.
pub(super) const LONGEST_LINE: usize = 1000;

/// What the keys are for at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A command.
    #[default]
    Command,
    /// The answer to a question.
    Answer,
    /// One key, whichever.
    Key,
}

/// What a key wanted that ended the editor's turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The line as it stands.
    #[default]
    Line,
    /// `?` at this octet of the line.
    Help(usize),
    /// Ctrl-Z: the line, then the top.
    End,
    /// Ctrl-C: not this line.
    Cancel,
    /// Ctrl-D on an empty line: one mode out.
    Leave,
    /// The key that was waited for.
    Key(KeyEvent),
}

/// What keys are for, and what the last one wanted.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) purpose: Purpose,
    pub(super) wanted: Wanted,
    /// Characters were dropped from the line.
    pub(super) is_cut: bool,
}

/// The keys as editor and shell share them.
pub(super) type SharedKeys = Arc<Mutex<Keys>>;

/// The modes of the command language as editor and shell share them.
pub(super) type SharedSession = Arc<Mutex<EditSession>>;

/// Whoever panicked with it has left nothing half done.
pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Is asked about every key.
pub(super) struct Binding(pub(super) SharedKeys);

impl ConditionalEventHandler for Binding {
    fn handle(
        &self,
        event: &Event,
        _: RepeatCount,
        _: bool,
        context: &EventContext<'_>,
    ) -> Option<Cmd> {
        let key = event.get(0)?;
        let mut keys = lock(&self.0);
        let wanted = match keys.purpose {
            Purpose::Key => Some(Wanted::Key(*key)),
            Purpose::Answer => at_a_question(*key),
            Purpose::Command => at_a_prompt(*key, context.line(), context.pos()),
        };
        if let Some(wanted) = wanted {
            keys.wanted = wanted;
            return Some(Cmd::AcceptLine);
        }
        let is_answer = keys.purpose == Purpose::Answer;
        let KeyEvent(code, modifiers) = *key;
        // A paste is read as if it were typed, line by line.
        let is_bracket = matches!(code, KeyCode::BracketedPasteStart | KeyCode::BracketedPasteEnd);
        // Nothing can be completed before the first letter, but a paste may be indented.
        let is_indent = code == KeyCode::Tab && (is_answer || is_blank(context));
        let is_letter = matches!(code, KeyCode::Char(_)) && modifiers == Modifiers::NONE;
        let is_over = is_letter && context.line().len() >= LONGEST_LINE;
        keys.is_cut |= is_over;
        (is_bracket || is_indent || is_over).then_some(Cmd::Noop)
    }
}

fn is_blank(context: &EventContext<'_>) -> bool {
    context.line().get(..context.pos()).is_none_or(|typed| typed.trim().is_empty())
}

fn at_a_question(key: KeyEvent) -> Option<Wanted> {
    let gives_up = ['C', 'D', 'Z'].map(KeyEvent::ctrl).contains(&key);
    gives_up.then_some(Wanted::Cancel)
}

fn at_a_prompt(key: KeyEvent, line: &str, position: usize) -> Option<Wanted> {
    let is_comment = line.trim_start().starts_with('!');
    if key == KeyEvent::from('?') && !is_comment {
        return Some(Wanted::Help(position));
    }
    if key == KeyEvent::ctrl('Z') {
        return Some(Wanted::End);
    }
    if key == KeyEvent::ctrl('C') {
        return Some(Wanted::Cancel);
    }
    (key == KeyEvent::ctrl('D') && line.is_empty()).then_some(Wanted::Leave)
}

/// Completes words, and shows the key that ended a line behind it.
pub(super) struct Assistant {
    pub(super) keys: SharedKeys,
    pub(super) session: SharedSession,
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = line.get(..position).unwrap_or(line);
        let start = typed.rfind(char::is_whitespace).map_or(0, |blank| blank + 1);
        let words = lock(&self.session).complete(typed);
        let pair = |word: String| Pair { replacement: format!("{word} "), display: word };
        Ok((start, words.into_iter().map(pair).collect()))
    }
}

impl Validator for Assistant {
    fn validate(&self, _: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let shown = match lock(&self.keys).wanted {
            Wanted::Help(_) => Some("?"),
            Wanted::End => Some("^Z"),
            Wanted::Cancel => Some("^C"),
            Wanted::Line | Wanted::Leave | Wanted::Key(_) => None,
        };
        Ok(ValidationResult::Valid(shown.map(str::to_owned)))
    }
}

impl Hinter for Assistant {
    type Hint = String;
}

impl Highlighter for Assistant {
    fn highlight_candidate<'c>(
        &self,
        candidate: &'c str,
        _: rustyline::CompletionType,
    ) -> Cow<'c, str> {
        Cow::Borrowed(candidate)
    }
}

impl Helper for Assistant {}
