//! A process is replaced, announced or not, and its data plane goes on.

use std::time::Duration;

use hitless_model::{Epoch, Role};

use super::pair::{FAILOVER, FT_VLAN, HEARTBEAT, Pair, SECOND_VLAN, Side, ms};
use crate::node::{Event, HandoverCause, NodeConfig, Resume};

const BOTH_PATHS: [u64; 2] = [FT_VLAN, SECOND_VLAN];

fn plain(_: Side, _: &mut NodeConfig) {}

fn slow(_: Side, config: &mut NodeConfig) {
    config.heartbeat = ms(1_000);
    config.failover = ms(3_000);
}

/// Nothing happened that anybody would notice: one active, all the time, and no role changed.
fn assert_unnoticed(pair: &mut Pair, decisions: usize) {
    assert_eq!(pair.roles(), (Role::Active, Role::Standby), "{}", pair.story());
    assert_eq!(pair.both_active, Duration::ZERO, "{}", pair.story());
    assert_eq!(pair.nobody, Duration::ZERO, "{}", pair.story());
    assert_eq!(pair.a.decisions.len() + pair.b.decisions.len(), decisions, "{}", pair.story());
    for state in [&pair.a, &pair.b] {
        assert_eq!(state.count(|e| *e == Event::PeerLost), 0, "{}", pair.story());
        assert_eq!(state.count(|e| *e == Event::LeaseExpired), 0, "{}", pair.story());
    }
}

fn decisions(pair: &Pair) -> usize {
    pair.a.decisions.len() + pair.b.decisions.len()
}

fn granted(pair: &mut Pair, side: Side) -> usize {
    pair.side(side).count(|e| matches!(e, Event::AbsenceGranted { .. }))
}

fn refusals(pair: &mut Pair, side: Side) -> Vec<String> {
    let events = pair.side(side).events.iter();
    let why = events.filter_map(|(_, event)| {
        let Event::AbsenceRefused { why } = event else { return None };
        Some(why.clone())
    });
    why.collect()
}

fn leave_when_granted(pair: &mut Pair, side: Side, lasts: Duration) {
    pair.ask_to_be_away(side, lasts);
    pair.until("granted", |pair| granted(pair, side) == 1);
    pair.crash(side);
}

#[test]
fn a_killed_process_that_is_back_within_its_lease_goes_on_as_if_nothing_had_happened() {
    for (configure, away) in [(plain as fn(Side, &mut NodeConfig), ms(10)), (slow, ms(1_500))] {
        let mut pair = Pair::running(configure);
        let (before, epoch) = (decisions(&pair), pair.a.gate.epoch);
        pair.crash(Side::A);
        pair.run(away);
        pair.restart(Side::A);
        assert_eq!(pair.a.role(), Some(Role::Active));
        pair.run(ms(10_000));
        assert_unnoticed(&mut pair, before);
        assert_eq!(pair.a.gate.epoch, epoch);
        assert!(!pair.a.gate.alone);
        assert_eq!(pair.status(Side::A).role_changes, 0);
    }
}

#[test]
fn a_killed_process_that_is_back_too_late_finds_its_peer_active_and_stands_by() {
    let mut pair = Pair::running(plain);
    pair.crash(Side::A);
    pair.run(FAILOVER + ms(1));
    assert_eq!(pair.b.role(), Some(Role::Active));
    pair.restart(Side::A);
    assert_eq!(pair.a.role(), Some(Role::Initializing));
    pair.run(ms(300));
    assert_eq!(pair.roles(), (Role::Standby, Role::Active), "{}", pair.story());
    assert_eq!(pair.both_active, Duration::ZERO);
}

