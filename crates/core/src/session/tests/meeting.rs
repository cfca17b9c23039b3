//! How two boxes meet, and meet again.

use std::time::Duration;

use hitless_model::{Instant, UnitId};

use super::wire::{End, FT, config, met, path, talk};
use crate::session::{Output, Rejected};

const LATER: Instant = Instant::from_nanos(50_000_000);

#[test]
fn two_boxes_meet_with_and_without_a_key_and_name_the_session_alike() {
    for key in [None, Some("secret")] {
        let (mut a, mut b, _) = met(key);
        assert_eq!(a.established(), b.established());
        assert_eq!(a.established().len(), 1);
        let frame = a.seal(b"hello");
        b.hear(LATER, 136, &frame);
        assert_eq!(b.opened(), [b"hello"]);
        let macs = |output: &Output| matches!(output, Output::Macs(m) if m[0].0 == path(136));
        assert!(a.said.iter().any(macs) && b.said.iter().any(macs));
    }
}

#[test]
fn either_may_start_later_and_lost_frames_only_delay() {
    let (mut a, mut b) = (End::new(config(1, None)), End::new(config(2, None)));
    let mut now = Instant::ZERO;
    for round in 0_u32.. {
        let lost = a.tick(now);
        assert!(!lost.is_empty(), "it goes on searching");
        now = now + Duration::from_millis(10);
        if round == 20 {
            break;
        }
    }
    talk(now, &mut a, &mut b);
    assert!(a.session.is_established() && b.session.is_established());
}

#[test]
fn the_key_never_shows_and_nonces_are_not_sent_outside_the_ft_vlan() {
    let (a, _, tape) = met(Some("a-very-secret-word"));
    let shown = format!("{:?}", a.session);
    assert!(!shown.contains("secret-word"));
    let word = b"a-very-secret-word".as_slice();
    assert!(tape.iter().all(|frame| frame.windows(word.len()).all(|window| window != word)));
}

#[test]
fn a_peer_that_rebooted_replaces_its_session_only_by_proof() {
    let (mut a, b, tape) = met(None);
    let before = a.established();
    let mut reborn = config(2, None);
    reborn.seed = [77; 32];
    let mut b2 = End::new(reborn);
    let hello = b2.tick(LATER).remove(0);
    a.hear(LATER, FT, &hello);
    assert_eq!(a.established(), before, "a hello alone changes nothing");
    let mut b = b;
    let still = b.seal(b"still here");
    a.hear(LATER, FT, &still);
    assert_eq!(a.opened(), [b"still here"], "the old session goes on until then");
    let later = LATER + Duration::from_millis(20);
    talk(later, &mut a, &mut b2);
    assert_eq!(a.established().len(), 2);
    assert_eq!(a.established()[1], b2.established()[0]);
    // The old life's whole recorded conversation brings nothing back.
    for frame in tape.iter().chain([&still]) {
        a.hear(later + Duration::from_millis(50), FT, frame);
    }
    assert_eq!(a.established().len(), 2);
    assert_eq!(a.opened().len(), 1);
    let frame = b2.seal(b"new");
    a.hear(later + Duration::from_millis(60), FT, &frame);
    assert_eq!(a.opened().last(), Some(&b"new".as_slice()));
}

#[test]
fn a_replayed_hello_of_an_earlier_life_cuts_nothing() {
    for key in [None, Some("secret")] {
        let mut old = config(2, key);
        old.seed = [55; 32];
        let old_hello = End::new(old).tick(Instant::ZERO).remove(0);
        let (mut a, mut b, _) = met(key);
        let mut now = LATER;
        for _ in 0..50 {
            now = now + Duration::from_millis(10);
            a.hear(now, FT, &old_hello);
            let frame = b.seal(b"alive");
            a.hear(now, FT, &frame);
        }
        assert_eq!(a.opened().len(), 50);
        assert_eq!(a.established().len(), 1);
    }
}

#[test]
fn a_late_frame_of_a_life_that_is_over_does_not_shut_out_the_next_one() {
    let (mut a, mut b) = (End::new(config(1, None)), End::new(config(2, None)));
    let hello = b.tick(Instant::ZERO).remove(0);
    let answer = a.hear(Instant::ZERO, FT, &hello).remove(0);
    // The old life's proof is on its way for long, and the old life ends.
    let proof = b.hear(Instant::ZERO, FT, &answer).remove(0);
    let mut reborn = config(2, None);
    reborn.seed = [66; 32];
    let mut b2 = End::new(reborn);
    let mut now = LATER;
    talk(now, &mut a, &mut b2);
    a.hear(now, FT, &proof);
    for _ in 0..10 {
        now = now + Duration::from_millis(10);
        a.hear(now, FT, &hello);
        a.hear(now, FT, &proof);
        talk(now, &mut a, &mut b2);
    }
    let frame = b2.seal(b"alive");
    a.hear(now, FT, &frame);
    assert_eq!(a.opened(), [b"alive"]);
    assert_eq!(a.established().last(), b2.established().last());
}

#[test]
fn one_side_that_forgot_the_session_finds_it_again() {
    let (mut a, mut b, _) = met(None);
    let mut again = config(2, None);
    again.seed = [9; 32];
    b.session = crate::session::Session::new(LATER, again);
    let frame = a.seal(b"to a stranger");
    let answer = b.hear(LATER, FT, &frame);
    assert_eq!(b.rejected(), [Rejected::UnknownSession]);
    assert_eq!(answer.len(), 1, "a hello finds out who forgot");
    let back = a.hear(LATER, FT, &answer[0]);
    assert!(!back.is_empty());
}

#[test]
fn a_third_box_waits_until_the_peer_is_silent() {
    let (mut a, _, _) = met(None);
    let mut c = End::new(config(3, None));
    talk(Instant::from_nanos(1_000_000), &mut a, &mut c);
    assert!(a.rejected().contains(&Rejected::ThirdUnit));
    assert!(!c.session.is_established());
    talk(LATER, &mut a, &mut c);
    assert!(c.session.is_established());
    let last = a.said.iter().rev().find_map(|output| match output {
        Output::Established { unit, .. } => Some(*unit),
        Output::Send(_)
        | Output::Sighted
        | Output::Opened { .. }
        | Output::Macs(_)
        | Output::Rejected(_)
        | Output::Rekeyed { .. }
        | Output::KeyDiffers { .. }
        | Output::Foreign { .. } => None,
    });
    assert_eq!(last, Some(UnitId(3)));
}
