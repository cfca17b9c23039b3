//! Two nodes and the paths between them, in virtual time: what the scripts in `tests` play on.
//!
//! Deliberately plain: fixed latency, cuts by hand. Random faults are the simulation's.

use alloc::collections::{BTreeMap, BTreeSet};
use std::collections::VecDeque;
use std::time::Duration;

use hitless_model::{Epoch, GroupId, Instant, Mac, Priority, Role, UnitId, VlanId};

use crate::machine::Machine;
use crate::node::{
    Command, Decision, Destination, Event, HandoverCause, Input, Node, NodeConfig, Output, PathId,
    Resume, Secret, Snapshot, Status, Story, TableJob,
};

pub(super) const FT_VLAN: u64 = 9;
pub(super) const SECOND_VLAN: u64 = 136;
pub(super) const HEARTBEAT: Duration = Duration::from_millis(10);
pub(super) const FAILOVER: Duration = Duration::from_millis(30);
pub(super) const LATENCY: Duration = Duration::from_micros(100);

pub(super) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(super) fn vlan(number: u64) -> VlanId {
    number.try_into().unwrap()
}

pub(super) fn path(number: u64) -> PathId {
    PathId(vlan(number))
}

/// One of the two boxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    A,
    B,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::A, Self::B];

    pub(super) fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    fn mac(self, path: PathId) -> Mac {
        let [high, low] = path.0.get().to_be_bytes();
        Mac([6, 0, 0, self as u8, high, low])
    }
}

/// What the data plane of a box acts by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate {
    pub(super) role: Role,
    pub(super) epoch: Epoch,
    pub(super) lease_until: Instant,
    pub(super) alone: bool,
}

/// One box: its node while it lives, and everything that its node said.
pub(super) struct Box_ {
    pub(super) config: NodeConfig,
    pub(super) node: Option<Node>,
    pub(super) gate: Gate,
    pub(super) decisions: Vec<Decision>,
    pub(super) stories: Vec<Story>,
    pub(super) events: Vec<(Instant, Event)>,
    pub(super) announced: Vec<Instant>,
    /// Its thread stands still until then: nothing is handed to the node.
    pub(super) asleep_until: Instant,
    backlog: VecDeque<(PathId, Vec<u8>)>,
    lives: u8,
}

pub(super) struct Frame {
    pub(super) from: Side,
    pub(super) to: Side,
    pub(super) path: PathId,
    pub(super) bytes: Vec<u8>,
}

/// The pair.
pub(super) struct Pair {
    pub(super) now: Instant,
    pub(super) a: Box_,
    pub(super) b: Box_,
    wire: BTreeMap<(Instant, u64), Frame>,
    sent: u64,
    /// Directions that carry nothing, by sender and path.
    pub(super) cut: BTreeSet<(Side, PathId)>,
    /// Every frame ever sent, when recording.
    pub(super) tape: Option<Vec<(Side, PathId, Vec<u8>)>>,
    pub(super) drop_next: Box<dyn FnMut(Side, PathId) -> bool>,
    /// Time during which both gates let traffic pass as active.
    pub(super) both_active: Duration,
    /// Time during which no gate let traffic pass.
    pub(super) nobody: Duration,
}

pub(super) fn config(side: Side) -> NodeConfig {
    let (priority, unit) = match side {
        Side::A => (30_u64, 1),
        Side::B => (20, 2),
    };
    let paths = [path(FT_VLAN), path(SECOND_VLAN)];
    NodeConfig {
        group: GroupId::try_from(90).unwrap(),
        ft_vlan: vlan(FT_VLAN),
        unit: UnitId(unit),
        priority: Priority::try_from(priority).unwrap(),
        preempt: false,
        heartbeat: HEARTBEAT,
        failover: FAILOVER,
        margin: ms(4),
        key: None,
        accepted_key: None,
        second_paths: vec![path(SECOND_VLAN)],
        own_macs: paths.map(|path| (path, side.mac(path))).to_vec(),
        seed: [side as u8; 32],
        epoch: Epoch(0),
        config_digest: 7,
        software: "0.1.0".into(),
        replicates: false,
        warm: false,
        resume: None,
        held_until: None,
        split_brain: crate::node::SplitBrain::BothActive,
    }
}

pub(super) fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

impl Box_ {
    fn new(config: NodeConfig) -> Self {
        let gate = Gate {
            role: Role::Initializing,
            epoch: Epoch(0),
            lease_until: Instant::ZERO,
            alone: false,
        };
        Self {
            config,
            node: None,
            gate,
            decisions: Vec::new(),
            stories: Vec::new(),
            events: Vec::new(),
            announced: Vec::new(),
            asleep_until: Instant::ZERO,
            backlog: VecDeque::new(),
            lives: 0,
        }
    }

    /// Whether its data plane answers for the addresses at `now`.
    fn answers(&self, now: Instant) -> bool {
        self.gate.role == Role::Active && now < self.gate.lease_until
    }

    pub(super) fn role(&self) -> Option<Role> {
        self.node.as_ref().map(|node| node.status(Instant::ZERO).role)
    }

