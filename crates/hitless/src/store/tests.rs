//! Changes with a chassis that says yes or no, and real files.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;

use super::opening::open;
use super::shelf::{ARCHIVED, Shelf};
use super::wish::{No, Wish};
use super::{Change, ChangeError, Store};

/// A state directory that goes with the test.
struct Place(PathBuf);

impl Place {
    fn new(test: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("hitless-store-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn shelf(&self) -> Shelf {
        Shelf::new(&self.0, None)
    }

    /// A store whose chassis takes everything that has no VLAN 666, and notes what it took.
    fn store(&self) -> (Arc<Store>, Arc<Mutex<Vec<usize>>>) {
        let (wishes, mut asked) = mpsc::channel::<Wish>(1);
        let store = Store::start(self.shelf(), open(&self.shelf(), true).unwrap(), wishes);
        let taken = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&taken);
        tokio::spawn(async move {
            while let Some(Wish { configuration, trial, answer }) = asked.recv().await {
                let bad = configuration.vlans.iter().any(|vlan| vlan.get() == 666);
                let no = || No { why: "VLAN 666".to_owned(), words: vec!["666".to_owned()] };
                let said = if bad { Err(no()) } else { Ok(Vec::new()) };
                if said.is_ok() && !trial {
                    notes.lock().unwrap().push(configuration.vlans.len());
                }
                let _asker_gone = answer.send(said);
            }
        });
        (store, taken)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_dir_all(&self.0);
    }
}

fn lines(text: &str) -> Change {
    Change::Merge(text.to_owned())
}

async fn name(store: &Arc<Store>, name: &str, by: &str) -> u64 {
    let text = format!("hostname {name}\n");
    store.change(Change::Replace(text), None, by.to_owned()).await.unwrap().revision
}

fn hostname(store: &Store) -> Option<String> {
    store.running().configuration.hostname.clone()
}

#[tokio::test]
async fn a_change_is_told_kept_and_numbered_and_the_same_again_is_none() {
    let place = Place::new("change");
    let (store, taken) = place.store();
    let revisions = store.subscribe();
    let first = store.running().revision;
    let applied = store.change(lines("vlan 2"), Some(first), "a".to_owned()).await.unwrap();
    assert_eq!((applied.revision, applied.difference), (first + 1, vec!["+vlan 2".to_owned()]));
    assert_eq!(*revisions.borrow(), first + 1);
    let again = store.change(lines("vlan 2"), None, "b".to_owned()).await.unwrap();
    assert_eq!((again.revision, again.difference), (first + 1, vec![]));
    assert_eq!(*taken.lock().unwrap(), [1]);
    drop(store);
    let opening = open(&place.shelf(), true).unwrap();
    assert_eq!(opening.configuration.vlans.len(), 1);
    assert_eq!(opening.label.unwrap().by, "a");
}

#[tokio::test]
async fn the_second_of_two_who_change_the_same_is_told_who_was_first() {
    let place = Place::new("conflict");
    let (store, _) = place.store();
    let both = store.running().revision;
    let one = store.change(lines("vlan 2"), Some(both), "one".to_owned());
    let other = store.change(lines("vlan 3"), Some(both), "other".to_owned());
    let (one, other) = tokio::join!(one, other);
    assert!(one.is_ok());
    let Err(ChangeError::Conflict { now, by, at_unix_ms }) = other else { panic!("{other:?}") };
    assert_eq!((now, by.as_str()), (both + 1, "one"));
    assert!(at_unix_ms > 1_600_000_000_000);
}

