//! Commands with a common beginning in one line, as manuals write them: `a [b] {c | d}`.
//!
//! What is found are parts that may be left out, alternatives of which one is an argument, and ends
//! that are single words. Everything else is a line of its own.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::grammar::Element;

/// Among more parts than this nobody looks for those that may be left out: every selection of them is
/// looked at.
const MOST_OPTIONAL: usize = 6;

/// A piece of a line and what is said about its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// As it is written.
    pub(super) text: String,
    /// The words' explanations.
    pub(super) said: Vec<String>,
}

/// A line of the reference.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Its pieces.
    pub(super) pieces: Vec<Piece>,
    /// The commands that it stands for.
    pub(super) commands: Vec<usize>,
}

impl Line {
    /// As it is written.
    pub(super) fn text(&self) -> String {
        let words: Vec<&str> = self.pieces.iter().map(|piece| piece.text.as_str()).collect();
        words.join(" ")
    }

    fn behind(&self, piece: &Piece) -> Self {
        let pieces = [std::slice::from_ref(piece), &self.pieces[..]].concat();
        Self { pieces, commands: self.commands.clone() }
    }
}

/// A place in the commands' common tree.
#[derive(Default)]
struct Node {
    element: Option<Element>,
    children: Vec<usize>,
    commands: Vec<usize>,
}

/// The lines of commands that are given by their paths, in their order.
pub(super) fn lines(paths: &[(usize, Vec<Element>)]) -> Vec<Line> {
    let mut nodes = vec![Node::default()];
    for (command, path) in paths {
        let mut at = 0;
        for element in path.iter().filter(|element| **element != Element::Rest) {
            at = child(&mut nodes, at, element);
        }
        nodes[at].commands.push(*command);
    }
    Shape { nodes, known: RefCell::default() }.behind(0)
}

fn child(nodes: &mut Vec<Node>, at: usize, element: &Element) -> usize {
    let same = |&&child: &&usize| {
        let known = nodes[child].element;
        known.is_some_and(|known| known.label() == element.label())
    };
    if let Some(found) = nodes[at].children.iter().find(same) {
        return *found;
    }
    nodes.push(Node { element: Some(*element), ..Node::default() });
    let made = nodes.len() - 1;
    nodes[at].children.push(made);
    made
}

/// A piece and what follows it.
struct Way {
    piece: Piece,
    is_value: bool,
    rest: Line,
}

/// Alternatives that go on alike.
struct Group {
    pieces: Vec<Piece>,
    has_value: bool,
    rest: Line,
}

struct Shape {
    nodes: Vec<Node>,
    known: RefCell<BTreeMap<usize, Vec<Line>>>,
}

impl Shape {
    /// The ways to go on behind a node: asked for again and again, so remembered.
    fn behind(&self, at: usize) -> Vec<Line> {
        if let Some(known) = self.known.borrow().get(&at) {
            return known.clone();
        }
        let lines = self.continuations(&self.nodes[at].commands, &self.nodes[at].children);
        self.known.borrow_mut().insert(at, lines.clone());
        lines
    }

    fn continuations(&self, ends: &[usize], children: &[usize]) -> Vec<Line> {
        if ends.is_empty() {
            return self.alternatives(children);
        }
        if children.len() > MOST_OPTIONAL {
            let end = Line { pieces: Vec::new(), commands: ends.to_vec() };
            return std::iter::once(end).chain(self.alternatives(children)).collect();
        }
        let optional = children.iter().find_map(|first| self.optional(ends, *first, children));
        optional.unwrap_or_else(|| {
            let end = Line { pieces: Vec::new(), commands: ends.to_vec() };
            std::iter::once(end).chain(self.alternatives(children)).collect()
        })
    }

