//! The history of a module: its newest decisions with their records, in memory and in a file of the
//! state directory, so that they outlive the process.
//!
//! The file has a line of JSON for each decision. New ones are appended; when there are twice as
//! many as are kept, the file is replaced as a whole. A line that cannot be read (power was lost
//! while it was written) is skipped, and said. A thread of its own writes, because it waits for the
//! disk; it is the only one that touches the file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use hitless_core::node::{FORMAT, Story};

use super::clock;
use crate::api::types::{DatedDecision, FtHistory, KeptDecision, KeptStory};

/// Decisions that are kept.
const DECISIONS: usize = 64;
/// Octets of records that are kept; the oldest are given up first, their decisions stay.
const OCTETS: usize = 4 << 20;
/// Stories that may wait for the disk.
const WAITING: usize = 64;
/// A longer file is none of ours: twice as much as is ever written.
const LONGEST_FILE: u64 = 4 * OCTETS as u64;

/// The newest decisions, oldest first; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    kept: Arc<Mutex<VecDeque<KeptDecision>>>,
    stories: SyncSender<Box<Story>>,
}

impl Record {
    /// The record that goes on with what `file` holds. It is read in the background: who starts a
    /// module has no time for it.
    pub(crate) fn open(file: PathBuf) -> Self {
        let (stories, waiting) = sync_channel(WAITING);
        let record = Self { kept: Arc::default(), stories };
        let mut keeper = Keeper { file, kept: Arc::clone(&record.kept), lines: 0 };
        let thread = thread::Builder::new().name("record".into());
        if let Err(error) = thread.spawn(move || keeper.run(&waiting)) {
            tracing::error!("no thread to keep the history: {error}");
        }
        record
    }

    /// The decisions without their records.
    pub(crate) fn list(&self) -> Vec<DatedDecision> {
        let dated = |kept: &KeptDecision| DatedDecision {
            unix_ms: kept.unix_ms,
            decision: kept.decision.clone(),
        };
        locked(&self.kept).iter().map(dated).collect()
    }

    /// Everything.
    pub(crate) fn export(&self) -> FtHistory {
        FtHistory { format: FORMAT, decisions: locked(&self.kept).iter().cloned().collect() }
    }

    /// Keeps one more, soon.
    pub(crate) fn keep(&self, story: Box<Story>) {
        if self.stories.try_send(story).is_err() {
            tracing::warn!("the disk is too slow for the history: a decision is missing there");
        }
    }
}

fn locked(kept: &Mutex<VecDeque<KeptDecision>>) -> MutexGuard<'_, VecDeque<KeptDecision>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The one who writes the file.
struct Keeper {
    file: PathBuf,
    kept: Arc<Mutex<VecDeque<KeptDecision>>>,
    /// Lines in the file.
    lines: usize,
}

impl Keeper {
    fn run(&mut self, stories: &Receiver<Box<Story>>) {
        if let Err(error) = self.load() {
            tracing::error!("{}: {error}", self.file.display());
        }
        for story in stories {
            let kept = keep(&story);
            if let Err(error) = self.add(kept) {
                tracing::error!("{}: {error}", self.file.display());
            }
        }
    }

    /// Reads the file; if anything in it is not to be kept, it is written anew.
    fn load(&mut self) -> io::Result<()> {
        let text = match read(&self.file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            text => text?,
        };
        let lines = text.split(|octet| *octet == b'\n').filter(|line| !line.is_empty());
        let (mut damaged, mut decisions) = (0, VecDeque::new());
        for line in lines {
            match serde_json::from_slice(line) {
                Ok(kept) => decisions.push_back(kept),
                Err(_) => damaged += 1,
            }
        }
        self.lines = decisions.len();
        trim(&mut decisions);
        *locked(&self.kept) = decisions;
        if damaged > 0 {
            let name = self.file.display();
            tracing::warn!("{name}: {damaged} decisions cannot be read, and are left out");
            self.replace()?;
        }
        Ok(())
    }

    fn add(&mut self, kept: KeptDecision) -> io::Result<()> {
        let line = line(&kept)?;
        let mut decisions = locked(&self.kept);
        decisions.push_back(kept);
        trim(&mut decisions);
        drop(decisions);
        if self.lines >= 2 * DECISIONS {
            return self.replace();
        }
        let mut file = File::options().create(true).append(true).open(&self.file)?;
        file.write_all(&line)?;
        self.lines += 1;
        file.sync_data()
    }

    /// Replaces the file as a whole: a power cut leaves the old one or the new one.
    fn replace(&mut self) -> io::Result<()> {
        let decisions = locked(&self.kept).clone();
        let fresh = self.file.with_extension("history.new");
        let mut file = File::create(&fresh)?;
        for kept in &decisions {
            file.write_all(&line(kept)?)?;
        }
        file.sync_all()?;
        std::fs::rename(&fresh, &self.file)?;
        self.lines = decisions.len();
        Ok(())
    }
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    if std::fs::metadata(file)?.len() > LONGEST_FILE {
        return Err(io::Error::new(ErrorKind::FileTooLarge, "too long for a history"));
    }
    std::fs::read(file)
}

fn line(kept: &KeptDecision) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(kept)?;
    line.push(b'\n');
    Ok(line)
}

/// Writes a story down. Its time of day is reckoned back from now: it has waited for its turn.
fn keep(story: &Story) -> KeptDecision {
    let decision = story.decision().clone();
    let ago = clock::now().saturating_since(decision.at).as_millis();
    let unix_ms = clock::unix_ms().saturating_sub(u64::try_from(ago).unwrap_or(0));
    let release = env!("CARGO_PKG_VERSION").to_owned();
    // What cannot be written as JSON is no record; the decision stands by itself.
    let story = KeptStory::new(&story.recording()).ok();
    KeptDecision { unix_ms, release, decision, story }
}

