//! The thread behind the connections: opens them, asks, compares the echoes.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, SocketAddrV4, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result};
use hitless_model::Instant;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use socket2::{Domain, Socket, Type};

use super::{ClientGroup, Health, Pace, Shared};
use crate::load::message;
use crate::{clock, system};

/// No connection is asked more often than this.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(50);
/// A connection that could not be opened is writable too.
const FAILED: EventFlags = EventFlags::ERR.union(EventFlags::HUP);
/// The clients' own clock.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };

/// A socket of the `number`-th connection, bound and not connected.
pub(super) fn socket(groups: &[ClientGroup<'_>], number: usize) -> Result<Socket> {
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

pub(super) struct Clients {
    epoll: OwnedFd,
    all: Vec<Client>,
    shared: Arc<Shared>,
    opened: usize,
    pace: Pace,
    interval: Duration,
}

impl Clients {
    pub(super) fn new(sockets: Vec<Socket>, pace: Pace, shared: Arc<Shared>) -> Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let count = u32::try_from(sockets.len())?;
        let all = sockets.into_iter().map(|socket| Client {
            stream: socket.into(),
            exchange: 0,
            asked_at: None,
            expected: [0; message::LENGTH],
            received: 0,
        });
        let interval = (Duration::from_secs(1) * count / pace.exchanges).max(SHORTEST_INTERVAL);
        Ok(Self { epoll, all: all.collect(), shared, opened: 0, pace, interval })
    }

    pub(super) fn run(mut self, target: SocketAddrV4) -> Result<()> {
        if self.pace.is_measuring {
            // Without the permission connections look younger than they are.
            let _ = system::become_realtime();
        }
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
                let number = usize::try_from(event.data.u64())?;
                let flags = event.flags;
                if flags.contains(EventFlags::OUT) && !flags.intersects(FAILED) {
                    self.established(number)?;
                }
                if flags != EventFlags::OUT {
                    self.receive(number);
                }
            }
        }
        Ok(())
    }

    fn open_due(&mut self, elapsed: Duration, target: SocketAddrV4) -> Result<()> {
        let due = elapsed.as_millis() * u128::from(self.pace.openings) / 1000 + 1;
        let due = usize::try_from(due)?.min(self.all.len());
        for number in self.opened..due {
            let stream = &self.all[number].stream;
            match rustix::net::connect(stream, &target) {
                Ok(()) | Err(rustix::io::Errno::INPROGRESS) => {
                    let data = EventData::new_u64(u64::try_from(number)?);
                    epoll::add(&self.epoll, stream, data, EventFlags::IN | EventFlags::OUT)?;
                }
                Err(_) => self.shared.watches[number].set(Health::Reset),
            }
        }
        self.opened = due;
        Ok(())
    }

    /// Writable for the first time: the server has answered.
    fn established(&self, number: usize) -> Result<()> {
        let watch = &self.shared.watches[number];
        watch.established.store(clock::now().as_nanos(), Ordering::Release);
        let data = EventData::new_u64(u64::try_from(number)?);
        epoll::modify(&self.epoll, &self.all[number].stream, data, EventFlags::IN)
            .context("cannot watch a connection")
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
