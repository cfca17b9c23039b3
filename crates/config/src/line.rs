//! Lines and words, as typed or as pasted out of a terminal or a page.
//!
//! Prompts in front of commands, output between them and comments are skipped; a line that is only
//! a mask belongs to the line before it, which a page has wrapped.

use std::net::Ipv4Addr;

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

/// The commands of a text, each as its words; never an empty one.
pub(crate) fn commands(text: &str) -> Vec<Vec<Word<'_>>> {
    let mut commands: Vec<Vec<Word<'_>>> = Vec::new();
    let mut may_wrap = false;
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let words = words(line, number);
        match (words.as_slice(), commands.last_mut()) {
            ([], _) => {}
            ([only], Some(last)) if may_wrap && only.text.parse::<Ipv4Addr>().is_ok() => {
                last.push(*only);
            }
            _ => commands.push(words.clone()),
        }
        may_wrap = !words.is_empty();
    }
    commands
}

/// The words of one line, without prompt and comment.
fn words(line: &str, number: usize) -> Vec<Word<'_>> {
    let start = prompt(line);
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

/// Length of a prompt at the start of a line: `Router#`, `Router(config)#`, `Router(vlan)`.
fn prompt(line: &str) -> usize {
    let indent = line.len() - line.trim_start().len();
    let rest = &line[indent..];
    let name = rest
        .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'))
        .unwrap_or(rest.len());
    let after = &rest[name..];
    if name == 0 {
        return 0;
    }
    if let Some(length) = after.strip_prefix('(').and_then(|mode| mode.find(')')) {
        let mode = length + 2;
        let tail = &after[mode..];
        let blank = tail.len() - tail.trim_start_matches(' ').len();
        let mark = usize::from(tail[blank..].starts_with(['#', '>']));
        return indent + name + mode + (blank + mark) * mark;
    }
    let mark = after.starts_with(['#', '>']);
    if mark { indent + name + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<Vec<&str>> {
        let commands = commands(text);
        commands.iter().map(|words| words.iter().map(|word| word.text).collect()).collect()
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
        assert_eq!(commands[0][1].place, Place { line: 1, column: 23 });
        assert_eq!(commands[0][1].end().column, 24);
    }
}
