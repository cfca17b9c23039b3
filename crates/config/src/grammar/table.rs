//! The commands of one mode: what each does to the mode's target and how the target shows it.

use super::element::Element;
use super::mode::{Child, Mode};
use super::printer::{Lines, Printer};
use super::tree::{Listing, Tree};
use super::trees::Form;
use super::value::Args;

/// Why a well-formed command cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// One sentence, lower case, without a period.
    pub message: String,
    /// The argument that is to blame; none blames the command's first word.
    pub argument: Option<usize>,
}

impl Refusal {
    /// A refusal of the whole command.
    pub fn command(message: impl Into<String>) -> Self {
        Self { message: message.into(), argument: None }
    }

    /// A refusal that blames an argument.
    pub fn argument(index: usize, message: impl Into<String>) -> Self {
        Self { message: message.into(), argument: Some(index) }
    }
}

/// What a command does to its mode's target.
#[derive(Clone, Copy, Debug)]
pub enum Action<T> {
    /// Changes it, whatever the arguments.
    Put(fn(&mut T)),
    /// Changes it by the arguments.
    Set(fn(&mut T, &Args) -> Result<(), Refusal>),
    /// Makes or finds something in it and enters that.
    Enter(Mode, fn(&mut T, &Args) -> Result<Child, Refusal>),
    /// States what holds anyway.
    Nothing,
    /// A command of the original that this release does not have.
    Unavailable,
    /// `exit`.
    Leave,
    /// `end`, `configure terminal`: back to the top.
    Top,
}

impl<T> Action<T> {
    fn listing(&self) -> Listing {
        match self {
            Self::Unavailable => Listing::Unlisted,
            Self::Put(_)
            | Self::Set(_)
            | Self::Enter(..)
            | Self::Nothing
            | Self::Leave
            | Self::Top => Listing::Offered,
        }
    }
}

/// A command of a mode whose target is a `T`.
#[derive(Clone, Debug)]
pub struct Command<T> {
    path: Vec<Element>,
    action: Option<Action<T>>,
    reset: Option<(usize, Action<T>)>,
    shows: Option<fn(&T, &mut Lines<'_>)>,
    lacking: Lacking<T>,
}

/// Whether a command has no effect yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// It has one.
    Never,
    /// It depends on what it is about.
    Sometimes,
    /// It has none.
    Always,
}

