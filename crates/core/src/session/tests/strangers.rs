//! Frames that must have no effect.

use hitless_model::{GroupId, Instant};

use super::wire::{End, FT, config, met, path};
use crate::session::{Kind, MAX_FRAME, Output, Rejected};

const NOW: Instant = Instant::from_nanos(5_000_000);

/// What a frame is rejected for.
fn verdict(end: &mut End, over: u64, frame: &[u8]) -> Option<Rejected> {
    let before = end.rejected().len();
    let opened = end.opened().len();
    end.hear(NOW, over, frame);
    let rejected = end.rejected();
    assert!(rejected.len() <= before + 1);
    let reason = rejected.get(before).copied();
    assert!(reason.is_none() || end.opened().len() == opened, "rejected and without effect");
    reason
}

#[test]
fn every_single_bit_counts() {
    let (mut a, mut b, _) = met(Some("secret"));
    let frame = a.seal(b"a heartbeat");
    for bit in 0..frame.len() * 8 {
        let mut damaged = frame.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(verdict(&mut b, FT, &damaged).is_some(), "bit {bit}");
    }
    assert_eq!(verdict(&mut b, FT, &frame), None, "the frame itself is still good");
}

#[test]
fn a_damaged_hello_in_clear_is_noticed() {
    let mut a = End::new(config(1, None));
    let hello = a.tick(Instant::ZERO).remove(0);
    for bit in 0..hello.len() * 8 {
        let mut b = End::new(config(2, None));
        let mut damaged = hello.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(verdict(&mut b, FT, &damaged).is_some(), "bit {bit}");
    }
}

#[test]
fn a_frame_counts_once() {
    let (mut a, mut b, _) = met(None);
    let frame = a.seal(b"once");
    assert_eq!(verdict(&mut b, FT, &frame), None);
    assert_eq!(verdict(&mut b, FT, &frame), Some(Rejected::Replayed));
    assert_eq!(verdict(&mut b, 136, &frame), Some(Rejected::Replayed), "nor on another path");
}

#[test]
fn a_burst_of_replication_does_not_make_heartbeats_too_old() {
    let (mut a, mut b, _) = met(None);
    let heartbeat = a.seal(b"slow path");
    for _ in 0..5_000 {
        let frame = a.session.seal(Kind::Replication, b"fast".to_vec()).unwrap();
        assert_eq!(verdict(&mut b, FT, &frame), None);
    }
    assert_eq!(verdict(&mut b, 136, &heartbeat), None);
}

#[test]
fn a_frame_of_another_pair_is_told_of_once_and_only_on_the_ft_vlan() {
    let (_, mut b, _) = met(None);
    let mut other = config(5, None);
    other.pair.group = GroupId::try_from(91).unwrap();
    let mut stranger = End::new(other);
    let hello = stranger.tick(Instant::ZERO).remove(0);
    for over in [136, FT, FT] {
        assert_eq!(verdict(&mut b, over, &hello), Some(Rejected::ForeignPair));
    }
    let foreign =
        b.said.iter().filter(|output| matches!(output, Output::Foreign { group: 91, .. }));
    assert_eq!(foreign.count(), 1);
}

#[test]
fn nothing_but_sealed_frames_is_taken_on_a_second_path() {
    let (_, mut b, _) = met(None);
    let mut reborn = config(1, None);
    reborn.seed = [88; 32];
    let hello = End::new(reborn).tick(Instant::ZERO).remove(0);
    assert_eq!(verdict(&mut b, 136, &hello), Some(Rejected::Unsealed));
}

#[test]
fn keys_must_be_configured_on_both_sides_and_be_the_same() {
    let hello = |key| End::new(config(1, key)).tick(Instant::ZERO).remove(0);
    let receiver = |key| End::new(config(2, key));
    let missing = verdict(&mut receiver(Some("one")), FT, &hello(None));
    assert_eq!(missing, Some(Rejected::KeyMissing));
    let unexpected = verdict(&mut receiver(None), FT, &hello(Some("one")));
    assert_eq!(unexpected, Some(Rejected::KeyUnexpected));
    let different = verdict(&mut receiver(Some("two")), FT, &hello(Some("one")));
    assert_eq!(different, Some(Rejected::WrongKey));
}

#[test]
fn own_frames_are_told_from_a_box_with_the_same_identity() {
    let (mut a, _, tape) = met(None);
    let own = tape.iter().find(|frame| frame[15] == 1).unwrap();
    assert_eq!(verdict(&mut a, FT, own), Some(Rejected::OwnFrame));
    let mut double = config(1, None);
    double.seed = [44; 32];
    let hello = End::new(double).tick(Instant::ZERO).remove(0);
    assert_eq!(verdict(&mut a, FT, &hello), Some(Rejected::DuplicateUnit));
}

#[test]
fn versions_kinds_and_lengths_out_of_range_are_named() {
    let (mut a, mut b, _) = met(None);
    let frame = a.seal(b"x");
    let with = |at: usize, value: u8| {
        let mut frame = frame.clone();
        frame[at] = value;
        frame
    };
    assert_eq!(verdict(&mut b, FT, &with(2, 2)), Some(Rejected::WrongVersion));
    assert_eq!(verdict(&mut b, FT, &with(3, 9)), Some(Rejected::UnknownKind));
    assert_eq!(verdict(&mut b, FT, &with(5, 200)), Some(Rejected::UnknownKind));
    assert_eq!(verdict(&mut b, FT, &with(0, b'X')), Some(Rejected::Damaged));
    assert_eq!(verdict(&mut b, FT, &[0; MAX_FRAME + 1]), Some(Rejected::Damaged));
    assert_eq!(verdict(&mut b, FT, &[]), Some(Rejected::Damaged));
}

#[test]
fn reasons_have_names_of_their_own() {
    let names: std::collections::BTreeSet<_> =
        Rejected::ALL.into_iter().map(Rejected::name).collect();
    assert_eq!(names.len(), Rejected::ALL.len());
    assert!(path(FT).0.get() == 9);
}

/// The hello that `docs/protocol/frames.md` shows.
#[test]
fn the_octets_of_a_hello_are_those_of_the_document() {
    let mut config = config(0x1122_3344_5566_7788, None);
    config.seed = [0; 32];
    let hello = End::new(config).tick(Instant::ZERO).remove(0);
    let document = include_str!("../../../../../docs/protocol/frames.md");
    crate::wire::tests::assert_shown(document, "hello", &hello);
}

#[test]
fn made_up_senders_are_counted_but_do_not_fill_the_log() {
    let (_, mut b, _) = met(None);
    for _ in 0..2 {
        for unit in 100..200 {
            let mut other = config(unit, None);
            other.pair.group = GroupId::try_from(91).unwrap();
            let hello = End::new(other).tick(Instant::ZERO).remove(0);
            assert_eq!(verdict(&mut b, FT, &hello), Some(Rejected::ForeignPair));
        }
    }
    let told = b.said.iter().filter(|output| matches!(output, Output::Foreign { .. }));
    assert_eq!(told.count(), 16);
}
