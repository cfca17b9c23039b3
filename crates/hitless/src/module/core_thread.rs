//! The core thread: the only one that drives the node and writes the gate of the data plane.
//!
//! It never waits for anything but its sockets, its inbox and its next deadline. What may block
//! (logging, the file with the epoch, netlink, the connection table) is handed to other threads
//! through bounded channels.

use std::os::fd::BorrowedFd;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use hitless_core::machine::Machine;
use hitless_core::node::{Command, Event, Input, Lane, Node, Output, TableJob, Transmit};
use hitless_model::abi::RoleWord;
use hitless_model::{Epoch, Instant, Role};
use hitless_plane::RoleHandle;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::oneshot;

use super::announce::Announcer;
use super::chores::Chore;
use super::clock;
use super::gateways::Gateways;
use super::inbox::{CoreInbox, CoreInput, Sender};
use super::pulse::Pulse;
use super::realtime;
use super::rejections::Rejections;
use super::sockets::Sockets;

/// Heartbeats read of a VLAN in one turn: all that can have waited in its socket, however long this
/// box was stopped, and no more, for on client VLANs anybody can send any number.
const HEARTBEATS_A_TURN: usize = 512;
/// Datagrams of records read in one turn, so that a deadline is never far away.
const RECORDS_A_TURN: usize = 64;
/// Inputs taken from the inbox in one turn.
const INPUTS_A_TURN: usize = 64;
/// Without a deadline the thread still looks around now and then.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// Everything that the core thread owns.
pub(crate) struct Core {
    pub(crate) node: Node,
    pub(crate) heartbeat: Duration,
    pub(crate) sockets: Sockets,
    pub(crate) inbox: CoreInbox,
    pub(crate) gate: RoleHandle,
    pub(crate) announcer: Announcer,
    pub(crate) gateways: Gateways,
    pub(crate) table: Sender<TableJob>,
    /// What is logged.
    pub(crate) log: SyncSender<Chore>,
    /// What is stored and passed on.
    pub(crate) chores: SyncSender<Chore>,
    pub(crate) rejections: Rejections,
    pub(crate) forwards_since: Option<Instant>,
    pub(crate) pulse: Pulse,
    /// Who waits to hear whether this process may be replaced.
    pub(crate) absence: Option<oneshot::Sender<Result<(), String>>>,
}

/// Where something waited when the thread woke.
#[derive(Clone, Copy, Debug)]
struct Ready {
    heartbeats: bool,
    records: bool,
}

/// Whether the thread goes on.
enum Turn {
    Continue,
    Leave(oneshot::Sender<()>),
}

impl Core {
    /// Runs until told to leave. What the node has to say at once goes out before anything else:
    /// for one that goes on where another was killed, every millisecond counts.
    pub(crate) fn run(mut self) {
        self.drain(&mut None);
        realtime::enter();
        loop {
            self.pulse.turn();
            let due = self.node.next_deadline().map(|deadline| deadline.at);
            let ready = self.sleep_until(due);
            if let Turn::Leave(reply) = self.turn(due, ready) {
                self.write_gate(Role::Standby, Epoch::default(), Instant::ZERO, false);
                let _asker_gone = reply.send(());
                return;
            }
        }
    }

