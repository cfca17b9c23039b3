//! The clients: many TCP connections on one thread, each of them watched.
//!
//! A connection exchanges one message at a time: it sends, awaits the echo, compares it, and is due
//! again a fixed time later. It is broken when it is reset or closed, when the echo is wrong, or
//! when it makes no progress for a bounded time after an event ([`Load::settle`]).

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use hitless_model::Instant;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use socket2::{Domain, Socket, Type};

use super::message;
use crate::clock;
use crate::namespace::Namespace;

/// Connections opened per second: a flood would fill the balancer's embryonic table.
const OPENINGS_PER_SECOND: u64 = 1000;
/// Messages per second, all connections together, that leave room for the measured on two cores.
const EXCHANGES_PER_SECOND: u32 = 5000;
/// No connection is asked more often than this.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(50);
/// The clients' own clock.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };

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

#[derive(Debug)]
struct Watch {
    health: AtomicU8,
    progress: AtomicU64,
    longest: AtomicU64,
}

impl Watch {
    fn new() -> Self {
        Self { health: AtomicU8::new(0), progress: AtomicU64::new(0), longest: AtomicU64::new(0) }
    }

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

/// Running connections.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Load {
    /// Opens `count` connections to `target`, evenly from all groups and their addresses.
    pub fn start(groups: &[ClientGroup<'_>], target: SocketAddrV4, count: usize) -> Result<Self> {
        let sockets = (0..count).map(|i| socket(groups, i)).collect::<Result<Vec<_>>>()?;
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            exchanges: AtomicU64::new(0),
            watches: std::iter::repeat_with(Watch::new).take(count).collect(),
        });
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("clients".to_owned())
            .spawn(move || Clients::new(sockets, for_thread)?.run(target))?;
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
        let mut tally = Tally { total: self.shared.watches.len(), ..Tally::default() };
        for watch in &self.shared.watches {
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

/// A socket of the `number`-th connection, bound and not connected.
fn socket(groups: &[ClientGroup<'_>], number: usize) -> Result<Socket> {
    let group = &groups[number % groups.len()];
    let address = group.addresses[number / groups.len() % group.addresses.len()];
    group.namespace.within(|| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
        socket.set_tcp_nodelay(true)?;
        let place = SocketAddr::from((address, 0));
        socket.bind(&place.into()).with_context(|| format!("cannot bind to {address}"))?;
        Ok(socket)
    })
}

struct Client {
    stream: TcpStream,
    exchange: u32,
    asked_at: Option<Instant>,
    expected: [u8; message::LENGTH],
    received: usize,
}

struct Clients {
    epoll: OwnedFd,
    all: Vec<Client>,
    shared: Arc<Shared>,
    opened: usize,
    interval: Duration,
}

impl Clients {
    fn new(sockets: Vec<Socket>, shared: Arc<Shared>) -> Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let count = u32::try_from(sockets.len())?;
        let all = sockets.into_iter().map(|socket| Client {
            stream: socket.into(),
            exchange: 0,
            asked_at: None,
            expected: [0; message::LENGTH],
            received: 0,
        });
        let interval =
            (Duration::from_secs(1) * count / EXCHANGES_PER_SECOND).max(SHORTEST_INTERVAL);
        Ok(Self { epoll, all: all.collect(), shared, opened: 0, interval })
    }

    fn run(mut self, target: SocketAddrV4) -> Result<()> {
        let start = clock::now();
        let mut asked = 0;
        let mut events = Vec::with_capacity(512);
        while !self.shared.stop.load(Ordering::Acquire) {
            let elapsed = clock::now().saturating_since(start);
            self.open_due(elapsed, target)?;
            self.ask_due(elapsed, &mut asked);
            events.clear();
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&TICK))
            {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error).context("cannot wait for connections"),
            }
            for event in &events {
                self.receive(usize::try_from(event.data.u64())?);
            }
        }
        Ok(())
    }

    fn open_due(&mut self, elapsed: Duration, target: SocketAddrV4) -> Result<()> {
        let due = elapsed.as_millis() * u128::from(OPENINGS_PER_SECOND) / 1000 + 1;
        let due = usize::try_from(due)?.min(self.all.len());
        for number in self.opened..due {
            let stream = &self.all[number].stream;
            match rustix::net::connect(stream, &target) {
                Ok(()) | Err(rustix::io::Errno::INPROGRESS) => {
                    let data = EventData::new_u64(u64::try_from(number)?);
                    epoll::add(&self.epoll, stream, data, EventFlags::IN)?;
                }
                Err(_) => self.shared.watches[number].set(Health::Reset),
            }
        }
        self.opened = due;
        Ok(())
    }

    /// Connections take turns, evenly spread over the interval.
    fn ask_due(&mut self, elapsed: Duration, asked: &mut u128) {
        let count = self.all.len().max(1);
        let due = elapsed.as_nanos() * (count as u128) / self.interval.as_nanos();
        // After a pause of this thread every connection is asked once, not several times.
        *asked = (*asked).max(due.saturating_sub(count as u128));
        while *asked < due {
            let number = usize::try_from(*asked % count as u128).unwrap_or(0);
            *asked += 1;
            if number < self.opened {
                self.ask(number);
            }
        }
    }

    fn ask(&mut self, number: usize) {
        let (client, watch) = (&mut self.all[number], &self.shared.watches[number]);
        if client.asked_at.is_some() || watch.health() > Health::Open {
            return;
        }
        client.expected = message::make(u32::try_from(number).unwrap_or(0), client.exchange);
        client.received = 0;
        match client.stream.write(&client.expected) {
            // A message that did not fit whole would need megabytes of unread echoes before it.
            Ok(message::LENGTH) => client.asked_at = Some(clock::now()),
            Ok(_) => watch.set(Health::WrongData),
            Err(error) if is_early(&error) => {}
            Err(_) => watch.set(Health::Reset),
        }
    }

    fn receive(&mut self, number: usize) {
        let (client, watch) = (&mut self.all[number], &self.shared.watches[number]);
        let mut buffer = [0; 2 * message::LENGTH];
        let trouble = match client.stream.read(&mut buffer) {
            Ok(0) => Some(Health::Closed),
            Ok(length) => client.compare(&buffer[..length]),
            Err(error) if is_early(&error) => None,
            Err(_) => Some(Health::Reset),
        };
        if let Some(health) = trouble {
            watch.set(health);
            let _ = epoll::delete(&self.epoll, &client.stream);
        } else if client.received == message::LENGTH
            && let Some(asked_at) = client.asked_at.take()
        {
            let at = clock::now();
            client.exchange = client.exchange.wrapping_add(1);
            watch.set(Health::Open);
            watch.progress.store(at.as_nanos(), Ordering::Release);
            let took = at.saturating_since(asked_at).as_nanos();
            watch.longest.fetch_max(u64::try_from(took).unwrap_or(u64::MAX), Ordering::Relaxed);
            self.shared.exchanges.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Client {
    /// Lays what came beside what was sent.
    fn compare(&mut self, bytes: &[u8]) -> Option<Health> {
        let end = self.received + bytes.len();
        let is_right =
            self.asked_at.is_some() && self.expected.get(self.received..end) == Some(bytes);
        self.received = end;
        if is_right { None } else { Some(Health::WrongData) }
    }
}

/// Nothing there yet, or the connection is still being opened.
fn is_early(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected)
}
