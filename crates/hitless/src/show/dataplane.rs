//! `show module csm N stats` and `dataplane`.

use hitless_plane::HookKind;

use super::Page;
use crate::api::types::{CounterInfo, Dataplane, GateInfo, InterfaceInfo, Stats};

#[cfg(test)]
mod tests;

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
    page.line(format_args!("{}", gate(dataplane.gate)));
    page.line(format_args!(""));
    hooks(page, dataplane);
    page.line(format_args!(""));
    programs(page, dataplane);
    page.line(format_args!(""));
    maps(page, dataplane);
    page.line(format_args!(""));
    packets(page, &dataplane.counters);
}

fn gate(gate: GateInfo) -> String {
    let role = gate.role.map_or_else(|| "unknown".to_owned(), |role| role.to_string());
    match gate.lease_ms {
        Some(0) => format!("Gate {role}, epoch {}, its lease is over", gate.epoch.0),
        Some(left) => format!("Gate {role}, epoch {}, lease {left} ms", gate.epoch.0),
        None => format!("Gate {role}, epoch {}", gate.epoch.0),
    }
}

fn hooks(page: &mut Page, dataplane: &Dataplane) {
    page.line(format_args!("{:<6} {:<10} {:<16} hook", "vlan", "interface", "device"));
    page.rule(60);
    for InterfaceInfo { vlan, index, device } in &dataplane.interfaces {
        let hook = dataplane.plane.hooks.iter().find(|hook| hook.ifindex == *index);
        let hook = hook.map_or("none", |hook| match hook.kind {
            HookKind::Tcx => "TC ingress, by a TCX link",
            HookKind::Clsact => "TC ingress, by a filter of clsact",
            HookKind::Xdp => "XDP, in the driver",
        });
        let device = device.as_deref().unwrap_or("bridged");
        page.line(format_args!("{vlan:<6} {index:<10} {device:<16} {hook}"));
    }
}

fn programs(page: &mut Page, dataplane: &Dataplane) {
    let head = format_args!(
        "{:<14} {:>6}  {:<16} {:>9} {:>9}",
        "program", "id", "tag", "verified", "octets"
    );
    page.line(head);
    page.rule(60);
    for program in &dataplane.plane.programs {
        let number = |number: Option<u32>| number.map_or("-".to_owned(), |n| n.to_string());
        let (verified, octets) = (number(program.verified_instructions), number(program.octets));
        page.line(format_args!(
            "{:<14} {:>6}  {:<16} {verified:>9} {octets:>9}",
            program.name, program.id, program.tag
        ));
    }
}

fn maps(page: &mut Page, dataplane: &Dataplane) {
    page.line(format_args!(
        "{:<14} {:<14} {:>9} {:>9} {:>5} {:>11}",
        "map", "kind", "used", "room", "full", "octets"
    ));
    page.rule(67);
    for map in &dataplane.plane.maps {
        let used = map.used.map_or("-".to_owned(), |used| used.to_string());
        let full = map.used.map(|used| used * 100 / u64::from(map.room.max(1)));
        let full = full.map_or("-".to_owned(), |percent| format!("{percent}%"));
        let octets = map.octets.map_or("-".to_owned(), |octets| octets.to_string());
        page.line(format_args!(
            "{:<14} {:<14} {used:>9} {:>9} {full:>5} {octets:>11}",
            map.name, map.kind, map.room
        ));
    }
}

/// What was forwarded, and what was dropped for which reasons: those that happened.
fn packets(page: &mut Page, counters: &[CounterInfo]) {
    let is_drop = |counter: &&CounterInfo| counter.name.starts_with("drop_");
    let value = |name: &str| {
        let found = counters.iter().find(|counter| counter.name == name);
        found.map_or(0, |counter| counter.value)
    };
    for (what, name) in [
        ("Forwarded to reals:", "forwarded_to_real"),
        ("Forwarded to clients:", "forwarded_to_client"),
        ("Routed by the kernel:", "routed_by_kernel"),
    ] {
        page.line(format_args!("{what:<22} {:>14}", value(name)));
    }
    let drops = || counters.iter().filter(is_drop);
    let all: u64 = drops().map(|counter| counter.value).sum();
    page.line(format_args!("{:<22} {all:>14}", "Dropped:"));
    for CounterInfo { name, value, help } in drops().filter(|counter| counter.value > 0) {
        let reason = name.trim_start_matches("drop_");
        let help = help.trim_start_matches("Dropped: ");
        page.line(format_args!("  {reason:<20} {value:>14}  {help}"));
    }
}
