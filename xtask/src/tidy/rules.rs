//! The rules that look at lines, and those that look at the whole tree.

use std::path::Path;

use super::functions::REASON;
use super::{Findings, Source};
use crate::shell;

const FILE_LINES_NEED_REASON: usize = 400;
const FILE_LINES: usize = 600;
/// The formatter keeps code within 100; a comment may say its sentence to the end.
const WIDTH: usize = 120;

/// The machines of the core.
const MACHINES: [&str; 3] = ["ft", "replica", "session"];

/// Folders of somebody's machine.
const PLACES: &[&str] = &["/work/", "/root/", "/home/", "/Users/", "/tmp/target"];

/// No machine's paths, and no task without the place where it is written down.
pub(super) fn words(source: &Source, findings: &mut Findings) {
    // This file has to name what it forbids.
    if source.path.starts_with("xtask/src/tidy/") {
        return;
    }
    for (number, line) in (1..).zip(source.text.lines()) {
        let place = format!("{}:{number}:", source.path);
        findings.extend(
            PLACES
                .iter()
                .filter(|path| leads_into(line, path))
                .map(|path| format!("{place} a path of somebody's machine: {path}")),
        );
        if line.contains("TODO") && !line.contains("TODO(adr-") {
            findings.push(format!("{place} TODO without the ADR that it belongs to"));
        }
        if line.contains("FIXME") && !line.contains("FIXME-spec") {
            findings.push(format!("{place} FIXME without the clause of the specification"));
        }
    }
}

/// Whether `line` names something inside of `folder`; the bare folder may be what a test forbids.
fn leads_into(line: &str, folder: &str) -> bool {
    line.match_indices(folder)
        .any(|(at, _)| line[at + folder.len()..].starts_with(char::is_alphanumeric))
}

/// Length and width of a source file.
pub(super) fn size(source: &Source, findings: &mut Findings) {
    let lines = source.product_lines().count();
    let explained = source.text.contains(REASON);
    if lines > FILE_LINES || (lines > FILE_LINES_NEED_REASON && !explained) {
        findings.push(format!("{}:1: {lines} lines", source.path));
    }
    for (number, line) in source.product_lines() {
        // Text in quotes and addresses cannot be broken.
        let is_breakable = !line.contains("://") && !line.contains('"');
        if is_breakable && line.chars().count() > WIDTH {
            findings.push(format!("{}:{number}: wider than {WIDTH}", source.path));
        }
    }
}

/// Relative links of the documents lead somewhere.
pub(super) fn links(source: &Source, findings: &mut Findings) {
    if !source.is_markdown() {
        return;
    }
    let folder = shell::workspace().join(&source.path);
    let folder = folder.parent().unwrap_or(Path::new("."));
    for (number, line) in (1..).zip(source.text.lines()) {
        for target in line.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let is_local = !target.is_empty() && !target.contains("://");
            if is_local && !folder.join(target).exists() {
                findings.push(format!("{}:{number}: link to nowhere: {target}", source.path));
            }
        }
    }
}

/// What is pure stays pure, and machines know nothing of each other.
pub(super) fn layers(sources: &[Source], findings: &mut Findings) {
    for root in ["crates/model/src/lib.rs", "crates/core/src/lib.rs"] {
        let is_pure = sources.iter().any(|s| s.path == root && s.text.contains("no_std"));
        if !is_pure {
            findings.push(format!("{root}:1: is not no_std"));
        }
    }
    for source in sources {
        let Some(own) = MACHINES
            .into_iter()
            .find(|machine| source.path.starts_with(&format!("crates/core/src/{machine}/")))
        else {
            continue;
        };
        for other in MACHINES.into_iter().filter(|other| *other != own) {
            for (number, _) in source
                .product_lines()
                .filter(|(_, line)| line.contains(&format!("crate::{other}::")))
            {
                let path = &source.path;
                findings.push(format!("{path}:{number}: {own} knows {other}; only node may"));
            }
        }
    }
}

/// Every counter is incremented somewhere in the data plane.
pub(super) fn counters(sources: &[Source], findings: &mut Findings) {
    let Some(table) = sources.iter().find(|s| s.path == "crates/model/src/counter.rs") else {
        findings.push("crates/model/src/counter.rs:1: is missing".to_owned());
        return;
    };
    let plane: Vec<&str> = sources
        .iter()
        .filter(|s| s.path.starts_with("crates/plane-ebpf/src/"))
        .map(|s| s.text.as_str())
        .collect();
    for (number, line) in table.product_lines() {
        let Some(name) = counter_name(line) else { continue };
        if !plane.iter().any(|text| is_used(text, name)) {
            findings.push(format!("{}:{number}: nobody counts {name}", table.path));
        }
    }
}

/// The variant of a line like `    DropMalformed = "drop_malformed",`.
fn counter_name(line: &str) -> Option<&str> {
    let (name, text) = line.trim().split_once(" = \"")?;
    let is_variant = name.starts_with(char::is_uppercase) && text.ends_with("\",");
    is_variant.then_some(name)
}

fn is_used(text: &str, name: &str) -> bool {
    text.match_indices(&format!("Counter::{name}")).any(|(at, whole)| {
        !text[at + whole.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_counter_that_nobody_increments_is_found() {
        let table =
            source("crates/model/src/counter.rs", "    DropA = \"a\",\n    Drop = \"b\",\n");
        let plane = source("crates/plane-ebpf/src/main.rs", "count(Counter::DropA)");
        let mut findings = Findings::new();
        counters(&[table, plane], &mut findings);
        assert_eq!(findings, ["crates/model/src/counter.rs:2: nobody counts Drop"]);
    }

    #[test]
    fn paths_of_a_machine_and_loose_tasks_are_found() {
        let text = "in /home/me/x\n// TODO later\n// TODO(adr-0003): later\n";
        let mut findings = Findings::new();
        words(&source("crates/x/src/a.rs", text), &mut findings);
        assert_eq!(findings.len(), 2, "{findings:?}");
    }

    #[test]
    fn machines_that_know_each_other_are_found() {
        let pure = |path| source(path, "#![no_std]");
        let guilty = source("crates/core/src/ft/state.rs", "use crate::replica::Queue;\n");
        let node = source("crates/core/src/node/run.rs", "use crate::replica::Queue;\n");
        let mut findings = Findings::new();
        let roots = [pure("crates/model/src/lib.rs"), pure("crates/core/src/lib.rs")];
        layers(&roots.into_iter().chain([guilty, node]).collect::<Vec<_>>(), &mut findings);
        assert_eq!(findings, ["crates/core/src/ft/state.rs:1: ft knows replica; only node may"]);
    }

    #[test]
    fn wide_and_long_files_are_found() {
        let mut findings = Findings::new();
        let wide = format!("// {}\n", "x".repeat(WIDTH));
        size(&source("crates/x/src/a.rs", &wide), &mut findings);
        assert_eq!(findings.len(), 1);
        size(&source("crates/x/src/b.rs", &"//\n".repeat(FILE_LINES + 1)), &mut findings);
        assert_eq!(findings.len(), 2);
    }
}
