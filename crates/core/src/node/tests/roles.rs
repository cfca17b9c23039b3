//! Who is active, after what happened.

use std::time::Duration;

use hitless_model::{Epoch, Role};
use proptest::prelude::*;

use super::pair::{FAILOVER, FT_VLAN, HEARTBEAT, Pair, SECOND_VLAN, Side, ms, path};
use crate::node::{Event, HandoverCause, NodeConfig};

const BOTH_PATHS: [u64; 2] = [FT_VLAN, SECOND_VLAN];

fn plain(_: Side, _: &mut NodeConfig) {}

fn slow(_: Side, config: &mut NodeConfig) {
    config.heartbeat = ms(1_000);
    config.failover = ms(3_000);
}

fn preempting(_: Side, config: &mut NodeConfig) {
    config.preempt = true;
}

#[test]
fn two_that_start_together_agree_within_milliseconds_and_priority_decides() {
    let mut pair = Pair::new(slow);
    pair.start(Side::A);
    pair.start(Side::B);
    let took = pair.until("settled", |p| p.roles() == (Role::Active, Role::Standby));
    assert!(took < ms(5), "{took:?} {}", pair.story());
    assert_eq!(pair.a.gate.epoch, Epoch(1));
    assert_eq!(pair.both_active, Duration::ZERO);
}

#[test]
fn a_box_alone_becomes_active_after_it_has_listened_for_longer_than_a_peer_may_be_away() {
    let mut pair = Pair::new(plain);
    pair.start(Side::B);
    let took = pair.until("active", |p| p.b.role() == Some(Role::Active));
    assert!(took >= ms(500) && took < ms(501), "{took:?}");
    pair.run(ms(500));
    assert_eq!(pair.status(Side::B).lease_expiries, 0);
}

#[test]
fn a_box_that_comes_later_is_standby_even_with_the_higher_priority() {
    let mut pair = Pair::new(plain);
    pair.start(Side::B);
    pair.run(ms(600));
    pair.start(Side::A);
    pair.run(ms(200));
    assert_eq!(pair.roles(), (Role::Standby, Role::Active));
    assert_eq!(pair.b.decisions.len(), 1, "{}", pair.story());
}

#[test]
fn the_standby_takes_over_a_failover_time_after_the_last_heartbeat() {
    let mut pair = Pair::running(plain);
    pair.kill(Side::A);
    let took = pair.until("active", |p| p.b.role() == Some(Role::Active));
    assert!(took <= FAILOVER + ms(1) && took + HEARTBEAT + ms(1) > FAILOVER, "{took:?}");
    assert_eq!(pair.b.gate.epoch, Epoch(2));
    assert_eq!(pair.b.config.epoch, Epoch(2), "the epoch is stored");
    pair.run(ms(1_500));
    assert_eq!(pair.b.announced.len(), 5, "at once, and after 10, 50, 200 and 1000 ms");
    assert!(pair.b.decisions.last().unwrap().reason.contains("silent"));
}

#[test]
fn the_death_of_a_standby_costs_nothing() {
    for configure in [plain, slow] {
        let mut pair = Pair::running(configure);
        pair.kill(Side::B);
        pair.run(ms(20_000));
        assert_eq!(pair.a.role(), Some(Role::Active));
        assert_eq!(pair.nobody, Duration::ZERO, "{}", pair.story());
        assert_eq!(pair.status(Side::A).lease_expiries, 0);
        assert_eq!(pair.a.count(|e| *e == Event::PeerLost), 1);
    }
}

#[test]
fn the_loss_of_the_ft_vlan_changes_no_role() {
    let mut pair = Pair::running(plain);
    for side in Side::BOTH {
        pair.cut_from(side, &[FT_VLAN]);
    }
    pair.run(ms(1_000));
    assert_eq!(pair.roles(), (Role::Active, Role::Standby));
    assert_eq!(pair.nobody, Duration::ZERO);
    let down = Event::PathState { path: path(FT_VLAN), up: false };
    assert_eq!(pair.b.count(|e| *e == down), 1);
    pair.cut.clear();
    pair.run(ms(1_000));
    let up = Event::PathState { path: path(FT_VLAN), up: true };
    assert_eq!(pair.b.count(|e| *e == up), 2, "{}", pair.story());
}

