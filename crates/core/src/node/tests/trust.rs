//! What strangers, replays and damage do to a pair: nothing but counting.

use std::time::Duration;

use hitless_model::{GroupId, Instant, Role};
use proptest::prelude::*;

use super::pair::{FT_VLAN, Pair, SECOND_VLAN, Side, config, ms, path, secret};
use crate::machine::Machine;
use crate::machine::laws::Bench;
use crate::node::{Event, HandoverCause, Input, Node, NodeConfig, Output};
use crate::session::KeyInUse;

fn keyed(_: Side, config: &mut NodeConfig) {
    config.key = Some(secret("a shared word"));
}

fn plain(_: Side, _: &mut NodeConfig) {}

fn rejected(pair: &mut Pair, side: Side, name: &str) -> u64 {
    let all = pair.status(side).rejected;
    all.into_iter().find(|(reason, _)| reason == name).unwrap().1
}

#[test]
fn a_replayed_conversation_changes_nothing() {
    for configure in [plain, keyed] {
        let mut pair = Pair::new(configure);
        pair.tape = Some(Vec::new());
        pair.start(Side::A);
        pair.start(Side::B);
        pair.run(ms(200));
        pair.handover(Side::A, HandoverCause::Operator);
        pair.run(ms(300));
        assert_eq!(pair.roles(), (Role::Standby, Role::Active), "{}", pair.story());
        let tape = pair.tape.take().unwrap();
        for (from, path, bytes) in tape {
            pair.inject(from.other(), u64::from(path.0.get()), &bytes);
            pair.inject(from, u64::from(path.0.get()), &bytes);
            pair.run(Duration::from_micros(500));
        }
        pair.run(ms(100));
        assert_eq!(pair.roles(), (Role::Standby, Role::Active), "{}", pair.story());
        assert_eq!(pair.status(Side::B).role_changes, 2, "{}", pair.story());
        assert_eq!(pair.both_active, Duration::ZERO);
        for side in Side::BOTH {
            assert!(rejected(&mut pair, side, "replayed") > 0);
            assert!(rejected(&mut pair, side, "own-frame") > 0);
        }
    }
}

#[test]
fn frames_of_an_earlier_life_bring_nothing_back() {
    let mut pair = Pair::running(keyed);
    pair.tape = Some(Vec::new());
    pair.run(ms(100));
    let tape = pair.tape.take().unwrap();
    pair.kill(Side::A);
    pair.run(ms(100));
    pair.start(Side::A);
    pair.run(ms(200));
    assert_eq!(pair.roles(), (Role::Standby, Role::Active));
    for (from, path, bytes) in tape.into_iter().filter(|(from, ..)| *from == Side::A) {
        pair.inject(from.other(), u64::from(path.0.get()), &bytes);
        pair.run(ms(1));
    }
    assert_eq!(pair.roles(), (Role::Standby, Role::Active), "{}", pair.story());
    assert!(rejected(&mut pair, Side::B, "unknown-session") > 0);
}

#[test]
fn a_pair_without_a_key_says_once_that_its_vlan_is_trusted() {
    let mut pair = Pair::running(plain);
    pair.kill(Side::B);
    pair.run(ms(100));
    pair.start(Side::B);
    pair.run(ms(500));
    assert_eq!(pair.a.count(|e| *e == Event::Unauthenticated), 1);
    let mut pair = Pair::running(keyed);
    assert_eq!(pair.a.count(|e| *e == Event::Unauthenticated), 0);
    assert_eq!(pair.status(Side::A).peer.unwrap().software, "0.1.0");
}

#[test]
fn boxes_with_different_keys_do_not_become_a_pair() {
    let mut pair = Pair::new(|side, config| {
        config.key = Some(secret(if side == Side::A { "one" } else { "two" }));
    });
    pair.start(Side::A);
    pair.start(Side::B);
    pair.run(ms(500));
    assert!(pair.status(Side::A).peer.is_none());
    assert!(rejected(&mut pair, Side::A, "wrong-key") > 0);
}

#[test]
fn keys_are_changed_under_way_and_nobody_notices() {
    let (old, new) = ("a shared word", "another word");
    let mut pair = Pair::running(keyed);
    let steps = [(Side::B, Some(old)), (Side::A, Some(old)), (Side::B, None), (Side::A, None)];
    for (side, accepted) in steps {
        pair.configure(side, |config| {
            config.key = Some(secret(new));
            config.accepted_key = accepted.map(secret);
        });
        pair.run(ms(3_000));
    }
    assert_eq!(pair.roles(), (Role::Active, Role::Standby), "{}", pair.story());
    assert_eq!((pair.both_active, pair.nobody), (Duration::ZERO, Duration::ZERO));
    for side in Side::BOTH {
        let status = pair.status(side);
        assert_eq!((status.key, status.lease_expiries), (Some(KeyInUse::Own), 0));
        let rejected: u64 = status.rejected.iter().map(|(_, count)| count).sum();
        assert_eq!(rejected, 0, "{:?}", status.rejected);
        let mut count = |is_it: fn(&Event) -> bool| pair.side(side).count(is_it);
        let found = count(|event| matches!(event, Event::PeerFound { .. }));
        let lost =
            count(|event| matches!(event, Event::PeerLost | Event::PathState { up: false, .. }));
        let rekeyed = count(|event| matches!(event, Event::Rekeyed { .. }));
        assert_eq!((found, lost, rekeyed), (1, 0, 1));
    }
}