#[tokio::test]
async fn what_the_chassis_refuses_is_refused_at_its_line_and_nothing_is_kept() {
    let place = Place::new("refuse");
    let (store, taken) = place.store();
    let before = (store.running(), store.archive(), std::fs::read(place.0.join("running-config")));
    let change = lines("hostname x\nvlan 2\nvlan 666\nvlan 3");
    let error = store.change(change.clone(), None, "a".to_owned()).await.unwrap_err();
    assert_eq!(error, ChangeError::Refused { why: "VLAN 666".to_owned(), line: Some(3) });
    assert_eq!(store.validate(change).await.unwrap_err(), error);
    let wrong = store.change(lines("vlan 2\nvlam 3"), None, "a".to_owned()).await.unwrap_err();
    let ChangeError::Lines(diagnostics) = &wrong else { panic!("{wrong:?}") };
    assert_eq!(diagnostics[0].line, Some(2));
    let after = (store.running(), store.archive(), std::fs::read(place.0.join("running-config")));
    assert_eq!((before.0, before.1, before.2.unwrap()), (after.0, after.1, after.2.unwrap()));
    assert!(taken.lock().unwrap().is_empty());
    assert!(!place.0.join("running-config.new").exists());
}

#[tokio::test]
async fn the_archive_has_the_newest_and_any_of_them_comes_back() {
    let place = Place::new("archive");
    let (store, _) = place.store();
    for number in 0..20 {
        name(&store, &format!("box{number}"), "a").await;
    }
    let entries = store.archive();
    assert_eq!(entries.len(), ARCHIVED);
    assert!(entries[0].running && entries[0].revision == store.running().revision);
    let oldest = entries.last().unwrap().revision;
    assert_eq!(store.archived(oldest).unwrap().hostname.as_deref(), Some("box6"));
    store.rollback(oldest, "b".to_owned()).await.unwrap();
    assert_eq!(hostname(&store).as_deref(), Some("box6"));
    assert!(store.rollback(oldest - 1, "b".to_owned()).await.is_err());
    let mode = |file: &Path| std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
    for entry in std::fs::read_dir(place.0.join("archive")).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    assert_eq!(mode(&place.0.join("running-config")), 0o600);
}

#[tokio::test]
async fn lines_that_are_pasted_are_one_entry_of_the_archive() {
    let place = Place::new("sitting");
    let (store, _) = place.store();
    name(&store, "before", "a").await;
    for number in 2..40 {
        store.change(lines(&format!("vlan {number}")), None, "a".to_owned()).await.unwrap();
    }
    let entries = store.archive();
    // The empty one that was begun with, the one before, and the one that was pasted.
    assert_eq!(entries.len(), 3, "{entries:?}");
    store.rollback(entries[1].revision, "a".to_owned()).await.unwrap();
    assert!(store.running().configuration.vlans.is_empty());
}

#[tokio::test]
async fn what_is_saved_is_what_a_daemon_begins_with() {
    let place = Place::new("save");
    let (store, _) = place.store();
    assert_eq!(store.startup().unwrap(), None);
    name(&store, "saved", "a").await;
    store.save().await.unwrap();
    name(&store, "later", "a").await;
    assert_eq!(store.startup().unwrap().unwrap().hostname.as_deref(), Some("saved"));
    let begins = |runs| open(&place.shelf(), runs).unwrap().configuration.hostname.unwrap();
    assert_eq!((begins(false), begins(true)), ("saved".to_owned(), "later".to_owned()));
    // Who edits the file wants it in force.
    std::fs::write(place.0.join("startup-config"), "hostname edited\n").unwrap();
    assert_eq!(begins(true), "edited");
}

#[tokio::test]
async fn an_unconfirmed_change_goes_back_and_a_confirmed_one_stays() {
    let place = Place::new("revert");
    let (store, _) = place.store();
    name(&store, "before", "a").await;
    store.revert_in(Duration::from_millis(300), "a".to_owned()).await.unwrap();
    assert!(store.save().await.unwrap_err().contains("confirm"));
    let mut revisions = store.subscribe();
    name(&store, "fleeting", "a").await;
    revisions.mark_unchanged();
    tokio::time::timeout(Duration::from_secs(20), revisions.changed()).await.unwrap().unwrap();
    assert_eq!(hostname(&store).as_deref(), Some("before"));
    assert_eq!(store.pending_revert(), None);

    store.revert_in(Duration::from_hours(1), "a".to_owned()).await.unwrap();
    name(&store, "stays", "a").await;
    store.confirm().await.unwrap();
    assert_eq!(store.pending_revert(), None);
    assert!(store.confirm().await.is_err());
    assert_eq!(hostname(&store).as_deref(), Some("stays"));
}

