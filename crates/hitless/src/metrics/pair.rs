//! Series about roles, the peer and replication.

use hitless_core::node::PathId;
use hitless_model::Role;

use super::Family;
use super::families::{counter, each_ft, flag, gauge, label, named, number};
use super::snapshot::{OneModule, Snapshot};
use crate::api::types::FtState;

/// All of them.
pub(super) fn families(snapshot: &Snapshot) -> Vec<Family> {
    let areas = [roles(snapshot), peer(snapshot), replication(snapshot)];
    areas.into_iter().flatten().collect()
}

fn roles(snapshot: &Snapshot) -> Vec<Family> {
    let all = [Role::Initializing, Role::Standby, Role::Active, Role::Draining];
    let role = |module: &OneModule| {
        let now = module.ft.as_ref().map(|ft| ft.status.role);
        let one =
            |role: Role| (vec![label(module), ("role", role.to_string())], flag(now == Some(role)));
        now.map(|_| all.map(one)).into_iter().flatten().collect::<Vec<_>>()
    };
    let nanos = |nanos: u64| number(nanos) / 1e9;
    vec![
        gauge(
            "ft_role",
            "1 for the role of this box",
            snapshot.modules.iter().flat_map(role).collect(),
        ),
        gauge("ft_epoch", "Epoch", each_ft(snapshot, |ft| Some(number(ft.status.epoch.0)))),
        counter(
            "ft_role_changes",
            "Role changes",
            each_ft(snapshot, |ft| Some(number(ft.status.role_changes))),
        ),
        counter(
            "ft_lease_expiries",
            "Leases that ran out while active",
            each_ft(snapshot, |ft| Some(number(ft.status.lease_expiries))),
        ),
        gauge(
            "ft_lease_left",
            "Time until this box falls silent by itself",
            each_ft(snapshot, |ft| ft.status.lease_left_ns.map(nanos)),
        )
        .seconds(),
        gauge(
            "ft_longest_delay",
            "Longest time by which this box was late itself",
            each_ft(snapshot, |ft| Some(nanos(ft.status.longest_delay_ns))),
        )
        .seconds(),
        gauge(
            "replication_diverged_connections",
            "Connections found to differ between the two tables and not repaired yet",
            each_ft(snapshot, |ft| Some(number(ft.status.diverged))),
        ),
        counter(
            "replication_repaired_connections",
            "Connections found to differ between the two tables and repaired",
            each_ft(snapshot, |ft| Some(number(ft.status.repaired))),
        ),
    ]
}

fn peer(snapshot: &Snapshot) -> Vec<Family> {
    let paths = |module: &OneModule| {
        let paths = module.ft.iter().flat_map(|ft| ft.status.paths.clone());
        let one = |(path, up): (PathId, bool)| {
            (vec![label(module), ("vlan", path.0.to_string())], flag(up))
        };
        paths.map(one).collect::<Vec<_>>()
    };
    let of = |pick: fn(&FtState) -> &Vec<(String, u64)>| {
        move |module: &OneModule| module.ft.as_ref().map(pick).cloned()
    };
    vec![
        gauge(
            "ft_peer_heard",
            "Whether the peer is heard on any path",
            each_ft(snapshot, |ft| Some(flag(ft.status.peer.is_some()))),
        ),
        gauge(
            "ft_path_up",
            "Whether the peer is heard over a VLAN",
            snapshot.modules.iter().flat_map(paths).collect(),
        ),
        gauge(
            "ft_configuration_agrees",
            "Whether the peer's configuration equals this one",
            each_ft(snapshot, |ft| Some(flag(ft.status.peer.as_ref()?.config_agrees))),
        ),
        counter(
            "ft_frames_sent",
            "Frames and messages to the peer: heartbeats and others",
            named(snapshot, "kind", of(|ft| &ft.status.sent)),
        ),
        counter(
            "ft_frames_received",
            "Frames and messages from the peer",
            named(snapshot, "kind", of(|ft| &ft.status.received)),
        ),
        counter(
            "ft_frames_dropped",
            "Frames that were dropped",
            named(snapshot, "reason", of(|ft| &ft.status.rejected)),
        ),
    ]
}

fn replication(snapshot: &Snapshot) -> Vec<Family> {
    vec![
        gauge(
            "replication_in_step",
            "Whether the peer holds every connection of this box",
            each_ft(snapshot, |ft| Some(flag(ft.status.in_step))),
        ),
        gauge(
            "replication_at_risk_connections",
            "Connections that break if this box dies now",
            each_ft(snapshot, |ft| Some(number(ft.status.at_risk))),
        ),
        gauge(
            "replication_queued_changes",
            "Changes that wait for a datagram to the peer",
            each_ft(snapshot, |ft| Some(number(ft.status.queued))),
        ),
        gauge(
            "replication_lag",
            "Age of the oldest change that the peer has not acknowledged",
            each_ft(snapshot, |ft| Some(number(ft.status.lag_ms) / 1e3)),
        )
        .seconds(),
    ]
}
