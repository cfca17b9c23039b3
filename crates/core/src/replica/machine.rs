//! The machine: joins the telling half, the receiving half and the session they share.

use alloc::collections::VecDeque;

use hitless_model::Instant;

use super::codec::{self, Head, Seq};
use super::input::{Input, Mode, Sending, SessionId};
use super::output::{Event, Output, Rejected, Status, Timer};
use super::pace::MAX_WINDOW;
use super::receiver::Receiver;
use super::records;
use super::speaks::Speaks;
use super::teller::Teller;
use super::{MAX_MESSAGE, queue};
use crate::machine::{Clock, Deadline, Machine};
use crate::node::Captured;

/// Outputs of one call at most: a window sent again, a window sent, a window handed to the table,
/// and a handful of others.
pub const MAX_OUTPUTS: usize = 3 * MAX_WINDOW + 8;

/// Whether the peer can be talked to, and in which session.
#[derive(Clone, Copy, Debug, Default)]
enum Peer {
    #[default]
    Unknown,
    Up(SessionId),
    /// Gone; the session may come back.
    Down(SessionId),
}

/// Carries connections between the two boxes of a pair.
#[derive(Debug, Default)]
pub struct Replica {
    clock: Clock,
    peer: Peer,
    sending: Sending,
    /// What the peer speaks, once it was heard in this session.
    peer_speaks: Option<Speaks>,
    teller: Teller,
    receiver: Receiver,
    in_step: bool,
    outputs: VecDeque<Output>,
}

impl Replica {
    /// A machine without a peer that tells nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the peer's table holds a full dump of this box's and every change since, but for
    /// changes too young to be late.
    pub const fn in_step(&self) -> bool {
        self.in_step
    }

    /// Whether this box's table holds everything that the peer's does, but for changes on their
    /// way: by a full dump of the peer's, or because this box told its own in full before roles
    /// swapped.
    pub const fn peer_complete(&self) -> bool {
        self.receiver.is_complete()
    }

    /// Whether this box is draining and the peer's table holds everything: the dump, the embryonic
    /// connections, and every change captured until the peer had those. Changes after that are
    /// still told; waiting for a moment without any could take for ever.
    pub fn is_drained(&self) -> bool {
        matches!(self.peer, Peer::Up(_)) && self.teller.is_drained()
    }

    /// How replication does.
    pub fn status(&self, now: Instant) -> Status {
        let (sent, received) = (self.teller.sender.sent(), self.receiver.received());
        let lag =
            self.teller.oldest().map(|oldest| now.saturating_since(oldest)).unwrap_or_default();
        Status {
            mode: self.teller.mode(),
            session: self.session(),
            version: self.peer_speaks.and_then(|peer| Speaks::OURS.version_with(peer)),
            queued: self.teller.queued() as u64,
            in_flight: self.teller.sender.in_flight() as u64,
            window: self.teller.sender.window() as u64,
            at_risk: self.teller.at_risk(),
            lag_ms: u64::try_from(lag.as_millis()).unwrap_or(u64::MAX),
            round_trip: self.teller.sender.round_trip(),
            generation: self.teller.generation(),
            in_step: self.in_step,
            peer_complete: self.peer_complete(),
            batches_sent: sent.batches,
            retransmissions: sent.again,
            batches_received: received.batches,
            duplicates: received.duplicates,
            skipped: received.skipped,
            overflows: self.teller.overflows(),
            refused_here: u64::from(self.receiver.refused()),
            refused_by_peer: u64::from(self.teller.sender.refused()),
        }
    }

    fn session(&self) -> Option<SessionId> {
        match self.peer {
            Peer::Up(session) => Some(session),
            Peer::Unknown | Peer::Down(_) => None,
        }
    }

    /// The session, if datagrams may leave.
    fn open_session(&self) -> Option<SessionId> {
        match self.sending {
            Sending::Open => self.session(),
            Sending::Paused => None,
        }
    }

    fn on_peer_up(&mut self, session: SessionId) {
        let known = match self.peer {
            Peer::Up(old) | Peer::Down(old) => old == session,
            Peer::Unknown => false,
        };
        if !known {
            self.teller.reset();
            self.receiver.reset();
            self.peer_speaks = None;
        }
        self.peer = Peer::Up(session);
    }

    fn on_peer_down(&mut self) {
        if let Peer::Up(session) = self.peer {
            self.peer = Peer::Down(session);
        }
    }

    /// When roles swap in a session, what one told completely is what the other would tell: no dump
    /// is needed, and while both tell, none can bring back what the other one just removed.
    fn on_mode(&mut self, now: Instant, mode: Mode) {
        if mode == Mode::Silent && self.teller.mode() != Mode::Silent {
            self.receiver.inherit(self.teller.is_held());
        }
        self.teller.set_mode(now, mode, self.receiver.is_complete());
    }

    fn on_sending(&mut self, sending: Sending) {
        if self.sending == Sending::Paused && sending == Sending::Open {
            self.teller.on_return();
        }
        self.sending = sending;
    }

