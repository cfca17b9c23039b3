//! What differs between two configurations, line by line, each line below those that it stands in.
//!
//! Works on rendered texts, whose order is fixed: a line is known by itself and the lines that it is
//! indented under. Takes time in proportion to the texts, and to what differs only where it has to
//! remember something.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What a key is shown as.
const HIDDEN: &str = "********";

/// A line of a text.
#[derive(Clone, Copy)]
struct Line<'a> {
    text: &'a str,
    depth: usize,
    /// Of the line and the lines that it stands in.
    path: u64,
}

/// Lines that went (`-`), came (`+`), and those that they stand in (blank). Keys are hidden.
pub(crate) fn difference(before: &str, after: &str) -> Vec<String> {
    let (before, after) = (lines(before), lines(after));
    let same = before.iter().zip(&after).take_while(|(a, b)| a.path == b.path).count();
    let end = |rest: &[Line<'_>]| rest.len();
    let (before_rest, after_rest) = (&before[same..], &after[same..]);
    let tail = before_rest
        .iter()
        .rev()
        .zip(after_rest.iter().rev())
        .take_while(|(a, b)| a.path == b.path)
        .count();
    let old = &before_rest[..end(before_rest) - tail];
    let new = &after_rest[..end(after_rest) - tail];
    let mut report =
        Report { context: stack(&after[..same]), shown: Vec::new(), lines: Vec::new() };
    merge(old, new, &mut report);
    report.lines
}

/// The lines of a text without comments, each with its path.
fn lines(text: &str) -> Vec<Line<'_>> {
    let mut above: Vec<(usize, u64)> = Vec::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let text = line.trim();
        if text.is_empty() || text.starts_with('!') || text == "end" {
            continue;
        }
        let depth = line.len() - line.trim_start().len();
        while above.last().is_some_and(|(outer, _)| *outer >= depth) {
            above.pop();
        }
        let mut hasher = DefaultHasher::new();
        (above.last().map(|(_, path)| *path), text).hash(&mut hasher);
        let path = hasher.finish();
        above.push((depth, path));
        lines.push(Line { text, depth, path });
    }
    lines
}

/// The lines that what comes next may stand in.
fn stack<'a>(lines: &[Line<'a>]) -> Vec<Line<'a>> {
    let mut stack: Vec<Line<'a>> = Vec::new();
    for line in lines.iter().rev() {
        if stack.last().is_none_or(|inner| line.depth < inner.depth) {
            stack.push(*line);
        }
        if line.depth == 0 {
            break;
        }
    }
    stack.reverse();
    stack
}

/// Walks both. What only one of them has is told; what stands elsewhere now goes there and comes here.
fn merge<'a>(old: &[Line<'a>], new: &[Line<'a>], report: &mut Report<'a>) {
    let in_old: HashSet<u64> = old.iter().map(|line| line.path).collect();
    let in_new: HashSet<u64> = new.iter().map(|line| line.path).collect();
    let mut moved = HashSet::new();
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    loop {
        match (old.peek(), new.peek()) {
            (None, None) => return,
            (Some(gone), _) if !in_new.contains(&gone.path) => {
                report.tell('-', gone);
                old.next();
            }
            (_, Some(come)) if !in_old.contains(&come.path) || moved.contains(&come.path) => {
                report.tell('+', come);
                new.next();
            }
            (Some(gone), Some(come)) if gone.path == come.path => {
                report.pass(come);
                old.next();
                new.next();
            }
            (Some(gone), _) => {
                moved.insert(gone.path);
                report.tell('-', gone);
                old.next();
            }
            (None, Some(come)) => {
                report.tell('+', come);
                new.next();
            }
        }
    }
}

/// Collects lines with the lines that they stand in.
struct Report<'a> {
    /// Lines that the next one may stand in.
    context: Vec<Line<'a>>,
    /// Those that were told last.
    shown: Vec<u64>,
    lines: Vec<String>,
}

impl<'a> Report<'a> {
    fn pass(&mut self, line: &Line<'a>) {
        self.context.retain(|outer| outer.depth < line.depth);
        self.context.push(*line);
    }

    fn tell(&mut self, sign: char, line: &Line<'a>) {
        self.context.retain(|outer| outer.depth < line.depth);
        for outer in &self.context {
            if !self.shown.contains(&outer.path) {
                self.lines.push(format!(" {}{}", " ".repeat(outer.depth), outer.text));
            }
        }
        self.lines.push(format!("{sign}{}{}", " ".repeat(line.depth), without_key(line.text)));
        self.context.push(*line);
        self.shown = self.context.iter().map(|line| line.path).collect();
    }
}

fn without_key(line: &str) -> String {
    match line.split_once(' ') {
        Some(("key-string", _)) => format!("key-string {HIDDEN}"),
        Some(_) | None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "\
hostname a
!
vlan 2-3,9
!
module csm 5
 ft group 90 vlan 9
  key-string open sesame
 serverfarm FARM
  real 10.9.3.11
   inservice
  real 10.9.3.12
   inservice
 vserver WEB
  serverfarm FARM
  inservice
!
end
";

    #[test]
    fn a_line_is_told_below_those_that_it_stands_in() {
        let after = BEFORE.replace("  real 10.9.3.12\n", "  real 10.9.3.12\n   weight 3\n");
        let expected = [" module csm 5", "  serverfarm FARM", "   real 10.9.3.12", "+   weight 3"];
        assert_eq!(difference(BEFORE, &after), expected);
        let expected = [" module csm 5", "  serverfarm FARM", "   real 10.9.3.12", "-   weight 3"];
        assert_eq!(difference(&after, BEFORE), expected);
        assert_eq!(difference(BEFORE, BEFORE), [""; 0]);
    }

    #[test]
    fn a_block_comes_with_all_its_lines_and_its_neighbours_stay_quiet() {
        let block = " vserver ALSO\n  serverfarm FARM\n  inservice\n";
        let after = BEFORE.replace(" vserver WEB\n", &format!("{block} vserver WEB\n"));
        let expected = [" module csm 5", "+ vserver ALSO", "+  serverfarm FARM", "+  inservice"];
        assert_eq!(difference(BEFORE, &after), expected);
    }

    #[test]
    fn changed_keys_are_told_and_not_shown() {
        let after = BEFORE.replace("open sesame", "another");
        let expected = [
            " module csm 5",
            "  ft group 90 vlan 9",
            "-  key-string ********",
            "+  key-string ********",
        ];
        assert_eq!(difference(BEFORE, &after), expected);
    }

    #[test]
    fn an_order_that_changed_is_a_difference() {
        let after = BEFORE.replace("3.11", "3.x").replace("3.12", "3.11").replace("3.x", "3.12");
        let told = difference(BEFORE, &after);
        assert!(told.contains(&"-  real 10.9.3.11".to_owned()), "{told:?}");
        assert!(told.contains(&"+  real 10.9.3.11".to_owned()), "{told:?}");
    }

    #[test]
    fn the_same_line_in_two_places_is_two_lines() {
        let after = BEFORE.replacen("   inservice\n", "", 1);
        let expected = [" module csm 5", "  serverfarm FARM", "   real 10.9.3.11", "-   inservice"];
        assert_eq!(difference(BEFORE, &after), expected);
    }
}
