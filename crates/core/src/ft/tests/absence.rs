//! Every bound of an absence and of a promise to wait, one test each.

use core::time::Duration;

use hitless_model::{Epoch, Role, UnitId};

use super::puppet::{START, Stage_, ms, name};
use crate::ft::beat::{Beat, Flags};
use crate::ft::{Input, Output, Purpose};
use crate::node::{Event, HandoverCause, Resume};

const USUAL: Duration = ms(30);

fn wish(lasts: Duration) -> impl Fn(&mut Beat) {
    move |beat| beat.hold = Some(lasts)
}

fn promise(lasts: Duration) -> impl Fn(&mut Beat) {
    move |beat| beat.holding = Some(lasts)
}

/// An active box that has been granted this much.
fn away(lasts: Duration) -> Stage_ {
    let mut stage = Stage_::in_state("active");
    stage.hear(Role::Standby, Flags::FT_VLAN_UP);
    stage.input(Input::Absence(lasts));
    stage.hear_more(Role::Standby, promise(lasts));
    assert!(lease_left(&stage) > USUAL);
    stage
}

fn lease_left(stage: &Stage_) -> Duration {
    stage.ft.lease_until().unwrap().saturating_since(stage.now)
}

fn why_refused(stage: &Stage_) -> Option<&str> {
    stage.said.iter().rev().find_map(|output| {
        let Output::Event(Event::AbsenceRefused { why }) = output else { return None };
        Some(why.as_str())
    })
}

fn queries(stage: &Stage_) -> usize {
    let is_query = |o: &&Output| matches!(o, Output::Send { purpose: Purpose::Query, .. });
    stage.said.iter().filter(is_query).count()
}

#[test]
fn whatever_is_asked_for_no_more_than_five_seconds_are_told_and_taken() {
    let stage = away(ms(60_000));
    assert_eq!(stage.newest().hold, Some(ms(5_000)));
    assert!(lease_left(&stage) < ms(5_000));
}

#[test]
fn whatever_is_wished_no_more_than_five_seconds_are_promised() {
    let mut stage = Stage_::in_state("standby");
    stage.hear_more(Role::Active, |beat| {
        (beat.hold, beat.flags) = (Some(ms(60_000)), Flags::ASK);
    });
    assert_eq!(stage.newest().holding, Some(ms(5_000)));
    stage.wait(ms(4_999));
    assert_eq!(name(&stage.ft.state), "standby");
    stage.wait(ms(10));
    assert_eq!(name(&stage.ft.state), "active");
}

#[test]
fn a_promise_of_more_than_was_asked_for_is_not_counted_on() {
    let mut stage = Stage_::in_state("active");
    stage.hear(Role::Standby, Flags::FT_VLAN_UP);
    stage.input(Input::Absence(ms(1_000)));
    stage.hear_more(Role::Standby, promise(ms(4_000)));
    assert!(lease_left(&stage) < ms(1_000), "{:?}", lease_left(&stage));
}

#[test]
fn a_promise_that_nobody_asked_for_is_worth_nothing() {
    let mut stage = Stage_::in_state("active");
    stage.hear_more(Role::Standby, promise(ms(4_000)));
    assert!(lease_left(&stage) < USUAL);
}

#[test]
fn a_peer_that_hears_the_wish_and_does_not_promise_is_not_relied_upon() {
    let mut stage = Stage_::in_state("active");
    stage.hear(Role::Standby, Flags::FT_VLAN_UP);
    stage.input(Input::Absence(ms(1_000)));
    stage.hear(Role::Standby, Flags::default());
    assert_eq!(why_refused(&stage), Some("the peer does not wait"));
    assert_eq!((stage.newest().hold, lease_left(&stage) < USUAL), (None, true));
}

#[test]
fn a_box_that_is_about_to_stop_does_not_go_away_and_come_back() {
    let mut stage = Stage_::in_state("standby");
    stage.input(Input::Handover(HandoverCause::Stop));
    stage.input(Input::Absence(ms(1_000)));
    assert_eq!(why_refused(&stage), Some("this box is about to stop"));
}

#[test]
fn nobody_goes_away_while_two_are_active() {
    let mut stage = Stage_::in_state("active");
    stage.hear(Role::Active, Flags::FT_VLAN_UP);
    stage.input(Input::Absence(ms(1_000)));
    assert_eq!(name(&stage.ft.state), "active");
    assert_eq!(why_refused(&stage), Some("both boxes are active"));
}

#[test]
fn only_one_that_forwards_and_one_that_does_not_wait_for_each_other() {
    for (state, peer) in [
        ("standby", Role::Standby),
        ("active", Role::Draining),
        ("emptying", Role::Standby),
        ("leaving", Role::Standby),
    ] {
        let mut stage = Stage_::in_state(state);
        stage.hear_more(peer, wish(ms(1_000)));
        assert!(!stage.ft.is_holding(stage.now), "{state}, {peer}");
    }
}

#[test]
fn a_box_that_was_let_go_promises_nothing_any_more() {
    let mut stage = Stage_::in_state("standby");
    stage.hear(Role::Active, Flags::FT_VLAN_UP);
    stage.input(Input::Absence(ms(1_000)));
    stage.hear(Role::Active, Flags::FT_VLAN_UP);
    let granted = |o: &Output| matches!(o, Output::Event(Event::AbsenceGranted { .. }));
    assert!(stage.said.iter().any(granted));
    stage.hear_more(Role::Active, |beat| {
        (beat.hold, beat.flags) = (Some(ms(1_000)), Flags::ASK);
    });
    assert_eq!(stage.newest().holding, None);
}