#[test]
fn a_box_that_sights_its_peer_listens_on_until_they_come_to_terms() {
    let mut pair = Pair::running(keyed);
    pair.kill(Side::B);
    pair.run(ms(100));
    // Of what the newcomer says only its first words are heard: no proof reaches the active.
    pair.drop_next = Box::new(move |from, _| from == Side::B);
    pair.tape = Some(Vec::new());
    pair.start(Side::B);
    for _ in 0..8 {
        pair.run(ms(10));
        let hello = pair.tape.take().unwrap().into_iter().rfind(|(from, ..)| *from == Side::B);
        pair.tape = Some(Vec::new());
        pair.inject(Side::A, FT_VLAN, &hello.unwrap().2);
    }
    assert_eq!(pair.b.role(), Some(Role::Initializing), "{}", pair.story());
    pair.drop_next = Box::new(|_, _| false);
    pair.run(ms(50));
    assert_eq!(pair.roles(), (Role::Active, Role::Standby), "{}", pair.story());
}

#[test]
fn another_pair_on_the_ft_vlan_is_told_of_once_and_has_no_effect() {
    let mut pair = Pair::running(plain);
    let mut other = config(Side::B);
    other.group = GroupId::try_from(91).unwrap();
    let mut stranger = Node::new(pair.now, other);
    for _ in 0..100 {
        let now = pair.now;
        stranger.handle_deadline(now);
        while let Some(output) = stranger.poll_output() {
            let Output::Transmit(transmit) = output else { continue };
            pair.inject(Side::A, FT_VLAN, &transmit.bytes);
        }
        pair.run(ms(10));
    }
    assert_eq!(pair.roles(), (Role::Active, Role::Standby));
    assert_eq!(pair.a.count(|e| matches!(e, Event::ForeignPair { group: 91, .. })), 1);
    assert!(rejected(&mut pair, Side::A, "foreign-pair") > 50);
}

#[test]
fn heartbeats_are_counted_by_what_they_are_for() {
    let mut pair = Pair::running(plain);
    pair.run(ms(1_000));
    for (side, name) in [(Side::A, "heartbeat"), (Side::B, "answer")] {
        let sent = pair.status(side).sent.into_iter().find(|(n, _)| n == name).unwrap().1;
        let status = pair.status(side.other());
        let received = status.received.into_iter().find(|(n, _)| n == name).unwrap().1;
        assert!(sent >= 100 && sent.abs_diff(received) <= 4, "{name}: {sent} {received}");
    }
}

#[test]
fn steady_traffic_stays_within_two_frames_per_path_and_interval() {
    let mut pair = Pair::running(plain);
    pair.tape = Some(Vec::new());
    pair.run(ms(1_000));
    let frames = pair.tape.take().unwrap();
    let on_second = frames.iter().filter(|(_, p, _)| *p == path(SECOND_VLAN)).count();
    assert!((200..=215).contains(&on_second), "{on_second}");
}

/// Frames that a running pair exchanged, and garbage.
fn frames() -> Vec<(u64, Vec<u8>)> {
    let mut pair = Pair::new(plain);
    pair.tape = Some(Vec::new());
    pair.start(Side::A);
    pair.start(Side::B);
    pair.run(ms(60));
    let tape = pair.tape.take().unwrap().into_iter();
    let mut frames: Vec<_> =
        tape.map(|(_, path, bytes)| (u64::from(path.0.get()), bytes)).collect();
    frames.push((FT_VLAN, vec![0x48; 100]));
    frames
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_laws_hold(
        picks in prop::collection::vec((0_u64..40_000, any::<prop::sample::Index>()), 1..60)
    ) {
        let frames = frames();
        let script: Vec<_> = picks
            .into_iter()
            .map(|(wait, pick)| (Duration::from_micros(wait), pick.get(&frames).clone()))
            .collect();
        let apply = |node: &mut Node, now: Instant, (number, bytes): &(u64, Vec<u8>)| {
            node.handle_input(now, Input::Datagram { path: path(*number), from: [0; 16], bytes });
        };
        let new = |now| {
            let mut config = config(Side::A);
            config.seed = [10; 32];
            Node::new(now, config)
        };
        Bench { new, apply, max_outputs: 64 }.check(&script);
    }
}
