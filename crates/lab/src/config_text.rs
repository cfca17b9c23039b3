//! The configuration of figure 7-1 in the command language, with the timers under test.

use std::fmt::Write;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::load::{CROWD_PORT, TCP_PORT, UDP_PORT};
use crate::topology::{ALIAS, GATEWAY, SERVERS, VIRTUAL};

/// Heartbeat interval and failover time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Time between heartbeats.
    pub heartbeat: Duration,
    /// Time since the last heartbeat after which the peer counts as gone.
    pub failover: Duration,
}

impl std::str::FromStr for Timers {
    type Err = anyhow::Error;

    /// `HB,FO` in milliseconds.
    fn from_str(text: &str) -> Result<Self> {
        let (heartbeat, failover) =
            text.split_once(',').context("two numbers of milliseconds, as in 10,30")?;
        let (heartbeat, failover): (u64, u64) = (heartbeat.parse()?, failover.parse()?);
        ensure!(
            heartbeat >= 10 && failover >= heartbeat + 20,
            "the heartbeat interval is at least 10 ms, and failover at least 20 ms more"
        );
        Ok(Self {
            heartbeat: Duration::from_millis(heartbeat),
            failover: Duration::from_millis(failover),
        })
    }
}

impl std::fmt::Display for Timers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (heartbeat, failover) = (self.heartbeat.as_millis(), self.failover.as_millis());
        write!(f, "heartbeat {heartbeat} ms, failover {failover} ms")
    }
}

/// How a pair is configured apart from its times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// As the original is by default: nobody takes a role back, and without its peer each is active.
    #[default]
    Usual,
    /// The box with the higher priority takes the role back.
    Preempts,
    /// Without its peer a box is active only while it reaches its gateway.
    KeepsToGateway,
    /// With a `key-string`.
    Keyed,
    /// With a table for a crowd of connections, and a virtual server with one real for them.
    Crowded,
    /// The same, and whatever passes between the two on the fault-tolerant VLAN may be lost or late.
    Stormy,
}

/// The key that a pair of [`Manner::Keyed`] begins with.
pub const FIRST_KEY: &str = "key-0";

impl Manner {
    /// Those whose faults the demonstration plays, in that order.
    pub const DEMONSTRATED: [Self; 3] = [Self::Usual, Self::KeepsToGateway, Self::Preempts];

    /// Its line in the fault-tolerance sub-mode.
    fn line(self) -> String {
        match self {
            Self::Usual | Self::Crowded | Self::Stormy => String::new(),
            Self::Preempts => "  preempt\n".to_owned(),
            Self::KeepsToGateway => "  split-brain gateway\n".to_owned(),
            Self::Keyed => format!("  key-string {FIRST_KEY}\n"),
        }
    }

    /// Whether there is room for a crowd.
    pub const fn takes_crowds(self) -> bool {
        match self {
            Self::Crowded | Self::Stormy => true,
            Self::Usual | Self::Preempts | Self::KeepsToGateway | Self::Keyed => false,
        }
    }
}

/// What the configurations of a run have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Timers of the pair.
    pub timers: Timers,
    /// Everything else.
    pub manner: Manner,
    /// Connections that the tables have to hold besides, if the manner has room for a crowd.
    pub crowd: u32,
}

/// What differs between the two chassis.
#[derive(Clone, Copy, Debug)]
pub struct Box71 {
    /// `hostname`.
    pub hostname: &'static str,
    /// Slot of the module.
    pub slot: u8,
    /// Last octet of its addresses on the client and the server VLAN.
    pub host_parts: (u8, u8),
    /// `priority`.
    pub priority: u8,
}

/// Interfaces of a chassis and their VLANs.
pub const VLANS: [(&str, u16); 3] = [("eth-client", 2), ("eth-server", 3), ("eth-ft", 9)];

const MASK: &str = "255.255.255.0";

/// Chassis A and B of the figure.
pub const BOXES: [Box71; 2] = [
    Box71 { hostname: "chassis-a", slot: 5, host_parts: (10, 10), priority: 20 },
    Box71 { hostname: "chassis-b", slot: 6, host_parts: (40, 30), priority: 10 },
];

