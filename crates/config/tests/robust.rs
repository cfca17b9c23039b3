//! Whatever is typed or pasted: no panic, an answer within a bounded time, and an error that says so.
//!
//! What a fuzzer would feed is generated here, octets and lines of known words, so that it runs with
//! the other tests and on the toolchain of the project. Inputs that are worth keeping are in
//! `tests/corpus` and are fed each time: what a longer run finds goes there
//! (`PROPTEST_CASES=1000000 cargo test -p hitless-config --test robust`).

use std::path::Path;
use std::time::{Duration, Instant};

use hitless_config::session::{EditSession, Step};
use hitless_config::{Configuration, Mode, Privilege, candidates, merge, parse, parse_exec};
use proptest::collection::vec;
use proptest::prelude::*;

/// Far more than anything takes, far less than what looks like a standstill.
const LONGEST: Duration = Duration::from_secs(5);

/// Feeds a text to everything that reads text, line by line and key by key.
fn feed(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let _ = parse(&text, "fed");
    let _ = merge(&Configuration::default(), &text, "fed");
    let mut administrator = EditSession::new(Privilege::Administrator);
    let mut reader = EditSession::new(Privilege::Reader);
    for line in text.split('\n') {
        type_line(&mut administrator, line);
        type_line(&mut reader, line);
        if let Err(bad) = parse_exec(line) {
            assert!(bad.to_string().contains("% "), "{bad}");
        }
    }
    assert!(reader.prompt("box").ends_with('>'), "who may only look changes nothing");
}

fn type_line(session: &mut EditSession, line: &str) {
    // As many places as a person would ask at; a line may have thousands of characters.
    let places = line.char_indices().map(|(place, _)| place);
    let stride = line.len() / 40 + 1;
    for place in places.step_by(stride).chain([line.len()]) {
        let typed = &line[..place];
        assert!(session.help(typed).ends_with('\n'));
        let begun = typed.rsplit(char::is_whitespace).next().unwrap_or_default().to_lowercase();
        for word in session.complete(typed) {
            let is_glued = begun.contains(['|', '(', '#', '>']);
            assert!(is_glued || word.to_lowercase().starts_with(&begun), "{typed:.99?} {word}");
        }
    }
    let mode = session.mode();
    if let Step::Error(bad) = session.line(line) {
        let is_kept = session.mode() == mode || line.ends_with('\u{1a}');
        assert!(is_kept, "{line:?} leads from {mode:?} to {:?}", session.mode());
        let text = bad.under_prompt(session.prompt("box").len());
        assert!(text.lines().last().is_some_and(|last| last.starts_with("% ")), "{text}");
    }
}

#[test]
fn the_corpus_is_survived() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files = 0;
    for entry in folder.read_dir().expect("the corpus comes with the project") {
        let path = entry.expect("an entry").path();
        let octets = std::fs::read(&path).expect("a file");
        let begun = Instant::now();
        feed(&octets);
        assert!(begun.elapsed() < LONGEST, "{} took {:?}", path.display(), begun.elapsed());
        files += 1;
    }
    assert!(files >= 10, "only {files} files");
}

#[test]
fn a_million_lines_are_read_in_bounded_time_and_space() {
    let begun = Instant::now();
    let wrong = "no such line\n".repeat(1_000_000);
    let diagnostics = parse(&wrong, "wrong").expect_err("every line is wrong");
    assert!(diagnostics.len() <= 101, "{}", diagnostics.len());
    let last = diagnostics.last().expect("at least one").to_string();
    assert_eq!(last, "wrong: % 999900 more lines are wrong.");
    let right = "hostname a\n".repeat(1_000_000);
    assert!(parse(&right, "right").is_ok());
    assert!(begun.elapsed() < 12 * LONGEST, "{:?}", begun.elapsed());
}

#[test]
fn a_key_is_answered_at_once_in_every_mode() {
    for mode in Mode::ALL {
        let begun = Instant::now();
        let _ = candidates(*mode, "");
        let _ = candidates(*mode, "no ");
        assert!(begun.elapsed() < LONGEST);
    }
}

/// Words of the tree, and some that are none.
fn word() -> impl Strategy<Value = String> {
    let words: Vec<String> = Mode::ALL
        .iter()
        .flat_map(|mode| candidates(*mode, ""))
        .map(|candidate| candidate.label)
        .chain(
            ["5", "2", "10.0.0.1", "255.255.255.0", "all", "csm", "|", "json", "!", "F", "?"]
                .map(str::to_owned),
        )
        .chain(
            ["Router(config)#", "Router#", "client", "server", "group", "\u{1a}"]
                .map(str::to_owned),
        )
        .collect();
    proptest::sample::select(words)
}

proptest! {
    #[test]
    fn any_octets_are_survived(octets in vec(any::<u8>(), 0..300)) {
        feed(&octets);
    }

    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        feed(text.as_bytes());
    }

    #[test]
    fn lines_of_known_words_are_survived(lines in vec(vec(word(), 0..7), 0..12)) {
        let lines: Vec<String> = lines.iter().map(|words| words.join(" ")).collect();
        feed(("conf t\n".to_owned() + &lines.join("\n")).as_bytes());
    }

    #[test]
    fn what_tab_completes_is_no_worse_than_what_was_typed(lines in vec(vec(word(), 1..5), 1..6)) {
        let mut session = EditSession::new(Privilege::Administrator);
        session.line("configure terminal");
        for words in lines {
            let line = words.join(" ");
            for end in line.char_indices().map(|(end, _)| end) {
                let typed = &line[..end];
                if let [word] = session.complete(typed).as_slice() && !typed.contains(['|', '#', '(', '>']) {
                    let begun = typed.rsplit(char::is_whitespace).next().unwrap_or_default();
                    let whole = typed[..typed.len() - begun.len()].to_owned() + word;
                    prop_assert!(session.complete(&whole).contains(word), "{typed:?} {whole:?}");
                }
            }
            session.line(&line);
        }
    }
}
