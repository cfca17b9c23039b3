//! Commands that come in several forms: parts that may be left out, and parts of which one is
//! chosen. Every form is a path of its own in the tree; one handler serves them all and asks the
//! line what it says ([`crate::grammar::Args::says`], [`crate::grammar::Args::find`]).

use crate::grammar::{Args, Command, Element, Lines, Refusal, Value};

/// One part of a command: its alternatives, each some elements; an empty one may be left out.
pub(super) type Part = Vec<Vec<Element>>;

/// A part that every form has.
pub(super) fn must(elements: &[Element]) -> Part {
    vec![elements.to_vec()]
}

/// A part that may be left out.
pub(super) fn may(elements: &[Element]) -> Part {
    vec![Vec::new(), elements.to_vec()]
}

/// A part that is one of several.
pub(super) fn one_of(alternatives: &[&[Element]]) -> Part {
    alternatives.iter().map(|elements| elements.to_vec()).collect()
}

/// Every form: one alternative of each part.
pub(super) fn forms(parts: &[Part]) -> Vec<Vec<Element>> {
    parts.iter().fold(vec![Vec::new()], |forms, part| {
        let longer = |form: &Vec<Element>| -> Vec<Vec<Element>> {
            part.iter().map(|more| [&form[..], more].concat()).collect()
        };
        forms.iter().flat_map(longer).collect()
    })
}

/// What all forms of a command have in common.
pub(super) struct Family<T> {
    /// What the plain forms do.
    pub(super) set: fn(&mut T, &Args) -> Result<(), Refusal>,
    /// What the `no` form does.
    pub(super) reset: fn(&mut T, &Args) -> Result<(), Refusal>,
    /// Prints whichever form says what the target is.
    pub(super) shows: fn(&T, &mut Lines<'_>),
}

impl<T> Family<T> {
    /// A command for each form, whose `no` form needs `least` elements; the first of them prints.
    pub(super) fn commands(&self, least: usize, forms: &[Vec<Element>]) -> Vec<Command<T>> {
        let mut commands = self.silent(least, forms).into_iter();
        let first = commands.next().map(|first| first.shows(self.shows));
        first.into_iter().chain(commands).collect()
    }

    /// The same for forms that nothing is rendered as.
    pub(super) fn silent(&self, least: usize, forms: &[Vec<Element>]) -> Vec<Command<T>> {
        let command = |form: &Vec<Element>| {
            Command::new(form).sets(self.set).resets(least.min(form.len()), self.reset)
        };
        forms.iter().map(command).collect()
    }
}

/// The form that a command is rendered in, and its values, put together piece by piece.
#[derive(Clone, Debug)]
pub(super) struct Saying {
    path: Vec<Element>,
    values: Vec<Value>,
}

impl Saying {
    /// Begins with elements.
    pub(super) fn new(elements: &[Element]) -> Self {
        Self { path: elements.to_vec(), values: Vec::new() }
    }

    /// Goes on with elements and their values.
    pub(super) fn and(
        &mut self,
        elements: &[Element],
        values: impl IntoIterator<Item = Value>,
    ) -> &mut Self {
        self.path.extend_from_slice(elements);
        self.values.extend(values);
        self
    }

    /// Prints it.
    pub(super) fn print(&self, lines: &mut Lines<'_>) {
        lines.line_by(&self.path, &self.values);
    }
}
