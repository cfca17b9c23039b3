//! `show module csm N stats` and `dataplane`.

use super::Page;
use crate::api::types::{CounterInfo, Dataplane, Stats};
use hitless_plane::HookKind;

pub(super) fn stats(page: &mut Page, stats: &Stats) {
    let value = |name: &str| {
        let found = stats.counters.iter().find(|counter| counter.name == name);
        found.map_or(0, |counter| counter.value)
    };
    let (created, established) = (value("connections_created"), value("connections_established"));
    page.line(format_args!("{:<28} {created}", "Connections Created:"));
    page.line(format_args!("{:<28} {established}", "Connections Established:"));
    page.line(format_args!("{:<28} {}", "Connections Current:", stats.connections));
    page.line(format_args!("{:<28} {}", "Connections Possible:", stats.capacity));
    page.line(format_args!(""));
    let width = stats.counters.iter().map(|counter| counter.name.len()).max().unwrap_or(0);
    for CounterInfo { name, value, help } in &stats.counters {
        page.line(format_args!("{name:<width$} {value:>16}  {help}"));
    }
}

pub(super) fn dataplane(page: &mut Page, dataplane: &Dataplane) {
    let plane = &dataplane.plane;
    let adopted = if dataplane.adopted { "adopted" } else { "made" };
    page.line(format_args!("Kernel {}, map layout {}, maps {adopted}", plane.kernel, plane.abi));
    let walked = plane.verified_instructions.map_or("unknown".to_owned(), |n| n.to_string());
    page.line(format_args!(
        "Program {} tag {}, instructions verified: {walked}",
        plane.program_id, plane.program_tag
    ));
    let usage = plane.connections;
    page.line(format_args!("Connections {} of {}", usage.in_use, usage.capacity));
    for hook in &plane.hooks {
        let vlan = dataplane.interfaces.iter().find(|(_, index)| *index == hook.ifindex);
        let vlan = vlan.map_or("unknown VLAN".to_owned(), |(vlan, _)| format!("VLAN {vlan}"));
        let kind = match hook.kind {
            HookKind::Tcx => "TCX",
            HookKind::Clsact => "clsact",
        };
        page.line(format_args!("Hook {kind} on {vlan}, interface {}", hook.ifindex));
    }
}