/// What of a command this release keeps and does not carry out.
#[derive(Clone, Copy, Debug)]
enum Lacking<T> {
    /// Nothing.
    Nothing,
    /// What its plain form asks for.
    Plain(&'static str),
    /// What its target, once it is applied, says.
    State(fn(&T) -> Option<&'static str>),
}

impl<T> Command<T> {
    /// A command that only its `no` form or a later call makes useful.
    pub fn new(path: &[Element]) -> Self {
        Self {
            path: path.to_vec(),
            action: None,
            reset: None,
            shows: None,
            lacking: Lacking::Nothing,
        }
    }

    /// The plain form changes the target, whatever the arguments.
    #[must_use]
    pub fn puts(self, put: fn(&mut T)) -> Self {
        self.acts(Action::Put(put))
    }

    /// The plain form changes the target by its arguments.
    #[must_use]
    pub fn sets(self, set: fn(&mut T, &Args) -> Result<(), Refusal>) -> Self {
        self.acts(Action::Set(set))
    }

    /// The plain form enters a mode.
    #[must_use]
    pub fn enters(self, mode: Mode, enter: fn(&mut T, &Args) -> Result<Child, Refusal>) -> Self {
        self.acts(Action::Enter(mode, enter))
    }

    /// The plain form does `action`.
    #[must_use]
    pub fn acts(mut self, action: Action<T>) -> Self {
        self.action = Some(action);
        self
    }

    /// The `no` form, complete from `least` elements on, restores the default.
    #[must_use]
    pub fn clears(self, least: usize, put: fn(&mut T)) -> Self {
        self.no(least, Action::Put(put))
    }

    /// The `no` form, complete from `least` elements on, changes the target by its arguments.
    #[must_use]
    pub fn resets(self, least: usize, reset: fn(&mut T, &Args) -> Result<(), Refusal>) -> Self {
        self.no(least, Action::Set(reset))
    }

    /// The `no` form, complete from `least` elements on, does `action`.
    #[must_use]
    pub fn no(mut self, least: usize, action: Action<T>) -> Self {
        self.reset = Some((least, action));
        self
    }

    /// Prints the lines of the running configuration that this command stands for.
    #[must_use]
    pub fn shows(mut self, shows: fn(&T, &mut Lines<'_>)) -> Self {
        self.shows = Some(shows);
        self
    }

    /// The plain form is kept, and nothing comes of it: `what` is one that "has no effect yet".
    #[must_use]
    pub fn without_effect(mut self, what: &'static str) -> Self {
        self.lacking = Lacking::Plain(what);
        self
    }

    /// Either form may leave the target with something that "has no effect yet".
    #[must_use]
    pub fn without_effect_if(mut self, what: fn(&T) -> Option<&'static str>) -> Self {
        self.lacking = Lacking::State(what);
        self
    }

    /// Whether it has no effect yet.
    pub fn lack(&self) -> Lack {
        match self.lacking {
            Lacking::Nothing => Lack::Never,
            Lacking::State(_) => Lack::Sometimes,
            Lacking::Plain(_) => Lack::Always,
        }
    }

    /// What was asked for and "has no effect yet", once a form has been applied to `target`.
    pub fn lacks(&self, form: Form, target: &T) -> Option<&'static str> {
        match self.lacking {
            Lacking::Nothing => None,
            Lacking::Plain(what) => (form == Form::Plain).then_some(what),
            Lacking::State(what) => what(target),
        }
    }

    /// Whether the plain form enters a mode, and which.
    pub fn entered_mode(&self) -> Option<Mode> {
        match self.action {
            Some(Action::Enter(mode, _)) => Some(mode),
            Some(
                Action::Put(_)
                | Action::Set(_)
                | Action::Nothing
                | Action::Unavailable
                | Action::Leave
                | Action::Top,
            )
            | None => None,
        }
    }

    /// Its elements.
    pub fn path(&self) -> &[Element] {
        &self.path
    }

    /// What the plain form does.
    pub fn action(&self) -> Option<&Action<T>> {
        self.action.as_ref()
    }

    /// What the `no` form does.
    pub fn reset(&self) -> Option<&Action<T>> {
        self.reset_from().map(|(_, action)| action)
    }

    /// From how many elements on the `no` form is complete, and what it does.
    pub fn reset_from(&self) -> Option<(usize, &Action<T>)> {
        self.reset.as_ref().map(|(least, action)| (*least, action))
    }
}

/// The commands of a mode.
#[derive(Clone, Debug)]
pub struct Table<T> {
    commands: Vec<Command<T>>,
    plain: Tree,
    no: Tree,
}

impl<T> Table<T> {
    /// Merges commands into the two trees; their order is the order of the running configuration.
    pub fn new(commands: Vec<Command<T>>) -> Self {
        let (mut plain, mut no) = (Tree::default(), Tree::default());
        for (index, command) in commands.iter().enumerate() {
            if let Some(action) = &command.action {
                plain.insert(&command.path, command.path.len(), index, action.listing());
            }
            if let Some((least, action)) = &command.reset {
                no.insert(&command.path, *least, index, action.listing());
            }
        }
        Self { commands, plain, no }
    }

    /// The tree of plain forms.
    pub fn plain(&self) -> &Tree {
        &self.plain
    }

    /// The tree of `no` forms, without the `no`.
    pub fn negated(&self) -> &Tree {
        &self.no
    }

    /// The commands in order.
    pub fn commands(&self) -> &[Command<T>] {
        &self.commands
    }

    /// Prints the running configuration of `target`.
    pub fn render(&self, target: &T, printer: &mut Printer) {
        for command in &self.commands {
            if let Some(shows) = command.shows {
                shows(target, &mut Lines::new(printer, &command.path));
            }
        }
    }
}
