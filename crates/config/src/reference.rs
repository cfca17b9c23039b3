//! The command reference: every command of every mode, from the tree itself.
//!
//! `docs/operate/commands.md` is what [`reference`] returns; `cargo xtask docs` writes it there, and a
//! test wants the two to be the same.

mod defaults;
mod syntax;

use std::fmt::Write as _;

use crate::commands::trees;
use crate::exec::{EXEC, PIPES, Privilege, privilege};
use crate::grammar::{Element, Entry, Lack, Mode, Trees, Verdict};
use syntax::{Line, Piece};

const HEAD: &str = "\
# Commands

Written by `cargo xtask docs` from the command tree. `?` at the prompt says the same, at any place
of a line.

A keyword may be shortened as long as no other one fits. `<1-13>` is a number of that range,
`A.B.C.D` an address or a mask, a word in capitals a name. `[a]` may be left out, of `{a | b}` one is
said. `no` in front undoes a line. A line of an outer mode may be typed further in: it leaves the
inner mode. An exec command may be typed in every mode, with `do` in front or without. `!` begins a
comment. What is pasted may have prompts in front and output of the terminal in between. A meaning is
told once, where its word stands first.

";

/// The page, in Markdown.
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    for (title, body, modes) in sections() {
        let prompts = told(modes.iter().map(|mode| format!("Router{mode}#")));
        // Writing to a String does not fail.
        let _ = write!(page, "## {title}: {prompts}\n\n{}{body}", entered_by(&modes));
    }
    page
}

