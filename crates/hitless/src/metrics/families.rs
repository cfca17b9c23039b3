//! From what modules say to named series.

use prometheus_client::registry::Unit;

use super::snapshot::{OneModule, Snapshot};
use super::{Family, Kind, Sample, pair};
use crate::api::types::{FtState, Stats};

/// All of them.
pub(super) fn families(snapshot: &Snapshot) -> Vec<Family> {
    let areas = [daemon(snapshot), pair::families(snapshot), plane(snapshot)];
    areas.into_iter().flatten().chain(balancing(snapshot)).collect()
}

pub(super) fn gauge(name: &'static str, help: &'static str, samples: Vec<Sample>) -> Family {
    Family { name, help, unit: None, kind: Kind::Gauge, samples }
}

pub(super) fn counter(name: &'static str, help: &'static str, samples: Vec<Sample>) -> Family {
    Family { name, help, unit: None, kind: Kind::Counter, samples }
}

impl Family {
    pub(super) fn seconds(self) -> Self {
        Self { unit: Some(Unit::Seconds), ..self }
    }
}

#[expect(clippy::cast_precision_loss, reason = "the format has no other numbers")]
pub(super) fn number(value: u64) -> f64 {
    value as f64
}

pub(super) fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

pub(super) fn label(module: &OneModule) -> (&'static str, String) {
    ("module", module.slot.to_string())
}

/// One sample for each module that has it.
fn each(snapshot: &Snapshot, value: impl Fn(&OneModule) -> Option<f64>) -> Vec<Sample> {
    let one = |module: &OneModule| Some((vec![label(module)], value(module)?));
    snapshot.modules.iter().filter_map(one).collect()
}

/// One sample for each member of a group.
pub(super) fn each_ft(snapshot: &Snapshot, value: impl Fn(&FtState) -> Option<f64>) -> Vec<Sample> {
    each(snapshot, |module| value(module.ft.as_ref()?))
}

/// Samples with a second label.
pub(super) fn named<'a, T>(
    snapshot: &'a Snapshot,
    second: &'static str,
    list: impl Fn(&'a OneModule) -> Option<T>,
) -> Vec<Sample>
where
    T: IntoIterator<Item = (String, u64)> + 'a,
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