    pub(super) fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|(_, event)| wanted(event)).count()
    }
}

impl Pair {
    /// Two boxes that have not been started.
    pub(super) fn new(configure: impl Fn(Side, &mut NodeConfig)) -> Self {
        let build = |side| {
            let mut config = config(side);
            configure(side, &mut config);
            Box_::new(config)
        };
        Self {
            now: Instant::from_nanos(1_000_000_000),
            a: build(Side::A),
            b: build(Side::B),
            wire: BTreeMap::new(),
            sent: 0,
            cut: BTreeSet::new(),
            tape: None,
            drop_next: Box::new(|_, _| false),
            both_active: Duration::ZERO,
            nobody: Duration::ZERO,
        }
    }

    /// Both started, and settled: A is active.
    pub(super) fn running(configure: impl Fn(Side, &mut NodeConfig)) -> Self {
        let mut pair = Self::new(configure);
        pair.start(Side::A);
        pair.start(Side::B);
        pair.run(ms(200));
        assert_eq!(pair.roles(), (Role::Active, Role::Standby), "{}", pair.story());
        pair.both_active = Duration::ZERO;
        pair.nobody = Duration::ZERO;
        pair
    }

    pub(super) fn side(&mut self, side: Side) -> &mut Box_ {
        match side {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        }
    }

    pub(super) fn roles(&self) -> (Role, Role) {
        (self.a.role().unwrap(), self.b.role().unwrap())
    }

    pub(super) fn status(&mut self, side: Side) -> Status {
        let now = self.now;
        self.side(side).node.as_ref().unwrap().status(now)
    }

    /// A new life, with its own random octets.
    pub(super) fn start(&mut self, side: Side) {
        let now = self.now;
        let state = self.side(side);
        state.lives += 1;
        state.config.seed = [side as u8 + 10 * state.lives; 32];
        state.node = Some(Node::new(now, state.config.clone()));
        self.drain(side);
    }

    /// The power goes: nothing is said any more, the data plane is gone.
    pub(super) fn kill(&mut self, side: Side) {
        let state = self.side(side);
        state.node = None;
        state.backlog.clear();
        state.gate.lease_until = Instant::ZERO;
        state.config.epoch = state.gate.epoch;
    }

    /// The process dies: its data plane stays as it is.
    pub(super) fn crash(&mut self, side: Side) {
        let state = self.side(side);
        state.node = None;
        state.backlog.clear();
    }

    /// A new process adopts the data plane.
    pub(super) fn restart(&mut self, side: Side) {
        let state = self.side(side);
        let Gate { role, epoch, lease_until, alone } = state.gate;
        state.config.warm = true;
        state.config.resume =
            (role == Role::Active).then_some(Resume { epoch, lease_until, alone });
        state.config.held_until = (!role.forwards()).then_some(lease_until);
        self.start(side);
        let state = self.side(side);
        (state.config.resume, state.config.held_until) = (None, None);
    }

    /// Says that it is about to be replaced; whether it may, and until when.
    pub(super) fn ask_to_be_away(&mut self, side: Side, lasts: Duration) {
        self.input(side, Input::Command(Command::Absence(lasts)));
    }

    pub(super) fn handover(&mut self, side: Side, cause: HandoverCause) {
        self.input(side, Input::Command(Command::Handover(cause)));
    }

    pub(super) fn configure(&mut self, side: Side, change: impl Fn(&mut NodeConfig)) {
        let mut config = self.side(side).config.clone();
        change(&mut config);
        self.side(side).config = config.clone();
        self.input(side, Input::Configure(&config));
    }

    pub(super) fn input(&mut self, side: Side, input: Input<'_>) {
        let now = self.now;
        if let Some(node) = &mut self.side(side).node {
            node.handle_input(now, input);
        }
        self.drain(side);
    }

    /// Cuts one direction of some paths.
    pub(super) fn cut_from(&mut self, side: Side, paths: &[u64]) {
        self.cut.extend(paths.iter().map(|number| (side, path(*number))));
    }

    pub(super) fn cut_all(&mut self) {
        for side in Side::BOTH {
            self.cut_from(side, &[FT_VLAN, SECOND_VLAN]);
        }
    }

    /// A frame of nobody's, or of somebody else's.
    pub(super) fn inject(&mut self, to: Side, number: u64, bytes: &[u8]) {
        let from = to.other().mac(path(number)).link_local();
        self.input(to, Input::Datagram { path: path(number), from, bytes });
    }

