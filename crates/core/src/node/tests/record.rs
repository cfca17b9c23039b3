//! The decision record: what it holds, and that it gives the decision again.

use std::time::Duration;

use hitless_model::{Epoch, Instant, Priority, Role, UnitId};

use super::pair::{FAILOVER, FT_VLAN, Pair, SECOND_VLAN, Side, config, ms, path, secret};
use crate::ft::{Beat, Flags, Input as FtInput, Output as FtOutput, Purpose, Seq};
use crate::node::parts::ft_config;
use crate::node::record::{MAX_OCTETS, MAX_STEPS, Recorder};
use crate::node::recording::Octets;
use crate::node::{Decision, HandoverCause, NodeConfig, Recording, Story, Told};

const START: Instant = Instant::from_nanos(1_000_000_000);

/// Through JSON and back.
fn stored(story: &Story) -> Recording {
    let text = serde_json::to_string(&story.recording()).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Every decision that playing gives, and whether the last step gave it.
fn decisions(recording: &Recording) -> Vec<(Decision, bool)> {
    let mut player = recording.play().unwrap();
    let mut found = Vec::new();
    let mut take = |outputs: Vec<FtOutput>| {
        for (_, is_last) in &mut found {
            *is_last = false;
        }
        for output in outputs {
            if let FtOutput::Decision(decision) = output {
                found.push((decision, true));
            }
        }
    };
    take(player.opening());
    while let Some(played) = player.step() {
        take(played.outputs);
    }
    found
}

fn assert_replays(story: &Story) {
    let wanted = (story.decision().clone(), true);
    let found = decisions(&stored(story));
    assert!(found.contains(&wanted), "{wanted:?} is not among {found:?}");
}

fn all_stories(pair: &Pair) -> impl Iterator<Item = &Story> {
    pair.a.stories.iter().chain(&pair.b.stories)
}

/// A life with a handover, a loss, a return and a split.
fn eventful(configure: impl Fn(Side, &mut NodeConfig)) -> Pair {
    let mut pair = Pair::running(configure);
    pair.handover(Side::A, HandoverCause::Operator);
    pair.run(ms(300));
    pair.handover(Side::A, HandoverCause::Operator);
    pair.kill(Side::B);
    pair.run(ms(300));
    pair.start(Side::B);
    pair.run(ms(300));
    pair.cut_all();
    pair.run(ms(200));
    pair.cut.clear();
    pair.run(ms(300));
    pair
}

#[test]
fn every_decision_has_its_story_and_every_story_gives_its_decision_again() {
    let pair = eventful(|_, _| {});
    for side in [&pair.a, &pair.b] {
        let told: Vec<_> = side.stories.iter().map(|story| story.decision().clone()).collect();
        assert_eq!(told, side.decisions);
    }
    assert!(all_stories(&pair).count() >= 8, "{}", pair.story());
    all_stories(&pair).for_each(assert_replays);
}

#[test]
fn the_silence_before_a_takeover_is_in_its_story() {
    let mut pair = Pair::running(|_, _| {});
    pair.run(ms(500));
    pair.kill(Side::A);
    pair.until("a takeover", |pair| pair.b.role() == Some(Role::Active));
    let story = pair.b.stories.last().unwrap();
    let recording = story.recording();
    let decided = story.decision().at;
    let covered = decided.saturating_since(recording.begins().unwrap());
    assert!(covered >= FAILOVER * 2, "only {covered:?} before the decision");
    let heard = recording.steps.iter().rev().find(|step| matches!(step.told, Told::Beat { .. }));
    let silence = decided.saturating_since(heard.unwrap().at);
    assert!(silence >= FAILOVER && silence < FAILOVER + ms(1), "{silence:?}");
}

#[test]
fn a_heartbeat_without_which_nothing_was_decided_is_missed() {
    let pair = eventful(|_, _| {});
    let story = pair.b.stories.iter().find(|story| story.decision().to == Role::Active).unwrap();
    let mut recording = stored(story);
    recording.steps.retain(|step| !matches!(step.told, Told::Beat { .. }));
    let found = decisions(&recording);
    assert!(!found.contains(&(story.decision().clone(), true)), "{found:?}");
}

#[test]
fn a_record_that_names_what_it_does_not_hold_is_refused() {
    let pair = eventful(|_, _| {});
    let mut recording = stored(pair.a.stories.last().unwrap());
    recording.bodies.pop();
    assert!(recording.play().is_err());
}

#[test]
fn no_secret_is_in_a_record() {
    const KEY: &str = "between-two-boxes";
    let pair = eventful(|_, config| config.key = Some(secret(KEY)));
    let hex = |octets: &[u8]| Octets(octets.to_vec()).to_string();
    let list = |octets: &[u8]| {
        let numbers: Vec<_> = octets.iter().map(ToString::to_string).collect();
        numbers.join(",")
    };
    let mut secrets = vec![KEY.to_owned(), hex(KEY.as_bytes()), list(KEY.as_bytes())];
    for side in [&pair.a, &pair.b] {
        let seed = side.config.seed.get(..8).unwrap();
        secrets.extend([hex(seed), list(seed)]);
    }
    assert!(all_stories(&pair).count() >= 8);
    for story in all_stories(&pair) {
        let text = serde_json::to_string(&story.recording()).unwrap();
        let debug = format!("{story:?}");
        for secret in &secrets {
            assert!(!text.contains(secret) && !debug.contains(secret), "{secret}");
        }
    }
}

fn beat(seq: u64, filler: usize) -> Vec<u8> {
    let paths = (0..filler).map(|number| path(2 + number as u64));
    Beat {
        seq: Seq(seq),
        purpose: Purpose::Heartbeat,
        role: Role::Active,
        role_age: ms(1),
        epoch: Epoch(3),
        priority: Priority::DEFAULT,
        flags: Flags::ASK,
        heartbeat: ms(10),
        failover: FAILOVER,
        heard: Seq::default(),
        heard_paths: paths.collect(),
        config_digest: 7,
        hold: None,
        holding: None,
    }
    .write()
}

fn recorder() -> Recorder {
    let mut recorder = Recorder::new(START, ft_config(&config(Side::B)));
    recorder.handle_input(START, FtInput::Established { unit: UnitId(1), software: "1".into() });
    recorder
}

fn drain(recorder: &mut Recorder) -> usize {
    std::iter::from_fn(|| recorder.poll_output()).count()
}

fn hear(recorder: &mut Recorder, now: Instant, number: u64, body: &[u8]) {
    recorder.handle_input(now, FtInput::Beat { path: path(number), body });
}

#[test]
fn a_flood_makes_no_record_longer_than_its_bounds() {
    let mut recorder = recorder();
    let mut now = START;
    for seq in 1..40_000 {
        now = now + Duration::from_nanos(50);
        hear(&mut recorder, now, FT_VLAN, &beat(seq, 100));
        drain(&mut recorder);
    }
    recorder.handle_input(now, FtInput::Handover(HandoverCause::Operator));
    let story = recorder.poll_story().expect("the role, and a refusal");
    assert_replays(&story);
    let story = std::iter::from_fn(|| recorder.poll_story()).last().expect("a refusal");
    let recording = story.recording();
    assert!(recording.len() > 100 && recording.len() <= 2 * MAX_STEPS);
    let octets: usize = recording.bodies.iter().map(|body| body.0.len()).sum();
    assert!(octets > MAX_OCTETS && octets <= 2 * MAX_OCTETS + 4_096, "{octets}");
    assert_replays(&story);
}

#[test]
fn a_heartbeat_over_several_paths_is_kept_once() {
    let mut recorder = recorder();
    for seq in 1..20 {
        let body = beat(seq, 3);
        for vlan in [FT_VLAN, SECOND_VLAN, 3] {
            hear(&mut recorder, START + ms(seq), vlan, &body);
        }
    }
    recorder.handle_input(START + ms(20), FtInput::Handover(HandoverCause::Operator));
    let story = std::iter::from_fn(|| recorder.poll_story()).last().expect("a refusal");
    let recording = story.recording();
    let beats = recording.steps.iter().filter(|step| matches!(step.told, Told::Beat { .. }));
    assert_eq!((beats.count(), recording.bodies.len()), (57, 19));
}
