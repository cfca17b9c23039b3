//! `(config-slb-ft)`: the fault-tolerant group of a module.

use std::time::Duration;

use super::forms::{Family, forms, must};
use super::names::{interface_forms, interface_of, logical_forms};
use super::{finish, shown_key};
use crate::defaults::{FAILOVER, HEARTBEAT};
use crate::grammar::{Command, Element, Kind, Table, Value, arg, keyword};
use crate::model::{FtGroup, SplitBrain, TrackMode};
use hitless_model::Priority;

const PRIORITY: Element = keyword("priority", "The higher one wins");
const HEARTBEAT_TIME: Element = keyword("heartbeat-time", "Time between heartbeats");
const FAILOVER_TIME: Element = keyword("failover", "Time since the last heartbeat to take over");
const MSEC: Element = keyword("msec", "In milliseconds");
const SECONDS: Element = arg(Kind::Number { min: 1, max: 65_535 }, "Seconds");

pub(super) fn table() -> Table<FtGroup> {
    let mut commands = vec![priority(), priority_alt()];
    commands.extend(heartbeat());
    commands.extend(failover());
    commands.extend([preempt(), key_string(), accepted_key_string()]);
    commands.extend(split_brain());
    commands.extend(tracking());
    finish(commands)
}

fn priority() -> Command<FtGroup> {
    Command::<FtGroup>::new(&[PRIORITY, arg(Kind::Priority, "Priority of this box")])
        .sets(|ft, args| {
            ft.priority = args.get(0)?;
            ft.alt_priority = None;
            Ok(())
        })
        .clears(1, reset_priority)
        .shows(|ft, lines| {
            let shown = ft.priority != Priority::DEFAULT && ft.alt_priority.is_none();
            lines.line_if(shown, &[Value::Priority(ft.priority)]);
        })
}

fn priority_alt() -> Command<FtGroup> {
    let own = arg(Kind::Priority, "Priority of this box");
    let alt = keyword("alt", "Priority of the other box");
    Command::<FtGroup>::new(&[PRIORITY, own, alt, arg(Kind::Priority, "Priority of the other box")])
        .sets(|ft, args| {
            ft.priority = args.get(0)?;
            ft.alt_priority = Some(args.get(1)?);
            Ok(())
        })
        .clears(1, reset_priority)
        .shows(|ft, lines| {
            if let Some(alt) = ft.alt_priority {
                lines.line(&[Value::Priority(ft.priority), Value::Priority(alt)]);
            }
        })
}

fn reset_priority(ft: &mut FtGroup) {
    ft.priority = Priority::DEFAULT;
    ft.alt_priority = None;
}

fn heartbeat() -> [Command<FtGroup>; 2] {
    let msec = arg(Kind::Number { min: 10, max: 65_535_000 }, "Milliseconds");
    let seconds = Command::<FtGroup>::new(&[HEARTBEAT_TIME, SECONDS])
        .sets(|ft, args| {
            ft.heartbeat = Duration::from_secs(args.get(0)?);
            Ok(())
        })
        .clears(1, reset_heartbeat)
        .shows(|ft, lines| {
            let shown = ft.heartbeat != HEARTBEAT && is_whole(ft.heartbeat);
            lines.line_if(shown, &[Value::Number(ft.heartbeat.as_secs())]);
        });
    let milliseconds = Command::<FtGroup>::new(&[HEARTBEAT_TIME, MSEC, msec])
        .sets(|ft, args| {
            ft.heartbeat = Duration::from_millis(args.get(0)?);
            Ok(())
        })
        .clears(1, reset_heartbeat)
        .shows(|ft, lines| lines.line_if(!is_whole(ft.heartbeat), &[millis(ft.heartbeat)]));
    [seconds, milliseconds]
}

fn reset_heartbeat(ft: &mut FtGroup) {
    ft.heartbeat = HEARTBEAT;
}

fn failover() -> [Command<FtGroup>; 2] {
    let msec = arg(Kind::Number { min: 30, max: 65_535_000 }, "Milliseconds");
    let seconds = Command::<FtGroup>::new(&[FAILOVER_TIME, SECONDS])
        .sets(|ft, args| {
            ft.failover = Duration::from_secs(args.get(0)?);
            Ok(())
        })
        .clears(1, reset_failover)
        .shows(|ft, lines| {
            let shown = ft.failover != FAILOVER && is_whole(ft.failover);
            lines.line_if(shown, &[Value::Number(ft.failover.as_secs())]);
        });
    let milliseconds = Command::<FtGroup>::new(&[FAILOVER_TIME, MSEC, msec])
        .sets(|ft, args| {
            ft.failover = Duration::from_millis(args.get(0)?);
            Ok(())
        })
        .clears(1, reset_failover)
        .shows(|ft, lines| lines.line_if(!is_whole(ft.failover), &[millis(ft.failover)]));
    [seconds, milliseconds]
}

fn reset_failover(ft: &mut FtGroup) {
    ft.failover = FAILOVER;
}

fn is_whole(time: Duration) -> bool {
    time.subsec_nanos() == 0
}

