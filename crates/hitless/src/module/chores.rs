//! Work of the core thread that may wait or block: logging, the file with the epoch, and passing on
//! what netlink and the [`history`](super::history) have to know.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;

use hitless_core::node::{Decision, Event, Story};
use hitless_model::{Epoch, Mac, Slot, VlanId};
use tokio::sync::mpsc;

pub(crate) use super::history::Record;
use super::messages::{self, Message, Severity};
use crate::log::News;

/// Chores that may wait: far more than one turn of the core thread makes.
pub(crate) const WAITING: usize = 4_096;

/// One chore.
#[derive(Debug)]
pub(crate) enum Chore {
    /// Log it.
    Event(Event),
    /// Log how many frames were dropped, by reason.
    Rejected(BTreeMap<String, u64>),
    /// Log it.
    Decision(Decision),
    /// Keep it.
    Story(Box<Story>),
    /// Store it.
    Epoch(Epoch),
    /// The peer's MAC on a VLAN.
    Neighbour(VlanId, Mac),
}

/// Does chores of one module. What is stored and what is logged have a thread each: a log that
/// nobody reads must not keep an epoch from the disk.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) slot: Slot,
    pub(crate) epoch_file: PathBuf,
    pub(crate) record: Record,
    pub(crate) neighbours: mpsc::UnboundedSender<(VlanId, Mac)>,
}

impl Worker {
    /// Works until the core thread has ended.
    pub(crate) fn run(self, chores: &Receiver<Chore>) {
        for chore in chores {
            self.carry_out(chore);
        }
    }

    fn carry_out(&self, chore: Chore) {
        match chore {
            Chore::Event(event) => {
                if let Some(message) = messages::of_event(self.slot, &event) {
                    log(&message);
                }
            }
            Chore::Rejected(counts) => {
                for (reason, count) in counts {
                    log(&messages::of_rejections(self.slot, &reason, count));
                }
            }
            Chore::Decision(decision) => {
                messages::of_decision(self.slot, &decision).iter().for_each(log);
                let Decision { from, to, epoch, reason, .. } = decision;
                crate::log::feed().publish(News::Role { from, to, epoch, reason });
            }
            Chore::Story(story) => self.record.keep(story),
            Chore::Epoch(epoch) => {
                if let Err(error) = store_epoch(&self.epoch_file, epoch) {
                    tracing::error!("{}: {error}", self.epoch_file.display());
                }
            }
            Chore::Neighbour(vlan, mac) => {
                // The netlink task ends only with the process.
                let _leaving = self.neighbours.send((vlan, mac));
            }
        }
    }
}

fn log(message: &Message) {
    match message.severity {
        Severity::Error => tracing::error!("{}", message.text),
        Severity::Warning => tracing::warn!("{}", message.text),
        Severity::Info => tracing::info!("{}", message.text),
    }
}

/// The epoch on stable storage; zero for a box that never had one.
pub(crate) fn load_epoch(file: &Path) -> std::io::Result<Epoch> {
    match std::fs::read_to_string(file) {
        Ok(text) => text.trim().parse().map(Epoch).map_err(std::io::Error::other),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Epoch::default()),
        Err(error) => Err(error),
    }
}

/// Replaces the file as a whole: a power cut leaves the old epoch or the new one.
fn store_epoch(file: &Path, epoch: Epoch) -> std::io::Result<()> {
    let fresh = file.with_extension("epoch.new");
    let mut handle = std::fs::File::create(&fresh)?;
    writeln!(handle, "{epoch}")?;
    handle.sync_all()?;
    std::fs::rename(&fresh, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_survives_and_a_missing_file_is_zero() {
        let folder = std::env::temp_dir().join(format!("hitless-epoch-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("module-5.epoch");
        assert_eq!(load_epoch(&file).unwrap(), Epoch(0));
        store_epoch(&file, Epoch(41)).unwrap();
        store_epoch(&file, Epoch(42)).unwrap();
        assert_eq!(load_epoch(&file).unwrap(), Epoch(42));
        std::fs::write(&file, "x").unwrap();
        assert!(load_epoch(&file).is_err(), "a damaged file is said, not taken for zero");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