#[test]
fn a_process_that_is_back_and_hears_nobody_does_not_go_on_past_its_lease() {
    for deaf in [Side::A, Side::B] {
        let mut pair = Pair::running(plain);
        let lease = pair.a.gate.lease_until;
        pair.cut_from(deaf.other(), &BOTH_PATHS);
        pair.crash(Side::A);
        pair.run(ms(2));
        pair.restart(Side::A);
        pair.run(FAILOVER + HEARTBEAT);
        assert_eq!(pair.b.role(), Some(Role::Active), "{}", pair.story());
        assert_ne!(pair.a.role(), Some(Role::Active), "{}", pair.story());
        assert_eq!(pair.both_active, Duration::ZERO, "{}", pair.story());
        let expired = pair.a.events.iter().find(|(_, event)| *event == Event::LeaseExpired);
        assert_eq!(expired.map(|(at, _)| *at), Some(lease), "{}", pair.story());
    }
}

#[test]
fn a_process_whose_former_life_had_no_peer_renews_its_lease_at_once() {
    let mut pair = Pair::running(plain);
    pair.kill(Side::B);
    pair.run(ms(500));
    let (before, lost) = (decisions(&pair), pair.nobody);
    assert!(pair.a.gate.alone);
    pair.crash(Side::A);
    pair.run(ms(5));
    pair.restart(Side::A);
    pair.run(ms(500));
    assert_eq!(pair.a.role(), Some(Role::Active), "{}", pair.story());
    assert_eq!((pair.nobody, decisions(&pair)), (lost, before), "{}", pair.story());
}

#[test]
fn a_process_that_is_back_yields_to_a_peer_that_is_active_in_a_later_epoch() {
    let mut pair = Pair::running(plain);
    pair.crash(Side::A);
    pair.run(ms(300));
    let before = pair.status(Side::B).role_changes;
    pair.a.gate.lease_until = pair.now + ms(25);
    pair.restart(Side::A);
    pair.run(ms(100));
    assert_eq!(pair.roles(), (Role::Standby, Role::Active), "{}", pair.story());
    assert_eq!(pair.status(Side::B).role_changes, before);
}

#[test]
fn a_gate_of_an_older_epoch_or_an_impossible_lease_is_not_gone_on_with() {
    for (epoch, lease) in [(0, ms(20)), (1, ms(6_000)), (1, ms(0))] {
        let mut pair = Pair::new(plain);
        let lease_until = pair.now + lease;
        pair.a.config.epoch = Epoch(1);
        pair.a.config.resume = Some(Resume { epoch: Epoch(epoch), lease_until, alone: true });
        pair.start(Side::A);
        assert_eq!(pair.a.role(), Some(Role::Initializing));
        assert_eq!(pair.a.gate.role, Role::Initializing);
    }
}

#[test]
fn the_epoch_of_the_gate_is_stored_if_the_former_life_did_not_come_to_it() {
    let mut pair = Pair::new(plain);
    let lease_until = pair.now + ms(20);
    pair.a.config.resume = Some(Resume { epoch: Epoch(7), lease_until, alone: true });
    pair.start(Side::A);
    assert_eq!((pair.a.role(), pair.a.config.epoch), (Some(Role::Active), Epoch(7)));
}

#[test]
fn an_announced_absence_of_the_active_is_not_noticed() {
    for (configure, away) in [(plain as fn(Side, &mut NodeConfig), ms(145)), (slow, ms(4_500))] {
        let mut pair = Pair::running(configure);
        let before = decisions(&pair);
        leave_when_granted(&mut pair, Side::A, ms(5_000));
        assert!(pair.a.gate.lease_until > pair.now + ms(4_980), "{}", pair.story());
        pair.run(away);
        assert_eq!(pair.b.events.iter().filter(|(at, _)| *at + away > pair.now).count(), 0);
        pair.restart(Side::A);
        pair.run(ms(10_000));
        assert_unnoticed(&mut pair, before);
        let usual = pair.a.config.failover;
        assert!(pair.a.gate.lease_until < pair.now + usual, "the lease is as short as ever");
        pair.kill(Side::A);
        let took = pair.until("active", |p| p.b.role() == Some(Role::Active));
        assert!(took <= usual + ms(1), "and nobody waits any more: {took:?}");
    }
}

