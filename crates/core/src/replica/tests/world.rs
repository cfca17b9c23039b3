//! The world around two machines: a link, two tables with their threads, a clock, a dice.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use hitless_model::tcp::seen;
use hitless_model::{ConnKey, ConnRecord, Instant, Protocol};

use super::table::{Answer, Entry, Table};
use crate::machine::Machine;
use crate::node::{Captured, Snapshot, TableJob};
use crate::replica::codec::{self, Ack, Head, Seq};
use crate::replica::{Event, Input, MAX_MESSAGE, MAX_OUTPUTS, Mode, Output, Replica, SessionId};

/// SplitMix64: the same seed gives the same world.
#[derive(Clone, Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, limit: u32) -> u32 {
        u32::try_from(self.next() % u64::from(limit)).unwrap()
    }

    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let index = self.below(u32::try_from(choices.len()).unwrap());
        choices[usize::try_from(index).unwrap()]
    }

    pub(super) fn percent(&mut self, chance: u32) -> bool {
        self.below(100) < chance
    }

    pub(super) fn micros(&mut self, limit: u32) -> Duration {
        Duration::from_micros(u64::from(self.below(limit) + 1))
    }
}

/// How bad the link and the threads are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    pub(super) loss: u32,
    pub(super) doubling: u32,
    /// Delays are from nothing to this: what reorders.
    pub(super) delay_us: u32,
    /// Delays of jobs, of parts on their way back and of captures.
    pub(super) thread_us: u32,
    /// Connections in a part of a dump.
    pub(super) part: usize,
    /// How long the kernel takes for each connection, in nanoseconds.
    pub(super) record_ns: u32,
}

impl Weather {
    pub(super) const CALM: Self =
        Self { loss: 0, doubling: 0, delay_us: 200, thread_us: 300, part: 1_024, record_ns: 0 };

    pub(super) fn random(dice: &mut Dice) -> Self {
        Self {
            loss: dice.below(31),
            doubling: dice.below(20),
            delay_us: dice.pick(&[50, 500, 5_000, 30_000]),
            thread_us: dice.pick(&[50, 1_000, 20_000]),
            part: dice.pick(&[1, 7, 64, 1_024]),
            record_ns: 0,
        }
    }

    /// How long the table's thread is busy with a job.
    pub(super) fn cost(&self, job: &TableJob) -> Duration {
        let records = match job {
            TableJob::Apply { changes, .. } => changes.len(),
            TableJob::Dump { .. } | TableJob::DumpMore { .. } => self.part,
            TableJob::Audit(_) | TableJob::Compare(_) => 0,
        };
        Duration::from_nanos(records as u64 * u64::from(self.record_ns))
    }
}

/// Which box.
pub(super) type Side = usize;

#[derive(Debug)]
enum Happening {
    Datagram(Vec<u8>),
    Job(TableJob),
    Captured(Vec<Captured>),
    CapturesLost,
    Part(Snapshot),
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) datagrams: u64,
    pub(super) overflows: u64,
    pub(super) rejected: u64,
    pub(super) most_waiting: u64,
    pub(super) in_step: bool,
}

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) dice: Dice,
    pub(super) weather: Weather,
    pub(super) boxes: [Replica; 2],
    pub(super) tables: [Table; 2],
    pub(super) tallies: [Tally; 2],
    queue: BTreeMap<(Instant, u64), (Side, Happening)>,
    ticket: u64,
    /// Rings and job queues keep their order: nothing of a kind overtakes.
    busy_until: BTreeMap<(Side, &'static str), Instant>,
    /// No datagram arrives.
    pub(super) cut: bool,
}

impl World {
    pub(super) fn new(seed: u64, weather: Weather) -> Self {
        Self {
            now: Instant::from_nanos(1_000_000_000),
            dice: Dice(seed),
            weather,
            boxes: [Replica::new(), Replica::new()],
            tables: Default::default(),
            tallies: Default::default(),
            queue: BTreeMap::new(),
            ticket: 0,
            busy_until: BTreeMap::new(),
            cut: false,
        }
    }

    /// Both boxes meet in a session.
    pub(super) fn meet(&mut self, session: u64) {
        for side in [0, 1] {
            self.input(side, Input::PeerUp(SessionId(session)));
        }
    }

    pub(super) fn set_mode(&mut self, side: Side, mode: Mode) {
        self.tables[side].active = mode == Mode::Telling;
        self.input(side, Input::SetMode(mode));
    }

