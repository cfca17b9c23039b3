//! Keys are changed one box after the other, while the two talk all the time.

use std::collections::BTreeSet;
use std::time::Duration;

use hitless_model::Instant;
use proptest::prelude::*;

use super::wire::{End, FT, config, secret};
use crate::machine::Machine;
use crate::session::{Input, KeyInUse, KeyTrouble, Output, Rejected};

/// The key that a box seals with, and the one that it takes besides.
type Keys = (Option<&'static str>, Option<&'static str>);

const TICK: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// Two ends that send each other a frame in every tick, over a wire that may lose and overtake.
struct Pair {
    now: Instant,
    ends: [End; 2],
    keys: [Keys; 2],
    lives: u8,
    sent: u32,
    /// Frames lost of a hundred, and the state of the dice.
    loss: u64,
    dice: u64,
    on_the_way: Vec<(Instant, usize, Vec<u8>)>,
    tape: Vec<(usize, Vec<u8>)>,
}

impl Pair {
    fn new(keys: [Keys; 2]) -> Self {
        let end = |which: usize| End::new(configured(which, keys[which], 0));
        Self {
            now: Instant::ZERO,
            ends: [end(0), end(1)],
            keys,
            lives: 0,
            sent: 0,
            loss: 0,
            dice: 1,
            on_the_way: Vec::new(),
            tape: Vec::new(),
        }
    }

    fn met(keys: [Keys; 2]) -> Self {
        let mut pair = Self::new(keys);
        pair.run(SECOND);
        assert!(pair.is_talking());
        pair
    }

    fn configure(&mut self, which: usize, keys: Keys) {
        self.keys[which] = keys;
        let config = configured(which, keys, 0);
        self.ends[which].session.handle_input(self.now, Input::Configure(&config));
    }

    /// A box begins another life, with the keys that it has now.
    fn restart(&mut self, which: usize) {
        self.lives += 1;
        let said = std::mem::take(&mut self.ends[which].said);
        let config = configured(which, self.keys[which], self.lives);
        self.ends[which].session = crate::session::Session::new(self.now, config);
        self.ends[which].said = said;
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now = self.now + TICK;
            self.tick();
        }
    }

    fn tick(&mut self) {
        let due = |(at, ..): &(Instant, usize, Vec<u8>)| *at <= self.now;
        let (arrived, rest) = std::mem::take(&mut self.on_the_way).into_iter().partition(due);
        self.on_the_way = rest;
        let arrived: Vec<(Instant, usize, Vec<u8>)> = arrived;
        for (_, to, frame) in arrived {
            let answers = self.ends[to].hear(self.now, FT, &frame);
            for answer in answers {
                self.send(to, answer);
            }
        }
        for from in [0, 1] {
            let said = self.ends[from].tick(self.now);
            for frame in said {
                self.send(from, frame);
            }
            if self.ends[from].session.is_established() {
                self.sent += 1;
                let frame = self.ends[from].seal(&self.sent.to_be_bytes());
                self.send(from, frame);
            }
        }
    }

    fn send(&mut self, from: usize, frame: Vec<u8>) {
        self.tape.push((from, frame.clone()));
        if self.roll(100) >= self.loss {
            let takes = TICK * u32::try_from(1 + self.roll(5)).unwrap();
            self.on_the_way.push((self.now + takes, 1 - from, frame));
        }
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.dice >> 33) % sides
    }

    /// Whether what is said now is heard, in both directions.
    fn is_talking(&mut self) -> bool {
        let before = [0, 1].map(|which| self.ends[which].opened().len());
        self.run(TICK * 20);
        [0, 1].into_iter().all(|which| self.ends[which].opened().len() > before[which])
    }

    fn keys_in_use(&self) -> [Option<KeyInUse>; 2] {
        [0, 1].map(|which| self.ends[which].session.key_in_use())
    }

    fn count(&self, which: usize, is_it: impl Fn(&Output) -> bool) -> usize {
        self.ends[which].said.iter().filter(|output| is_it(output)).count()
    }

    fn told(&self, which: usize) -> Vec<KeyTrouble> {
        let trouble = |output: &Output| match output {
            Output::KeyDiffers { trouble, .. } => Some(*trouble),
            Output::Send(_)
            | Output::Sighted
            | Output::Established { .. }
            | Output::Rekeyed { .. }
            | Output::Macs(_)
            | Output::Opened { .. }
            | Output::Rejected(_)
            | Output::Foreign { .. } => None,
        };
        self.ends[which].said.iter().filter_map(trouble).collect()
    }
}

