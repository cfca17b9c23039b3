//! A mode's table seen without its target: what the walk of a line needs.

use super::element::Element;
use super::mode::Mode;
use super::table::{Action, Table};
use super::tree::Tree;

/// Which of a command's two forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it stands.
    Plain,
    /// With `no` in front.
    No,
}

/// What a command is going to do, without doing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Change the target.
    Apply,
    /// Enter a mode.
    Enter(Mode),
    /// Nothing.
    Nothing,
    /// Be refused: this release lacks it. The number of the element to blame comes with it.
    Unavailable(usize),
    /// Leave the mode.
    Leave,
    /// Go back to the top.
    Top,
}

/// A table without its target.
pub trait Trees: Sync {
    /// The tree of a form.
    fn tree(&self, form: Form) -> &Tree;
    /// What a command is going to do.
    fn verdict(&self, command: usize, form: Form) -> Option<Verdict>;
    /// The first word of a command.
    fn first_word(&self, command: usize) -> &'static str;
}

impl<T> Trees for Table<T> {
    fn tree(&self, form: Form) -> &Tree {
        match form {
            Form::Plain => self.plain(),
            Form::No => self.negated(),
        }
    }

    fn verdict(&self, command: usize, form: Form) -> Option<Verdict> {
        let command = self.commands().get(command)?;
        let action = match form {
            Form::Plain => command.action(),
            Form::No => command.reset(),
        }?;
        Some(match action {
            Action::Put(_) | Action::Set(_) => Verdict::Apply,
            Action::Enter(mode, _) => Verdict::Enter(*mode),
            Action::Nothing => Verdict::Nothing,
            Action::Unavailable => Verdict::Unavailable(culprit(command.path())),
            Action::Leave => Verdict::Leave,
            Action::Top => Verdict::Top,
        })
    }

    fn first_word(&self, command: usize) -> &'static str {
        let first = self.commands().get(command).and_then(|command| command.path().first());
        match first {
            Some(Element::Keyword { text, .. }) => text,
            Some(Element::Argument { .. } | Element::Rest) | None => "",
        }
    }
}

/// The word that makes a command one that is lacking: what stands before an open end, or else the
/// last keyword.
fn culprit(path: &[Element]) -> usize {
    let open = path.iter().position(|element| *element == Element::Rest);
    let keyword = path.iter().rposition(|e| matches!(e, Element::Keyword { .. }));
    open.and_then(|open| open.checked_sub(1)).or(keyword).unwrap_or(0)
}