    pub(super) fn input(&mut self, side: Side, input: Input<'_>) {
        self.boxes[side].handle_input(self.now, input);
        self.drain(side);
    }

    /// Sets a connection at one box, as its data plane would; it is captured.
    pub(super) fn carry(&mut self, side: Side, record: ConnRecord) {
        self.tables[side].entries.insert(record.key, Entry { record, carried: true });
        self.capture(side, vec![Captured::Upsert(record)]);
    }

    /// Removes a connection at one box, as its data plane would.
    pub(super) fn close(&mut self, side: Side, key: ConnKey) {
        self.tables[side].entries.remove(&key);
        self.capture(side, vec![Captured::Remove(key)]);
    }

    pub(super) fn capture(&mut self, side: Side, changes: Vec<Captured>) {
        let delay = self.dice.micros(self.weather.thread_us);
        self.later_in_order(side, "captures", delay, Happening::Captured(changes));
    }

    pub(super) fn lose_captures(&mut self, side: Side) {
        let delay = self.dice.micros(self.weather.thread_us);
        self.later_in_order(side, "captures", delay, Happening::CapturesLost);
    }

    fn later(&mut self, side: Side, at: Instant, happening: Happening) {
        self.ticket += 1;
        self.queue.insert((at, self.ticket), (side, happening));
    }

    fn later_in_order(&mut self, side: Side, what: &'static str, delay: Duration, h: Happening) {
        let until = self.busy_until.entry((side, what)).or_default();
        *until = (*until).max(self.now + delay);
        let at = *until;
        self.later(side, at, h);
    }

    /// The table's thread does one job after the other, each in its time.
    fn job_later(&mut self, side: Side, delay: Duration, job: TableJob) {
        let cost = self.weather.cost(&job);
        let until = self.busy_until.entry((side, "jobs")).or_default();
        *until = (*until).max(self.now + delay) + cost;
        let at = *until;
        self.later(side, at, Happening::Job(job));
    }

