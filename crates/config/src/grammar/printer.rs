//! The lines of the running configuration, from the paths of the commands that show themselves.

use std::fmt::Write as _;

use super::element::Element;
use super::table::Table;
use super::value::Value;

/// Whether keys are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// As `******`.
    Hidden,
    /// As they are.
    Shown,
}

/// The text of a running configuration under way.
#[derive(Debug)]
pub struct Printer {
    text: String,
    depth: usize,
    secrets: Secrets,
}

impl Printer {
    /// An empty text.
    pub fn new(secrets: Secrets) -> Self {
        Self { text: String::new(), depth: 0, secrets }
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.text
    }

    /// A separator, unless one has just been printed.
    pub fn separator(&mut self) {
        if !self.text.ends_with("!\n") {
            self.text.push_str("!\n");
        }
    }

    fn value(&mut self, value: &Value) {
        // Writing to a String does not fail.
        let _ = match (value, self.secrets) {
            (Value::Secret(key), Secrets::Shown) => write!(self.text, " {}", key.expose()),
            _ => write!(self.text, " {value}"),
        };
    }

    fn line(&mut self, no: &str, path: &[Element], values: &[Value]) {
        self.text.extend(std::iter::repeat_n(' ', self.depth));
        let start = self.text.len();
        self.text.push_str(no);
        let mut values = values.iter();
        for element in path {
            match element {
                Element::Keyword { text, .. } => {
                    self.text.push(' ');
                    self.text.push_str(text);
                }
                Element::Argument { .. } => {
                    if let Some(value) = values.next() {
                        self.value(value);
                    }
                }
                Element::Rest => {}
            }
        }
        // Every word brings its own blank in front; the first one has none.
        if self.text.as_bytes().get(start) == Some(&b' ') {
            self.text.remove(start);
        }
        self.text.push('\n');
    }
}

/// Printer of the lines of one command: its keywords come from its path, only values are given.
#[derive(Debug)]
pub struct Lines<'a> {
    printer: &'a mut Printer,
    path: &'a [Element],
}

impl<'a> Lines<'a> {
    /// The lines of a command with this path.
    pub(super) fn new(printer: &'a mut Printer, path: &'a [Element]) -> Self {
        Self { printer, path }
    }

    /// The plain form.
    pub fn line(&mut self, values: &[Value]) {
        self.printer.line("", self.path, values);
    }

    /// The plain form, if it is to be shown.
    pub fn line_if(&mut self, shown: bool, values: &[Value]) {
        if shown {
            self.line(values);
        }
    }

    /// The plain form with another path: for commands that come in several forms.
    pub fn line_by(&mut self, path: &[Element], values: &[Value]) {
        self.printer.line("", path, values);
    }

    /// The plain form with another path, then the running configuration of what it enters.
    pub fn block_by<T>(
        &mut self,
        path: &[Element],
        values: &[Value],
        table: &Table<T>,
        target: &T,
    ) {
        self.line_by(path, values);
        self.printer.depth += 1;
        table.render(target, self.printer);
        self.printer.depth -= 1;
    }

    /// The `no` form.
    pub fn no(&mut self, values: &[Value]) {
        self.printer.line("no", self.path, values);
    }

    /// The plain form, then the running configuration of what it enters.
    pub fn block<T>(&mut self, values: &[Value], table: &Table<T>, target: &T) {
        self.line(values);
        self.printer.depth += 1;
        table.render(target, self.printer);
        self.printer.depth -= 1;
    }

    /// A `!` between blocks.
    pub fn separator(&mut self) {
        self.printer.separator();
    }
}