#[tokio::test]
async fn the_one_to_go_back_to_is_kept_however_many_follow_and_over_a_restart() {
    let place = Place::new("pinned");
    let (store, _) = place.store();
    name(&store, "before", "a").await;
    store.revert_in(Duration::from_hours(1), "a".to_owned()).await.unwrap();
    for number in 0..20 {
        name(&store, &format!("box{number}"), "a").await;
    }
    let pending = store.pending_revert().unwrap();
    assert_eq!(store.archived(pending.revision).unwrap().hostname.as_deref(), Some("before"));
    drop(store);
    let (next, _) = place.store();
    assert_eq!(next.pending_revert().unwrap().revision, pending.revision);
    assert_eq!(hostname(&next).as_deref(), Some("box19"));
}

#[tokio::test]
async fn a_damaged_checkpoint_is_no_configuration() {
    let place = Place::new("damaged");
    let (store, _) = place.store();
    name(&store, "saved", "a").await;
    store.save().await.unwrap();
    name(&store, "later", "a").await;
    let file = place.0.join("running-config");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, &text[..text.len() - 3]).unwrap();
    let opening = open(&place.shelf(), true).unwrap();
    assert_eq!(opening.configuration.hostname.as_deref(), Some("saved"));
    assert!(opening.revision >= store.running().revision, "revisions are not given out twice");
}

#[test]
fn a_startup_configuration_that_was_named_has_to_be_there() {
    let place = Place::new("named");
    let shelf = Shelf::new(&place.0, Some(&place.0.join("given.conf")));
    let error = open(&shelf, false).unwrap_err();
    assert!(error.contains("given.conf: No such file"), "{error}");
    assert_eq!(
        open(&place.shelf(), false).unwrap().configuration,
        hitless_config::Configuration::default()
    );
}

/// A file system with room for little.
fn tiny(place: &Place) -> PathBuf {
    use rustix::mount::{MountFlags, mount};
    let folder = place.0.join("tiny");
    std::fs::create_dir_all(&folder).unwrap();
    mount("tiny", &folder, "tmpfs", MountFlags::empty(), c"size=64k,mode=0700").unwrap();
    folder
}

struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _gone_already = rustix::mount::unmount(&self.0, rustix::mount::UnmountFlags::DETACH);
    }
}

#[tokio::test]
async fn a_full_disk_refuses_a_change_and_loses_nothing() {
    assert!(rustix::process::geteuid().is_root(), "this test mounts a file system: run it as root");
    let place = Place::new("full");
    let folder = tiny(&place);
    let _mounted = Mounted(folder.clone());
    let inner = Place(folder.clone());
    let (store, taken) = inner.store();
    name(&store, "before", "a").await;
    store.save().await.unwrap();
    let files = || {
        let read = |file: &str| std::fs::read(folder.join(file)).unwrap();
        (read("running-config"), read("startup-config"))
    };
    let (before, asked) = (files(), taken.lock().unwrap().len());
    let rest = std::fs::write(folder.join("rest"), vec![0; 1 << 20]);
    assert!(rest.is_err(), "the disk is full by now");
    let change = Change::Replace("hostname after\n".to_owned());
    let error = store.change(change, None, "a".to_owned()).await.unwrap_err().to_string();
    assert!(error.contains("running-config: No space left on device"), "{error}");
    let error = store.save().await.unwrap_err();
    assert!(error.contains("startup-config: No space left on device"), "{error}");
    assert_eq!(files(), before);
    assert_eq!(taken.lock().unwrap().len(), asked, "nobody was asked");
    assert_eq!(hostname(&store).as_deref(), Some("before"));
    std::fs::remove_file(folder.join("rest")).unwrap();
    name(&store, "after", "a").await;
    assert_eq!(hostname(&store).as_deref(), Some("after"));
}