    /// Lets everything happen up to an instant.
    pub(super) fn run_until(&mut self, end: Instant) {
        while let Some(at) = self.next_instant().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.step();
        }
        self.now = end;
    }

    pub(super) fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    /// Runs until nothing is outstanding; says how long it took.
    pub(super) fn settle(&mut self, limit: Duration) -> Duration {
        let start = self.now;
        while !self.is_quiet() {
            assert!(
                self.now < start + limit,
                "not settled after {limit:?}: {:#?}",
                self.statuses()
            );
            let Some(at) = self.next_instant() else { panic!("stuck: {:#?}", self.statuses()) };
            self.now = self.now.max(at);
            self.step();
        }
        self.now.saturating_since(start)
    }

    fn is_quiet(&self) -> bool {
        let idle = self.queue.values().all(|(_, h)| matches!(h, Happening::Datagram(_)));
        // Of two that tell neither is a mirror, and nobody is in step.
        let both_tell = self.boxes.iter().all(|b| b.status(self.now).mode != Mode::Silent);
        idle && self.boxes.iter().all(|b| {
            let status = b.status(self.now);
            let is_told = if both_tell { status.peer_complete } else { status.in_step };
            let told = status.mode == Mode::Silent || is_told;
            told && status.at_risk == 0 && status.queued == 0 && status.in_flight == 0
        })
    }

    pub(super) fn statuses(&self) -> Vec<crate::replica::Status> {
        self.boxes.iter().map(|b| b.status(self.now)).collect()
    }

    fn next_instant(&self) -> Option<Instant> {
        let deadlines = self.boxes.iter().filter_map(Machine::next_deadline).map(|d| d.at);
        deadlines.chain(self.queue.keys().next().map(|(at, _)| *at)).min()
    }

    fn step(&mut self) {
        for side in [0, 1] {
            self.check_early_deadline(side);
            if self.boxes[side].next_deadline().is_some_and(|d| d.at <= self.now) {
                self.boxes[side].handle_deadline(self.now);
                let next = self.boxes[side].next_deadline();
                assert!(next.is_none_or(|d| d.at > self.now), "busy loop: {next:?}");
                self.drain(side);
            }
        }
        while let Some(entry) = self.queue.first_entry().filter(|e| e.key().0 <= self.now) {
            let (side, happening) = entry.remove();
            self.happen(side, happening);
        }
    }

    /// A spurious wake-up does nothing; looked at now and then, because it is slow.
    fn check_early_deadline(&mut self, side: Side) {
        let due = self.boxes[side].next_deadline().is_some_and(|d| d.at <= self.now);
        if !due && self.dice.below(200) == 0 && self.boxes[side].status(self.now).at_risk < 100 {
            let before = format!("{:?}", self.boxes[side]);
            self.boxes[side].handle_deadline(self.now);
            let after = format!("{:?}", self.boxes[side]);
            assert_eq!(without_clock(&before), without_clock(&after));
        }
    }

    fn happen(&mut self, side: Side, happening: Happening) {
        match happening {
            Happening::Datagram(bytes) if self.cut => drop(bytes),
            Happening::Datagram(bytes) => self.input(side, Input::Message(&bytes)),
            Happening::Captured(changes) => self.input(side, Input::Captured(&changes)),
            Happening::CapturesLost => self.input(side, Input::CapturesLost),
            Happening::Part(part) => self.input(side, Input::Snapshot(part)),
            Happening::Job(job) => match self.tables[side].work(job, self.weather.part) {
                Answer::Nothing => {}
                Answer::Applied(batch) => self.input(side, Input::Applied { batch, refused: 0 }),
                Answer::Part(part) => {
                    let delay = self.dice.micros(self.weather.thread_us);
                    self.later_in_order(side, "parts", delay, Happening::Part(part));
                }
            },
        }
    }

    fn drain(&mut self, side: Side) {
        let mut count = 0;
        while let Some(output) = self.boxes[side].poll_output() {
            count += 1;
            match output {
                Output::Send(bytes) => self.send(1 - side, bytes),
                Output::Table(job) => {
                    let delay = self.dice.micros(self.weather.thread_us);
                    self.job_later(side, delay, job);
                }
                Output::InStep(in_step) => {
                    assert_ne!(self.tallies[side].in_step, in_step, "only changes are told");
                    self.tallies[side].in_step = in_step;
                }
                Output::Event(Event::Overflow { .. }) => self.tallies[side].overflows += 1,
                Output::Event(Event::Rejected(_)) => self.tallies[side].rejected += 1,
                Output::Event(Event::Diverged { .. } | Event::Repaired { .. }) => {}
            }
        }
        assert!(count <= MAX_OUTPUTS, "{count} outputs in one call");
        let status = self.boxes[side].status(self.now);
        let most = &mut self.tallies[side].most_waiting;
        *most = (*most).max(status.at_risk);
    }

    fn send(&mut self, to: Side, bytes: Vec<u8>) {
        assert!(bytes.len() <= MAX_MESSAGE);
        self.tallies[1 - to].datagrams += 1;
        if self.dice.percent(self.weather.doubling) {
            let at = self.now + self.dice.micros(self.weather.delay_us);
            self.later(to, at, Happening::Datagram(bytes.clone()));
        }
        if !self.dice.percent(self.weather.loss) {
            let at = self.now + self.dice.micros(self.weather.delay_us);
            self.later(to, at, Happening::Datagram(bytes));
        }
    }
}

fn without_clock(state: &str) -> &str {
    state.split_once("peer:").map_or(state, |(_, rest)| rest)
}

/// The connection with a number.
pub(super) fn key(number: u32) -> ConnKey {
    let client = Ipv4Addr::from(0x0a00_0000 + (number >> 10));
    let port = 1_024 + u16::try_from(number & 0x3ff).unwrap();
    ConnKey {
        client: SocketAddrV4::new(client, port),
        virtual_server: SocketAddrV4::new(Ipv4Addr::new(192, 158, 38, 30), 80),
        protocol: if number.is_multiple_of(5) { Protocol::Udp } else { Protocol::Tcp },
    }
}

/// A connection in some state.
pub(super) fn record(number: u32, real: u8, seen: u8) -> ConnRecord {
    ConnRecord {
        key: key(number),
        real: SocketAddrV4::new(Ipv4Addr::new(192, 158, 39, real), 8080),
        client_vlan: 136.try_into().unwrap(),
        server_vlan: 272.try_into().unwrap(),
        seen,
        idle: Duration::from_millis(u64::from(number % 1_000)),
    }
}

/// Bits of an established connection.
pub(super) const ESTABLISHED: u8 = seen::REAL_ANSWERED | seen::CLIENT_CONFIRMED;

/// An established connection.
pub(super) fn established(number: u32) -> ConnRecord {
    record(number, 101, ESTABLISHED)
}

/// A message as the first release says it.
pub(super) fn first_release(session: SessionId, ack: Ack, batch: Option<(Seq, &[u8])>) -> Vec<u8> {
    codec::encode(&Head { session, ack, speaks: None, statement: None }, batch)
}
