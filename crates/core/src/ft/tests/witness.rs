//! What a box does without its peer where gateways decide.

use hitless_model::Role;

use super::puppet::{Stage_, config, ms, name};
use crate::ft::beat::Flags;
use crate::ft::{Config, Ft, Input, Output};
use crate::machine::Machine;
use crate::node::{Event, Gateways, SplitBrain};

fn careful() -> Config {
    Config { split_brain: SplitBrain::Gateway, ..config() }
}

/// A box in the state of that name whose configuration has gateways decide.
fn stage(wanted: &str) -> Stage_ {
    let mut stage = Stage_::in_state(wanted);
    stage.input(Input::Configure(&careful()));
    stage.said.clear();
    stage
}

/// Lets time pass; a gateway answers every question at once.
fn wait_heard(stage: &mut Stage_, millis: u64) {
    for _ in 0..millis * 4 {
        stage.wait(ms(1) / 4);
        if stage.said.contains(&Output::AskGateways) {
            stage.said.retain(|output| *output != Output::AskGateways);
            stage.input(Input::GatewayHeard);
        }
    }
}

fn questions(stage: &Stage_) -> usize {
    stage.said.iter().filter(|output| **output == Output::AskGateways).count()
}

fn told(stage: &Stage_) -> Vec<bool> {
    let told = |output: &Output| match output {
        Output::Event(Event::Gateway { heard }) => Some(*heard),
        Output::Send { .. }
        | Output::Gate { .. }
        | Output::Announce
        | Output::AskGateways
        | Output::PersistEpoch(_)
        | Output::Decision(_)
        | Output::Event(_)
        | Output::Malformed(_) => None,
    };
    stage.said.iter().filter_map(told).collect()
}

#[test]
fn a_standby_that_hears_no_gateway_does_not_take_over_and_says_so_once() {
    let mut stage = stage("standby");
    stage.wait(ms(1_000));
    assert_eq!(name(&stage.ft.state), "standby");
    assert_eq!(told(&stage), [false]);
    let refusals = |output: &&Output| matches!(output, Output::Decision(d) if d.from == d.to);
    assert_eq!(stage.said.iter().filter(refusals).count(), 1);
    assert!(stage.ft.waiting(stage.now).unwrap().contains("gateway"));
    assert_eq!(stage.ft.gateways(stage.now), Some(Gateways::Silent));
}

#[test]
fn a_standby_that_hears_a_gateway_takes_over_as_soon_as_without_the_policy() {
    let mut stage = stage("standby");
    let begins = stage.now;
    while name(&stage.ft.state) == "standby" {
        wait_heard(&mut stage, 1);
        assert!(stage.now < begins + ms(40));
    }
    assert!(stage.now >= begins + ms(20), "{:?}", stage.now.saturating_since(begins));
    assert_eq!(name(&stage.ft.state), "active");
    wait_heard(&mut stage, 500);
    assert_eq!((name(&stage.ft.state), stage.ft.lease_expiries()), ("active", 0));
    assert_eq!(told(&stage), [true]);
}

#[test]
fn a_late_answer_makes_a_waiting_standby_active_after_an_interval_for_the_peer_to_be_heard() {
    let mut stage = stage("standby");
    stage.wait(ms(200));
    stage.input(Input::GatewayHeard);
    let asked = stage.now;
    while name(&stage.ft.state) == "standby" {
        wait_heard(&mut stage, 1);
    }
    assert!(stage.now <= asked + ms(11));
    let lease = stage.ft.lease_until().unwrap();
    assert!(lease > stage.now && lease <= stage.now + ms(26), "no longer than a gateway's word");
    assert_eq!(told(&stage), [false, true]);
}

#[test]
fn an_answer_to_a_question_of_before_the_last_heartbeat_counts_for_nothing() {
    let mut stage = stage("standby");
    stage.wait(ms(20));
    assert!(questions(&stage) > 0, "the peer was silent for long enough to be doubted");
    stage.hear(Role::Active, Flags::default());
    stage.input(Input::GatewayHeard);
    stage.wait(ms(1_000));
    assert_eq!(name(&stage.ft.state), "standby");
}

#[test]
fn a_peer_that_is_heard_together_with_the_gateway_stays_active() {
    let mut stage = stage("standby");
    stage.wait(ms(200));
    stage.input(Input::GatewayHeard);
    stage.wait(ms(7));
    stage.hear(Role::Active, Flags::default());
    wait_heard(&mut stage, 5);
    assert_eq!(name(&stage.ft.state), "standby");
}

#[test]
fn an_answer_that_was_read_late_counts_from_its_question() {
    let mut stage = stage("standby");
    stage.wait(ms(29));
    let asked = stage.now;
    stage.now = stage.now + ms(500);
    stage.input(Input::GatewayHeard);
    assert_eq!(name(&stage.ft.state), "standby", "{asked:?}");
}