/// Gives up what is too much.
fn trim(decisions: &mut VecDeque<KeptDecision>) {
    let surplus = decisions.len().saturating_sub(DECISIONS);
    decisions.drain(..surplus);
    let mut octets = 0;
    for kept in decisions.iter_mut().rev() {
        octets += kept.story.as_ref().map_or(0, KeptStory::octets);
        if octets > OCTETS {
            kept.story = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant as WallClock};

    use hitless_core::machine::Machine;
    use hitless_core::node::{Node, NodeConfig, Output, Recording, SplitBrain};
    use hitless_model::{Epoch, GroupId, Instant, Priority, Role, UnitId, VlanId};

    use super::*;

    fn node(now: Instant) -> Node {
        let config = NodeConfig {
            group: GroupId::try_from(90).unwrap(),
            ft_vlan: VlanId::try_from(9).unwrap(),
            unit: UnitId(5),
            priority: Priority::DEFAULT,
            preempt: false,
            heartbeat: Duration::from_millis(10),
            failover: Duration::from_millis(30),
            margin: Duration::from_millis(4),
            key: None,
            accepted_key: None,
            second_paths: Vec::new(),
            own_macs: Vec::new(),
            seed: [5; 32],
            epoch: Epoch(41),
            config_digest: 1,
            software: "0.1.0".to_owned(),
            replicates: false,
            warm: false,
            resume: None,
            held_until: None,
            split_brain: SplitBrain::BothActive,
        };
        Node::new(now, config)
    }

    /// A lone box becomes active.
    fn story() -> Box<Story> {
        let mut now = clock::now();
        let mut node = node(now);
        loop {
            while let Some(output) = node.poll_output() {
                if let Output::Story(story) = output {
                    return story;
                }
            }
            now = node.next_deadline().expect("something is due").at;
            node.handle_deadline(now);
        }
    }

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("hitless-history-{name}-{}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            std::fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn file(&self) -> PathBuf {
            self.0.join("module-5.history")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _gone = std::fs::remove_dir_all(&self.0);
        }
    }

    fn wait_for(record: &Record, count: usize) -> FtHistory {
        let began = WallClock::now();
        while record.export().decisions.len() != count {
            assert!(began.elapsed() < Duration::from_secs(20), "{:?}", record.list());
            thread::sleep(Duration::from_millis(5));
        }
        record.export()
    }

    fn lines(file: &Path) -> usize {
        std::fs::read_to_string(file).unwrap().lines().count()
    }

    fn keeper(file: PathBuf) -> Keeper {
        Keeper { file, kept: Arc::default(), lines: 0 }
    }

    #[test]
    fn decisions_of_earlier_lives_are_kept_and_still_replay() {
        let folder = Folder::new("lives");
        for life in 1..=3 {
            let record = Record::open(folder.file());
            record.keep(story());
            let history = wait_for(&record, life);
            for kept in &history.decisions {
                assert_eq!((kept.decision.to, kept.decision.epoch), (Role::Active, Epoch(42)));
                let text = serde_json::to_string(&kept.story).unwrap();
                let recording: Recording = serde_json::from_str(&text).unwrap();
                let mut player = recording.play().unwrap();
                while player.step().is_some() {}
                assert_eq!(player.machine().role(), Role::Active);
            }
        }
    }

    #[test]
    fn a_damaged_tail_is_left_out_and_does_not_spoil_what_follows() {
        let folder = Folder::new("tail");
        let mut first = keeper(folder.file());
        for _ in 0..3 {
            first.add(keep(&story())).unwrap();
        }
        let whole = std::fs::read(folder.file()).unwrap();
        std::fs::write(folder.file(), &whole[..whole.len() - 100]).unwrap();
        let mut second = keeper(folder.file());
        second.load().unwrap();
        assert_eq!(locked(&second.kept).len(), 2);
        assert_eq!(lines(&folder.file()), 2);
        second.add(keep(&story())).unwrap();
        let mut third = keeper(folder.file());
        third.load().unwrap();
        assert_eq!(locked(&third.kept).len(), 3);
    }

    #[test]
    fn the_file_and_the_answer_are_bounded() {
        let folder = Folder::new("bounded");
        let mut keeper = keeper(folder.file());
        let one = keep(&story());
        for number in 0..300 {
            keeper.add(KeptDecision { unix_ms: number, ..one.clone() }).unwrap();
            assert!(lines(&folder.file()) <= 2 * DECISIONS);
        }
        let times: Vec<_> = locked(&keeper.kept).iter().map(|kept| kept.unix_ms).collect();
        assert_eq!(times, (300 - DECISIONS as u64..300).collect::<Vec<_>>());
    }

    #[test]
    fn long_records_are_given_up_before_decisions_are() {
        let long = KeptStory::new(&"x".repeat(OCTETS / 4)).unwrap();
        let kept = KeptDecision { story: Some(long), ..keep(&story()) };
        let mut decisions: VecDeque<_> = std::iter::repeat_n(kept, 10).collect();
        trim(&mut decisions);
        assert_eq!(decisions.len(), 10);
        let recorded: Vec<_> = decisions.iter().map(|kept| kept.story.is_some()).collect();
        assert_eq!(recorded, [[false; 7].as_slice(), &[true; 3]].concat());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_said_and_not_overwritten() {
        let folder = Folder::new("long");
        let file = File::create(folder.file()).unwrap();
        file.set_len(LONGEST_FILE + 1).unwrap();
        assert!(keeper(folder.file()).load().is_err());
        assert_eq!(file.metadata().unwrap().len(), LONGEST_FILE + 1);
    }
}