#[test]
fn an_active_that_is_not_heard_falls_silent_before_the_standby_takes_over() {
    for configure in [plain, slow] {
        let mut pair = Pair::running(configure);
        pair.cut_from(Side::A, &BOTH_PATHS);
        pair.run(ms(10_000));
        assert_eq!(pair.roles(), (Role::Standby, Role::Active), "{}", pair.story());
        assert_eq!(pair.both_active, Duration::ZERO);
        assert_eq!(pair.status(Side::A).lease_expiries, 1);
        assert!(pair.nobody <= ms(6), "{:?}", pair.nobody);
    }
}

#[test]
fn an_active_that_does_not_hear_its_standby_stays() {
    let mut pair = Pair::running(plain);
    pair.cut_from(Side::B, &BOTH_PATHS);
    pair.run(ms(5_000));
    assert_eq!(pair.roles(), (Role::Active, Role::Standby), "{}", pair.story());
    assert_eq!(pair.nobody, Duration::ZERO);
}

#[test]
fn two_actives_become_one_when_they_hear_each_other_again() {
    let mut pair = Pair::running(plain);
    pair.cut_all();
    pair.run(ms(500));
    assert_eq!(pair.roles(), (Role::Active, Role::Active));
    let announced = pair.a.announced.len();
    pair.cut.clear();
    let took = pair.until("one", |p| p.roles() == (Role::Active, Role::Standby));
    assert!(took < HEARTBEAT * 2, "{took:?}");
    pair.run(ms(2));
    assert!(pair.a.gate.epoch > pair.b.config.epoch.max(Epoch(2)) || pair.a.gate.epoch == Epoch(3));
    assert!(pair.a.announced.len() > announced, "the winner announces again");
    pair.run(ms(100));
    assert_eq!(pair.roles(), (Role::Active, Role::Standby));
}

#[test]
fn two_cuts_in_a_row_in_opposite_directions_do_not_make_two_actives() {
    for until_heard in 0..10 {
        let mut pair = Pair::running(plain);
        pair.cut_from(Side::B, &BOTH_PATHS);
        pair.run(ms(200));
        pair.cut.clear();
        pair.run(ms(until_heard));
        pair.cut_from(Side::A, &BOTH_PATHS);
        pair.run(ms(500));
        assert_eq!(pair.both_active, Duration::ZERO, "{until_heard}: {}", pair.story());
        assert_eq!(pair.roles(), (Role::Standby, Role::Active), "{}", pair.story());
    }
}

#[test]
fn of_two_actives_the_one_that_is_not_heard_yields() {
    fn uneven(side: Side, config: &mut NodeConfig) {
        slow(side, config);
        if side == Side::A {
            (config.heartbeat, config.failover) = (ms(100), ms(300));
        }
    }
    for configure in [plain, slow, uneven] {
        let mut pair = Pair::running(configure);
        pair.cut_all();
        pair.run(ms(10_000));
        assert_eq!(pair.roles(), (Role::Active, Role::Active));
        // Only A hears: its priority does not matter, since B cannot know of it.
        pair.cut.clear();
        pair.cut_from(Side::A, &BOTH_PATHS);
        let heartbeat = pair.b.config.heartbeat;
        let took = pair.until("one", |p| p.roles() == (Role::Standby, Role::Active));
        assert!(took <= heartbeat * 4, "{took:?}");
    }
}

#[test]
fn the_winner_of_a_split_announces_itself_after_the_loser_did() {
    for hold in 0..20 {
        let mut pair = Pair::running(plain);
        pair.cut_all();
        pair.run(ms(5_000));
        pair.kill(Side::B);
        pair.start(Side::B);
        pair.run(Duration::from_micros(30_000 + hold * 500));
        pair.cut.clear();
        pair.run(ms(300));
        assert_eq!(pair.roles(), (Role::Active, Role::Standby), "{}", pair.story());
        let (winner, loser) = (pair.a.announced.last(), pair.b.announced.last());
        assert!(winner > loser, "{winner:?} {loser:?} {}", pair.story());
    }
}

#[test]
fn a_lapsed_active_goes_on_when_its_standby_still_waits() {
    let mut pair = Pair::running(slow);
    let now = pair.now;
    pair.a.asleep_until = now + ms(3_600);
    // The standby is asleep too, for less than the active's lease: it cannot have taken over.
    pair.b.asleep_until = now + ms(3_590);
    pair.run(ms(3_620));
    assert_eq!(pair.roles(), (Role::Active, Role::Standby), "{}", pair.story());
    assert_eq!(pair.status(Side::A).lease_expiries, 1);
    assert_eq!(pair.a.gate.epoch, Epoch(2));
    assert_eq!(pair.both_active, Duration::ZERO);
}

