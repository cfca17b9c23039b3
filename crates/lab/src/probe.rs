//! The probe stream: one UDP datagram per flow and millisecond through the balancer and back.
//!
//! Ordinary threads show gaps of 20 ms and more of their own under load. So the sender runs under
//! SCHED_FIFO in locked memory, sends by absolute time, and its own gaps are measured along with
//! everything else: `baseline_gap`. What is sent late is not sent at all, so that a gap of the
//! sender never looks like a gap of the network.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use hitless_model::Instant;

use crate::clock;
use crate::namespace::Namespace;
use crate::system;

/// Time between two probes of a flow.
pub const INTERVAL: Duration = Duration::from_millis(1);
/// After this an answer counts as lost.
pub const GRACE: Duration = Duration::from_millis(300);
/// Probes remembered: nearly nine minutes, more than any window that is asked about.
const REMEMBERED: usize = 1 << 19;

/// A sender's place and target.
#[derive(Debug)]
pub struct ProbePath<'a> {
    /// Where the client is.
    pub namespace: &'a Namespace,
    /// The client's address.
    pub from: Ipv4Addr,
    /// What it talks to.
    pub to: SocketAddrV4,
}

/// When each probe of a flow left and came back; zero = it did not.
#[derive(Debug)]
struct Log {
    sent: Vec<AtomicU64>,
    answered: Vec<AtomicU64>,
}

impl Log {
    fn new() -> Self {
        let zeros = || std::iter::repeat_with(|| AtomicU64::new(0)).take(REMEMBERED).collect();
        Self { sent: zeros(), answered: zeros() }
    }
}

#[derive(Debug)]
struct Shared {
    stop: AtomicBool,
    next: AtomicU64,
    logs: Vec<Log>,
}

/// A running probe stream.
#[derive(Debug)]
pub struct Probes {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// A moment in the stream: the number of the next probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(u64);

/// What happened to the probes between two positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Probes sent, all flows together.
    pub sent: u64,
    /// Probes without an answer, all flows together.
    pub lost: u64,
    /// Longest run of lost probes of any flow, times the interval.
    pub outage: Duration,
    /// When the first probe of that run was sent.
    pub outage_began: Option<Instant>,
    /// Longest time that an answer took.
    pub slowest: Duration,
    /// Longest time between two probes of the sender itself.
    pub sender_gap: Duration,
}

impl Probes {
    /// Starts the stream.
    pub fn start(paths: &[ProbePath<'_>]) -> Result<Self> {
        let sockets = paths.iter().map(open).collect::<Result<Vec<_>>>()?;
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            next: AtomicU64::new(0),
            logs: sockets.iter().map(|_| Log::new()).collect(),
        });
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("probe".to_owned())
            .spawn(move || run(&sockets, &for_thread))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Now, in the stream.
    pub fn position(&self) -> Position {
        Position(self.shared.next.load(Ordering::Acquire))
    }

    /// Waits until probes before `end` have had their time to come back, then judges.
    pub fn window(&self, start: Position, end: Position) -> Window {
        std::thread::sleep(GRACE);
        self.window_so_far(start, end)
    }

    /// Like [`Self::window`] at once: the newest probes may still be on their way.
    pub fn window_so_far(&self, start: Position, end: Position) -> Window {
        self.shared.window(start, end)
    }

    /// How long the answers between two positions took, shortest first; those that came.
    pub fn answer_times(&self, start: Position, end: Position) -> Vec<Duration> {
        let of = |log: &Log, number: u64| {
            let sent = log.sent[slot(number)].load(Ordering::Acquire);
            let answered = log.answered[slot(number)].load(Ordering::Acquire);
            (sent > 0 && answered > sent).then(|| Duration::from_nanos(answered - sent))
        };
        let logs = self.shared.logs.iter();
        let mut times: Vec<Duration> =
            logs.flat_map(|log| (start.0..end.0).filter_map(|number| of(log, number))).collect();
        times.sort();
        times
    }

    /// For others to look on, on other threads.
    pub fn onlooker(&self) -> Onlooker {
        Onlooker(Arc::clone(&self.shared))
    }
}

/// Looks at the same stream.
#[derive(Clone, Debug)]
pub struct Onlooker(Arc<Shared>);

impl Onlooker {
    /// Probes lost in each of the newest `count` slices of time, oldest first, and in all. The last
    /// slice ends where every probe has had its time to come back.
    pub fn lost(&self, slice: Duration, count: usize) -> (Vec<u64>, Window) {
        let probes = |time: Duration| {
            u64::try_from(time.as_nanos() / INTERVAL.as_nanos()).unwrap_or(u64::MAX)
        };
        let end = self.0.next.load(Ordering::Acquire).saturating_sub(probes(GRACE));
        let ends = (0..=count as u64).rev().map(|back| end.saturating_sub(back * probes(slice)));
        let ends: Vec<Position> = ends.map(Position).collect();
        let lost = |pair: &[Position]| self.0.window(pair[0], pair[1]).lost;
        let all = self.0.window(Position(0), Position(end));
        (ends.windows(2).map(lost).collect(), all)
    }
}

