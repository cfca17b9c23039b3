//! The tree that a mode's commands form, and the walk of a line through it.
//!
//! At each place an exact keyword goes first, then a typed argument that reads the word, then a
//! keyword that the word abbreviates and no other, then free text, then the rest of the line.

use super::element::{Element, Kind};
use super::value::{Args, Value};

/// A node: one element, what may follow it, and the command that may end here.
#[derive(Clone, Debug)]
struct Node {
    element: Element,
    children: Vec<usize>,
    command: Option<usize>,
    listed: bool,
}

/// Whether `?` and error texts offer a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// They do.
    Offered,
    /// They do not: it is there to be refused by name.
    Unlisted,
}

/// Commands merged by their common beginnings.
#[derive(Clone, Debug)]
pub struct Tree {
    nodes: Vec<Node>,
}

/// Place of the root in the node table.
const ROOT: usize = 0;

/// A line that is a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Which command.
    pub command: usize,
    /// Its arguments.
    pub args: Args,
    /// For each argument the word that it came from.
    pub places: Vec<usize>,
}

/// Why a line is no command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The word at `at` fits nothing.
    Invalid {
        /// Which word.
        at: usize,
        /// What would have fitted.
        expected: Vec<String>,
        /// Commands that begin as the line does.
        begun: Vec<usize>,
    },
    /// The line ends too early.
    Incomplete {
        /// What could follow.
        expected: Vec<String>,
        /// Commands that begin as the line does.
        begun: Vec<usize>,
    },
    /// The word at `at` abbreviates several keywords.
    Ambiguous {
        /// Which word.
        at: usize,
        /// The keywords.
        candidates: Vec<String>,
    },
}

/// Something that may stand at a place, for `?`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Keyword, type of argument, or `<cr>`.
    pub label: String,
    /// One line of explanation.
    pub help: &'static str,
    /// Whether it is typed as it is written here.
    pub is_word: bool,
}

impl Candidate {
    /// A word.
    pub fn word(text: &str, help: &'static str) -> Self {
        Self { label: text.to_owned(), help, is_word: true }
    }

    /// A type of argument.
    pub fn argument(label: impl Into<String>, help: &'static str) -> Self {
        Self { label: label.into(), help, is_word: false }
    }

    /// The end of the line.
    pub fn end() -> Self {
        Self::argument("<cr>", "")
    }

    fn of(element: &Element) -> Self {
        let is_word = matches!(element, Element::Keyword { .. });
        Self { label: element.label(), help: element.help(), is_word }
    }
}

/// What is known about a place, for `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// What may stand there; nothing, if a word before it fits nothing.
    Candidates(Vec<Candidate>),
    /// A word before it abbreviates several.
    Ambiguous,
}

/// What one word means at one place.
enum Step {
    To(usize, Option<Value>),
    Rest(usize),
    Ambiguous(Vec<String>),
    Nowhere,
}

impl Default for Tree {
    fn default() -> Self {
        let root =
            Node { element: Element::Rest, children: Vec::new(), command: None, listed: true };
        Self { nodes: vec![root] }
    }
}

impl Tree {
    /// Adds a command; it may end after any prefix of `path` that has at least `least` elements.
    pub fn insert(&mut self, path: &[Element], least: usize, command: usize, listing: Listing) {
        let mut at = ROOT;
        for (index, element) in path.iter().enumerate() {
            at = self.child(at, element);
            self.nodes[at].listed |= listing == Listing::Offered;
            if index + 1 >= least {
                self.nodes[at].command.get_or_insert(command);
            }
        }
    }

    fn child(&mut self, parent: usize, element: &Element) -> usize {
        let children = self.nodes[parent].children.iter().copied();
        if let Some(found) = children.into_iter().find(|&c| same(&self.nodes[c].element, element)) {
            return found;
        }
        let element = *element;
        self.nodes.push(Node { element, children: Vec::new(), command: None, listed: false });
        let made = self.nodes.len() - 1;
        self.nodes[parent].children.push(made);
        made
    }

    /// Finds the command that `words` are.
    pub fn walk(&self, words: &[&str]) -> Result<Match, Mismatch> {
        let (mut at, mut values, mut places) = (ROOT, Vec::new(), Vec::new());
        let mut keywords = Vec::new();
        for (index, word) in words.iter().enumerate() {
            if let Some((next, text)) = self.text(at, &words[index..]) {
                at = next;
                values.push(text);
                places.push(index);
                break;
            }
            match self.step(at, word) {
                Step::To(next, value) => {
                    at = next;
                    if let Some(value) = value {
                        values.push(value);
                        places.push(index);
                    } else if let Element::Keyword { text, .. } = self.nodes[next].element {
                        keywords.push(text);
                    }
                }
                Step::Rest(next) => {
                    at = next;
                    break;
                }
                Step::Ambiguous(candidates) => {
                    return Err(Mismatch::Ambiguous { at: index, candidates });
                }
                Step::Nowhere => return Err(self.invalid(at, index)),
            }
        }
        let command = self.nodes[at].command.or_else(|| self.rest(at)?.command);
        match command {
            Some(command) => Ok(Match { command, args: Args::new(values, keywords), places }),
            None => {
                Err(Mismatch::Incomplete { expected: self.expected(at), begun: self.beneath(at) })
            }
        }
    }

