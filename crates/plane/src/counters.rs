//! The programs' counters, summed over the processors.

use std::collections::BTreeMap;
use std::mem::size_of;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use hitless_model::Counter;
use hitless_model::abi::{Local, map};
use zerocopy::{FromZeros, IntoBytes};

use crate::error::{Error, Result};
use crate::sys;

/// Reads the counters.
#[derive(Debug)]
pub struct CounterReader {
    map: OwnedFd,
    processors: usize,
}

impl CounterReader {
    /// Opens the counters pinned in `pins`; works on another process's data plane.
    pub fn open(pins: &Path) -> Result<Self> {
        let failed = |error| Error::io("open pinned map", map::LOCAL, error);
        let map = sys::open_pinned(&pins.join(map::LOCAL)).map_err(failed)?;
        let facts = sys::map_facts(map.as_fd()).map_err(failed)?;
        let value_size = u32::try_from(size_of::<Local>()).unwrap_or(u32::MAX);
        for (property, found, expected) in [
            ("key size", facts.key_size, 4),
            ("value size", facts.value_size, value_size),
            ("room for", facts.max_entries, 1),
        ] {
            if found != expected {
                let map = map::LOCAL.to_owned();
                return Err(Error::Mismatch { map, property, found, expected });
            }
        }
        let processors = aya::util::nr_cpus()
            .map_err(|(file, error)| Error::io("read", file.to_owned(), error))?;
        Ok(Self { map, processors })
    }

    /// The sum of one counter.
    pub fn get(&self, counter: Counter) -> Result<u64> {
        Ok(sum(&self.read()?, counter))
    }

    /// The sums of all counters.
    pub fn all(&self) -> Result<BTreeMap<Counter, u64>> {
        let shares = self.read()?;
        Ok(Counter::ALL.iter().map(|counter| (*counter, sum(&shares, *counter))).collect())
    }

    /// The share of every processor.
    fn read(&self) -> Result<Vec<Local>> {
        let mut shares = vec![Local::new_zeroed(); self.processors];
        sys::lookup(self.map.as_fd(), 0_u32.as_bytes(), shares.as_mut_bytes())
            .map_err(|error| Error::io("read map", map::LOCAL, error))?;
        Ok(shares)
    }
}

fn sum(shares: &[Local], counter: Counter) -> u64 {
    let counts = shares.iter().filter_map(|share| share.counters.get(counter as usize));
    counts.copied().fold(0, u64::wrapping_add)
}
