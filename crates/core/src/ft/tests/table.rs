//! Every state meets every event.

use hitless_model::{Epoch, Role, UnitId, VlanId};

use super::puppet::{Stage_, beat, ms, name, path};
use crate::ft::beat::{Beat, Flags, Purpose};
use crate::ft::{Input, Output};
use crate::node::{HandoverCause, PathId};

type Event = (&'static str, fn(&mut Stage_));

const EVENTS: [Event; 11] = [
    ("peer initializing", |s| s.hear(Role::Initializing, Flags::default())),
    ("peer standby", |s| s.hear(Role::Standby, Flags::default())),
    ("peer lapsed", |s| s.hear(Role::Standby, Flags::LAPSED)),
    ("peer active", |s| s.hear(Role::Active, Flags::default())),
    ("peer draining", |s| s.hear(Role::Draining, Flags::default())),
    ("peer offers", |s| s.hear(Role::Draining, Flags::DRAINED)),
    ("slept", Stage_::sleep),
    ("peer silent", |s| s.wait(ms(700))),
    ("operator", |s| s.input(Input::Handover(HandoverCause::Operator))),
    ("stop", |s| s.input(Input::Handover(HandoverCause::Stop))),
    ("drained", |s| s.input(Input::Replication { in_step: true, drained: true })),
];

/// One row a state, one column an event of [`EVENTS`]: the state after it. The peer says that it
/// hears the box, has the lower priority and holds state, unless it is initializing.
#[rustfmt::skip]
const TABLE: [(&str, [&str; EVENTS.len()]); 8] = [
    ("init",        ["active", "init", "init", "standby", "standby", "active", "init", "active", "init", "init", "init"]),
    ("standby",     ["active", "active", "standby", "standby", "standby", "active", "standby", "active", "standby", "standby", "standby"]),
    ("lapsed",      ["active", "active", "active", "standby", "standby", "active", "lapsed", "active", "lapsed", "lapsed", "lapsed"]),
    ("active",      ["active", "active", "active", "active", "active", "active", "lapsed", "active", "emptying", "emptying", "active"]),
    ("emptying",    ["active", "emptying", "emptying", "leaving", "active", "active", "lapsed", "active", "emptying", "emptying", "offered"]),
    ("offered",     ["withdrawing", "offered", "offered", "leaving", "offered", "offered", "lapsed", "active", "offered", "offered", "offered"]),
    ("withdrawing", ["active", "active", "active", "leaving", "withdrawing", "withdrawing", "lapsed", "active", "withdrawing", "withdrawing", "withdrawing"]),
    ("leaving",     ["leaving", "leaving", "leaving", "leaving", "leaving", "leaving", "standby", "active", "leaving", "leaving", "leaving"]),
];

#[test]
fn every_state_answers_every_event() {
    for (from, row) in TABLE {
        for ((event, apply), to) in EVENTS.into_iter().zip(row) {
            let mut stage = Stage_::in_state(from);
            apply(&mut stage);
            assert_eq!(name(&stage.ft.state), to, "{from}, {event}");
        }
    }
}

#[test]
fn a_change_of_role_closes_or_opens_the_gate_before_anything_else_is_said() {
    for (from, row) in TABLE {
        for ((event, apply), _) in EVENTS.into_iter().zip(row) {
            let mut stage = Stage_::in_state(from);
            stage.said.clear();
            let before = stage.ft.role();
            apply(&mut stage);
            let gate = stage.said.iter().position(|output| matches!(output, Output::Gate { .. }));
            let decision =
                stage.said.iter().position(|output| matches!(output, Output::Decision(_)));
            if stage.ft.role() != before {
                assert!(gate.unwrap() < decision.unwrap(), "{from}, {event}");
            }
            for output in &stage.said {
                let Output::Gate { role, lease_until, .. } = output else { continue };
                let open = role.forwards();
                assert!(open == (lease_until.as_nanos() > 0), "{from}, {event}: {output:?}");
            }
        }
    }
}

#[test]
fn the_first_output_of_a_life_closes_the_gate() {
    let stage = Stage_::in_state("init");
    let Some(Output::Gate { role, .. }) = stage.said.first() else { panic!("no gate") };
    assert_eq!(*role, Role::Initializing);
}

#[test]
fn an_epoch_is_stored_and_announced_with_every_new_active() {
    let mut stage = Stage_::in_state("standby");
    stage.said.clear();
    stage.wait(ms(31));
    let stored = |output: &Output| matches!(output, Output::PersistEpoch(Epoch(5)));
    assert!(stage.said.iter().any(stored));
    assert!(stage.said.contains(&Output::Announce));
}

#[test]
fn a_standby_asks_once_before_it_takes_over() {
    let mut stage = Stage_::in_state("standby");
    stage.said.clear();
    stage.wait(ms(29));
    let queries = stage
        .said
        .iter()
        .filter(|output| matches!(output, Output::Send { purpose: crate::ft::Purpose::Query, .. }));
    assert_eq!(queries.count(), 1);
    assert_eq!(name(&stage.ft.state), "standby");
}

#[test]
fn a_heartbeat_overtaken_on_its_path_says_nothing() {
    let mut stage = Stage_::in_state("standby");
    let old = super::puppet::beat(1, Role::Standby).write();
    stage.input(Input::Beat { path: super::puppet::path(), body: &old });
    assert_eq!(name(&stage.ft.state), "standby");
}

#[test]
fn a_lease_is_not_renewed_by_a_heartbeat_that_was_never_sent() {
    let mut stage = Stage_::in_state("active");
    let lease = stage.ft.lease_until().unwrap();
    stage.now = stage.now + ms(9);
    let mut lie = super::puppet::beat(1_000, Role::Standby);
    lie.heard = crate::ft::Seq(1 << 40);
    let body = lie.write();
    stage.input(Input::Beat { path: super::puppet::path(), body: &body });
    assert_eq!(stage.ft.lease_until(), Some(lease));
}

#[test]
fn preempting_waits_to_be_in_step_and_says_so_after_a_minute() {
    let mut config = super::puppet::config();
    config.preempt = true;
    let mut stage = Stage_::in_state("standby");
    stage.input(Input::Configure(&config));
    stage.said.clear();
    for _ in 0..6_200 {
        stage.hear(Role::Active, Flags::PREEMPT);
        stage.wait(ms(10));
    }
    let refused = |output: &&Output| {
        matches!(output, Output::Event(crate::node::Event::HandoverRefused { .. }))
    };
    assert_eq!(stage.said.iter().filter(refused).count(), 1);
    assert!(stage.ft.waiting(stage.now).unwrap().contains("in step"));
    assert_eq!(name(&stage.ft.state), "standby");
    stage.said.clear();
    stage.hear(Role::Active, Flags::PREEMPT.with(Flags::IN_STEP, true));
    stage.wait(ms(20));
    let coup =
        |output: &Output| matches!(output, Output::Send { purpose: crate::ft::Purpose::Coup, .. });
    assert!(stage.said.iter().any(coup));
}

#[test]
fn an_election_waits_until_the_peer_knows_what_it_is_decided_by() {
    let mut stage = Stage_::in_state("standby");
    stage.hear_without_confirming(Role::Standby);
    assert_eq!(name(&stage.ft.state), "standby", "what the peer knows is older than this role");
    stage.hear(Role::Standby, Flags::default());
    assert_eq!(name(&stage.ft.state), "active");
}

#[test]
fn a_lease_renewed_alone_counts_from_the_heartbeat_before() {
    let mut stage = Stage_::in_state("active");
    stage.wait(ms(200));
    let mut sent = Vec::new();
    for _ in 0..40 {
        let before = stage.said.len();
        stage.wait(ms(1));
        let new = stage.said.get(before..).unwrap();
        let beats = |output: &Output| matches!(output, Output::Send { .. });
        let lease = stage.ft.lease_until().unwrap();
        if new.iter().any(beats) {
            sent.push(stage.now);
            if let [.., previous, _] = sent[..] {
                assert!(lease <= previous + ms(26), "{lease:?} {previous:?}");
            }
        }
        assert!(lease > stage.now + ms(10), "and never ends soon");
    }
    assert!(sent.len() >= 7, "two in an interval");
}

#[test]
fn a_question_that_was_overtaken_is_answered_and_once() {
    let other = PathId(VlanId::try_from(3).unwrap());
    let mut stage = Stage_::alone(|config| config.paths.push(other));
    stage.meet(UnitId(0));
    stage.hear(Role::Active, Flags::default());
    stage.said.clear();
    let answers = |stage: &Stage_| {
        let is_answer = |o: &&Output| matches!(o, Output::Send { purpose: Purpose::Answer, .. });
        stage.said.iter().filter(is_answer).count()
    };
    let mut hear = |path, seq, flags| {
        let body = Beat { flags, ..beat(seq, Role::Active) }.write();
        stage.input(Input::Beat { path, body: &body });
        answers(&stage)
    };
    assert_eq!(hear(other, 8, Flags::default()), 0);
    assert_eq!(hear(path(), 7, Flags::ASK), 1, "it came later over this path");
    assert_eq!(hear(path(), 8, Flags::default()), 1);
    assert_eq!(hear(other, 9, Flags::ASK), 2);
    assert_eq!(hear(path(), 9, Flags::ASK), 2, "the same one over another path");
    assert_eq!(hear(path(), 11, Flags::default()), 2);
    assert_eq!(hear(path(), 10, Flags::ASK), 3, "overtaken on its own path");
}
