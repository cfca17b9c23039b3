//! Sizes of functions and parameter lists, read off formatted source: a function ends at the first
//! closing brace that stands as deep as its first line.

use super::{Findings, Source};

const LINES_NEED_REASON: usize = 50;
const LINES: usize = 70;
const PARAMETERS: usize = 5;

/// A comment with these words explains a long function or file.
pub(super) const REASON: &str = "// Long because";

/// Checks every function of a file.
pub(super) fn sizes(source: &Source, findings: &mut Findings) {
    let lines: Vec<(usize, &str)> = source.product_lines().collect();
    for (at, (number, line)) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let rest: Vec<&str> = lines[at..].iter().map(|(_, line)| *line).collect();
        let body = extent(&rest);
        let place = format!("{}:{number}: function {name}", source.path);
        let explained = rest[..body].iter().any(|line| line.contains(REASON));
        if body > LINES || (body > LINES_NEED_REASON && !explained) {
            findings.push(format!("{place} has {body} lines"));
        }
        let count = parameters(&rest[..body].join(" "));
        if count > PARAMETERS {
            findings.push(format!("{place} has {count} parameters"));
        }
    }
}

fn function_name(line: &str) -> Option<&str> {
    let mut words = line.trim_start();
    for word in
        ["pub(crate) ", "pub(super) ", "pub ", "const ", "async ", "unsafe ", "extern \"C\" "]
    {
        words = words.strip_prefix(word).unwrap_or(words);
    }
    let name = words.strip_prefix("fn ")?;
    Some(name.split(['(', '<']).next().unwrap_or(name))
}

/// Lines from the first one of a function to its closing brace.
fn extent(lines: &[&str]) -> usize {
    let indent = lines.first().map_or(0, |line| line.len() - line.trim_start().len());
    let end = format!("{}}}", " ".repeat(indent));
    let one_line = lines.first().is_some_and(|line| line.ends_with(['}', ';']));
    let last = if one_line { Some(0) } else { lines.iter().position(|line| closes(line, &end)) };
    last.map_or(lines.len(), |last| last + 1)
}

fn closes(line: &str, end: &str) -> bool {
    // A declaration in a trait ends with its signature.
    line.strip_prefix(end).is_some_and(|rest| matches!(rest, "" | ";" | ","))
        || (line.ends_with(");") && line.len() - line.trim_start().len() == end.len() - 1)
}

/// Parameters of a function, the receiver apart.
fn parameters(function: &str) -> usize {
    let Some(open) = function.find('(') else { return 0 };
    let (mut depth, mut count, mut is_empty) = (0_i32, 0, true);
    let list = &function[open + 1..];
    for (at, character) in list.char_indices() {
        match character {
            '(' | '[' | '<' => depth += 1,
            ')' if depth == 0 => break,
            '>' if list[..at].ends_with('-') => {}
            ')' | ']' | '>' => depth -= 1,
            ',' if depth == 0 => {
                count += usize::from(!is_empty);
                is_empty = true;
                continue;
            }
            _ => {}
        }
        is_empty = is_empty && character.is_whitespace();
    }
    count += usize::from(!is_empty);
    let first = list.trim_start().trim_start_matches('&').trim_start_matches("mut ");
    count - usize::from(first.starts_with("self") && count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted_without_the_receiver() {
        assert_eq!(parameters("fn a() -> (u8, u8) {"), 0);
        assert_eq!(parameters("fn a(&mut self, b: u8) {"), 1);
        assert_eq!(parameters("fn a( b: Map<u8, Vec<u8>>, c: impl Fn(u8, u8) -> u8, ) {"), 2);
        assert_eq!(parameters("fn a(self) {"), 0);
    }

    #[test]
    fn a_function_ends_where_its_brace_stands() {
        let lines = ["    fn a() {", "        if x {", "        }", "    }", "    fn b() {"];
        assert_eq!(extent(&lines), 4);
        assert_eq!(extent(&["fn a() {}", "}"]), 1);
        assert_eq!(function_name("    pub(crate) const fn a<T>(t: T) {"), Some("a"));
    }

    #[test]
    fn a_long_function_is_found_and_a_reason_helps_up_to_the_hard_limit() {
        let found = |lines: usize, reason: &str| {
            let text = format!("fn a() {{\n{reason}\n{}}}\n", "    b();\n".repeat(lines - 3));
            let mut findings = Findings::new();
            sizes(&Source { path: "crates/x/src/a.rs".to_owned(), text }, &mut findings);
            findings.len()
        };
        assert_eq!(found(50, ""), 0);
        assert_eq!(found(51, ""), 1);
        assert_eq!(found(70, "    // Long because it is a table."), 0);
        assert_eq!(found(71, "    // Long because it is a table."), 1);
    }
}