/// The text that one daemon is started with. The `alt` values name the other one's, so that both
/// are configured as a pair should be.
pub fn render(chassis: &Box71, setting: Setting) -> String {
    let Setting { timers, manner, .. } = setting;
    let Box71 { hostname, slot, host_parts: (client, server), priority } = chassis;
    let other = BOXES.iter().find(|other| other.hostname != *hostname).unwrap_or(chassis);
    let Box71 { host_parts: (alt_client, alt_server), priority: alt_priority, .. } = other;
    let mut text = format!("hostname {hostname}\n!\nvlan 2,3,9\n!\n");
    for (interface, vlan) in VLANS {
        push(&mut text, format_args!("interface {interface}\n switchport access vlan {vlan}\n!\n"));
    }
    push(
        &mut text,
        format_args!(
            "module csm {slot}\n vlan 2 client\n  \
             ip address 192.158.38.{client} {MASK} alt 192.158.38.{alt_client} {MASK}\n  \
             gateway {GATEWAY}\n vlan 3 server\n  \
             ip address 192.158.39.{server} {MASK} alt 192.158.39.{alt_server} {MASK}\n  \
             alias {ALIAS} {MASK}\n"
        ),
    );
    push(&mut text, format_args!(" serverfarm SERVERS\n  nat server\n"));
    for address in SERVERS {
        push(&mut text, format_args!("  real {address}\n   inservice\n"));
    }
    if manner.takes_crowds() {
        push(&mut text, format_args!("{}", for_crowd(setting.crowd)));
    }
    for (name, protocol, port) in [("VIP1", "tcp", TCP_PORT), ("PROBES", "udp", UDP_PORT)] {
        push(
            &mut text,
            format_args!(
                " vserver {name}\n  virtual {VIRTUAL} {protocol} {port}\n  serverfarm SERVERS\n  \
                 replicate csrp connection\n  inservice\n"
            ),
        );
    }
    let (heartbeat, failover) = (timers.heartbeat.as_millis(), timers.failover.as_millis());
    push(
        &mut text,
        format_args!(
            " ft group 90 vlan 9\n  priority {priority} alt {alt_priority}\n  heartbeat-time msec {heartbeat}\n  \
             failover msec {failover}\n"
        ),
    );
    text + &manner.line()
}

/// A table with room for twice the crowd, and who takes its connections.
fn for_crowd(crowd: u32) -> String {
    let [real, ..] = SERVERS;
    let room = crowd.saturating_mul(2).clamp(131_072, 4_194_304);
    format!(
        " variable MAX_CONNECTIONS {room}\n serverfarm CROWD\n  nat server\n  real {real}\n   inservice\n \
         vserver CROWD\n  virtual {VIRTUAL} tcp {CROWD_PORT}\n  serverfarm CROWD\n  \
         replicate csrp connection\n  inservice\n"
    )
}

fn push(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(what);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_are_two_numbers_within_their_limits() {
        let timers: Timers = "10,30".parse().unwrap();
        assert_eq!(timers.to_string(), "heartbeat 10 ms, failover 30 ms");
        for wrong in ["10", "10,29", "9,100", "a,b", ""] {
            assert!(wrong.parse::<Timers>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_daemons_accept_both_and_hold_them_for_a_pair() {
        let others = [Manner::Keyed, Manner::Crowded, Manner::Stormy];
        for manner in Manner::DEMONSTRATED.into_iter().chain(others) {
            accepted(Setting { timers: "10,30".parse().unwrap(), manner, crowd: 1_000_000 });
        }
    }

    fn accepted(setting: Setting) {
        let digests = BOXES.map(|chassis| {
            let text = render(&chassis, setting);
            let configuration = hitless_config::parse(&text, chassis.hostname).unwrap();
            assert!(hitless_config::validate(&configuration).is_empty());
            let (slot, module) = configuration.modules.first_key_value().unwrap();
            assert_eq!(slot.get(), chassis.slot);
            hitless_config::digest(module)
        });
        assert_eq!(digests[0], digests[1]);
    }

    #[test]
    fn the_two_texts_differ_in_what_must_differ() {
        let setting = Setting { timers: "10,30".parse().unwrap(), manner: Manner::Usual, crowd: 0 };
        let [a, b] = BOXES.map(|chassis| render(&chassis, setting));
        let differing: Vec<_> = a.lines().zip(b.lines()).filter(|(a, b)| a != b).collect();
        assert_eq!(differing.len(), 5, "{differing:?}");
    }
}