    /// All the words as one text, if that may stand here.
    fn text(&self, at: usize, words: &[&str]) -> Option<(usize, Value)> {
        let is_text =
            |node: &Node| matches!(node.element, Element::Argument { kind: Kind::Text, .. });
        let (next, _) = self.children(at).find(|(_, node)| is_text(node))?;
        Some((next, Kind::Text.read(&words.join(" "))?))
    }

    fn rest(&self, at: usize) -> Option<&Node> {
        self.children(at).map(|(_, node)| node).find(|node| node.element == Element::Rest)
    }

    fn children(&self, at: usize) -> impl Iterator<Item = (usize, &Node)> {
        self.nodes[at].children.iter().map(|&child| (child, &self.nodes[child]))
    }

    fn step(&self, at: usize, word: &str) -> Step {
        let exact = self.keywords(at, |text| text.eq_ignore_ascii_case(word));
        if let Some((node, _)) = exact.first() {
            return Step::To(*node, None);
        }
        if let Some((node, value)) = self.argument(at, word, Strength::Typed) {
            return Step::To(node, Some(value));
        }
        let begun = self.keywords(at, |text| is_prefix(word, text));
        if let [(node, _)] = begun.as_slice() {
            return Step::To(*node, None);
        }
        if let Some((node, value)) = self.argument(at, word, Strength::FreeText) {
            return Step::To(node, Some(value));
        }
        if !begun.is_empty() {
            return Step::Ambiguous(begun.into_iter().map(|(_, text)| text.to_owned()).collect());
        }
        let rest = self.children(at).find(|(_, node)| node.element == Element::Rest);
        rest.map_or(Step::Nowhere, |(node, _)| Step::Rest(node))
    }

    fn keywords(&self, at: usize, fits: impl Fn(&str) -> bool) -> Vec<(usize, &'static str)> {
        let mut found = Vec::new();
        for (index, node) in self.children(at) {
            if let Element::Keyword { text, alias, .. } = node.element
                && (fits(text) || alias.is_some_and(&fits))
            {
                found.push((index, text));
            }
        }
        found
    }

    fn argument(&self, at: usize, word: &str, strength: Strength) -> Option<(usize, Value)> {
        self.children(at).find_map(|(index, node)| match node.element {
            Element::Argument { kind, .. }
                if kind.is_free_text() == (strength == Strength::FreeText) =>
            {
                kind.read(word).map(|value| (index, value))
            }
            Element::Argument { .. } | Element::Keyword { .. } | Element::Rest => None,
        })
    }

    fn invalid(&self, at: usize, index: usize) -> Mismatch {
        let begun = if at == ROOT { Vec::new() } else { self.beneath(at) };
        let mut expected = self.expected(at);
        if self.nodes[at].command.is_some() {
            expected.push("the end of the line".to_owned());
        }
        Mismatch::Invalid { at: index, expected, begun }
    }

    fn expected(&self, at: usize) -> Vec<String> {
        let offered = self.children(at).filter(|(_, node)| node.listed);
        offered.map(|(_, node)| node.element.expectation()).collect()
    }

    /// The commands that go on behind a node.
    fn beneath(&self, at: usize) -> Vec<usize> {
        let mut found = Vec::new();
        for (child, node) in self.children(at) {
            found.extend(node.command);
            found.extend(self.beneath(child));
        }
        found
    }

    /// What may stand after `words`, where the last place is begun with `partial`.
    pub fn hint(&self, words: &[&str], partial: &str) -> Hint {
        let mut at = ROOT;
        for word in words {
            match self.step(at, word) {
                Step::To(next, _) => at = next,
                Step::Ambiguous(_) => return Hint::Ambiguous,
                Step::Rest(_) | Step::Nowhere => return Hint::Candidates(Vec::new()),
            }
        }
        let mut found: Vec<Candidate> = self
            .children(at)
            .filter(|(_, node)| node.listed && may_become(&node.element, partial))
            .map(|(_, node)| Candidate::of(&node.element))
            .collect();
        found.sort();
        if self.nodes[at].command.is_some() && self.nodes[at].listed && partial.is_empty() {
            found.push(Candidate::end());
        }
        Hint::Candidates(found)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Strength {
    Typed,
    FreeText,
}

/// Whether two elements share a node: help texts may differ.
fn same(a: &Element, b: &Element) -> bool {
    match (a, b) {
        (Element::Keyword { text: a, .. }, Element::Keyword { text: b, .. }) => a == b,
        (Element::Argument { kind: a, .. }, Element::Argument { kind: b, .. }) => a == b,
        (Element::Rest, Element::Rest) => true,
        (Element::Keyword { .. } | Element::Argument { .. } | Element::Rest, _) => false,
    }
}

fn is_prefix(word: &str, text: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn may_become(element: &Element, partial: &str) -> bool {
    match element {
        Element::Keyword { text, .. } => is_prefix(partial, text),
        Element::Argument { kind, .. } => partial.is_empty() || kind.read(partial).is_some(),
        Element::Rest => partial.is_empty(),
    }
}