fn millis(time: Duration) -> Value {
    Value::Number(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn preempt() -> Command<FtGroup> {
    Command::<FtGroup>::new(&[keyword("preempt", "Take over from a lower priority")])
        .puts(|ft| ft.preempt = true)
        .clears(1, |ft| ft.preempt = false)
        .shows(|ft, lines| lines.line_if(ft.preempt, &[]))
}

/// An extension: the original has both active.
fn split_brain() -> [Command<FtGroup>; 2] {
    let first = keyword("split-brain", "What to do when the other box is not heard");
    let both = keyword("both-active", "Be active, though the other box may be so too (default)");
    let gateway = keyword("gateway", "Be active only while a gateway answers");
    let reset = |ft: &mut FtGroup| ft.split_brain = SplitBrain::BothActive;
    let both = Command::<FtGroup>::new(&[first, both]).puts(reset).clears(1, reset);
    let gateway = Command::<FtGroup>::new(&[first, gateway])
        .puts(|ft| ft.split_brain = SplitBrain::Gateway)
        .clears(1, reset)
        .shows(|ft, lines| lines.line_if(ft.split_brain == SplitBrain::Gateway, &[]));
    [both, gateway]
}

const KEY_STRING: [Element; 2] = [
    keyword("key-string", "Key that both boxes share"),
    arg(Kind::Secret, "1 to 64 characters without white space"),
];

fn key_string() -> Command<FtGroup> {
    Command::<FtGroup>::new(&KEY_STRING)
        .sets(|ft, args| {
            ft.key = Some(shown_key(args.get(0)?)?);
            Ok(())
        })
        .clears(1, |ft| ft.key = None)
        .shows(|ft, lines| {
            if let Some(key) = &ft.key {
                lines.line(&[Value::Secret(key.clone())]);
            }
        })
}

/// While keys are changed one box after the other: this box takes the key too, and seals with its own.
fn accepted_key_string() -> Command<FtGroup> {
    let [key, secret] = KEY_STRING;
    let accept = keyword("accept", "Taken besides, while the boxes' keys are changed");
    Command::<FtGroup>::new(&[key, secret, accept])
        .sets(|ft, args| {
            ft.accepted_key = Some(shown_key(args.get(0)?)?);
            Ok(())
        })
        .clears(3, |ft| ft.accepted_key = None)
        .shows(|ft, lines| {
            if let Some(key) = &ft.accepted_key {
                lines.line(&[Value::Secret(key.clone())]);
            }
        })
}

const TRACK: Element = keyword("track", "What has to be well for this box to stay active");

fn tracking() -> Vec<Command<FtGroup>> {
    let mut commands = vec![track_group(), track_gateway()];
    commands.extend(track_interface());
    commands.extend(track_mode());
    commands.into_iter().map(|command| command.without_effect("tracking")).collect()
}

fn track_group() -> Command<FtGroup> {
    let path = [
        TRACK,
        keyword("group", "An HSRP group that this chassis is the active router of"),
        arg(Kind::HsrpGroup, "Its number"),
    ];
    Command::<FtGroup>::new(&path)
        .sets(|ft, args| {
            ft.tracking.groups.insert(args.get(0)?);
            Ok(())
        })
        .resets(3, |ft, args| {
            ft.tracking.groups.remove(&args.get(0)?);
            Ok(())
        })
        .shows(|ft, lines| {
            for group in &ft.tracking.groups {
                lines.line(&[Value::HsrpGroup(*group)]);
            }
        })
}

fn track_gateway() -> Command<FtGroup> {
    let path =
        [TRACK, keyword("gateway", "A gateway that answers"), arg(Kind::Ipv4, "Its address")];
    Command::<FtGroup>::new(&path)
        .sets(|ft, args| {
            ft.tracking.gateways.insert(args.get(0)?);
            Ok(())
        })
        .resets(3, |ft, args| {
            ft.tracking.gateways.remove(&args.get(0)?);
            Ok(())
        })
        .shows(|ft, lines| {
            for gateway in &ft.tracking.gateways {
                lines.line(&[Value::Ipv4(*gateway)]);
            }
        })
}

fn track_interface() -> Vec<Command<FtGroup>> {
    let which = [interface_forms(), logical_forms()].concat();
    let family = Family::<FtGroup> {
        set: |ft, args| {
            ft.tracking.interfaces.insert(interface_of(args)?);
            Ok(())
        },
        reset: |ft, args| {
            ft.tracking.interfaces.remove(&interface_of(args)?);
            Ok(())
        },
        shows: |ft, lines| {
            for interface in &ft.tracking.interfaces {
                lines.line(&[Value::Interface(interface.clone())]);
            }
        },
    };
    let start = must(&[TRACK, keyword("interface", "An interface that is up")]);
    family.commands(usize::MAX, &forms(&[start, which]))
}

fn track_mode() -> [Command<FtGroup>; 2] {
    let first = keyword("mode", "When the role is handed over");
    let any = keyword("any", "If anything is not well (default)");
    let all = keyword("all", "If something is not well of each kind that is tracked");
    let reset = |ft: &mut FtGroup| ft.tracking.mode = TrackMode::Any;
    let any = Command::<FtGroup>::new(&[TRACK, first, any]).puts(reset).clears(2, reset);
    let all = Command::<FtGroup>::new(&[TRACK, first, all])
        .puts(|ft| ft.tracking.mode = TrackMode::All)
        .clears(2, reset)
        .shows(|ft, lines| lines.line_if(ft.tracking.mode == TrackMode::All, &[]));
    [any, all]
}