#[test]
fn an_active_that_hears_neither_falls_silent_within_its_lease_and_stays_so() {
    let mut stage = stage("active");
    stage.wait(ms(27));
    assert_eq!(name(&stage.ft.state), "lapsed");
    assert_eq!(told(&stage), [false]);
    stage.wait(ms(1_000));
    assert_eq!((name(&stage.ft.state), stage.ft.lease_expiries()), ("lapsed", 1));
    assert!(stage.ft.waiting(stage.now).unwrap().contains("gateway"));
    wait_heard(&mut stage, 20);
    assert_eq!(name(&stage.ft.state), "active", "a gateway is heard again");
}

#[test]
fn an_active_that_hears_a_gateway_goes_on_without_a_break() {
    let mut stage = stage("active");
    wait_heard(&mut stage, 500);
    assert_eq!((name(&stage.ft.state), stage.ft.lease_expiries()), ("active", 0));
    assert_eq!(stage.ft.gateways(stage.now), Some(Gateways::Heard));
    let last_word = stage.now;
    stage.wait(ms(100));
    assert_eq!(name(&stage.ft.state), "lapsed", "once it hears none any more");
    let mut leases = stage.said.iter().rev().filter_map(|output| {
        let Output::Gate { role: Role::Active, lease_until, .. } = output else { return None };
        Some(*lease_until)
    });
    assert!(leases.next().unwrap() <= last_word + ms(26));
}

#[test]
fn nobody_is_asked_while_the_peer_is_heard_or_without_the_policy() {
    for confident in [true, false] {
        let mut stage = Stage_::in_state("active");
        if !confident {
            stage.input(Input::Configure(&careful()));
        }
        stage.said.clear();
        for _ in 0..50 {
            stage.hear(Role::Standby, Flags::default());
            stage.wait(ms(10));
        }
        if confident {
            stage.wait(ms(500));
            assert_eq!(stage.ft.gateways(stage.now), None);
        } else {
            assert_eq!(stage.ft.gateways(stage.now), Some(Gateways::NotAsked));
        }
        assert_eq!(questions(&stage), 0);
        assert_eq!(name(&stage.ft.state), "active");
    }
}

#[test]
fn gateways_are_asked_once_an_interval_and_silent_ones_somewhat_sooner() {
    let mut stage = stage("standby");
    stage.wait(ms(1_000));
    assert!((95..=100).contains(&questions(&stage)), "{}", questions(&stage));
    let mut slow = careful();
    (slow.heartbeat, slow.failover) = (ms(1_000), ms(3_000));
    let mut stage = Stage_::in_state("active");
    stage.input(Input::Configure(&slow));
    stage.hear(Role::Standby, Flags::default());
    stage.said.clear();
    stage.wait(ms(2_990));
    assert!((8..=10).contains(&questions(&stage)), "{}", questions(&stage));
    stage.input(Input::GatewayHeard);
    stage.said.clear();
    stage.wait(ms(800));
    assert_eq!(questions(&stage), 0);
}

#[test]
fn a_box_without_a_peer_waits_for_a_gateway_after_its_start() {
    let now = hitless_model::Instant::from_nanos(1_000_000_000);
    let mut ft = Ft::new(now, careful());
    let (mut at, mut asked) = (now, 0);
    while at < now + ms(2_000) {
        at = ft.next_deadline().unwrap().at;
        ft.handle_deadline(at);
        assert!(ft.next_deadline().unwrap().at > at, "time goes on");
        let said = core::iter::from_fn(|| ft.poll_output());
        asked += said.filter(|output| *output == Output::AskGateways).count();
    }
    assert_eq!(ft.role(), Role::Initializing);
    assert!(asked > 100, "{asked}");
    ft.handle_input(at, Input::GatewayHeard);
    assert_eq!(ft.role(), Role::Initializing, "a peer may be about to be heard");
    while ft.role() != Role::Active {
        let due = ft.next_deadline().unwrap().at;
        ft.handle_deadline(due);
        assert!(due <= at + ms(10));
    }
}

#[test]
fn a_box_that_waits_for_a_gateway_yields_to_its_peer_when_that_is_heard() {
    for from in ["standby", "lapsed"] {
        let mut stage = stage(from);
        stage.wait(ms(500));
        assert!(stage.ft.waiting(stage.now).is_some(), "{from}");
        stage.hear(Role::Active, Flags::default());
        assert_eq!(name(&stage.ft.state), "standby");
        assert_eq!(stage.ft.waiting(stage.now), None);
    }
}

#[test]
fn without_the_policy_a_waiting_box_goes_on_at_once() {
    let mut stage = stage("standby");
    stage.wait(ms(500));
    stage.input(Input::Configure(&config()));
    assert_eq!(name(&stage.ft.state), "active");
}

#[test]
fn next_to_a_peer_that_said_good_bye_nobody_is_asked() {
    let mut stage = stage("active");
    for _ in 0..20 {
        stage.wait(ms(10));
        stage.hear(Role::Standby, Flags::STOPPING);
    }
    assert_eq!((name(&stage.ft.state), questions(&stage)), ("active", 0));
}