#[test]
fn a_box_that_does_not_come_back_is_followed_by_its_peer_once_its_lease_is_over() {
    let mut pair = Pair::running(plain);
    leave_when_granted(&mut pair, Side::A, ms(700));
    let lease = pair.a.gate.lease_until;
    pair.until("active", |p| p.b.role() == Some(Role::Active));
    assert!(pair.now > lease && pair.now < lease + ms(10), "{}", pair.story());
    assert_eq!(pair.both_active, Duration::ZERO);
}

#[test]
fn an_absence_is_never_longer_than_five_seconds() {
    let mut pair = Pair::running(plain);
    leave_when_granted(&mut pair, Side::A, ms(60_000));
    assert!(pair.a.gate.lease_until < pair.now + ms(5_000));
    let took = pair.until("active", |p| p.b.role() == Some(Role::Active));
    assert!(took > ms(4_950) && took < ms(5_010), "{took:?}");
    assert_eq!(pair.both_active, Duration::ZERO);
}

#[test]
fn an_announced_absence_of_the_standby_costs_its_active_nothing() {
    let mut pair = Pair::running(plain);
    let before = decisions(&pair);
    leave_when_granted(&mut pair, Side::B, ms(2_000));
    let heard = pair.a.events.len();
    pair.run(ms(150));
    assert_eq!(pair.a.events.len(), heard, "{}", pair.story());
    pair.restart(Side::B);
    pair.until("standby", |p| p.b.role() == Some(Role::Standby));
    pair.run(ms(500));
    let again = decisions(&pair) - before;
    assert_eq!(again, 1, "the new life becomes standby: {}", pair.story());
    assert_eq!((pair.nobody, pair.both_active), (Duration::ZERO, Duration::ZERO));
    assert_eq!(pair.a.count(|e| *e == Event::PeerLost), 0);
}

#[test]
fn of_two_that_want_to_be_away_at_once_the_active_goes_first() {
    for first in Side::BOTH {
        let mut pair = Pair::running(plain);
        let before = decisions(&pair);
        pair.ask_to_be_away(first, ms(2_000));
        pair.ask_to_be_away(first.other(), ms(2_000));
        pair.until("granted", |pair| granted(pair, Side::A) == 1);
        assert_eq!(granted(&mut pair, Side::B), 0, "{}", pair.story());
        assert_eq!(refusals(&mut pair, Side::B), ["the peer is being replaced itself"]);
        pair.crash(Side::A);
        pair.run(ms(150));
        pair.ask_to_be_away(Side::B, ms(2_000));
        pair.run(HEARTBEAT * 2);
        assert_eq!(refusals(&mut pair, Side::B).len(), 2, "not while the active is away");
        pair.restart(Side::A);
        pair.run(ms(300));
        assert_unnoticed(&mut pair, before);
    }
}

#[test]
fn the_active_is_not_away_while_its_standby_is() {
    let mut pair = Pair::running(plain);
    leave_when_granted(&mut pair, Side::B, ms(2_000));
    pair.ask_to_be_away(Side::A, ms(2_000));
    pair.run(HEARTBEAT * 2);
    assert_eq!(refusals(&mut pair, Side::A), ["the peer is being replaced itself"]);
    pair.run(ms(100));
    assert!(pair.a.gate.lease_until < pair.now + FAILOVER);
}

#[test]
fn a_promise_outlives_the_process_that_made_it() {
    let mut pair = Pair::running(plain);
    leave_when_granted(&mut pair, Side::A, ms(1_500));
    let lease = pair.a.gate.lease_until;
    pair.crash(Side::B);
    pair.run(ms(5));
    pair.restart(Side::B);
    pair.run(ms(20));
    pair.crash(Side::B);
    pair.restart(Side::B);
    pair.until("active", |p| p.b.role() == Some(Role::Active));
    assert!(pair.now > lease, "{}", pair.story());
    assert_eq!(pair.both_active, Duration::ZERO);
}

#[test]
fn both_boxes_can_be_replaced_one_after_the_other() {
    let mut pair = Pair::running(plain);
    for side in Side::BOTH {
        leave_when_granted(&mut pair, side, ms(3_000));
        pair.run(ms(120));
        pair.restart(side);
        pair.run(ms(120));
    }
    assert_eq!(pair.roles(), (Role::Active, Role::Standby), "{}", pair.story());
    assert_eq!((pair.nobody, pair.both_active), (Duration::ZERO, Duration::ZERO));
}