    fn sleep_until(&self, due: Option<Instant>) -> Ready {
        let now = clock::now();
        let left = due.map_or(LONGEST_SLEEP, |at| at.saturating_since(now)).min(LONGEST_SLEEP);
        let may_sleep = self.inbox.may_sleep(now + left);
        let left = if may_sleep { left } else { Duration::ZERO };
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(1),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        let lanes = [Lane::Heartbeat, Lane::Replication].map(|lane| self.sockets.descriptors(lane));
        let others = self.gateways.descriptors().chain([self.inbox.descriptor()]);
        let descriptors: Vec<BorrowedFd<'_>> = lanes.into_iter().flatten().chain(others).collect();
        let mut waiting: Vec<PollFd<'_>> =
            descriptors.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
        // An interrupted wait is a short one, and says nothing of the sockets.
        let interrupted = poll(&mut waiting, Some(&timeout)).is_err();
        let any = |fds: &[PollFd<'_>]| interrupted || fds.iter().any(|fd| !fd.revents().is_empty());
        let (heartbeats, rest) = waiting.split_at(self.sockets.count());
        let (records, others) = rest.split_at(self.sockets.count());
        self.inbox.is_awake(others.last().is_some_and(|bell| !bell.revents().is_empty()));
        Ready { heartbeats: any(heartbeats), records: any(records) }
    }

    /// Heartbeats first, then the inbox and the records, and only then what is due: nobody is
    /// judged silent while something of his waits unread, although it came after the thread woke.
    fn turn(&mut self, due: Option<Instant>, ready: Ready) -> Turn {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= clock::now());
        if ready.heartbeats || is_due(due) {
            self.read(Lane::Heartbeat, HEARTBEATS_A_TURN);
        }
        self.hear_gateways();
        if due.is_some_and(|at| clock::now().saturating_since(at) > self.heartbeat) {
            self.node.handle_input(clock::now(), Input::CaughtUp);
            self.drain(&mut None);
        }
        if let Turn::Leave(reply) = self.take_waiting() {
            return Turn::Leave(reply);
        }
        if ready.records {
            self.read(Lane::Replication, RECORDS_A_TURN);
        }
        let next = |node: &Node| node.next_deadline().map(|deadline| deadline.at);
        if is_due(next(&self.node)) {
            self.read(Lane::Heartbeat, HEARTBEATS_A_TURN);
            self.node.handle_deadline(clock::now());
            self.drain(&mut None);
        }
        Turn::Continue
    }

    /// Takes what waits in the inbox, as long as nothing else is due: a part of a dump may cost a
    /// millisecond, and sixty of them a lease. What is left keeps the thread from sleeping.
    fn take_waiting(&mut self) -> Turn {
        for _ in 0..INPUTS_A_TURN {
            let Ok(Some(input)) = self.inbox.next() else { break };
            if let Turn::Leave(reply) = self.take(input) {
                return Turn::Leave(reply);
            }
            let now = clock::now();
            if self.node.next_deadline().is_some_and(|deadline| deadline.at <= now) {
                break;
            }
        }
        Turn::Continue
    }

    fn hear_gateways(&mut self) {
        if self.gateways.answered() {
            self.node.handle_input(clock::now(), Input::GatewayHeard);
            self.drain(&mut None);
        }
    }

    fn read(&mut self, lane: Lane, limit: usize) {
        let node = &mut self.node;
        let count = self.sockets.receive(lane, limit, |path, from, bytes| {
            node.handle_input(clock::now(), Input::Datagram { path, from, bytes });
        });
        if count > 0 {
            self.drain(&mut None);
        }
    }

    fn take(&mut self, input: CoreInput) -> Turn {
        let now = clock::now();
        let mut refusal = None;
        match input {
            CoreInput::Captured(changes) => self.node.handle_input(now, Input::Captured(&changes)),
            CoreInput::CapturesLost => self.node.handle_input(now, Input::CapturesLost),
            CoreInput::Snapshot(part) => self.node.handle_input(now, Input::Snapshot(part)),
            CoreInput::Digests(digests) => self.node.handle_input(now, Input::Digests(digests)),
            CoreInput::Listing(listing) => self.node.handle_input(now, Input::Listing(listing)),
            CoreInput::Compared(changes) => self.node.handle_input(now, Input::Compared(&changes)),
            CoreInput::Applied { batch, refused } => {
                self.node.handle_input(now, Input::Applied { batch, refused });
            }
            CoreInput::Handover(cause, reply) => {
                self.node.handle_input(now, Input::Command(Command::Handover(cause)));
                self.drain(&mut refusal);
                let _asker_gone = reply.send(refusal.map_or(Ok(()), Err));
                return Turn::Continue;
            }
            CoreInput::Absence(_, reply) if self.absence.is_some() => {
                let _asker_gone = reply.send(Err("it is being replaced already".to_owned()));
            }
            CoreInput::Absence(lasts, reply) => {
                self.absence = Some(reply);
                self.node.handle_input(now, Input::Command(Command::Absence(lasts)));
            }
            CoreInput::Configure(config, announcements) => {
                self.announcer.replace(announcements, self.forwards_since.is_some());
                self.node.handle_input(now, Input::Configure(&config));
            }
            CoreInput::Status(reply) => {
                let _asker_gone = reply.send(self.node.status(now));
            }
            CoreInput::Leave(reply) => return Turn::Leave(reply),
        }
        self.drain(&mut refusal);
        Turn::Continue
    }

