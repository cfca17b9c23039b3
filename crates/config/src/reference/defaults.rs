//! What holds where the configuration says nothing, as the lines that state it. A test applies each
//! of them and wants the configuration to stay as it is.

use crate::commands::trees;
use crate::grammar::{Form, Mode};

const INTERFACE: &[&str] = &["no shutdown"];
const PROBE: &[&str] =
    &["interval 120", "retries 3", "failed 300", "recover 1", "open 10", "receive 10"];
const FARM: &[&str] =
    &["nat server", "no nat client", "predictor roundrobin", "no failaction", "bindid 0"];
const REAL: &[&str] = &["weight 8", "maxconns 4294967295", "minconns 0", "no inservice"];
const VIRTUAL_SERVER: &[&str] = &[
    "no sticky",
    "max-conns 0",
    "no unidirectional",
    "no advertise",
    "idle 3600",
    "pending 30",
    "no replicate csrp sticky",
    "no replicate csrp connection",
    "persistent rebalance",
    "parse-length 2000",
    "ssl-sticky offset 0 length 32",
    "no inservice",
];
const FT: &[&str] = &[
    "priority 10",
    "heartbeat-time 1",
    "failover 3",
    "no preempt",
    "split-brain both-active",
    "track mode any",
];

/// The lines of a mode.
pub(super) fn of_mode(mode: Mode) -> &'static [&'static str] {
    match mode {
        Mode::Config => &["ip igmp snooping", "no clock calendar-valid"],
        Mode::Interface => INTERFACE,
        Mode::Probe(_) => PROBE,
        Mode::Farm => FARM,
        Mode::Real => REAL,
        Mode::VirtualServer => VIRTUAL_SERVER,
        Mode::Ft => FT,
        Mode::Exec
        | Mode::PortChannel
        | Mode::VlanInterface
        | Mode::Vlan
        | Mode::VlanDatabase
        | Mode::Module
        | Mode::ClientVlan
        | Mode::ServerVlan
        | Mode::Policy => &[],
    }
}

/// The command of a mode that states a line; none if it has no such command, as a probe by ICMP has
/// no `open`.
pub(super) fn command(mode: Mode, line: &str) -> Option<usize> {
    let (form, line) = match line.strip_prefix("no ") {
        Some(rest) => (Form::No, rest),
        None => (Form::Plain, line),
    };
    let words: Vec<&str> = line.split(' ').collect();
    trees(mode).tree(form).walk(&words).ok().map(|found| found.command)
}