impl Shared {
    fn window(&self, start: Position, end: Position) -> Window {
        self.logs.iter().map(|log| judge(log, start, end)).fold(Window::default(), |all, one| {
            Window {
                sent: all.sent + one.sent,
                lost: all.lost + one.lost,
                outage: all.outage.max(one.outage),
                outage_began: if one.outage > all.outage {
                    one.outage_began
                } else {
                    all.outage_began
                },
                slowest: all.slowest.max(one.slowest),
                sender_gap: all.sender_gap.max(one.sender_gap),
            }
        })
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn open(path: &ProbePath<'_>) -> Result<UdpSocket> {
    path.namespace.within(|| {
        let socket = UdpSocket::bind((path.from, 0))
            .with_context(|| format!("cannot bind a probe to {}", path.from))?;
        socket.connect(path.to)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    })
}

fn slot(number: u64) -> usize {
    usize::try_from(number).unwrap_or(0) % REMEMBERED
}

fn run(sockets: &[UdpSocket], shared: &Shared) {
    // Without the permission the gaps grow, and the baseline shows it.
    let _ = system::become_realtime();
    let start = clock::now();
    let interval = u64::try_from(INTERVAL.as_nanos()).unwrap_or(u64::MAX);
    let mut number = 0;
    while !shared.stop.load(Ordering::Acquire) {
        clock::sleep_until(start + Duration::from_nanos(number * interval));
        let late = clock::now().saturating_since(start);
        number = number.max(u64::try_from(late.as_nanos()).unwrap_or(0) / interval);
        for (socket, log) in sockets.iter().zip(&shared.logs) {
            receive(socket, log);
            send(socket, log, number);
        }
        number += 1;
        shared.next.store(number, Ordering::Release);
    }
}

fn send(socket: &UdpSocket, log: &Log, number: u64) {
    log.answered[slot(number)].store(0, Ordering::Relaxed);
    log.sent[slot(number)].store(clock::now().as_nanos(), Ordering::Release);
    // A refused datagram (no neighbour, link down) is a lost one.
    let _ = socket.send(&number.to_le_bytes());
}

fn receive(socket: &UdpSocket, log: &Log) {
    let mut buffer = [0; 8];
    // An error (an ICMP answer, most likely) is not an answer, and there may be more behind it.
    for _ in 0..64 {
        match socket.recv(&mut buffer) {
            Ok(8) => {
                let number = u64::from_le_bytes(buffer);
                log.answered[slot(number)].store(clock::now().as_nanos(), Ordering::Release);
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
            Ok(_) | Err(_) => {}
        }
    }
}

fn judge(log: &Log, start: Position, end: Position) -> Window {
    let mut window = Window::default();
    let mut run_start = None;
    let mut previous: Option<Instant> = None;
    for number in start.0..end.0 {
        let sent = log.sent[slot(number)].load(Ordering::Acquire);
        // A slot of an older round: this probe was skipped because the sender was late.
        if sent == 0 || previous.is_some_and(|before| sent <= before.as_nanos()) {
            continue;
        }
        let sent = Instant::from_nanos(sent);
        if let Some(before) = previous {
            window.sender_gap = window.sender_gap.max(sent.saturating_since(before));
        }
        previous = Some(sent);
        window.sent += 1;
        let answered = log.answered[slot(number)].load(Ordering::Acquire);
        if answered == 0 {
            window.lost += 1;
            let (first, began) = *run_start.get_or_insert((number, sent));
            let run = INTERVAL * u32::try_from(number - first + 1).unwrap_or(u32::MAX);
            if run > window.outage {
                (window.outage, window.outage_began) = (run, Some(began));
            }
        } else {
            run_start = None;
            let took = Instant::from_nanos(answered).saturating_since(sent);
            window.slowest = window.slowest.max(took);
        }
    }
    window
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_of(fates: &str) -> Log {
        let log = Log::new();
        for (at, fate) in fates.chars().enumerate() {
            let time = (u64::try_from(at).unwrap() + 1) * 1_000_000;
            let sent = if fate == ' ' { 0 } else { time };
            let answered = if fate == '+' { time + 100 } else { 0 };
            log.sent[at].store(sent, Ordering::Relaxed);
            log.answered[at].store(answered, Ordering::Relaxed);
        }
        log
    }

    fn judged(fates: &str) -> Window {
        let end = Position(u64::try_from(fates.len()).unwrap());
        judge(&log_of(fates), Position(0), end)
    }

    #[test]
    fn the_outage_is_the_longest_run_of_lost_probes() {
        let window = judged("++-+---++--+");
        assert_eq!((window.sent, window.lost), (12, 6));
        assert_eq!(window.slowest, Duration::from_nanos(100));
        assert_eq!(window.outage, Duration::from_millis(3));
    }

    #[test]
    fn probes_that_were_never_sent_are_a_gap_of_the_sender_and_not_lost() {
        let window = judged("+++   +++");
        assert_eq!((window.sent, window.lost), (6, 0));
        assert_eq!(window.outage, Duration::ZERO);
        assert_eq!(window.sender_gap, Duration::from_millis(4));
    }

    #[test]
    fn a_gap_of_the_sender_inside_an_outage_belongs_to_it() {
        assert_eq!(judged("+-  --+").outage, Duration::from_millis(5));
    }

    #[test]
    fn nothing_lost_is_no_outage() {
        assert_eq!(judged("+++++").outage, Duration::ZERO);
    }
}
