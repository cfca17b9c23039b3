//! A mode's table seen without its target: what the walk of a line needs.

use super::element::Element;
use super::mode::Mode;
use super::table::{Action, Command, Lack, Table};
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

/// A command seen without its target, for those who describe it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its elements.
    pub path: Vec<Element>,
    /// What its plain form does, if it has one.
    pub plain: Option<Verdict>,
    /// From how many elements on its `no` form is complete, and what that does, if it has one.
    pub no: Option<(usize, Verdict)>,
    /// Whether it has no effect yet.
    pub lacks: Lack,
}

/// A table without its target.
pub trait Trees: Sync {
    /// The tree of a form.
    fn tree(&self, form: Form) -> &Tree;
    /// What a command is going to do.
    fn verdict(&self, command: usize, form: Form) -> Option<Verdict>;
    /// The first word of a command.
    fn first_word(&self, command: usize) -> &'static str;
    /// Its commands, in order.
    fn entries(&self) -> Vec<Entry>;
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
        Some(verdict(action, command.path()))
    }

    fn first_word(&self, command: usize) -> &'static str {
        let first = self.commands().get(command).and_then(|command| command.path().first());
        match first {
            Some(Element::Keyword { text, .. }) => text,
            Some(Element::Argument { .. } | Element::Rest) | None => "",
        }
    }

    fn entries(&self) -> Vec<Entry> {
        let entry = |command: &Command<T>| Entry {
            path: command.path().to_vec(),
            plain: command.action().map(|action| verdict(action, command.path())),
            no: command.reset_from().map(|(least, act)| (least, verdict(act, command.path()))),
            lacks: command.lack(),
        };
        self.commands().iter().map(entry).collect()
    }
}

fn verdict<T>(action: &Action<T>, path: &[Element]) -> Verdict {
    match action {
        Action::Put(_) | Action::Set(_) => Verdict::Apply,
        Action::Enter(mode, _) => Verdict::Enter(*mode),
        Action::Nothing => Verdict::Nothing,
        Action::Unavailable => Verdict::Unavailable(culprit(path)),
        Action::Leave => Verdict::Leave,
        Action::Top => Verdict::Top,
    }
}

/// The word that makes a command one that is lacking: what stands before an open end, or else the
/// last keyword.
fn culprit(path: &[Element]) -> usize {
    let open = path.iter().position(|element| *element == Element::Rest);
    let keyword = path.iter().rposition(|e| matches!(e, Element::Keyword { .. }));
    open.and_then(|open| open.checked_sub(1)).or(keyword).unwrap_or(0)
}
