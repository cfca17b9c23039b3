//! Counting connections by virtual server and real, as `show` does.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use hitless_model::{ConnRecord, ConnStage, Instant};

use super::dump::{DumpCursor, PART, Scope, Which};
use super::table::ConnTable;
use crate::endpoint::Endpoint;
use crate::error::Result;

/// Connections by stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not established yet.
    pub embryonic: u64,
    /// Established.
    pub established: u64,
    /// Closed by both sides, or reset.
    pub closing: u64,
}

impl Counts {
    /// Connections that are not over.
    pub fn current(&self) -> u64 {
        self.embryonic + self.established
    }

    fn add(&mut self, stage: ConnStage) {
        match stage {
            ConnStage::Embryonic => self.embryonic += 1,
            ConnStage::Established => self.established += 1,
            ConnStage::Closing => self.closing += 1,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            embryonic: self.embryonic + other.embryonic,
            established: self.established + other.established,
            closing: self.closing + other.closing,
        }
    }
}

/// Connections by virtual server and real.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<(Endpoint, SocketAddrV4), Counts>);

impl Tally {
    /// Counts one.
    pub fn add(&mut self, record: &ConnRecord) {
        let key = (Endpoint::virtual_server_of(&record.key), record.real);
        self.0.entry(key).or_default().add(record.stage());
    }

    /// Connections of a virtual server.
    pub fn of_virtual_server(&self, endpoint: Endpoint) -> Counts {
        self.sum(|server, _| server == endpoint)
    }

    /// Connections that a real carries for one virtual server.
    pub fn of_real(&self, endpoint: Endpoint, real: SocketAddrV4) -> Counts {
        self.0.get(&(endpoint, real)).copied().unwrap_or_default()
    }

    /// All connections.
    pub fn total(&self) -> Counts {
        self.sum(|_, _| true)
    }

    /// Every virtual server and real that has connections.
    pub fn iter(&self) -> impl Iterator<Item = (Endpoint, SocketAddrV4, Counts)> {
        self.0.iter().map(|((endpoint, real), counts)| (*endpoint, *real, *counts))
    }

    fn sum(&self, wanted: impl Fn(Endpoint, SocketAddrV4) -> bool) -> Counts {
        self.iter()
            .filter(|(endpoint, real, _)| wanted(*endpoint, *real))
            .fold(Counts::default(), |sum, (_, _, counts)| sum.plus(counts))
    }
}

impl ConnTable {
    /// Counts the connections of both tables.
    pub fn tally(&self) -> Result<Tally> {
        let mut tally = Tally::default();
        for which in [Which::Main, Which::Embryonic] {
            let mut cursor = DumpCursor::default();
            while !cursor.is_done() {
                for record in self.dump((which, Scope::All), PART, &mut cursor, Instant::ZERO)? {
                    tally.add(&record);
                }
            }
        }
        Ok(tally)
    }
}
