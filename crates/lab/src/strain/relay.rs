//! Weather on the fault-tolerant VLAN: a host between the two chassis that passes every frame on, or loses
//! it, or lets others overtake it, or is slow.
//!
//! In user space, because not every kernel can do this by itself. It runs under SCHED_FIFO: without
//! weather, heartbeats must not notice that it is there.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use hitless_model::Instant;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
};

use crate::network::Node;
use crate::topology::RELAY_PORTS;
use crate::{clock, system};

/// `ETH_P_ALL`.
const EVERY_PROTOCOL: u16 = 3;
/// The longest frame, with what the kernel says of it in front.
const LONGEST: usize = 2048;
/// What a slow link lets wait before it loses.
const QUEUE: Duration = Duration::from_millis(100);
/// How much later an overtaken frame is.
const LATE: Duration = Duration::from_millis(3);
const LONGEST_SLEEP: Duration = Duration::from_millis(50);

/// What becomes of frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// Lost, of a hundred.
    pub lost: u64,
    /// Overtaken by others, of a hundred.
    pub late: u64,
    /// Octets a second in each direction; 0 = no bound.
    pub speed: u64,
}

/// What became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Came.
    pub came: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Lost because too many waited.
    pub overflown: u64,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    weather: Mutex<Weather>,
    came: AtomicU64,
    lost: AtomicU64,
    overflown: AtomicU64,
}

