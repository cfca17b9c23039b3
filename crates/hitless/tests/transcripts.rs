//! Golden transcripts: what a person sees at a terminal, prompts, keys and all.
//!
//! Each file in `transcripts/` is the screen after somebody typed what stands behind its prompts; a
//! line that ends with `?` was not followed by Enter. With `HITLESS_BLESS` set the files are written
//! anew, to be read before they are committed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod person;
mod place;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use person::Person;
use place::in_own_namespace;

/// Rows enough for any transcript: nothing is to scroll away.
const ROWS: u16 = 1000;
const COLUMNS: u16 = 132;

macro_rules! transcripts {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            is_as_written(stringify!($name));
        })*
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

transcripts!(configure, errors, exec, help, ranges, refusals, vlan_database);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts")
}

#[test]
fn every_transcript_is_played() {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let stems = files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned());
    let names = NAMES.iter().map(|name| (*name).to_owned());
    assert_eq!(stems.collect::<BTreeSet<_>>(), names.collect::<BTreeSet<_>>());
}

/// Where the typed part of a row begins: behind `Router#`, `Router>`, `Router(config)#`.
fn behind_prompt(row: &str) -> Option<usize> {
    let end = row.find(['#', '>'])?;
    let (name, mode) = row[..end].split_once('(').unwrap_or((&row[..end], ")"));
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    (is_name && mode.ends_with(')')).then_some(end + 1)
}

fn is_as_written(name: &str) {
    let file = folder().join(format!("{name}.txt"));
    let written = std::fs::read_to_string(&file).unwrap();
    in_own_namespace(name, |mut place| {
        place.wire();
        place.start();
        let mut person = Person::new(&place.folder.join("hitless.sock"), ROWS, COLUMNS);
        person.cursor_behind("chasA#");
        let mut rows: Vec<&str> =
            written.lines().filter(|row| behind_prompt(row).is_some()).collect();
        // The prompt that was there in the end.
        rows.pop_if(|row| is_prompt(row));
        for row in ["chasA#terminal length 0"].into_iter().chain(rows) {
            play(&mut person, row);
        }
        let seen = person.screen();
        let seen: Vec<_> = seen.iter().skip(1).map(|row| format!("{row}\n")).collect();
        let seen = seen.concat();
        if std::env::var_os("HITLESS_BLESS").is_some() {
            std::fs::write(&file, &seen).unwrap();
        } else {
            assert_eq!(seen, written, "{}", difference(&written, &seen));
        }
    });
}

/// Types what is missing to make the row at the cursor this one.
fn play(person: &mut Person, row: &str) {
    let begun = person.at_cursor();
    let rest = row.strip_prefix(&begun).or_else(|| (row == begun.trim_end()).then_some(""));
    // The prompt may have changed since the file was written: then the comparison tells.
    let typed = rest.or_else(|| behind_prompt(row).map(|at| &row[at..])).unwrap();
    let before = person.row();
    if let Some(asked) = typed.strip_suffix('?') {
        person.types(typed);
        person.further_down(before, |at| at == begun.clone() + asked);
    } else {
        person.types(&format!("{typed}\r"));
        person.further_down(before, is_prompt);
    }
}

fn is_prompt(row: &str) -> bool {
    behind_prompt(row) == Some(row.len())
}

/// The first rows that differ.
fn difference(written: &str, seen: &str) -> String {
    let rows = written.lines().zip(seen.lines()).enumerate();
    let first = rows.into_iter().find(|(_, (a, b))| a != b);
    first.map_or("one goes on longer".to_owned(), |(row, (a, b))| {
        format!("row {}:\nwritten {a:?}\nseen    {b:?}", row + 1)
    })
}
