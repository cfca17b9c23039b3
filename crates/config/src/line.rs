//! Lines and words, as typed or as pasted out of a terminal or a page.
//!
//! Prompts in front of commands, output between them and comments are skipped; a line that is only
//! a mask belongs to the line before it, which a page has wrapped.

use std::net::Ipv4Addr;

use crate::grammar::Mode;

/// A place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Line, from 0.
    pub(crate) line: usize,
    /// Column in characters, from 0.
    pub(crate) column: usize,
}

/// A word of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    /// The word.
    pub(crate) text: &'a str,
    /// Where it begins.
    pub(crate) place: Place,
}

impl Word<'_> {
    /// The place just behind the word.
    pub(crate) fn end(&self) -> Place {
        let column = self.place.column + self.text.chars().count();
        Place { line: self.place.line, column }
    }
}

/// What a terminal prints among commands.
const OUTPUT: &[&str] = &[
    "Enter configuration commands",
    "Building configuration",
    "Current configuration",
    "APPLY completed",
    "[OK]",
    "%",
];

/// One command of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Its words, at least one.
    pub(crate) words: Vec<Word<'a>>,
    /// The mode that the prompt in front of it shows, if it was pasted with one.
    pub(crate) pasted_in: Option<Mode>,
}

/// The commands of a text.
pub(crate) fn commands(text: &str) -> Vec<Line<'_>> {
    let mut commands: Vec<Line<'_>> = Vec::new();
    let mut may_wrap = false;
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let words = words(line, number);
        match (words.as_slice(), commands.last_mut()) {
            ([], _) => {}
            ([only], Some(last)) if may_wrap && only.text.parse::<Ipv4Addr>().is_ok() => {
                last.words.push(*only);
            }
            _ => {
                let pasted_in = prompt(line).mode;
                commands.push(Line { words: words.clone(), pasted_in });
            }
        }
        may_wrap = !words.is_empty();
    }
    commands
}

/// Longest line in octets: what is longer nobody typed.
pub(crate) const LONGEST_LINE: usize = 4096;

/// The words of one line, without prompt and comment.
pub(crate) fn words(line: &str, number: usize) -> Vec<Word<'_>> {
    let start = prompt(line).length;
    let mut words = Vec::new();
    let mut rest = &line[start..];
    let mut column = line[..start].chars().count();
    if OUTPUT.iter().any(|output| rest.trim_start().starts_with(output)) {
        return words;
    }
    loop {
        let blank = rest.len() - rest.trim_start().len();
        column += rest[..blank].chars().count();
        rest = &rest[blank..];
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (text, after) = rest.split_at(length);
        if text.is_empty() || is_comment(text, words.is_empty()) {
            return words;
        }
        words.push(Word { text, place: Place { line: number, column } });
        column += text.chars().count();
        rest = after;
    }
}

/// At the start of a line `!` comments out whatever it is glued to; further on it stands alone.
fn is_comment(word: &str, first: bool) -> bool {
    if first { word.starts_with('!') } else { word == "!" }
}

/// What stands in front of a pasted command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prompt {
    /// Its octets, blanks before it included.
    pub(crate) length: usize,
    /// The mode that it shows, if that is one of ours.
    pub(crate) mode: Option<Mode>,
}

/// The prompt at the start of a line: `Router#`, `Router(config)#`, `Router(vlan)`, or none.
pub(crate) fn prompt(line: &str) -> Prompt {
    let indent = line.len() - line.trim_start().len();
    let rest = &line[indent..];
    let name = rest
        .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'))
        .unwrap_or(rest.len());
    let after = &rest[name..];
    if name == 0 {
        return Prompt::default();
    }
    if let Some(length) = after.strip_prefix('(').and_then(|mode| mode.find(')')) {
        let (shown, tail) = after.split_at(length + 2);
        let blank = tail.len() - tail.trim_start_matches(' ').len();
        let mark = usize::from(tail[blank..].starts_with(['#', '>']));
        let length = indent + name + shown.len() + (blank + mark) * mark;
        return Prompt { length, mode: Mode::of_prompt(shown) };
    }
    if after.starts_with(['#', '>']) {
        return Prompt { length: indent + name + 1, mode: Some(Mode::Exec) };
    }
    Prompt::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<Vec<&str>> {
        let commands = commands(text);
        commands.iter().map(|line| line.words.iter().map(|word| word.text).collect()).collect()
    }

    #[test]
    fn prompts_in_every_form_of_the_chapter_are_skipped() {
        for line in [
            "Router(config-module-csm)# vlan 9",
            "Router(config-module-csm) vlan 9",
            "Router(config-slb-ft) # vlan 9",
            "Router(vlan)#vlan 9",
            "Cat6k-2# vlan 9",
            "  vlan 9",
        ] {
            assert_eq!(texts(line), [["vlan", "9"]], "{line}");
        }
    }

    #[test]
    fn output_and_comments_are_skipped() {
        let text = "! a comment\n!\nEnter configuration commands, one per line.  End with CNTL/Z.\n\
                    %CSM_SLB-6-REDUNDANCY_INFO:Module 5 FT info:Active:Bulk sync started\n\
                    vlan 2 ! clients\n";
        assert_eq!(texts(text), [["vlan", "2"]]);
    }

    #[test]
    fn a_mask_alone_belongs_to_the_line_before() {
        let text =
            "Router(config-slb-vlan-client)# ip addr 1.0.0.1 255.0.0.0 alt 1.0.0.2\n255.0.0.0";
        let words = texts(text);
        assert_eq!(words.len(), 1);
        assert_eq!(words[0][6], "255.0.0.0");
        assert_eq!(texts("vlan 2\n\n255.0.0.0").len(), 2);
    }

    #[test]
    fn places_are_those_of_the_original_text() {
        let commands = commands("\n  Router(config)# vlan\t2");
        assert_eq!(commands[0].words[1].place, Place { line: 1, column: 23 });
        assert_eq!(commands[0].words[1].end().column, 24);
    }
}
