//! The laws of machines hold for this one, whatever the peer says.

use std::time::Duration;

use hitless_model::{Epoch, Role, UnitId};
use proptest::prelude::*;

use super::puppet::{beat, config, path};
use crate::ft::beat::{Flags, Seq};
use crate::ft::{Ft, Input};
use crate::machine::Machine;
use crate::machine::laws::Bench;
use crate::node::HandoverCause;

#[derive(Clone, Debug)]
enum Op {
    Established(u64),
    Beat { seq: u64, role: Role, flags: [bool; 4], epoch: u64, heard: u64, away: u64 },
    Garbage(Vec<u8>),
    Handover(HandoverCause),
    Replication(bool, bool),
    Configure { heartbeat: u64, failover: u64 },
    CaughtUp,
    Sighted,
    Absence(u64),
}

fn ops() -> impl Strategy<Value = Op> {
    let role = (0_u8..4).prop_map(|number| Role::from_number(number).unwrap());
    let cause = prop_oneof![
        Just(HandoverCause::Operator),
        Just(HandoverCause::Stop),
        Just(HandoverCause::Preempted),
    ];
    let heard = (1_u64..200, role, any::<[bool; 4]>(), 0_u64..20, 0_u64..200, 0_u64..1_000);
    prop_oneof![
        1 => (0_u64..3).prop_map(Op::Established),
        12 => heard.prop_map(|(seq, role, flags, epoch, heard, away)| {
            Op::Beat { seq, role, flags, epoch, heard, away }
        }),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Op::Garbage),
        1 => cause.prop_map(Op::Handover),
        2 => any::<(bool, bool)>().prop_map(|(in_step, drained)| Op::Replication(in_step, drained)),
        1 => (0_u64..50, 0_u64..100).prop_map(|(h, f)| Op::Configure { heartbeat: h, failover: f }),
        1 => Just(Op::CaughtUp),
        1 => Just(Op::Sighted),
        1 => (0_u64..8_000).prop_map(Op::Absence),
    ]
}

fn apply(ft: &mut Ft, now: hitless_model::Instant, op: &Op) {
    match op {
        Op::Established(unit) => {
            let input = Input::Established { unit: UnitId(*unit), software: String::new() };
            ft.handle_input(now, input);
        }
        Op::Beat { seq, role, flags, epoch, heard, away } => {
            let mut beat = beat(*seq, *role);
            (beat.epoch, beat.heard) = (Epoch(*epoch), Seq(*heard));
            // Of the small numbers each says something else.
            let lasts = Some(Duration::from_millis(*away));
            beat.hold = lasts.filter(|_| away % 4 == 1);
            beat.holding = lasts.filter(|_| away % 3 == 1);
            let all = [Flags::ASK, Flags::LAPSED, Flags::DRAINED, Flags::COUP];
            for (flag, set) in all.into_iter().zip(flags) {
                beat.flags = beat.flags.with(flag, *set);
            }
            let body = beat.write();
            ft.handle_input(now, Input::Beat { path: path(), body: &body });
        }
        Op::Garbage(bytes) => ft.handle_input(now, Input::Beat { path: path(), body: bytes }),
        Op::Handover(cause) => ft.handle_input(now, Input::Handover(*cause)),
        Op::Replication(in_step, drained) => {
            let input = Input::Replication { in_step: *in_step, drained: *drained };
            ft.handle_input(now, input);
        }
        Op::Configure { heartbeat, failover } => {
            let mut config = config();
            config.heartbeat = Duration::from_millis(*heartbeat);
            config.failover = Duration::from_millis(*failover);
            ft.handle_input(now, Input::Configure(&config));
        }
        Op::Sighted => ft.handle_input(now, Input::Sighted),
        Op::Absence(lasts) => {
            ft.handle_input(now, Input::Absence(Duration::from_millis(*lasts)));
        }
        Op::CaughtUp => ft.handle_input(now, Input::CaughtUp),
    }
}

proptest! {
    #[test]
    fn the_laws_hold(
        script in prop::collection::vec(((0_u64..60_000).prop_map(Duration::from_micros), ops()), 1..80)
    ) {
        let bench = Bench { new: |now| Ft::new(now, config()), apply, max_outputs: 32 };
        bench.check(&script);
    }
}