    fn drain(&mut self, refusal: &mut Option<String>) {
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Transmit(transmit) => self.send(&transmit),
                Output::Gate { role, epoch, lease_until, alone } => {
                    self.write_gate(role, epoch, lease_until, alone);
                }
                Output::Announce => self.announcer.announce(),
                Output::AskGateways => self.gateways.ask(),
                Output::Table(job) => self.job(job),
                Output::Neighbour { path, mac } => {
                    hand_on(&self.chores, Chore::Neighbour(path.0, mac));
                }
                Output::PersistEpoch(epoch) => hand_on(&self.chores, Chore::Epoch(epoch)),
                Output::Decision(decision) => hand_on(&self.log, Chore::Decision(decision)),
                Output::Story(story) => hand_on(&self.chores, Chore::Story(story)),
                Output::Event(Event::Rejected { reason }) => self.rejections.count(reason),
                Output::Event(event) => {
                    if let Event::HandoverRefused { why, .. } = &event {
                        *refusal = Some(why.clone());
                    }
                    self.answer_absence(&event);
                    hand_on(&self.log, Chore::Event(event));
                }
            }
        }
        let rejected = self.rejections.take_due(clock::now());
        if !rejected.is_empty() {
            hand_on(&self.log, Chore::Rejected(rejected));
        }
    }

    fn send(&self, transmit: &Transmit) {
        self.sockets.send(transmit);
        if transmit.lane == Lane::Heartbeat {
            self.pulse.heartbeat();
        }
    }

    fn answer_absence(&mut self, event: &Event) {
        let answer = match event {
            Event::AbsenceGranted { .. } => Ok(()),
            Event::AbsenceRefused { why } => Err(why.clone()),
            Event::PeerFound { .. }
            | Event::PeerLost
            | Event::PathState { .. }
            | Event::LeaseExpired
            | Event::Unauthenticated
            | Event::Rekeyed { .. }
            | Event::KeyDiffers { .. }
            | Event::ConfigDiffers(_)
            | Event::Delayed { .. }
            | Event::TimersDiffer
            | Event::ForeignPair { .. }
            | Event::InStep(_)
            | Event::Diverged { .. }
            | Event::Repaired { .. }
            | Event::HandoverRefused { .. }
            | Event::Gateway { .. }
            | Event::Rejected { .. } => return,
        };
        if let Some(reply) = self.absence.take() {
            let _asker_gone = reply.send(answer);
        }
    }

    fn write_gate(&mut self, role: Role, epoch: Epoch, lease_until: Instant, alone: bool) {
        self.forwards_since =
            role.forwards().then(|| self.forwards_since.unwrap_or_else(clock::now));
        let word = RoleWord {
            role: u32::from(role as u8),
            flags: if alone { RoleWord::ALONE } else { 0 },
            epoch: epoch.0,
            lease_until: lease_until.as_nanos(),
            active_since: self.forwards_since.map_or(0, Instant::as_nanos),
        };
        self.pulse.role(role);
        if let Err(error) = self.gate.write(word) {
            // Without its gate this box cannot promise silence: the peer must take over.
            tracing::error!("the gate of the data plane cannot be written: {error}");
            std::process::abort();
        }
    }

    /// The table thread has room for every job that the window of the replica lets out; should it
    /// be full all the same, waiting here is shorter than what the peer would have to repeat.
    fn job(&self, job: TableJob) {
        if self.table.send(job).is_err() {
            tracing::error!("the table thread has ended");
            std::process::abort();
        }
    }
}

fn hand_on(worker: &SyncSender<Chore>, chore: Chore) {
    match worker.try_send(chore) {
        Ok(()) | Err(TrySendError::Full(_)) => {}
        Err(TrySendError::Disconnected(_)) => std::process::abort(),
    }
}
