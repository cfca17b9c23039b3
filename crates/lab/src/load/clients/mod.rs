//! The clients: many TCP connections on one thread, each of them watched.
//!
//! A connection exchanges one message at a time: it sends, awaits the echo, compares it, and is due
//! again a fixed time later. It is broken when it is reset or closed, when the echo is wrong, or
//! when it makes no progress for a bounded time after an event ([`Load::settle`]).

mod worker;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;
use hitless_model::Instant;

use crate::namespace::Namespace;
use worker::{Clients, socket};

/// How a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Health {
    /// Not open yet.
    Opening = 0,
    /// Exchanging messages.
    Open = 1,
    /// Could not be opened, or was reset.
    Reset = 2,
    /// Closed by the other side.
    Closed = 3,
    /// The echo was not what was sent.
    WrongData = 4,
    /// No progress in time.
    Stalled = 5,
}

impl Health {
    fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Opening,
            1 => Self::Open,
            3 => Self::Closed,
            4 => Self::WrongData,
            5 => Self::Stalled,
            _ => Self::Reset,
        }
    }
}

/// Where some of the clients are.
#[derive(Debug)]
pub struct ClientGroup<'a> {
    /// Their namespace.
    pub namespace: &'a Namespace,
    /// Their addresses.
    pub addresses: Vec<Ipv4Addr>,
}

/// How fast connections are opened and asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Connections opened per second: a flood would fill the balancer's embryonic table.
    pub openings: u32,
    /// Messages per second, all connections together.
    pub exchanges: u32,
    /// Whether the thread is to measure to the millisecond, and so runs under SCHED_FIFO.
    pub is_measuring: bool,
}

impl Default for Pace {
    /// What leaves room for the measured on two cores.
    fn default() -> Self {
        Self { openings: 1000, exchanges: 5000, is_measuring: false }
    }
}

/// A connection's fate, and when it was established, if it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// When the client had the server's answer to its SYN.
    pub established: Option<Instant>,
    /// Whether it is broken.
    pub is_broken: bool,
}

/// How the connections are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub total: usize,
    /// Broken, for whatever reason.
    pub broken: usize,
    /// Broken: reset.
    pub reset: usize,
    /// Broken: closed.
    pub closed: usize,
    /// Broken: wrong data.
    pub wrong_data: usize,
    /// Broken: no progress.
    pub stalled: usize,
}

#[derive(Debug, Default)]
struct Watch {
    health: AtomicU8,
    established: AtomicU64,
    progress: AtomicU64,
    longest: AtomicU64,
}

impl Watch {
    fn health(&self) -> Health {
        Health::from_number(self.health.load(Ordering::Acquire))
    }

    /// The first trouble is the one that counts.
    fn set(&self, health: Health) {
        if self.health() <= Health::Open {
            self.health.store(health as u8, Ordering::Release);
        }
    }
}

#[derive(Debug)]
struct Shared {
    stop: AtomicBool,
    exchanges: AtomicU64,
    watches: Vec<Watch>,
}

impl Shared {
    fn tally(&self) -> Tally {
        let mut tally = Tally { total: self.watches.len(), ..Tally::default() };
        for watch in &self.watches {
            match watch.health() {
                Health::Opening | Health::Open => continue,
                Health::Reset => tally.reset += 1,
                Health::Closed => tally.closed += 1,
                Health::WrongData => tally.wrong_data += 1,
                Health::Stalled => tally.stalled += 1,
            }
            tally.broken += 1;
        }
        tally
    }
}

/// Looks at the same connections.
#[derive(Clone, Debug)]
pub struct Onlooker(Arc<Shared>);

impl Onlooker {
    /// How the connections are now.
    pub fn tally(&self) -> Tally {
        self.0.tally()
    }

    /// Messages sent and received again so far.
    pub fn exchanges(&self) -> u64 {
        self.0.exchanges.load(Ordering::Relaxed)
    }
}

/// Running connections.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Load {
    /// Opens `count` connections to `target`, evenly from all groups and their addresses.
    pub fn start(groups: &[ClientGroup<'_>], target: SocketAddrV4, count: usize) -> Result<Self> {
        Self::start_at(Pace::default(), groups, target, count)
    }

    /// Like [`Self::start`] at another pace.
    pub fn start_at(
        pace: Pace,
        groups: &[ClientGroup<'_>],
        target: SocketAddrV4,
        count: usize,
    ) -> Result<Self> {
        let sockets = (0..count).map(|i| socket(groups, i)).collect::<Result<Vec<_>>>()?;
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            exchanges: AtomicU64::new(0),
            watches: std::iter::repeat_with(Watch::default).take(count).collect(),
        });
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("clients".to_owned())
            .spawn(move || Clients::new(sockets, pace, for_thread)?.run(target))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Connections that have exchanged a message and are not broken.
    pub fn open(&self) -> usize {
        self.shared.watches.iter().filter(|watch| watch.health() == Health::Open).count()
    }

    /// Messages sent and received again so far.
    pub fn exchanges(&self) -> u64 {
        self.shared.exchanges.load(Ordering::Relaxed)
    }

    /// How the connections are now.
    pub fn tally(&self) -> Tally {
        self.shared.tally()
    }

    /// For others to look on, on other threads.
    pub fn onlooker(&self) -> Onlooker {
        Onlooker(Arc::clone(&self.shared))
    }

    /// What became of each connection so far.
    pub fn fates(&self) -> Vec<Fate> {
        let fate = |watch: &Watch| {
            let at = watch.established.load(Ordering::Acquire);
            Fate {
                established: (at > 0).then(|| Instant::from_nanos(at)),
                is_broken: watch.health() > Health::Open,
            }
        };
        self.shared.watches.iter().map(fate).collect()
    }

    /// Connections that are not broken and have made no progress since `event`.
    pub fn waiting(&self, event: Instant) -> usize {
        self.shared.watches.iter().filter(|watch| is_waiting(watch, event)).count()
    }

    /// Gives up those that have made no progress since `event`, and says how all are.
    pub fn settle(&self, event: Instant) -> Tally {
        for watch in self.shared.watches.iter().filter(|watch| is_waiting(watch, event)) {
            watch.set(Health::Stalled);
        }
        self.tally()
    }

    /// The longest exchange of each connection since the last call, shortest first.
    pub fn take_longest(&self) -> Vec<Duration> {
        let take = |watch: &Watch| Duration::from_nanos(watch.longest.swap(0, Ordering::Relaxed));
        let mut all: Vec<_> = self.shared.watches.iter().map(take).collect();
        all.sort();
        all
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn is_waiting(watch: &Watch, event: Instant) -> bool {
    let progress = Instant::from_nanos(watch.progress.load(Ordering::Acquire));
    watch.health() <= Health::Open && progress <= event
}