#[test]
fn a_stopped_active_yields_when_it_goes_on() {
    let mut pair = Pair::running(plain);
    let now = pair.now;
    pair.a.asleep_until = now + ms(300);
    pair.run(ms(290));
    assert_eq!(pair.b.role(), Some(Role::Active));
    pair.run(ms(100));
    assert_eq!(pair.roles(), (Role::Standby, Role::Active), "{}", pair.story());
    assert_eq!(pair.both_active, Duration::ZERO);
}

#[test]
fn a_standby_that_slept_does_not_take_over_before_it_listened() {
    for configure in [plain, slow] {
        let mut pair = Pair::running(configure);
        let now = pair.now;
        pair.b.asleep_until = now + ms(20_000);
        pair.run(ms(25_000));
        assert_eq!(pair.roles(), (Role::Active, Role::Standby), "{}", pair.story());
        assert_eq!(pair.b.decisions.len(), 1);
        assert_eq!(pair.nobody, Duration::ZERO, "{}", pair.story());
    }
}

#[test]
fn a_handover_leaves_no_moment_without_an_active_and_next_to_none_with_two() {
    let mut pair = Pair::running(plain);
    pair.handover(Side::A, HandoverCause::Operator);
    let took = pair.until("handed over", |p| p.b.role() == Some(Role::Active));
    assert!(took < ms(2), "{took:?}");
    assert_eq!(pair.a.role(), Some(Role::Draining));
    let took = pair.until("standby", |p| p.a.role() == Some(Role::Standby));
    assert!(took >= ms(49) && took <= ms(52), "{took:?}");
    pair.run(ms(500));
    assert_eq!(pair.roles(), (Role::Standby, Role::Active));
    assert_eq!(pair.both_active, Duration::ZERO);
    assert!(pair.nobody < ms(2), "{:?} {}", pair.nobody, pair.story());
    assert_eq!(pair.b.gate.epoch, Epoch(2));
}

#[test]
fn an_operators_handover_is_refused_with_a_reason() {
    let mut pair = Pair::running(preempting);
    pair.handover(Side::A, HandoverCause::Operator);
    pair.handover(Side::B, HandoverCause::Operator);
    for (side, word) in [(Side::A, "preempt"), (Side::B, "not active")] {
        let (_, event) = pair.side(side).events.last().unwrap();
        let Event::HandoverRefused { why, .. } = event else { panic!("{event:?}") };
        assert!(why.contains(word), "{why}");
    }
    pair.kill(Side::B);
    pair.run(ms(100));
    pair.handover(Side::A, HandoverCause::Stop);
    let (_, event) = pair.a.events.last().unwrap();
    assert!(matches!(event, Event::HandoverRefused { cause: HandoverCause::Stop, .. }));
    assert_eq!(pair.a.role(), Some(Role::Active));
}

#[test]
fn a_box_that_stops_hands_over_whatever_preempt_says_and_does_not_come_back() {
    let mut pair = Pair::running(preempting);
    pair.handover(Side::A, HandoverCause::Stop);
    pair.run(ms(1_000));
    assert_eq!(pair.roles(), (Role::Standby, Role::Active), "{}", pair.story());
    assert_eq!(pair.a.decisions.len(), 3, "active, draining, standby: {}", pair.story());
}

#[test]
fn the_higher_priority_takes_over_again_with_preempt() {
    let mut pair = Pair::running(preempting);
    pair.kill(Side::A);
    pair.run(ms(500));
    pair.start(Side::A);
    pair.run(ms(500));
    assert_eq!(pair.roles(), (Role::Active, Role::Standby), "{}", pair.story());
    assert_eq!(pair.both_active, Duration::ZERO);
    assert!(pair.a.decisions.iter().any(|d| d.reason.contains("handed over")));
}

#[test]
fn a_newcomer_with_the_higher_priority_does_not_win_over_a_standby_that_holds_state() {
    let mut pair = Pair::running(slow);
    pair.kill(Side::A);
    pair.run(ms(100));
    pair.start(Side::A);
    pair.run(ms(100));
    assert_eq!(pair.roles(), (Role::Standby, Role::Active), "{}", pair.story());
}

