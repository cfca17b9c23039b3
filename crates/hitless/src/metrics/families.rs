//! From what modules say to named series.

use hitless_model::Role;
use prometheus_client::registry::Unit;

use super::snapshot::{OneModule, Snapshot};
use super::{Family, Kind, Sample};
use crate::api::types::{FtState, Stats};

/// All of them.
pub(super) fn families(snapshot: &Snapshot) -> Vec<Family> {
    let areas = [daemon(snapshot), roles(snapshot), pair(snapshot), plane(snapshot)];
    areas.into_iter().flatten().chain(balancing(snapshot)).collect()
}

fn gauge(name: &'static str, help: &'static str, samples: Vec<Sample>) -> Family {
    Family { name, help, unit: None, kind: Kind::Gauge, samples }
}

fn counter(name: &'static str, help: &'static str, samples: Vec<Sample>) -> Family {
    Family { name, help, unit: None, kind: Kind::Counter, samples }
}

impl Family {
    fn seconds(self) -> Self {
        Self { unit: Some(Unit::Seconds), ..self }
    }
}

#[expect(clippy::cast_precision_loss, reason = "the format has no other numbers")]
fn number(value: u64) -> f64 {
    value as f64
}

fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

fn label(module: &OneModule) -> (&'static str, String) {
    ("module", module.slot.to_string())
}

/// One sample for each module that has it.
fn each(snapshot: &Snapshot, value: impl Fn(&OneModule) -> Option<f64>) -> Vec<Sample> {
    let one = |module: &OneModule| Some((vec![label(module)], value(module)?));
    snapshot.modules.iter().filter_map(one).collect()
}

/// One sample for each member of a group.
fn each_ft(snapshot: &Snapshot, value: impl Fn(&FtState) -> Option<f64>) -> Vec<Sample> {
    each(snapshot, |module| value(module.ft.as_ref()?))
}

/// Samples with a second label.
fn named<'a, T: 'a>(
    snapshot: &'a Snapshot,
    second: &'static str,
    list: impl Fn(&'a OneModule) -> Option<T>,
) -> Vec<Sample>
where
    T: IntoIterator<Item = (String, u64)>,
{
    let of_module = |module: &'a OneModule| {
        let list = list(module).into_iter().flatten();
        list.map(move |(name, value)| (vec![label(module), (second, name)], number(value)))
    };
    snapshot.modules.iter().flat_map(of_module).collect()
}

fn daemon(snapshot: &Snapshot) -> Vec<Family> {
    let system = &snapshot.system;
    let info = vec![("release", system.software.clone()), ("hostname", system.hostname.clone())];
    let uptime = vec![(Vec::new(), number(system.uptime_s))];
    let revision = vec![(Vec::new(), number(system.revision))];
    let age = |module: &OneModule| module.status.core_age_ms.map(|ms| number(ms) / 1e3);
    vec![
        gauge("build_info", "The daemon; always 1", vec![(info, 1.0)]),
        gauge("uptime", "Time since the supervisor began this life", uptime).seconds(),
        gauge("configuration_revision", "Revision of the configuration in force", revision),
        gauge(
            "module_up",
            "Whether a module is at work",
            each(snapshot, |module| Some(flag(module.status.online))),
        ),
        gauge("module_core_age", "Time since its core thread turned", each(snapshot, age))
            .seconds(),
    ]
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
    ]
}

fn pair(snapshot: &Snapshot) -> Vec<Family> {
    let paths = |module: &OneModule| {
        let paths = module.ft.iter().flat_map(|ft| ft.status.paths.clone());
        let one = |(path, up): (hitless_core::node::PathId, bool)| {
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

fn plane(snapshot: &Snapshot) -> Vec<Family> {
    let pick = |keep: fn(&str) -> Option<&str>| {
        move |module: &OneModule| {
            let counters = &module.stats.as_ref()?.counters;
            let one =
                |c: &crate::api::types::CounterInfo| Some((keep(&c.name)?.to_owned(), c.value));
            Some(counters.iter().filter_map(one).collect::<Vec<_>>())
        }
    };
    let of = |value: fn(&Stats) -> u64| {
        each(snapshot, move |module| Some(number(value(module.stats.as_ref()?))))
    };
    vec![
        counter(
            "dropped_packets",
            "Packets that the data plane dropped",
            named(snapshot, "reason", pick(|name| name.strip_prefix("drop_"))),
        ),
        counter(
            "plane_events",
            "What else the data plane counts",
            named(snapshot, "event", pick(|name| Some(name).filter(|n| !n.starts_with("drop_")))),
        ),
        gauge("connections", "Connections in the table", of(|stats| stats.connections)),
        gauge(
            "connections_capacity",
            "Connections that the table holds",
            of(|stats| stats.capacity),
        ),
    ]
}

fn balancing(snapshot: &Snapshot) -> Vec<Family> {
    let servers = |module: &OneModule| {
        let servers = &module.totals.as_ref()?.virtual_servers;
        Some(servers.iter().map(|s| (s.name.to_string(), s.conns)).collect::<Vec<_>>())
    };
    let reals = |module: &OneModule| {
        let reals = module.totals.iter().flat_map(|totals| &totals.reals);
        let one = |real: &crate::api::types::RealInfo| {
            let port = real.port.map_or_else(String::new, |port| format!(":{port}"));
            let name = format!("{}{port}", real.address);
            let farm = ("farm", real.farm.to_string());
            (vec![label(module), farm, ("real", name)], number(real.conns))
        };
        reals.map(one).collect::<Vec<_>>()
    };
    vec![
        gauge(
            "vserver_connections",
            "Open connections of a virtual server",
            named(snapshot, "vserver", servers),
        ),
        gauge(
            "real_connections",
            "Open connections of a real server in a farm",
            snapshot.modules.iter().flat_map(reals).collect(),
        ),
    ]
}