fn configured(which: usize, (own, accepted): Keys, life: u8) -> crate::session::Config {
    let mut config = config(1 + which as u64, own);
    config.accepted_key = accepted.map(secret);
    config.seed[1] = life;
    config
}

const BOTH_OWN: [Option<KeyInUse>; 2] = [Some(KeyInUse::Own); 2];
const OLD: Option<&str> = Some("old");
const NEW: Option<&str> = Some("new");

/// Ways from one key to another, step by step, whichever box comes first.
fn ways(old: Option<&'static str>, new: Option<&'static str>) -> [Vec<(usize, Keys)>; 2] {
    let short = vec![(0, (new, old)), (1, (new, None)), (0, (new, None))];
    let mut careful: Vec<(usize, Keys)> = Vec::new();
    for keys in [(old, new), (new, old), (new, None)] {
        careful.extend([(0, keys), (1, keys)]);
    }
    [short, careful]
}

#[test]
fn a_key_is_changed_on_one_box_after_the_other_without_a_frame_lost() {
    for way in ways(OLD, NEW) {
        for first in [0, 1] {
            let mut pair = Pair::met([(OLD, None); 2]);
            for (which, keys) in &way {
                pair.configure(first ^ which, *keys);
                pair.run(3 * SECOND);
                assert!(pair.told(0).is_empty() && pair.told(1).is_empty(), "{way:?}");
            }
            assert_eq!(pair.keys_in_use(), BOTH_OWN);
            pair.run(SECOND);
            let rejected = [0, 1].map(|which| pair.ends[which].rejected().len());
            assert_eq!(rejected, [0, 0], "whatever was sent before the change is opened after it");
            for which in [0, 1] {
                assert_eq!(pair.ends[which].established().len(), 1, "the session goes on");
                assert_eq!(pair.count(which, |output| matches!(output, Output::Rekeyed { .. })), 1);
                let opened: BTreeSet<_> = pair.ends[which].opened().into_iter().collect();
                assert_eq!(opened.len(), pair.ends[which].opened().len(), "none is opened twice");
            }
        }
    }
}

#[test]
fn a_key_is_introduced_and_taken_away_likewise() {
    for (old, new) in [(None, NEW), (OLD, None)] {
        for first in [0, 1] {
            let mut pair = Pair::met([(old, None); 2]);
            let way = match new {
                Some(_) => vec![(0, (old, new)), (1, (new, None)), (0, (new, None))],
                None => vec![(0, (None, old)), (1, (None, None)), (0, (None, None))],
            };
            for (which, keys) in way {
                pair.configure(first ^ which, keys);
                pair.run(3 * SECOND);
                assert!(pair.is_talking());
            }
            let key = if new.is_some() { KeyInUse::Own } else { KeyInUse::Clear };
            assert_eq!(pair.keys_in_use(), [Some(key); 2]);
            assert_eq!(pair.ends[0].established().len(), 1);
        }
    }
}

#[test]
fn with_one_key_each_a_session_that_stands_goes_on_and_both_say_what_is_wrong() {
    let mut pair = Pair::met([(OLD, None); 2]);
    pair.configure(0, (NEW, None));
    pair.run(5 * SECOND);
    assert!(pair.is_talking());
    assert_eq!(pair.keys_in_use(), [Some(KeyInUse::Former), Some(KeyInUse::Own)]);
    assert_eq!((pair.told(0), pair.told(1)), (vec![KeyTrouble::Other], vec![KeyTrouble::Other]));
    pair.configure(1, (NEW, None));
    pair.run(2 * SECOND);
    assert_eq!(pair.keys_in_use(), BOTH_OWN);
    assert_eq!(pair.ends[0].established().len(), 1);
}