    /// Goes on for so long.
    pub(super) fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(next) = self.next_time().filter(|next| *next <= end) {
            self.pass(next);
            self.deliver();
            for side in Side::BOTH {
                self.wake(side);
            }
        }
        self.pass(end);
    }

    /// Goes on until something is so; the time that it took.
    pub(super) fn until(&mut self, what: &str, is: impl Fn(&mut Self) -> bool) -> Duration {
        let start = self.now;
        while !is(self) {
            assert!(self.now < start + ms(60_000), "never {what}: {}", self.story());
            self.run(Duration::from_micros(100));
        }
        self.now.saturating_since(start)
    }

    fn pass(&mut self, to: Instant) {
        // Leases end between events too: tell the time in steps.
        let step = Duration::from_micros(50);
        while self.now < to {
            let next = to.min(self.now + step);
            let passed = next.saturating_since(self.now);
            match (self.a.answers(self.now), self.b.answers(self.now)) {
                (true, true) => self.both_active += passed,
                (false, false) => self.nobody += passed,
                (true, false) | (false, true) => {}
            }
            self.now = next;
        }
    }

    fn next_time(&mut self) -> Option<Instant> {
        let frame = self.wire.keys().next().map(|(at, _)| *at);
        let deadlines = Side::BOTH.map(|side| self.side(side).wake_time());
        let next = [frame, deadlines[0], deadlines[1]].into_iter().flatten().min()?;
        Some(next.max(self.now))
    }

    fn deliver(&mut self) {
        while let Some(entry) = self.wire.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let frame = entry.remove();
            let now = self.now;
            let state = self.side(frame.to);
            if state.node.is_none() {
                continue;
            }
            state.backlog.push_back((frame.path, frame.bytes));
            if state.asleep_until <= now {
                self.read(frame.to);
            }
        }
    }

    fn read(&mut self, side: Side) {
        while let Some((path, bytes)) = self.side(side).backlog.pop_front() {
            let from = side.other().mac(path).link_local();
            self.input(side, Input::Datagram { path, from, bytes: &bytes });
        }
    }

    /// What the shell does when it wakes: reads, says that it slept, handles deadlines.
    fn wake(&mut self, side: Side) {
        let now = self.now;
        let state = self.side(side);
        if state.asleep_until > now {
            return;
        }
        if state.asleep_until > Instant::ZERO {
            state.asleep_until = Instant::ZERO;
            self.read(side);
            self.input(side, Input::CaughtUp);
        }
        if let Some(node) = &mut self.side(side).node {
            node.handle_deadline(now);
        }
        self.drain(side);
    }

    fn drain(&mut self, side: Side) {
        while let Some(output) = self.side(side).node.as_mut().and_then(Node::poll_output) {
            self.output(side, output);
        }
    }

    fn output(&mut self, side: Side, output: Output) {
        let now = self.now;
        let state = self.side(side);
        match output {
            Output::Transmit(transmit) => {
                let peer = Destination::Peer(side.other().mac(transmit.path).link_local());
                assert!(transmit.to == Destination::Multicast || transmit.to == peer);
                assert!(transmit.bytes.len() <= 1_452);
                self.send(side, transmit.path, transmit.bytes);
            }
            Output::Gate { role, epoch, lease_until, alone } => {
                state.gate = Gate { role, epoch, lease_until, alone };
            }
            Output::Announce => state.announced.push(now),
            Output::AskGateways => panic!("nobody is to be asked"),
            Output::Neighbour { path, mac } => assert_eq!(mac, side.other().mac(path)),
            Output::PersistEpoch(epoch) => state.config.epoch = epoch,
            Output::Decision(decision) => state.decisions.push(decision),
            Output::Story(story) => state.stories.push(*story),
            Output::Event(event) => state.events.push((now, event)),
            Output::Table(TableJob::Apply { batch, .. }) => {
                self.input(side, Input::Applied { batch, refused: 0 });
            }
            // Empty tables are equal.
            Output::Table(TableJob::Audit(_) | TableJob::Compare(_)) => {}
            Output::Table(
                TableJob::Dump { generation, .. } | TableJob::DumpMore { generation, .. },
            ) => {
                let part = Snapshot { generation, records: Vec::new(), last: true, of: 0 };
                self.input(side, Input::Snapshot(part));
            }
        }
    }

    fn send(&mut self, from: Side, path: PathId, bytes: Vec<u8>) {
        if let Some(tape) = &mut self.tape {
            tape.push((from, path, bytes.clone()));
        }
        if self.cut.contains(&(from, path)) || (self.drop_next)(from, path) {
            return;
        }
        self.sent += 1;
        let frame = Frame { from, to: from.other(), path, bytes };
        debug_assert!(frame.from != frame.to);
        self.wire.insert((self.now + LATENCY, self.sent), frame);
    }

    /// What was decided, for people who look at a failed test.
    pub(super) fn story(&self) -> String {
        let mut lines = Vec::new();
        for (name, state) in [("A", &self.a), ("B", &self.b)] {
            lines.extend(state.decisions.iter().map(|d| {
                let at = d.at.as_nanos() / 1_000;
                format!("{at} {name}: {} -> {}: {} {:?}", d.from, d.to, d.reason, d.inputs)
            }));
            let told = state.events.iter();
            lines.extend(told.map(|(at, e)| format!("{} {name}: {e:?}", at.as_nanos() / 1_000)));
        }
        lines.sort();
        lines.join("\n")
    }
}

impl Box_ {
    fn wake_time(&self) -> Option<Instant> {
        let due = self.node.as_ref()?.next_deadline()?.at;
        Some(due.max(self.asleep_until))
    }
}
