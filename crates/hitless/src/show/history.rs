//! `show module csm N ft history`.

use hitless_core::node::Decision;

use super::Page;
use crate::api::types::{FtHistory, KeptDecision};

/// Facts go on in the next line from this column.
const WIDTH: usize = 78;

/// Each decision with what it was made on; the records are for the simulation, in JSON.
pub(super) fn show(page: &mut Page, history: Option<&FtHistory>) {
    let Some(history) = history else {
        return page.line(format_args!("Fault tolerance is not configured"));
    };
    match history.decisions.len() {
        0 => return page.line(format_args!("FT history: no decision yet")),
        1 => page.line(format_args!("FT history: 1 decision")),
        count => page.line(format_args!("FT history: {count} decisions, the newest last")),
    }
    for kept in &history.decisions {
        decision(page, kept);
    }
}

fn decision(page: &mut Page, kept: &KeptDecision) {
    let Decision { from, to, epoch, reason, inputs, .. } = &kept.decision;
    let when = page.zone.calendar(kept.unix_ms);
    let what = if from == to { format!("stays {to}") } else { format!("{from} -> {to}") };
    page.line(format_args!(""));
    page.line(format_args!(" {when}: {what}, epoch {epoch}"));
    page.line(format_args!("  {reason}"));
    facts(page, inputs);
    if kept.story.is_none() {
        page.line(format_args!("  (cannot be replayed: its record is not kept any more)"));
    }
}

fn facts(page: &mut Page, facts: &[(String, String)]) {
    let mut line = String::new();
    for (index, (name, value)) in facts.iter().enumerate() {
        let comma = if index + 1 < facts.len() { "," } else { "" };
        let fact = format!(" {name} = {value}{comma}");
        if !line.is_empty() && line.len() + fact.len() >= WIDTH {
            page.line(format_args!(" {line}"));
            line.clear();
        }
        line += &fact;
    }
    if !line.is_empty() {
        page.line(format_args!(" {line}"));
    }
}