#[test]
fn boxes_whose_keys_differ_are_told_of_each_other_once_and_count_on() {
    use KeyTrouble::{Missing, Other, Unexpected};
    let cases = [(NEW, OLD, Other, Other), (NEW, None, Missing, Unexpected)];
    for (one, two, at_one, at_two) in cases {
        let mut pair = Pair::new([(one, None), (two, None)]);
        pair.run(SECOND / 2);
        assert!(pair.told(0).is_empty(), "not before it has lasted");
        pair.run(5 * SECOND);
        assert_eq!((pair.told(0), pair.told(1)), (vec![at_one], vec![at_two]));
        for which in [0, 1] {
            assert!(pair.ends[which].rejected().len() > 100);
            assert!(!pair.ends[which].session.is_established());
        }
        pair.configure(0, (two, None));
        pair.run(SECOND);
        assert!(pair.is_talking());
    }
}

#[test]
fn a_recorded_change_of_keys_changes_nothing_a_second_time() {
    let mut pair = Pair::met([(OLD, None); 2]);
    let [way, _] = ways(OLD, NEW);
    for (which, keys) in way {
        pair.configure(which, keys);
        pair.run(2 * SECOND);
    }
    let tape = std::mem::take(&mut pair.tape);
    // What is on its way arrives once by itself.
    pair.run(TICK * 20);
    let before = [0, 1].map(|which| pair.ends[which].opened().len());
    for (from, frame) in tape {
        pair.ends[1 - from].hear(pair.now, FT, &frame);
    }
    assert_eq!([0, 1].map(|which| pair.ends[which].opened().len()), before);
    assert!(pair.is_talking());
    assert_eq!(pair.keys_in_use(), BOTH_OWN);
    for which in [0, 1] {
        assert_eq!(pair.count(which, |output| matches!(output, Output::Rekeyed { .. })), 1);
    }
}

#[test]
fn first_contact_under_a_key_that_is_gone_is_counted_as_one_of_a_wrong_key() {
    let mut pair = Pair::met([(OLD, None); 2]);
    for which in [0, 1] {
        pair.configure(which, (NEW, None));
    }
    pair.run(2 * SECOND);
    assert_eq!(pair.keys_in_use(), BOTH_OWN);
    let hello = End::new(configured(1, (OLD, None), 9)).tick(pair.now).remove(0);
    pair.ends[0].hear(pair.now, FT, &hello);
    assert_eq!(pair.ends[0].rejected().last(), Some(&Rejected::WrongKey));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// In the middle of the change either box may begin another life: they find each other again, under
    /// whatever key both have then.
    #[test]
    fn frames_may_be_lost_and_boxes_restart_at_any_step(
        careful in any::<bool>(),
        first in 0_usize..2,
        loss in 0_u64..40,
        dice in any::<u64>(),
        restarts in prop::collection::vec(prop::option::of(0_usize..2), 6),
        waits in prop::collection::vec(1_u32..1_500, 6),
    ) {
        let [short, long] = ways(OLD, NEW);
        let way = if careful { long } else { short };
        let mut pair = Pair::met([(OLD, None); 2]);
        (pair.loss, pair.dice) = (loss, dice);
        for (((which, keys), restart), wait) in way.into_iter().zip(restarts).zip(waits) {
            pair.configure(first ^ which, keys);
            pair.run(TICK * wait);
            if let Some(which) = restart {
                pair.restart(which);
            }
            pair.run(2 * SECOND);
            prop_assert!(pair.is_talking(), "{:?} {:?}", pair.keys, pair.keys_in_use());
        }
        pair.loss = 0;
        pair.run(3 * SECOND);
        prop_assert_eq!(pair.keys_in_use(), BOTH_OWN);
        prop_assert!(pair.told(0).is_empty() && pair.told(1).is_empty());
    }
}