#[test]
fn a_box_without_a_peer_is_away_for_less_than_a_peer_that_starts_listens() {
    let mut pair = Pair::running(plain);
    pair.kill(Side::B);
    pair.run(ms(500));
    pair.nobody = Duration::ZERO;
    leave_when_granted(&mut pair, Side::A, ms(5_000));
    assert!(pair.a.gate.lease_until < pair.now + ms(500));
    pair.start(Side::B);
    pair.run(ms(400));
    assert_eq!(pair.b.role(), Some(Role::Initializing));
    pair.restart(Side::A);
    pair.run(ms(300));
    assert_eq!(pair.roles(), (Role::Active, Role::Standby), "{}", pair.story());
    assert_eq!((pair.nobody, pair.both_active), (Duration::ZERO, Duration::ZERO));
}

#[test]
fn a_peer_that_cannot_be_heard_waits_all_the_same_for_a_box_that_believes_to_be_alone() {
    let mut pair = Pair::running(plain);
    pair.cut_from(Side::B, &BOTH_PATHS);
    pair.run(ms(300));
    assert_eq!(pair.roles(), (Role::Active, Role::Standby), "{}", pair.story());
    leave_when_granted(&mut pair, Side::A, ms(5_000));
    let lease = pair.a.gate.lease_until;
    assert!(lease > pair.now + ms(400));
    pair.until("active", |p| p.b.role() == Some(Role::Active));
    assert!(pair.now > lease, "{}", pair.story());
    assert_eq!(pair.both_active, Duration::ZERO);
}

#[test]
fn an_absence_that_is_taken_back_leaves_everything_as_it_was() {
    let mut pair = Pair::running(plain);
    let before = decisions(&pair);
    pair.ask_to_be_away(Side::A, ms(5_000));
    pair.until("granted", |pair| granted(pair, Side::A) == 1);
    pair.ask_to_be_away(Side::A, Duration::ZERO);
    assert!(pair.a.gate.lease_until < pair.now + FAILOVER);
    pair.run(ms(100));
    assert_unnoticed(&mut pair, before);
    assert_eq!(pair.b.gate.lease_until.as_nanos(), 0, "the promise is void");
    pair.kill(Side::A);
    let took = pair.until("active", |p| p.b.role() == Some(Role::Active));
    assert!(took <= FAILOVER + ms(1), "{took:?}");
}

#[test]
fn an_absence_that_does_not_come_to_pass_ends_by_itself() {
    let mut pair = Pair::running(plain);
    let before = decisions(&pair);
    pair.ask_to_be_away(Side::A, ms(800));
    pair.run(ms(700));
    assert!(pair.a.gate.lease_until > pair.now + ms(500), "it still holds");
    pair.run(ms(200));
    assert!(pair.a.gate.lease_until < pair.now + FAILOVER);
    assert_unnoticed(&mut pair, before);
}

#[test]
fn an_absence_is_refused_with_a_sentence() {
    let mut pair = Pair::running(plain);
    pair.handover(Side::A, HandoverCause::Operator);
    pair.ask_to_be_away(Side::A, ms(1_000));
    assert_eq!(refusals(&mut pair, Side::A), ["a handover is under way"]);

    let mut pair = Pair::running(plain);
    pair.cut_from(Side::B, &[FT_VLAN]);
    pair.run(ms(100));
    pair.ask_to_be_away(Side::A, ms(1_000));
    assert!(refusals(&mut pair, Side::A).is_empty(), "it may come back at once");
    pair.run(HEARTBEAT * 2);
    assert_eq!(refusals(&mut pair, Side::A), ["the fault-tolerant vlan is down"]);

    let mut pair = Pair::new(plain);
    pair.start(Side::A);
    pair.ask_to_be_away(Side::A, ms(1_000));
    assert_eq!(refusals(&mut pair, Side::A), ["this box has no role yet"]);
}