#[test]
fn a_promise_is_told_for_the_newest_heartbeat_and_while_it_lasts_only() {
    let mut stage = Stage_::in_state("standby");
    stage.hear_more(Role::Active, wish(ms(15)));
    stage.wait(ms(12));
    assert_eq!(stage.newest().holding, Some(ms(15)));
    stage.wait(ms(10));
    assert_eq!(stage.newest().holding, None, "it is over");

    let mut stage = Stage_::in_state("standby");
    stage.hear_more(Role::Active, wish(ms(1_000)));
    stage.hear_more(Role::Draining, |beat| beat.hold = None);
    stage.hear_more(Role::Standby, |beat| {
        (beat.hold, beat.flags) = (Some(ms(1_000)), Flags::ASK.with(Flags::LAPSED, true));
    });
    assert_eq!(stage.newest().holding, None, "that one was not promised anything");
}

#[test]
fn a_promise_binds_towards_a_third_box_too() {
    let mut stage = Stage_::in_state("standby");
    stage.hear_more(Role::Active, wish(ms(400)));
    stage.meet(UnitId(7));
    for _ in 0..30 {
        stage.hear(Role::Standby, Flags::default());
        assert_eq!(name(&stage.ft.state), "standby");
        stage.wait(ms(10));
    }
    stage.wait(ms(101));
    stage.hear(Role::Standby, Flags::default());
    assert_eq!(name(&stage.ft.state), "active");
}

#[test]
fn a_standby_that_is_away_keeps_its_active_calm_and_binds_it_to_nothing() {
    let mut stage = Stage_::in_state("active");
    stage.hear_more(Role::Standby, wish(ms(3_000)));
    stage.wait(ms(200));
    let is_lost = |output: &Output| matches!(output, Output::Event(Event::PeerLost));
    assert!(!stage.said.iter().any(is_lost));
    stage.sleep();
    assert_eq!(name(&stage.ft.state), "lapsed");
    stage.wait(ms(60));
    assert_eq!(name(&stage.ft.state), "active", "its lease was its own");
    let gate = stage.said.iter().rev().find_map(|output| {
        let Output::Gate { role: Role::Standby, lease_until, .. } = output else { return None };
        Some(*lease_until)
    });
    assert_eq!(gate, Some(hitless_model::Instant::ZERO), "no promise was written down");
}

#[test]
fn a_peer_is_asked_before_a_takeover_and_not_before_it_may_be_back() {
    let mut stage = Stage_::in_state("standby");
    stage.hear_more(Role::Active, wish(ms(500)));
    stage.said.clear();
    stage.wait(ms(470));
    assert_eq!(queries(&stage), 0);
    stage.wait(ms(25));
    assert_eq!((queries(&stage), name(&stage.ft.state)), (1, "standby"));
}

#[test]
fn a_new_life_of_the_peer_has_promised_nothing() {
    let mut stage = away(ms(4_000));
    stage.said.clear();
    stage.meet(UnitId(0));
    assert!(lease_left(&stage) < USUAL);
    assert_eq!(stage.newest().hold, None);
    let is_gate = |output: &Output| matches!(output, Output::Gate { .. });
    let is_beat = |output: &Output| matches!(output, Output::Send { .. });
    let first = |what: fn(&Output) -> bool| stage.said.iter().position(what);
    assert!(first(is_gate) < first(is_beat), "the lease is cut before the peer hears anything");
}

#[test]
fn a_life_that_resumes_cuts_its_lease_before_its_peer_hears_it() {
    let until = START + ms(4_000);
    let mut stage = Stage_::alone(|config| {
        config.resume = Some(Resume { epoch: Epoch(5), lease_until: until, alone: false });
    });
    assert_eq!(stage.ft.lease_until(), Some(until));
    stage.wait(ms(100));
    assert_eq!(stage.ft.lease_until(), Some(until), "which may take a while");
    stage.said.clear();
    stage.meet(UnitId(0));
    assert!(matches!(stage.said.get(1), Some(Output::Gate { .. })), "{:?}", stage.said);
    assert!(lease_left(&stage) < USUAL);
}

#[test]
fn a_life_that_resumed_and_has_met_its_peer_judges_silence_as_ever() {
    let mut stage = Stage_::alone(|config| {
        let lease_until = START + ms(26);
        config.resume = Some(Resume { epoch: Epoch(5), lease_until, alone: false });
    });
    stage.meet(UnitId(0));
    stage.wait(ms(200));
    assert_eq!(name(&stage.ft.state), "active", "the peer died just after they met");
}

#[test]
fn what_a_former_life_has_promised_ends_with_the_first_heartbeat_that_wishes_nothing() {
    let mut stage = Stage_::alone(|config| config.held_until = Some(START + ms(4_000)));
    stage.wait(ms(1_000));
    assert_eq!(name(&stage.ft.state), "init");
    stage.meet(UnitId(0));
    stage.hear(Role::Active, Flags::default());
    stage.wait(ms(40));
    assert_eq!(name(&stage.ft.state), "active", "it was back, and died");
}

#[test]
fn a_box_alone_does_not_stretch_its_lease_before_it_was_let_go() {
    let mut stage = Stage_::in_state("active");
    stage.wait(ms(200));
    stage.input(Input::Absence(ms(2_000)));
    stage.wait(ms(12));
    assert!(lease_left(&stage) < USUAL, "who hears it has to hear of its wish first");
    stage.wait(ms(20));
    assert!(lease_left(&stage) > ms(400) && lease_left(&stage) < ms(500));
}

#[test]
fn a_box_that_was_active_until_just_now_does_not_listen_long() {
    let mut stage = Stage_::alone(|config| {
        config.resume = Some(Resume { epoch: Epoch(5), lease_until: START, alone: true });
    });
    assert_eq!(name(&stage.ft.state), "init");
    stage.wait(ms(31));
    assert_eq!(name(&stage.ft.state), "active");
}
