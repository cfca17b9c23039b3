//! How long it takes until the peer's table holds a connection.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use aya::maps::{Array, HashMap, Map, MapData, MapError};
use hitless_model::abi::{Conn, FlowKey, TableUse, map};
use zerocopy::{FromBytes, IntoBytes};

/// Octets of a key and of an entry.
const KEY: usize = size_of::<FlowKey>();
const ENTRY: usize = size_of::<Conn>();
const USE: usize = size_of::<TableUse>();
/// A connection that does not appear within this time was lost before it was one, or is never told.
const PATIENCE: Duration = Duration::from_millis(500);
/// Pause between two looks.
const GLANCE: Duration = Duration::from_micros(20);

/// A table of connections that can be asked for one.
pub(super) trait Lookup: Send {
    /// Whether it holds this one.
    fn has(&mut self, key: &FlowKey) -> Result<bool>;
}

/// The established connections of one box, from the client's side.
pub(super) struct Table(HashMap<MapData, [u8; KEY], [u8; ENTRY]>);

impl Table {
    pub(super) fn open(pins: &Path) -> Result<Self> {
        Ok(Self(HashMap::try_from(pinned(pins, map::CONN_FWD)?).context("pinned table")?))
    }
}

impl Lookup for Table {
    fn has(&mut self, key: &FlowKey) -> Result<bool> {
        let mut octets = [0; KEY];
        octets.copy_from_slice(key.as_bytes());
        match self.0.get(&octets, 0) {
            Ok(_) => Ok(true),
            Err(MapError::KeyNotFound) => Ok(false),
            Err(error) => Err(error).context("pinned table"),
        }
    }
}

/// Established connections of a box: what the programs and the daemon have made, less what they have removed.
pub(super) fn entries(pins: &Path) -> Result<u64> {
    let count = |name| -> Result<u64> {
        let all: Array<MapData, [u8; USE]> = Array::try_from(pinned(pins, name)?)?;
        let octets = all.get(&0, 0).context("pinned table")?;
        let usage = TableUse::read_from_bytes(&octets).ok().context("pinned table")?;
        Ok(usage.made.wrapping_sub(usage.removed))
    };
    Ok(count(map::USE_BPF)?.wrapping_add(count(map::USE_USER)?))
}

fn pinned(pins: &Path, name: &str) -> Result<Map> {
    let data = MapData::from_pin(pins.join(name)).context("pinned table")?;
    Map::from_map_data(data).context("pinned table")
}

/// A thread that looks for connections in the peer's table, one at a time.
pub(super) struct Watch {
    wanted: SyncSender<(FlowKey, Instant)>,
    found: JoinHandle<Vec<Option<Duration>>>,
}

impl Watch {
    pub(super) fn start(mut peer: Box<dyn Lookup>) -> Self {
        let (wanted, waiting) = sync_channel(0);
        let found = std::thread::spawn(move || watch(peer.as_mut(), &waiting));
        Self { wanted, found }
    }

    /// Looks for a connection that was established just now, unless it is still busy with another one.
    pub(super) fn look_for(&self, key: FlowKey) {
        let _is_busy = self.wanted.try_send((key, Instant::now()));
    }

    /// How long each took; nothing for those that never came.
    pub(super) fn finish(self) -> Vec<Option<Duration>> {
        drop(self.wanted);
        self.found.join().unwrap_or_default()
    }
}

fn watch(peer: &mut dyn Lookup, wanted: &Receiver<(FlowKey, Instant)>) -> Vec<Option<Duration>> {
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
