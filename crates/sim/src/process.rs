//! The process of a box: the core under test, what waits for it, and its table thread.

use std::collections::VecDeque;
use std::time::Duration;

use hitless_core::audit::{Audit, Bucket, Digest, Listing};
use hitless_core::node::{
    BatchId, Captured, Command, Input, Lane, Node, NodeConfig, Output, Snapshot, TableJob,
};
use hitless_model::ConnKey;

use crate::fault::Death;
use crate::link::Datagram;
use crate::time::Moment;

/// Datagrams that a socket's buffer holds; the kernel drops what comes later.
const SOCKET: usize = 256;

/// A running or stopped process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) node: Node,
    /// Tells events of this process from those of a former one.
    pub(crate) life: u32,
    /// Stopped until then.
    pub(crate) paused_until: Option<Moment>,
    pub(crate) sockets: Sockets,
    pub(crate) inbox: VecDeque<Inbound>,
    /// Outputs that it was about to execute when it was stopped.
    pub(crate) stalled: VecDeque<Output>,
    pub(crate) trap: Option<Trap>,
    /// When the next wake-up is planned.
    pub(crate) wakes_at: Moment,
    pub(crate) table_thread: TableThread,
    /// Told to stop: leaves when it is no longer active, and comes back so long after that.
    pub(crate) stopping: Option<Duration>,
    /// About to be replaced: the new one starts so long after.
    pub(crate) reloading: Option<Duration>,
}

impl Process {
    pub(crate) fn new(node: Node, life: u32, paths: usize) -> Self {
        Self {
            node,
            life,
            paused_until: None,
            sockets: Sockets { queues: vec![VecDeque::new(); paths * 2] },
            inbox: VecDeque::new(),
            stalled: VecDeque::new(),
            trap: None,
            wakes_at: Moment::NEVER,
            table_thread: TableThread::default(),
            stopping: None,
            reloading: None,
        }
    }
}

/// Something that strikes after so many more outputs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trap {
    pub(crate) outputs_left: u32,
    pub(crate) blow: Blow,
}

/// What strikes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Blow {
    Pause { lasts: Duration },
    Crash { death: Death, back_after: Duration },
}

/// What arrived while the process was stopped, per path and lane.
#[derive(Debug)]
pub(crate) struct Sockets {
    queues: Vec<VecDeque<Datagram>>,
}

impl Sockets {
    pub(crate) fn push(&mut self, datagram: Datagram) {
        let position = datagram.path * 2 + usize::from(datagram.lane == Lane::Replication);
        let queue = &mut self.queues[position];
        if queue.len() < SOCKET {
            queue.push_back(datagram);
        }
    }

    /// Empties the sockets of a lane, one after the other.
    pub(crate) fn read(&mut self, lane: Lane) -> Vec<Datagram> {
        let first = usize::from(lane == Lane::Replication);
        self.queues.iter_mut().skip(first).step_by(2).flat_map(|queue| queue.drain(..)).collect()
    }
}

/// An input other than a datagram, waiting.
#[derive(Clone, Debug)]
pub(crate) enum Inbound {
    Captured(Vec<Captured>),
    CapturesLost,
    Snapshot(Snapshot),
    Digests(Vec<(Bucket, Digest)>),
    Listing(Listing),
    Compared(Vec<Captured>),
    Applied { batch: BatchId, refused: u32 },
    Command(Command),
    Configure(Box<NodeConfig>),
    CaughtUp,
    GatewayHeard,
}

impl Inbound {
    pub(crate) fn as_input(&self) -> Input<'_> {
        match self {
            Self::Captured(changes) => Input::Captured(changes),
            Self::CapturesLost => Input::CapturesLost,
            Self::Snapshot(part) => Input::Snapshot(part.clone()),
            Self::Digests(digests) => Input::Digests(digests.clone()),
            Self::Listing(listing) => Input::Listing(listing.clone()),
            Self::Compared(changes) => Input::Compared(changes),
            Self::Applied { batch, refused } => Input::Applied { batch: *batch, refused: *refused },
            Self::Command(command) => Input::Command(*command),
            Self::Configure(config) => Input::Configure(config),
            Self::CaughtUp => Input::CaughtUp,
            Self::GatewayHeard => Input::GatewayHeard,
        }
    }
}

/// The thread that keeps the kernel's connection table: one job after the other.
#[derive(Debug, Default)]
pub(crate) struct TableThread {
    pub(crate) jobs: VecDeque<TableJob>,
    pub(crate) dump: Option<Dump>,
    /// A job is planned.
    pub(crate) is_busy: bool,
    pub(crate) audit: Audit,
    /// When its next step is planned.
    pub(crate) audits_at: Option<Moment>,
    /// How far its walk through the table has come.
    pub(crate) walked_to: Option<ConnKey>,
}

/// A dump being made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dump {
    pub(crate) generation: u64,
    pub(crate) embryonic: bool,
    pub(crate) after: Option<ConnKey>,
}