/// Title, text and modes of each section: modes that have the same commands, as most kinds of probes,
/// are one.
fn sections() -> Vec<(&'static str, String, Vec<Mode>)> {
    let mut sections: Vec<(&'static str, String, Vec<Mode>)> = Vec::new();
    for mode in Mode::ALL {
        let (title, body) = (mode.title(), body(*mode));
        match sections.iter_mut().find(|known| known.0 == title && known.1 == body) {
            Some((_, _, modes)) => modes.push(*mode),
            None => sections.push((title, body, vec![*mode])),
        }
    }
    sections
}

fn body(mode: Mode) -> String {
    let trees = trees(mode);
    let commands = if mode == Mode::Exec { exec() } else { commands(mode, trees) };
    commands + &refused(trees)
}

/// The lines that lead to modes.
fn entered_by(modes: &[Mode]) -> String {
    let ways = Mode::ALL.iter().flat_map(|from| trees(*from).entries());
    let enters =
        |entry: &Entry| modes.iter().any(|mode| entry.plain == Some(Verdict::Enter(*mode)));
    let ways = told(ways.filter(enters).map(|entry| syntax(&entry.path)));
    if ways.is_empty() { ways } else { format!("Entered by {ways}.\n\n") }
}

/// Exec commands, with who may give them.
fn exec() -> String {
    let all = EXEC.entries();
    let offered = all.iter().enumerate().filter(|(_, entry)| is_offered(entry));
    let mut paths: Vec<_> = offered.map(|(index, entry)| (index, entry.path.clone())).collect();
    paths.sort_by_key(|(_, path)| path.first().map(Element::label));
    let mut text = "| command | meaning | for |\n|---|---|---|\n".to_owned();
    let mut above: Vec<Piece> = Vec::new();
    for line in syntax::lines(&paths) {
        let is_open = |index: &usize| privilege(*index) != Some(Privilege::Administrator);
        let who = if line.commands.iter().all(is_open) { "all" } else { "administrators" };
        let _ = writeln!(text, "| {} | {} | {who} |", code(&line.text()), meaning(&above, &line));
        above = line.pieces;
    }
    text += "\nBehind a `show` and a `|`:\n\n| | |\n|---|---|\n";
    for (verb, help) in PIPES {
        let pattern = if verb == "json" { "" } else { " LINE" };
        let _ = writeln!(text, "| `{verb}{pattern}` | {help} |");
    }
    text + "\n"
}

/// Commands of the configuration, with their `no` form and what holds without them.
fn commands(mode: Mode, trees: &dyn Trees) -> String {
    let all = trees.entries();
    let plain = all.iter().enumerate().filter(|(_, entry)| offered(entry.plain));
    let paths: Vec<_> = plain.map(|(index, entry)| (index, entry.path.clone())).collect();
    let mut text = "| command | meaning | undone by | by default |\n|---|---|---|---|\n".to_owned();
    let mut above: Vec<Piece> = Vec::new();
    for line in syntax::lines(&paths) {
        let entries: Vec<&Entry> = line.commands.iter().filter_map(|at| all.get(*at)).collect();
        let meaning = meaning(&above, &line) + &consequence(&entries);
        let no = told(entries.iter().filter_map(|entry| undone_by(entry)));
        let defaults = defaults::of_mode(mode).iter().filter(|default| {
            defaults::command(mode, default).is_some_and(|at| line.commands.contains(&at))
        });
        let default = told(defaults.map(|default| (*default).to_owned()));
        let _ = writeln!(text, "| {} | {meaning} | {no} | {default} |", code(&line.text()));
        above = line.pieces;
    }
    let only_no = all.iter().filter(|entry| !offered(entry.plain));
    let only_no = told(only_no.filter_map(undone_by));
    if !only_no.is_empty() {
        let _ = write!(text, "\nThere are {only_no} as well.\n");
    }
    text + "\n"
}

/// The mode that it enters, and whether anything comes of it.
fn consequence(entries: &[&Entry]) -> String {
    let mut text = String::new();
    let entered = entries.iter().filter_map(|entry| match entry.plain {
        Some(Verdict::Enter(mode)) => Some(mode.to_string()),
        Some(
            Verdict::Apply
            | Verdict::Nothing
            | Verdict::Unavailable(_)
            | Verdict::Leave
            | Verdict::Top,
        )
        | None => None,
    });
    let entered = told(entered);
    if !entered.is_empty() {
        let _ = write!(text, ". Enters {entered}");
    }
    if entries.iter().all(|entry| entry.lacks == Lack::Always) {
        text += ". **Has no effect yet**";
    } else if entries.iter().any(|entry| entry.lacks != Lack::Never) {
        text += ". **Not all of it has an effect yet**, which is said when it is typed";
    }
    text
}

fn undone_by(entry: &Entry) -> Option<String> {
    let (least, _) = entry.no.filter(|(_, verdict)| offered(Some(*verdict)))?;
    Some(format!("no {}", syntax(entry.path.get(..least)?)))
}

/// What of the original is known and refused.
fn refused(trees: &dyn Trees) -> String {
    let all = trees.entries();
    let refused = all.iter().filter(|entry| !is_offered(entry));
    let mut lines: Vec<String> = refused.map(|entry| code(&syntax(&entry.path))).collect();
    lines.sort();
    lines.dedup();
    if lines.is_empty() {
        return String::new();
    }
    format!("Known from the original and refused by this release: {}.\n\n", lines.join(", "))
}

fn offered(verdict: Option<Verdict>) -> bool {
    verdict.is_some_and(|verdict| !matches!(verdict, Verdict::Unavailable(_)))
}

fn is_offered(entry: &Entry) -> bool {
    offered(entry.plain) || offered(entry.no.map(|(_, verdict)| verdict))
}

fn syntax(path: &[Element]) -> String {
    let words = path.iter().filter(|element| **element != Element::Rest).map(Element::label);
    words.collect::<Vec<_>>().join(" ")
}

/// Lines, each once.
fn told(lines: impl Iterator<Item = String>) -> String {
    let mut told: Vec<String> = Vec::new();
    for line in lines.map(|line| code(&line)) {
        if !told.contains(&line) {
            told.push(line);
        }
    }
    told.join(", ")
}

/// As code, in a cell of a table.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

/// What the words say that the line above does not have.
fn meaning(above: &[Piece], line: &Line) -> String {
    let pieces = &line.pieces;
    let known = above.iter().zip(pieces).take_while(|(above, here)| above == here).count();
    // A line that is the beginning of the one above says again what its last words are.
    let known = known.min(pieces.len().saturating_sub(1));
    let said: Vec<&str> =
        pieces.iter().skip(known).flat_map(|piece| &piece.said).map(String::as_str).collect();
    said.join("; ").replace('|', "\\|")
}

#[cfg(test)]
mod tests;