#[test]
fn a_peer_that_dies_in_a_handover_is_replaced_by_the_old_active() {
    for after in [0, 1, 2, 5, 20, 60, 100] {
        let mut pair = Pair::running(plain);
        pair.handover(Side::A, HandoverCause::Operator);
        pair.run(Duration::from_micros(after * 100));
        pair.kill(Side::B);
        pair.run(ms(3_000));
        assert_eq!(pair.a.role(), Some(Role::Active), "{after}: {}", pair.story());
        assert!(pair.nobody <= FAILOVER * 3, "{after}: {:?} {}", pair.nobody, pair.story());
    }
}

#[test]
fn an_offer_that_is_not_heard_is_withdrawn_and_the_old_active_goes_on() {
    let mut pair = Pair::running(slow);
    pair.handover(Side::A, HandoverCause::Operator);
    pair.cut_from(Side::A, &BOTH_PATHS);
    pair.run(ms(900));
    pair.cut.clear();
    pair.run(ms(10_000));
    let active = [pair.a.role(), pair.b.role()];
    assert!(active.contains(&Some(Role::Active)), "{}", pair.story());
    assert!(active.contains(&Some(Role::Standby)), "{}", pair.story());
    assert_eq!(pair.both_active, Duration::ZERO, "{}", pair.story());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn bounded_loss_of_heartbeats_never_fails_over(
        runs in [prop::collection::vec(0_u8..4, 1..40), prop::collection::vec(0_u8..4, 1..40)]
    ) {
        let mut pair = Pair::running(|_, config| config.failover = ms(110));
        // Of four frames in a row of one direction at least one arrives, on one path only.
        pair.cut_from(Side::A, &[SECOND_VLAN]);
        pair.cut_from(Side::B, &[SECOND_VLAN]);
        let mut left = [0_u8; 2];
        let mut runs = runs.map(|runs| runs.into_iter().cycle());
        pair.drop_next = Box::new(move |from, _| {
            let side = from as usize;
            let lost = left[side] > 0;
            left[side] = if lost { left[side] - 1 } else { runs[side].next().unwrap() };
            lost
        });
        pair.run(ms(5_000));
        prop_assert_eq!(pair.roles(), (Role::Active, Role::Standby), "{}", pair.story());
        prop_assert_eq!(pair.nobody, Duration::ZERO);
        prop_assert_eq!(pair.status(Side::A).role_changes, 1);
    }
}

#[test]
fn different_timers_and_configurations_are_said_once() {
    let mut pair = Pair::running(|side, config| {
        config.config_digest = side as u64;
        if side == Side::B {
            config.failover = ms(50);
        }
    });
    pair.run(ms(1_000));
    for side in Side::BOTH {
        assert_eq!(pair.side(side).count(|e| *e == Event::ConfigDiffers(true)), 1);
        assert_eq!(pair.side(side).count(|e| *e == Event::TimersDiffer), 1);
    }
    pair.configure(Side::B, |config| config.config_digest = Side::A as u64);
    pair.run(ms(100));
    assert_eq!(pair.a.count(|e| *e == Event::ConfigDiffers(false)), 1);
}

#[test]
fn timers_can_be_changed_on_one_side_after_the_other() {
    let mut pair = Pair::running(plain);
    for (heartbeat, failover) in [(1_000, 3_000), (10, 30), (100, 120)] {
        for side in [Side::A, Side::B] {
            pair.configure(side, |config| {
                (config.heartbeat, config.failover) = (ms(heartbeat), ms(failover));
            });
            pair.run(ms(4_000));
        }
    }
    assert_eq!(pair.roles(), (Role::Active, Role::Standby), "{}", pair.story());
    assert_eq!(pair.nobody, Duration::ZERO, "{}", pair.story());
}

#[test]
fn a_box_that_gave_its_role_away_never_counts_the_epoch_of_its_follower_again() {
    let mut pair = Pair::running(slow);
    pair.handover(Side::A, HandoverCause::Operator);
    pair.until("handed over", |p| p.roles() == (Role::Standby, Role::Active));
    let epoch = pair.b.gate.epoch;
    pair.kill(Side::B);
    pair.until("active", |p| p.a.role() == Some(Role::Active));
    assert!(pair.a.gate.epoch > epoch, "{}", pair.story());

    let mut pair = Pair::running(plain);
    pair.cut_all();
    pair.run(ms(100));
    assert_eq!(pair.roles(), (Role::Active, Role::Active));
    pair.cut.clear();
    pair.until("one yields", |p| p.b.role() == Some(Role::Standby));
    let epoch = pair.a.gate.epoch;
    pair.kill(Side::A);
    pair.until("active", |p| p.b.role() == Some(Role::Active));
    assert!(pair.b.gate.epoch > epoch, "{}", pair.story());
}
