//! The node: routes between the machines that it is composed of.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use hitless_model::{Instant, Role};

use super::input::{Input, NodeConfig};
use super::output::{Output, Status};
use crate::machine::{Deadline, Machine};

/// Why a node wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// Contact with the peer has to be made or refreshed.
    Session,
    /// A heartbeat, a lease or a judgement about the peer is due.
    Roles,
    /// Replication has something to send again.
    Replication,
}

/// One module's pure core.
#[derive(Debug)]
pub struct Node {
    config: NodeConfig,
    since: Instant,
    outputs: VecDeque<Output>,
}

impl Node {
    /// A node that starts its life at `now`: initializing, knowing no peer.
    pub fn new(now: Instant, config: NodeConfig) -> Self {
        Self { config, since: now, outputs: VecDeque::new() }
    }

    /// What there is to show at `now`.
    pub fn status(&self, _now: Instant) -> Status {
        Status {
            role: Role::Initializing,
            epoch: self.config.epoch,
            lease_left_ns: None,
            priority: self.config.priority,
            since: self.since,
            role_changes: 0,
            lease_expiries: 0,
            peer: None,
            paths: Vec::new(),
            in_step: false,
            at_risk: 0,
            sent: Vec::new(),
            received: Vec::new(),
            rejected: Vec::new(),
        }
    }
}

impl Machine for Node {
    type Input<'a> = Input<'a>;
    type Output = Output;
    type Timer = Timer;

    fn handle_input(&mut self, _now: Instant, _input: Input<'_>) {}

    fn handle_deadline(&mut self, _now: Instant) {}

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn next_deadline(&self) -> Option<Deadline<Timer>> {
        None
    }
}
