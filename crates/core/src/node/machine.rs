//! The node: its parts, and how inputs and deadlines reach them.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use hitless_model::{Instant, Mac};

use super::carry::Carried;
use super::counters::Counters;
use super::input::{Command, Input, NodeConfig, PathId};
use super::output::Output;
use super::parts::{ft_config, session_config};
use super::record::Recorder;
use crate::ft;
use crate::machine::{Clock, Deadline, Machine};
use crate::replica::{self, Replica, SessionId};
use crate::session::{self, Session};

/// Rounds of one deadline: the machines are three, and each is due once.
const MAX_ROUNDS: usize = 3;

/// Why a node wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Contact with the peer has to be made or refreshed.
    Session(session::Timer),
    /// A heartbeat, a lease or a judgement about the peer is due.
    Roles(ft::Timer),
    /// Replication has something to send, or to send again.
    Replication(replica::Timer),
}

/// One module's pure core.
#[derive(Debug)]
pub struct Node {
    pub(super) clock: Clock,
    pub(super) config: NodeConfig,
    pub(super) session: Session,
    pub(super) ft: Recorder,
    pub(super) replica: Replica,
    pub(super) session_id: Option<SessionId>,
    /// The peer's MACs by path.
    pub(super) macs: BTreeMap<PathId, Mac>,
    pub(super) carried: Carried,
    pub(super) sent: Counters,
    pub(super) received: Counters,
    pub(super) rejected: Counters,
    pub(super) outputs: VecDeque<Output>,
}

impl Node {
    /// A node that starts its life at `now`: initializing, knowing no peer. Its outputs can be
    /// polled at once; the first closes the gate.
    pub fn new(now: Instant, config: NodeConfig) -> Self {
        let mut node = Self {
            clock: Clock::new(now),
            session: Session::new(now, session_config(&config)),
            ft: Recorder::new(now, ft_config(&config)),
            replica: Replica::new(),
            config,
            session_id: None,
            macs: BTreeMap::new(),
            carried: Carried::default(),
            sent: Counters::of_messages(),
            received: Counters::of_messages(),
            rejected: Counters::of_rejections(),
            outputs: VecDeque::new(),
        };
        node.settle(now);
        node
    }

    pub(super) fn ft_path(&self) -> PathId {
        PathId(self.config.ft_vlan)
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = PathId> {
        core::iter::once(self.ft_path()).chain(self.config.second_paths.iter().copied())
    }

    pub(super) fn is_in_step(&self) -> bool {
        !self.config.replicates || self.replica.in_step()
    }

    fn configure(&mut self, now: Instant, config: &NodeConfig) {
        let NodeConfig { group, ft_vlan, unit, seed, epoch, .. } = self.config;
        self.config = NodeConfig { group, ft_vlan, unit, seed, epoch, ..config.clone() };
        let to_session = session_config(&self.config);
        self.session.handle_input(now, session::Input::Configure(&to_session));
        self.ft.handle_input(now, ft::Input::Configure(&ft_config(&self.config)));
        let macs: Vec<_> = core::mem::take(&mut self.macs).into_iter().collect();
        self.learn_macs(macs);
    }

    /// Lets every machine hear what the others said, until nobody has anything to say.
    fn settle(&mut self, now: Instant) {
        loop {
            if let Some(output) = self.session.poll_output() {
                self.on_session(now, output);
            } else if let Some(output) = self.ft.poll_output() {
                self.on_ft(output);
            } else if let Some(output) = self.replica.poll_output() {
                self.on_replica(output);
            } else if let Some(story) = self.ft.poll_story() {
                self.outputs.push_back(Output::Story(Box::new(story)));
            } else if !self.carry(now) {
                return;
            }
        }
    }
}

impl Machine for Node {
    type Input<'a> = Input<'a>;
    type Output = Output;
    type Timer = Timer;

    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        let now = self.clock.advance(now);
        match input {
            Input::Datagram { path, from: _, bytes } => {
                self.session.handle_input(now, session::Input::Datagram { path, bytes });
            }
            Input::Command(Command::Handover(cause)) => {
                self.ft.handle_input(now, ft::Input::Handover(cause));
            }
            Input::Command(Command::Absence(lasts)) => {
                self.ft.handle_input(now, ft::Input::Absence(lasts));
            }
            Input::Captured(changes) => {
                self.replica.handle_input(now, replica::Input::Captured(changes));
            }
            Input::CapturesLost => self.replica.handle_input(now, replica::Input::CapturesLost),
            Input::Snapshot(part) => {
                self.replica.handle_input(now, replica::Input::Snapshot(part));
            }
            Input::Applied { batch, refused } => {
                self.replica.handle_input(now, replica::Input::Applied { batch, refused });
            }
            Input::Digests(digests) => {
                self.replica.handle_input(now, replica::Input::Digests(digests));
            }
            Input::Listing(listing) => {
                self.replica.handle_input(now, replica::Input::Listing(listing));
            }
            Input::Compared(changes) => {
                self.replica.handle_input(now, replica::Input::Compared(changes));
            }
            Input::Configure(config) => self.configure(now, config),
            Input::CaughtUp => self.ft.handle_input(now, ft::Input::CaughtUp),
            Input::GatewayHeard => self.ft.handle_input(now, ft::Input::GatewayHeard),
        }
        self.settle(now);
    }

    fn handle_deadline(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        // What one machine says may make something due at once in another.
        for _ in 0..MAX_ROUNDS {
            self.ft.handle_deadline(now);
            self.session.handle_deadline(now);
            self.replica.handle_deadline(now);
            self.settle(now);
            if self.next_deadline().is_none_or(|next| next.at > now) {
                return;
            }
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn next_deadline(&self) -> Option<Deadline<Timer>> {
        let session = self.session.next_deadline().map(|d| (d.at, Timer::Session(d.why)));
        let roles = self.ft.next_deadline().map(|d| (d.at, Timer::Roles(d.why)));
        let replication = self.replica.next_deadline().map(|d| (d.at, Timer::Replication(d.why)));
        let all = [roles, session, replication].into_iter().flatten();
        all.min_by_key(|(at, _)| *at).map(|(at, why)| Deadline { at, why })
    }
}
