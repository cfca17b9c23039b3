//! Decisions of random pairs, exported and played again.

use hitless_core::node::{FORMAT, History, Kept, Recording, Story};
use hitless_sim::World;
use hitless_sim::plan::draw;
use hitless_sim::replay::{Export, Verdict, judge, read, tell};
use hitless_sim::trace::{Detail, Trace};

/// Enough for every kind of decision; thousands of decisions.
const SEEDS: std::ops::Range<u64> = 0..60;

fn kept(story: &Story) -> Kept<Recording> {
    Kept {
        unix_ms: 1_000_000_000_000,
        release: "sim".to_owned(),
        decision: story.decision().clone(),
        story: Some(story.recording()),
    }
}

/// What a box would export, as text.
fn export_of(seed: u64) -> String {
    let mut world = World::new(draw(seed), Trace::new(Detail::None));
    world.keep_stories();
    world.run();
    let decisions = world.stories().iter().map(kept).collect();
    serde_json::to_string(&History { format: FORMAT, decisions }).expect("JSON")
}

fn story_of(seed: u64) -> Export {
    read(&export_of(seed)).expect("an export")
}

#[test]
fn every_decision_of_random_pairs_replays() {
    let mut played = 0;
    for seed in SEEDS {
        for kept in &story_of(seed).decisions {
            let replay = judge(kept);
            let is_same = matches!(replay.verdict, Verdict::Replays { .. });
            let text = replay.lines.join("\n");
            assert!(is_same, "seed {seed}, {:?}: {:?}\n{text}", kept.decision, replay.verdict);
            played += 1;
        }
    }
    assert!(played > 500, "only {played} decisions");
}

#[test]
fn a_decision_that_was_tampered_with_does_not_replay() {
    let mut export = story_of(1);
    let kept = &mut export.decisions[0];
    kept.decision.reason = "because".to_owned();
    assert!(matches!(judge(kept).verdict, Verdict::Differs(_)));
    assert!(!tell(&mut Vec::new(), &export).unwrap());
}

#[test]
fn the_time_line_tells_what_was_heard_and_ends_with_the_decision() {
    let export = story_of(1);
    let mut out = Vec::new();
    assert!(tell(&mut out, &export).unwrap());
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("hears over vlan 9"), "{text}");
    assert!(text.contains("       0.000 ms  "), "{text}");
    assert!(text.contains("decides: initializing -> "), "{text}");
    let count = export.decisions.len();
    assert!(text.ends_with(&format!("{count} decisions, {count} replayed, 0 failed\n")), "{text}");
}

#[test]
fn a_file_of_another_format_a_damaged_one_and_none_at_all_are_told_apart() {
    let text = export_of(1);
    let why = |text: &str| format!("{:#}", read(text).unwrap_err());
    let other = text.replacen(r#"{"format":1"#, r#"{"format":7"#, 1);
    assert_eq!(why(&other), "the export has format 7; this release reads format 1");
    assert!(why(&text[..text.len() / 2]).contains("not JSON as a whole"));
    assert!(why("[]").contains("not an export"));
    assert!(why("null").contains("no fault-tolerant group"));
}

#[test]
fn a_damaged_record_is_said_and_the_others_are_played() {
    let text = export_of(1);
    let at = text.find(r#""story":{"format":1"#).unwrap();
    let older = text[..at].to_owned() + &text[at..].replacen(":1", ":0", 1);
    let export = read(&older).unwrap();
    let verdict = judge(&export.decisions[0]).verdict;
    assert!(
        matches!(&verdict, Verdict::Unreadable(why) if why.contains("format 0")),
        "{verdict:?}"
    );
    let torn = text.replacen(r#""bodies":["#, r#""bodies":["xyz","#, 1);
    let export = read(&torn).unwrap();
    let verdicts: Vec<_> = export.decisions.iter().map(|kept| judge(kept).verdict).collect();
    assert_eq!(verdicts.iter().filter(|verdict| verdict.is_failure()).count(), 1);
    assert!(!tell(&mut Vec::new(), &export).unwrap());
}

#[test]
fn a_history_without_records_does_not_count_as_replayed() {
    let mut export = story_of(1);
    for kept in &mut export.decisions {
        kept.story = None;
    }
    assert!(!tell(&mut Vec::new(), &export).unwrap());
    export.decisions.clear();
    assert!(tell(&mut Vec::new(), &export).unwrap());
}
