//! One box, and a peer that says what it is told to say.

use std::time::Duration;

use hitless_model::{Epoch, Instant, Priority, Role, UnitId, VlanId};

use crate::ft::beat::{Beat, Flags, Purpose, Seq};
use crate::ft::state::{Stage, State};
use crate::ft::{Config, Ft, Input, Output};
use crate::machine::Machine;
use crate::node::{HandoverCause, PathId, SplitBrain};

/// When stages begin.
pub(super) const START: Instant = Instant::from_nanos(1_000_000_000);

pub(super) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(super) fn path() -> PathId {
    PathId(VlanId::try_from(9).unwrap())
}

pub(super) fn config() -> Config {
    Config {
        unit: UnitId(1),
        priority: Priority::try_from(20).unwrap(),
        preempt: false,
        heartbeat: ms(10),
        failover: ms(30),
        margin: ms(4),
        paths: vec![path()],
        epoch: Epoch(4),
        config_digest: 0,
        warm: false,
        resume: None,
        held_until: None,
        split_brain: SplitBrain::BothActive,
    }
}

/// A heartbeat of a peer with the lower priority.
pub(super) fn beat(seq: u64, role: Role) -> Beat {
    Beat {
        seq: Seq(seq),
        purpose: Purpose::Heartbeat,
        role,
        role_age: ms(1),
        epoch: Epoch(0),
        priority: Priority::DEFAULT,
        flags: Flags::default().with(Flags::WARM, role != Role::Initializing),
        heartbeat: ms(10),
        failover: ms(30),
        heard: Seq::default(),
        heard_paths: vec![path()],
        config_digest: 0,
        hold: None,
        holding: None,
    }
}

/// The box, the puppet's numbers, and the time.
pub(super) struct Stage_ {
    pub(super) now: Instant,
    pub(super) ft: Ft,
    seq: u64,
    /// Newest heartbeat of the box.
    heard: Seq,
    pub(super) said: Vec<Output>,
}

/// Names of states, for tables.
pub(super) fn name(state: &State) -> &'static str {
    match state {
        State::Initializing { .. } => "init",
        State::Standby { .. } => "standby",
        State::Lapsed { .. } => "lapsed",
        State::Active { .. } => "active",
        State::Draining { stage: Stage::Emptying { .. }, .. } => "emptying",
        State::Draining { stage: Stage::Offered { .. }, .. } => "offered",
        State::Draining { stage: Stage::Withdrawing { .. }, .. } => "withdrawing",
        State::Leaving { .. } => "leaving",
    }
}

impl Stage_ {
    /// A box that has just started and met its peer.
    pub(super) fn new() -> Self {
        let mut stage = Self::alone(|_| {});
        stage.meet(UnitId(0));
        stage
    }

    /// A box that has just started and knows nobody.
    pub(super) fn alone(change: impl Fn(&mut Config)) -> Self {
        let now = START;
        let mut config = config();
        change(&mut config);
        let ft = Ft::new(now, config);
        let mut stage = Self { now, ft, seq: 0, heard: Seq::default(), said: Vec::new() };
        stage.listen();
        stage
    }

    /// A session with a life of this unit begins.
    pub(super) fn meet(&mut self, unit: UnitId) {
        self.input(Input::Established { unit, software: "0".into() });
        self.seq = 0;
    }

    /// A box in the state of that name.
    pub(super) fn in_state(wanted: &str) -> Self {
        let mut stage = Self::new();
        match wanted {
            "init" => {}
            "standby" => stage.hear(Role::Active, Flags::default()),
            "active" => stage.become_active(),
            "lapsed" => {
                stage.become_active();
                stage.sleep();
            }
            "emptying" => stage.drain(),
            "offered" => stage.offer(),
            "withdrawing" => {
                stage.offer();
                while name(&stage.ft.state) == "offered" {
                    stage.wait(ms(10));
                    stage.hear_without_confirming(Role::Standby);
                }
            }
            "leaving" => {
                stage.offer();
                stage.hear(Role::Active, Flags::default());
            }
            other => panic!("no state is called {other}"),
        }
        assert_eq!(name(&stage.ft.state), wanted);
        stage
    }

    fn become_active(&mut self) {
        self.hear(Role::Initializing, Flags::default());
        self.hear(Role::Standby, Flags::default());
    }

    fn drain(&mut self) {
        self.become_active();
        self.input(Input::Handover(HandoverCause::Operator));
    }

    fn offer(&mut self) {
        self.drain();
        self.input(Input::Replication { in_step: true, drained: true });
    }

    pub(super) fn input(&mut self, input: Input<'_>) {
        self.ft.handle_input(self.now, input);
        self.listen();
    }

    /// The puppet says that it heard everything so far.
    pub(super) fn hear(&mut self, role: Role, flags: Flags) {
        let heard = self.heard;
        self.say(role, flags, heard);
    }

    /// The puppet confirms, but not the very last heartbeat.
    pub(super) fn hear_without_confirming(&mut self, role: Role) {
        let heard = Seq(self.heard.0 - 1);
        self.say(role, Flags::default(), heard);
    }

    fn say(&mut self, role: Role, flags: Flags, heard: Seq) {
        self.say_more(role, heard, |beat| beat.flags = beat.flags.with(flags, true));
    }

    /// The puppet says that it heard everything so far, and more.
    pub(super) fn hear_more(&mut self, role: Role, more: impl Fn(&mut Beat)) {
        let heard = self.heard;
        self.say_more(role, heard, more);
    }

    fn say_more(&mut self, role: Role, heard: Seq, more: impl Fn(&mut Beat)) {
        self.seq += 1;
        let mut beat = beat(self.seq, role);
        (beat.heard, beat.epoch) = (heard, self.ft.epoch());
        more(&mut beat);
        let body = beat.write();
        self.input(Input::Beat { path: path(), body: &body });
    }

    /// Time passes, deadlines are kept.
    pub(super) fn wait(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(due) = self.ft.next_deadline().filter(|due| due.at <= end) {
            self.now = due.at;
            self.ft.handle_deadline(self.now);
            self.listen();
        }
        self.now = end;
    }

    /// The thread sleeps longer than any lease, and catches up.
    pub(super) fn sleep(&mut self) {
        self.now = self.now + ms(100);
        self.input(Input::CaughtUp);
    }

    /// The newest heartbeat that it said.
    pub(super) fn newest(&self) -> Beat {
        let bodies = self.said.iter().rev().filter_map(|output| match output {
            Output::Send { body, .. } => Some(body),
            Output::Gate { .. }
            | Output::Announce
            | Output::AskGateways
            | Output::PersistEpoch(_)
            | Output::Decision(_)
            | Output::Event(_)
            | Output::Malformed(_) => None,
        });
        Beat::parse(bodies.into_iter().next().unwrap()).unwrap()
    }

    fn listen(&mut self) {
        while let Some(output) = self.ft.poll_output() {
            if let Output::Send { body, .. } = &output {
                self.heard = Beat::parse(body).unwrap().seq;
            }
            self.said.push(output);
        }
    }
}