    /// `[first]`, or `[first | like it]`, and then the others, if those go on in the same ways with
    /// it and without.
    fn optional(&self, ends: &[usize], first: usize, children: &[usize]) -> Option<Vec<Line>> {
        let behind = |child: &usize| self.behind(self.chain(*child).1);
        let with = behind(&first);
        let (alike, others): (Vec<usize>, Vec<usize>) =
            children.iter().partition(|child| texts(&behind(child)) == texts(&with));
        let without = self.continuations(ends, &others);
        if texts(&with) != texts(&without) {
            return None;
        }
        let mut piece = one_of(alike.iter().map(|child| self.chain(*child).0).collect());
        piece.text = match piece.text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(text) => format!("[{text}]"),
            None => format!("[{}]", piece.text),
        };
        let mut merged = without;
        for line in alike.iter().flat_map(behind) {
            let known = merged.iter_mut().find(|known| known.text() == line.text());
            if let Some(known) = known {
                known.commands.extend(&line.commands);
            }
        }
        Some(merged.iter().map(|line| line.behind(&piece)).collect())
    }

    /// A line for each way; `{a | b}` where both go on alike and one is an argument, `[a]` where an
    /// argument may be left out.
    fn alternatives(&self, children: &[usize]) -> Vec<Line> {
        let mut groups: Vec<Group> = Vec::new();
        for way in Self::left_out(self.ways(children)) {
            let alike = groups.iter_mut().find(|group| {
                let is_other = !group.pieces.contains(&way.piece);
                let has_value = group.has_value || way.is_value;
                is_other && has_value && group.rest.text() == way.rest.text()
            });
            if let Some(group) = alike {
                group.pieces.push(way.piece);
                group.has_value |= way.is_value;
                group.rest.commands.extend(way.rest.commands);
            } else {
                let Way { piece, is_value, rest } = way;
                groups.push(Group { pieces: vec![piece], has_value: is_value, rest });
            }
        }
        groups.into_iter().map(|group| group.rest.behind(&one_of(group.pieces))).collect()
    }

    fn ways(&self, children: &[usize]) -> Vec<Way> {
        let ways = children.iter().flat_map(|child| {
            let (piece, last) = self.chain(*child);
            let is_value = matches!(self.nodes[*child].element, Some(Element::Argument { .. }));
            let way = move |rest| Way { piece: piece.clone(), is_value, rest };
            self.behind(last).into_iter().map(way)
        });
        ways.collect()
    }

    /// Merges `a x` and `x` into `[a] x`, where `a` is an argument.
    fn left_out(ways: Vec<Way>) -> Vec<Way> {
        let (values, mut words): (Vec<Way>, Vec<Way>) = ways.into_iter().partition(|w| w.is_value);
        let mut kept = Vec::new();
        for value in values {
            let same = words
                .iter_mut()
                .find(|word| word.rest.behind(&word.piece).text() == value.rest.text());
            let Some(word) = same else {
                kept.push(value);
                continue;
            };
            word.rest = word.rest.behind(&word.piece);
            word.rest.commands.extend(value.rest.commands);
            let text = format!("[{}]", value.piece.text);
            word.piece = Piece { text, said: value.piece.said };
        }
        kept.extend(words);
        kept
    }

    /// The words up to where a command may end or several may follow.
    fn chain(&self, first: usize) -> (Piece, usize) {
        let (mut at, mut texts, mut said) = (first, Vec::new(), Vec::new());
        loop {
            let node = &self.nodes[at];
            if let Some(element) = &node.element {
                texts.push(element.label());
                said.push(explained(element));
            }
            match node.children.as_slice() {
                [only] if node.commands.is_empty() => at = *only,
                _ => return (Piece { text: texts.join(" "), said }, at),
            }
        }
    }
}

fn texts(lines: &[Line]) -> Vec<String> {
    lines.iter().map(Line::text).collect()
}

fn one_of(mut pieces: Vec<Piece>) -> Piece {
    if pieces.len() == 1 {
        return pieces.remove(0);
    }
    let texts: Vec<&str> = pieces.iter().map(|piece| piece.text.as_str()).collect();
    let text = format!("{{{}}}", texts.join(" | "));
    Piece { text, said: pieces.into_iter().flat_map(|piece| piece.said).collect() }
}

fn explained(element: &Element) -> String {
    match element {
        Element::Keyword { help, .. } => (*help).to_owned(),
        Element::Argument { kind, help } => format!("`{}` {help}", kind.label()),
        Element::Rest => String::new(),
    }
}
