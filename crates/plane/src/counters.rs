//! The programs' counters, summed over the processors.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use hitless_model::Counter;
use hitless_model::abi::map;
use zerocopy::IntoBytes;

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
        let failed = |error| Error::io("open pinned map", map::COUNTERS, error);
        let map = sys::open_pinned(&pins.join(map::COUNTERS)).map_err(failed)?;
        let facts = sys::map_facts(map.as_fd()).map_err(failed)?;
        for (property, found, expected) in [
            ("key size", facts.key_size, 4),
            ("value size", facts.value_size, 8),
            ("room for", facts.max_entries, Counter::COUNT),
        ] {
            if found != expected {
                let map = map::COUNTERS.to_owned();
                return Err(Error::Mismatch { map, property, found, expected });
            }
        }
        let processors = aya::util::nr_cpus()
            .map_err(|(file, error)| Error::io("read", file.to_owned(), error))?;
        Ok(Self { map, processors })
    }

    /// The sum of one counter.
    pub fn get(&self, counter: Counter) -> Result<u64> {
        let mut values = vec![0_u64; self.processors];
        let index = counter as u32;
        sys::lookup(self.map.as_fd(), index.as_bytes(), values.as_mut_bytes())
            .map_err(|error| Error::io("read map", map::COUNTERS, error))?;
        Ok(values.iter().copied().fold(0, u64::wrapping_add))
    }

    /// The sums of all counters.
    pub fn all(&self) -> Result<BTreeMap<Counter, u64>> {
        Counter::ALL.iter().map(|counter| Ok((*counter, self.get(*counter)?))).collect()
    }
}
