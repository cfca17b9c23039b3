//! How long it takes until the peer's table holds a flow.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use aya::maps::{HashMap, Map, MapData, MapError};
use hitless_model::abi::{Conn, FlowKey, map};
use zerocopy::IntoBytes;

/// Octets of a key and of an entry.
const KEY: usize = size_of::<FlowKey>();
const ENTRY: usize = size_of::<Conn>();
/// A flow that does not appear within this time was lost before it was one.
const PATIENCE: Duration = Duration::from_millis(100);
/// Pause between two looks.
const GLANCE: Duration = Duration::from_micros(20);

/// The established connections of one box, from the client's side.
pub(super) struct Table(HashMap<MapData, [u8; KEY], [u8; ENTRY]>);

impl Table {
    pub(super) fn open(pins: &Path) -> Result<Self> {
        let data = MapData::from_pin(pins.join(map::CONN_FWD)).context("pinned table")?;
        let map = Map::from_map_data(data).context("pinned table")?;
        Ok(Self(HashMap::try_from(map).context("pinned table")?))
    }

    pub(super) fn has(&self, key: &FlowKey) -> Result<bool> {
        let mut octets = [0; KEY];
        octets.copy_from_slice(key.as_bytes());
        match self.0.get(&octets, 0) {
            Ok(_) => Ok(true),
            Err(MapError::KeyNotFound) => Ok(false),
            Err(error) => Err(error).context("pinned table"),
        }
    }

    pub(super) fn is_empty(&self) -> Result<bool> {
        Ok(self.0.keys().next().transpose().context("pinned table")?.is_none())
    }
}

/// A thread that looks for flows in the peer's table, one at a time.
pub(super) struct Watch {
    wanted: SyncSender<(FlowKey, Instant)>,
    found: JoinHandle<Vec<Option<Duration>>>,
}

impl Watch {
    pub(super) fn start(pins: &[std::path::PathBuf]) -> Result<Self> {
        let peer = Table::open(pins.get(1).context("a peer")?)?;
        let (wanted, waiting) = sync_channel(0);
        let found = std::thread::spawn(move || watch(&peer, &waiting));
        Ok(Self { wanted, found })
    }

    /// Looks for a flow that was answered just now, unless it is still busy with another one.
    pub(super) fn look_for(&self, key: FlowKey) {
        let _is_busy = self.wanted.try_send((key, Instant::now()));
    }

    /// How long each took; nothing for those that never came.
    pub(super) fn finish(self) -> Vec<Option<Duration>> {
        drop(self.wanted);
        self.found.join().unwrap_or_default()
    }
}

fn watch(peer: &Table, wanted: &Receiver<(FlowKey, Instant)>) -> Vec<Option<Duration>> {
    let mut found = Vec::new();
    while let Ok((key, since)) = wanted.recv() {
        let lag = loop {
            let elapsed = since.elapsed();
            match peer.has(&key) {
                Ok(true) => break Some(elapsed),
                Ok(false) if elapsed < PATIENCE => std::thread::sleep(GLANCE),
                Ok(false) | Err(_) => break None,
            }
        };
        found.push(lag);
    }
    found
}