    fn on_captured(&mut self, now: Instant, captured: &[Captured]) {
        for change in captured {
            if let Some(dropped) = self.teller.on_captured(now, change) {
                debug_assert!(dropped > queue::MAX_QUEUED as u64);
                self.outputs.push_back(Output::Event(Event::Overflow { dropped }));
            }
        }
    }

    fn on_captures_lost(&mut self) {
        self.teller.on_captures_lost();
        if self.teller.waits() {
            self.receiver.inherit(false);
        }
    }

    /// Takes a message in: first what it acknowledges, then its batch.
    fn on_message(&mut self, now: Instant, bytes: &[u8]) -> Result<(), Rejected> {
        let session = self.session().ok_or(Rejected::NoSession)?;
        if bytes.len() > MAX_MESSAGE {
            return Err(Rejected::TooLong);
        }
        let message = codec::decode(bytes).map_err(|codec::Malformed| Rejected::Malformed)?;
        let head = message.head;
        if head.session != session {
            return Err(Rejected::ForeignSession);
        }
        let speaks = head.speaks.unwrap_or(Speaks::FIRST);
        Speaks::OURS.version_with(speaks).ok_or(Rejected::WrongVersion)?;
        self.peer_speaks = Some(speaks);
        self.teller.sender.on_ack(now, head.ack)?;
        self.teller.on_acknowledged(now);
        let Some((seq, records)) = message.batch else { return Ok(()) };
        if !self.receiver.wants(now, seq)? {
            return Ok(());
        }
        let records =
            records::take_records(records).map_err(|codec::Malformed| Rejected::Malformed)?;
        let bad = records.bad;
        if !records.changes.is_empty() && self.teller.give_way() {
            self.receiver.inherit(false);
        }
        self.receiver.accept(now, seq, records);
        if bad == 0 { Ok(()) } else { Err(Rejected::BadRecord) }
    }

    /// Brings out everything that follows from the state: called after every change of it.
    fn settle(&mut self, now: Instant) {
        while let Some(job) = self.receiver.next_job() {
            self.outputs.push_back(Output::Table(job));
        }
        self.teller.on_acknowledged(now);
        if let Some(session) = self.open_session() {
            self.send_due(now, session);
        }
        let in_step = self.session().is_some() && self.teller.is_in_step(now);
        if in_step != self.in_step {
            self.in_step = in_step;
            self.outputs.push_back(Output::InStep(in_step));
        }
    }

    fn send_due(&mut self, now: Instant, session: SessionId) {
        while !self.teller.waits()
            && let Some(seq) = self.teller.sender.next_again(now)
        {
            self.send(session, Some(seq));
        }
        loop {
            while let Some(seq) = self.teller.next_batch(now) {
                self.send(session, Some(seq));
            }
            let Some(job) = self.teller.next_job() else { break };
            self.outputs.push_back(Output::Table(job));
        }
        if self.receiver.ack_due().is_some_and(|at| at <= now) {
            self.send(session, None);
        }
    }

    fn send(&mut self, session: SessionId, seq: Option<Seq>) {
        let head = Head { session, ack: self.receiver.ack(), speaks: Some(Speaks::OURS) };
        let batch = seq.map(|seq| (seq, self.teller.sender.records(seq)));
        let bytes = codec::encode(&head, batch);
        debug_assert!(bytes.len() <= MAX_MESSAGE);
        self.outputs.push_back(Output::Send(bytes));
    }
}

impl Machine for Replica {
    type Input<'a> = Input<'a>;
    type Output = Output;
    type Timer = Timer;

    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        let now = self.clock.advance(now);
        match input {
            Input::PeerUp(session) => self.on_peer_up(session),
            Input::PeerDown => self.on_peer_down(),
            Input::Message(bytes) => {
                if let Err(reason) = self.on_message(now, bytes) {
                    self.outputs.push_back(Output::Event(Event::Rejected(reason)));
                }
            }
            Input::Captured(captured) => self.on_captured(now, captured),
            Input::CapturesLost => self.on_captures_lost(),
            Input::Snapshot(part) => self.teller.on_part(part),
            Input::Applied { batch, refused } => self.receiver.on_applied(now, batch, refused),
            Input::SetMode(mode) => self.on_mode(now, mode),
            Input::SetSending(sending) => self.on_sending(sending),
        }
        self.settle(now);
    }

    fn handle_deadline(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        self.settle(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn next_deadline(&self) -> Option<Deadline<Timer>> {
        let open = self.open_session().is_some();
        let ack = self.receiver.ack_due().filter(|_| open);
        let again = self.teller.sender.next_due().filter(|_| open && !self.teller.waits());
        let tell = self.teller.tell_due().filter(|_| open);
        let late = self.teller.late_at().filter(|_| self.in_step);
        let deadlines = [
            (ack, Timer::Acknowledge),
            (tell, Timer::Tell),
            (again, Timer::Retransmit),
            (late, Timer::Lag),
        ];
        let due = |(at, why): (Option<Instant>, Timer)| at.map(|at| Deadline { at, why });
        deadlines.into_iter().filter_map(due).min_by_key(|deadline| deadline.at)
    }
}