/// The running relay.
#[derive(Debug)]
pub struct Relay {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Relay {
    /// Begins to pass everything on.
    pub fn start(node: &Node) -> Result<Self> {
        let sockets = [open(node, RELAY_PORTS[0])?, open(node, RELAY_PORTS[1])?];
        let shared = Arc::new(Shared::default());
        let there = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("relay".to_owned()).spawn(move || {
            // Without the permission it is a little later at times.
            let _ = system::become_realtime();
            let queue =
                Queue { waiting: BinaryHeap::new(), number: 0, free: [clock::now(); 2], dice: 1 };
            run(&sockets, queue, &there)
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Changes the weather.
    pub fn set(&self, weather: Weather) {
        *self.shared.weather.lock().unwrap_or_else(PoisonError::into_inner) = weather;
    }

    /// What became of frames so far.
    pub fn passed(&self) -> Passed {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Shared { came, lost, overflown, .. } = &*self.shared;
        Passed { came: count(came), lost: count(lost), overflown: count(overflown) }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn open(node: &Node, interface: &str) -> Result<OwnedFd> {
    let ifindex = node.netlink.index(interface)?;
    node.namespace.within(|| {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::PACKET, SocketType::RAW, flags, None)
            .map_err(io::Error::from)
            .context("cannot open a packet socket")?;
        system::keep_offloads(&socket).context("cannot keep offloads")?;
        system::ignore_outgoing(&socket).context("cannot leave out what goes out")?;
        system::bind_packets(&socket, ifindex, EVERY_PROTOCOL).context("cannot bind")?;
        Ok(socket)
    })
}

/// A frame on its way: when it is due, its number, where to, itself.
type Waiting = (Instant, u64, usize, Vec<u8>);

/// Frames on their way.
struct Queue {
    waiting: BinaryHeap<Reverse<Waiting>>,
    number: u64,
    /// When each direction has sent what it was given.
    free: [Instant; 2],
    dice: u64,
}

/// What becomes of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Due(Instant),
    Lost,
    Overflown,
}

impl Queue {
    fn fate(&mut self, now: Instant, (to, length): (usize, usize), weather: Weather) -> Fate {
        if self.roll() < weather.lost {
            return Fate::Lost;
        }
        let mut due = now;
        if let Some(nanos) = (length as u64 * 1_000_000_000).checked_div(weather.speed) {
            due = self.free[to].max(now) + Duration::from_nanos(nanos);
            if due.saturating_since(now) > QUEUE {
                return Fate::Overflown;
            }
            self.free[to] = due;
        }
        let is_late = self.roll() < weather.late;
        Fate::Due(if is_late { due + LATE } else { due })
    }

    fn roll(&mut self) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.dice >> 33) % 100
    }

    fn push(&mut self, due: Instant, to: usize, frame: Vec<u8>) {
        self.number += 1;
        self.waiting.push(Reverse((due, self.number, to, frame)));
    }

    fn next(&self) -> Option<Instant> {
        self.waiting.peek().map(|Reverse((due, ..))| *due)
    }
}

fn run(sockets: &[OwnedFd; 2], mut queue: Queue, shared: &Shared) -> Result<()> {
    while !shared.stop.load(Ordering::Relaxed) {
        let now = clock::now();
        let left = queue.next().map_or(LONGEST_SLEEP, |due| due.saturating_since(now));
        let timeout =
            Timespec { tv_sec: 0, tv_nsec: i64::from(left.min(LONGEST_SLEEP).subsec_nanos()) };
        let mut waiting = sockets.each_ref().map(|socket| PollFd::new(socket, PollFlags::IN));
        match poll(&mut waiting, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for frames"),
        }
        for (from, socket) in sockets.iter().enumerate() {
            take(socket, 1 - from, &mut queue, shared)?;
        }
        while queue.next().is_some_and(|due| due <= clock::now()) {
            let Some(Reverse((_, _, to, frame))) = queue.waiting.pop() else { break };
            // A link that is down loses.
            let _ = send(&sockets[to], &frame, SendFlags::empty());
        }
    }
    Ok(())
}

fn take(socket: &OwnedFd, to: usize, queue: &mut Queue, shared: &Shared) -> Result<()> {
    let mut buffer = [0; LONGEST];
    loop {
        let length = match recv(socket, &mut buffer, RecvFlags::empty()) {
            Ok((length, _)) => length,
            Err(Errno::AGAIN | Errno::NETDOWN) => return Ok(()),
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error).context("cannot receive frames"),
        };
        shared.came.fetch_add(1, Ordering::Relaxed);
        let weather = *shared.weather.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.fate(clock::now(), (to, length), weather) {
            Fate::Due(due) => queue.push(due, to, buffer[..length].to_vec()),
            Fate::Lost => drop(shared.lost.fetch_add(1, Ordering::Relaxed)),
            Fate::Overflown => drop(shared.overflown.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> Queue {
        Queue { waiting: BinaryHeap::new(), number: 0, free: [Instant::ZERO; 2], dice: 7 }
    }

    #[test]
    fn in_fair_weather_everything_passes_at_once_and_in_order() {
        let mut queue = queue();
        let now = Instant::from_nanos(5);
        for number in 0..100 {
            assert_eq!(queue.fate(now, (0, 1500), Weather::default()), Fate::Due(now));
            queue.push(now, 0, vec![number]);
        }
        let order: Vec<u8> = std::iter::from_fn(|| queue.waiting.pop())
            .map(|Reverse((.., frame))| frame[0])
            .collect();
        assert!(order.is_sorted());
    }

    #[test]
    fn as_many_are_lost_and_late_as_was_said() {
        let mut queue = queue();
        let now = Instant::from_nanos(5);
        let weather = Weather { lost: 30, late: 20, speed: 0 };
        let fates: Vec<Fate> = (0..10_000).map(|_| queue.fate(now, (0, 100), weather)).collect();
        let count = |wanted: Fate| fates.iter().filter(|fate| **fate == wanted).count();
        assert!((2_700..3_300).contains(&count(Fate::Lost)));
        assert!((1_200..1_600).contains(&count(Fate::Due(now + LATE))));
    }

    #[test]
    fn a_slow_link_lets_wait_and_then_loses_and_each_direction_has_its_own() {
        let mut queue = queue();
        let weather = Weather { speed: 100_000, ..Weather::default() };
        let now = Instant::ZERO;
        let fates: Vec<Fate> = (0..20).map(|_| queue.fate(now, (0, 1_000), weather)).collect();
        let at = |ms: u64| Fate::Due(now + Duration::from_millis(ms));
        assert_eq!((fates[0], fates[9], fates[10]), (at(10), at(100), Fate::Overflown));
        assert_eq!(queue.fate(now, (1, 1_000), weather), at(10));
    }
}
