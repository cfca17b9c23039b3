//! `show module csm N ft [detail]`.

use std::collections::BTreeMap;

use super::Page;
use crate::api::types::FtState;
use crate::exec::Depth;
use hitless_config::model::SplitBrain;
use hitless_core::node::{Gateways, PeerStatus, Status};
use hitless_core::session::KeyInUse;
use hitless_model::Role;

/// The lines of the original, then what else an operator has to know now.
pub(super) fn show(page: &mut Page, ft: Option<&FtState>, depth: Depth) {
    let Some(ft) = ft else {
        return page.line(format_args!("Fault tolerance is not configured"));
    };
    page.line(format_args!("FT group {}, vlan {}", ft.group, ft.ft_vlan));
    page.line(format_args!(" This box is {}", ft.status.role));
    if ft.status.peer.as_ref().is_some_and(|peer| !peer.config_agrees) {
        page.line(format_args!(" Configuration is out-of-sync"));
    }
    let preemption = if ft.preempt { "on" } else { "off" };
    page.line(format_args!(
        " priority {}, heartbeat {}, failover {}, preemption is {preemption}",
        ft.priority,
        interval(ft.heartbeat_ms),
        interval(ft.failover_ms)
    ));
    if let Some(alt) = ft.alt_priority {
        page.line(format_args!(" alternate priority {alt}"));
    }
    for alarm in alarms(ft) {
        page.line(format_args!(" {alarm}"));
    }
    if depth == Depth::Full {
        detail(page, ft);
    }
}

/// As it is configured: seconds, or `msec` and milliseconds.
fn interval(ms: u64) -> String {
    if ms.is_multiple_of(1000) { (ms / 1000).to_string() } else { format!("msec {ms}") }
}

/// What would break if this box failed now, or does not work; nothing on a healthy pair.
fn alarms(ft: &FtState) -> Vec<String> {
    let status = &ft.status;
    let mut alarms = Vec::new();
    if status.peer.is_none() {
        alarms.push("peer is not heard on any path".to_owned());
    } else {
        let ft_path = status.paths.iter().find(|(path, _)| path.0 == ft.ft_vlan);
        if ft_path.is_some_and(|(_, heard)| !heard) {
            alarms.push("ft-vlan-down: the peer is heard over other VLANs only".to_owned());
        }
        if status.role.forwards() && !status.in_step {
            alarms.push("the peer does not hold every connection yet".to_owned());
        }
    }
    alarms.extend(status.waiting.clone());
    if status.role.forwards() && status.at_risk > 0 {
        let at_risk = status.at_risk;
        alarms.push(format!("{at_risk} connections break if this box fails now"));
    }
    alarms
}

fn detail(page: &mut Page, ft: &FtState) {
    let status = &ft.status;
    page.line(format_args!(""));
    own(page, ft);
    match &status.peer {
        Some(peer) => show_peer(page, peer),
        None => page.line(format_args!(" Peer: none heard")),
    }
    for (path, heard) in &status.paths {
        let state = if *heard { "up" } else { "down" };
        page.line(format_args!(" Path vlan {}: {state}", path.0));
    }
    replication(page, status);
    counters(page, status);
}

fn own(page: &mut Page, ft: &FtState) {
    let status = &ft.status;
    page.line(format_args!(" Last state change: {}", page.zone.calendar(ft.since_unix_ms)));
    page.line(format_args!(
        " State changes: {}, epoch {}, lease expiries {}",
        status.role_changes, status.epoch, status.lease_expiries
    ));
    page.line(format_args!(
        " Own delays: {} beyond half a lease, longest {} ms",
        status.delays,
        status.longest_delay_ns / 1_000_000
    ));
    if let (Some(left), Role::Active | Role::Draining) = (status.lease_left_ns, status.role) {
        page.line(format_args!(" Lease: {} ms left", left / 1_000_000));
    }
    page.line(format_args!(" Authentication: {}", authentication(ft)));
    page.line(format_args!(" Split brain: {}", split_brain(ft)));
    page.line(format_args!(" Software version: {}", env!("CARGO_PKG_VERSION")));
}

/// Whether there is a key, and how far a change of it has come.
fn authentication(ft: &FtState) -> &'static str {
    match (ft.status.key, ft.authenticated) {
        (None | Some(KeyInUse::Own), true) => "key-string",
        (None | Some(KeyInUse::Clear), false) => "none",
        (Some(KeyInUse::Clear), true) => "none yet: the peer has not this box's key-string",
        (Some(KeyInUse::Accepted), _) => "the accepted key-string: the peer has not this box's own",
        (Some(KeyInUse::Own | KeyInUse::Former), _) => {
            "a former key-string: the peer has not this box's own"
        }
    }
}

/// The policy, and whether this box may be active without its peer.
fn split_brain(ft: &FtState) -> &'static str {
    match (ft.split_brain, ft.status.gateways) {
        (SplitBrain::BothActive, _) => "both active",
        (SplitBrain::Gateway, None | Some(Gateways::NotAsked)) => {
            "gateway (not asked while the peer is heard)"
        }
        (SplitBrain::Gateway, Some(Gateways::Heard)) => "gateway (heard)",
        (SplitBrain::Gateway, Some(Gateways::Silent)) => "gateway (none is heard)",
    }
}

fn show_peer(page: &mut Page, peer: &PeerStatus) {
    let preemption = if peer.preempt { "on" } else { "off" };
    let agrees = if peer.config_agrees { "in-sync" } else { "out-of-sync" };
    page.line(format_args!(
        " Peer: {}, {}, priority {}, preemption is {preemption}, epoch {}",
        peer.unit, peer.role, peer.priority, peer.epoch
    ));
    page.line(format_args!(" Peer software version: {}, configuration {agrees}", peer.software));
}

/// Only what forwards has connections of its own for the peer to hold.
fn replication(page: &mut Page, status: &Status) {
    if !status.role.forwards() {
        return page.line(format_args!(" Replication: receiving"));
    }
    let step = if status.in_step { "in step" } else { "not in step" };
    page.line(format_args!(" Replication: {step}, {} connections at risk", status.at_risk));
    if let Some(bulk) = status.bulk {
        page.line(format_args!(" Full table: {} of {} connections told", bulk.told, bulk.of));
    }
    page.line(format_args!(" Backlog: {} changes, {} ms", status.queued, status.lag_ms));
    page.line(format_args!(
        " Tables: {} connections differ, {} repaired",
        status.diverged, status.repaired
    ));
}

/// Sent and received side by side, by name; then what was dropped, by reason.
fn counters(page: &mut Page, status: &Status) {
    let mut both: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for (name, _) in status.sent.iter().chain(&status.received) {
        if !order.contains(&name.as_str()) {
            order.push(name);
        }
    }
    for (name, count) in &status.sent {
        both.entry(name).or_default().0 += count;
    }
    for (name, count) in &status.received {
        both.entry(name).or_default().1 += count;
    }
    page.line(format_args!(""));
    page.line(format_args!(" {:<30} {:>14} {:>14}", "Messages", "Sent", "Received"));
    for name in order {
        let (sent, received) = both.get(name).copied().unwrap_or_default();
        page.line(format_args!(" {name:<30} {sent:>14} {received:>14}"));
    }
    let dropped: u64 = status.rejected.iter().map(|(_, count)| count).sum();
    page.line(format_args!(" {:<30} {:>14} {dropped:>14}", "Frames dropped", ""));
    for (reason, count) in status.rejected.iter().filter(|(_, count)| *count > 0) {
        page.line(format_args!("   {reason:<28} {:>14} {count:>14}", ""));
    }
}