#[test]
fn a_box_that_wants_to_go_when_its_peer_has_only_just_come_back_waits_a_moment() {
    let mut pair = Pair::running(slow);
    let before = decisions(&pair);
    leave_when_granted(&mut pair, Side::B, ms(5_000));
    pair.run(ms(70));
    pair.restart(Side::B);
    pair.until("met again", |pair| pair.status(Side::A).peer.is_some());
    pair.ask_to_be_away(Side::A, ms(5_000));
    let took = pair.until("granted", |pair| granted(pair, Side::A) == 1);
    assert!(took <= ms(2_000), "{took:?}");
    assert!(refusals(&mut pair, Side::A).is_empty(), "{}", pair.story());
    assert_unnoticed(&mut pair, before + 1);
}

#[test]
fn who_asks_again_for_less_has_no_longer_lease_than_its_peer_waits() {
    let mut pair = Pair::running(slow);
    pair.ask_to_be_away(Side::A, ms(5_000));
    pair.until("granted", |pair| granted(pair, Side::A) == 1);
    pair.ask_to_be_away(Side::A, ms(50));
    pair.run(ms(10));
    pair.crash(Side::A);
    pair.until("taken over", |pair| pair.b.role() == Some(Role::Active));
    assert!(pair.a.gate.lease_until <= pair.now, "{}", pair.story());
    assert_eq!(pair.both_active, Duration::ZERO, "{}", pair.story());
}

#[test]
fn a_wish_to_go_is_taken_back_before_anybody_was_asked() {
    let mut pair = Pair::running(plain);
    pair.cut_from(Side::B, &[FT_VLAN]);
    pair.run(ms(100));
    pair.ask_to_be_away(Side::A, ms(1_000));
    pair.ask_to_be_away(Side::A, Duration::ZERO);
    pair.cut.clear();
    pair.run(ms(100));
    assert_eq!(granted(&mut pair, Side::A), 0, "{}", pair.story());
    assert!(refusals(&mut pair, Side::A).is_empty());
}

#[test]
fn an_absence_is_refused_when_no_answer_comes() {
    let mut pair = Pair::running(slow);
    pair.cut_all();
    pair.ask_to_be_away(Side::A, ms(5_000));
    pair.run(ms(400));
    assert!(refusals(&mut pair, Side::A).is_empty());
    pair.run(ms(200));
    assert_eq!(refusals(&mut pair, Side::A), ["the peer did not answer"]);
    assert!(pair.a.gate.lease_until < pair.now + ms(3_000));
}

#[test]
fn the_answer_may_get_lost_a_few_times() {
    let mut pair = Pair::running(slow);
    let before = decisions(&pair);
    pair.cut_from(Side::B, &BOTH_PATHS);
    pair.ask_to_be_away(Side::A, ms(5_000));
    pair.run(ms(220));
    assert_eq!(granted(&mut pair, Side::A), 0);
    pair.cut.clear();
    pair.run(ms(60));
    assert_eq!(granted(&mut pair, Side::A), 1, "{}", pair.story());
    assert_unnoticed(&mut pair, before);
}

#[test]
fn a_handover_ends_an_absence_and_the_promise_with_it() {
    let mut pair = Pair::running(plain);
    pair.ask_to_be_away(Side::A, ms(5_000));
    pair.until("granted", |pair| granted(pair, Side::A) == 1);
    pair.handover(Side::A, HandoverCause::Operator);
    assert!(pair.a.gate.lease_until < pair.now + FAILOVER);
    pair.until("handed over", |p| p.roles() == (Role::Standby, Role::Active));
    assert_eq!(pair.both_active, Duration::ZERO);
}

#[test]
fn after_both_processes_died_the_one_that_holds_connections_goes_on() {
    let mut pair = Pair::new(plain);
    pair.b.config.warm = true;
    for side in Side::BOTH {
        pair.start(side);
    }
    pair.until("settled", |p| p.roles() == (Role::Standby, Role::Active));
    pair.run(ms(200));
    assert_eq!(pair.roles(), (Role::Standby, Role::Active), "{}", pair.story());
}
