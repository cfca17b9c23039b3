//! The machine: joins the telling half, the receiving half and the session they share.

use alloc::collections::VecDeque;

use hitless_model::Instant;

use super::codec::{self, Head, Seq};
use super::input::{Input, Mode, Sending, SessionId};
use super::output::{Event, Output, Rejected, Status, Timer};
use super::pace::MAX_WINDOW;
use super::receiver::Receiver;
use super::records;
use super::speaks::{Speaks, Takes};
use super::standing::{Standing, Statements};
use super::teller::Teller;
use super::{MAX_MESSAGE, queue};
use crate::audit::{Listing, Task};
use crate::machine::{Clock, Deadline, Machine};
use crate::node::{Captured, TableJob};

/// Outputs of one call at most: a window sent again, a window sent, a window handed to the table,
/// and a handful of others.
pub const MAX_OUTPUTS: usize = 3 * MAX_WINDOW + 8;

/// Listings that the table's thread may have at a time: the peer makes them again.
const MAX_COMPARING: usize = 64;

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
    statements: Statements,
    /// The peer told something while this box did, as no draining one.
    crossed: bool,
    /// This box's part in comparing the tables.
    audit: Task,
    /// Listings that the table's thread has.
    comparing: usize,
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
            diverged: self.teller.repairs.diverged(),
            repaired: self.teller.repairs.repaired(),
            bulk: self.teller.progress(),
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
            Sending::Paused | Sending::Contested => None,
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
            self.statements.reset();
        }
        self.peer = Peer::Up(session);
    }

    fn on_peer_down(&mut self) {
        if let Peer::Up(session) = self.peer {
            self.peer = Peer::Down(session);
        }
    }

    /// When roles swap in a session, what one told completely is what the other would tell: no dump
    /// is needed, and while both tell, none can bring back what the other one just removed. But of two
    /// that told each other, each may have ignored the other.
    fn on_mode(&mut self, now: Instant, mode: Mode) {
        match (self.teller.mode(), mode) {
            (Mode::Telling, Mode::Silent) => {
                self.receiver.falls_silent(self.teller.is_held() && !self.crossed);
            }
            (Mode::Draining, Mode::Silent) => self.receiver.falls_silent(self.teller.is_held()),
            (Mode::Silent, Mode::Telling | Mode::Draining) => self.crossed = false,
            (Mode::Telling | Mode::Draining, Mode::Telling | Mode::Draining)
            | (Mode::Silent, Mode::Silent) => {}
        }
        let is_partial = self.statements.peer() == Some(Standing::Partial);
        self.teller.set_mode(now, mode, self.receiver.is_complete() && !is_partial);
    }

    fn on_sending(&mut self, sending: Sending) {
        match (self.sending, sending) {
            (Sending::Paused, Sending::Open) => self.teller.sender.hurry(),
            (Sending::Contested, Sending::Open | Sending::Paused) => self.teller.on_uncontested(),
            (_, Sending::Contested | Sending::Paused) | (Sending::Open, Sending::Open) => {}
        }
        self.sending = sending;
    }

    /// What this box's table is as a mirror of the peer's.
    fn standing(&self) -> Standing {
        match (self.teller.mode(), self.receiver.is_complete()) {
            (Mode::Telling | Mode::Draining, _) => Standing::Tells,
            (Mode::Silent, true) => Standing::Whole,
            (Mode::Silent, false) => Standing::Partial,
        }
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
            self.receiver.lacks();
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
        if let Some(statement) = head.statement {
            self.statements.hear(statement);
        }
        if let Some(listing) = message.listing {
            self.on_listing(listing);
        }
        let Some((seq, records)) = message.batch else { return Ok(()) };
        if !self.receiver.wants(now, seq)? {
            return Ok(());
        }
        let records =
            records::take_records(records).map_err(|codec::Malformed| Rejected::Malformed)?;
        let bad = records.bad;
        let tells = !records.changes.is_empty();
        self.crossed |= tells && self.teller.mode() == Mode::Telling;
        if tells && self.teller.give_way() {
            self.receiver.lacks();
        }
        self.receiver.accept(now, seq, records);
        if bad == 0 { Ok(()) } else { Err(Rejected::BadRecord) }
    }

    /// The peer holds something else than this box's digests say.
    fn on_listing(&mut self, listing: Listing) {
        if self.audit == Task::Tells && self.comparing < MAX_COMPARING {
            self.comparing += 1;
            self.outputs.push_back(Output::Table(TableJob::Compare(listing)));
        }
    }

    /// This box's table holds something else than the peer's digests say.
    fn tell_listing(&mut self, now: Instant, listing: &Listing) {
        let Some(session) = self.open_session().filter(|_| self.audit == Task::Mirrors) else {
            return;
        };
        let head = self.head(now, session);
        self.outputs.push_back(Output::Send(codec::encode_listing(&head, listing)));
    }

    fn on_compared(&mut self, now: Instant, changes: &[Captured]) {
        self.comparing = self.comparing.saturating_sub(1);
        if self.audit == Task::Tells {
            self.teller.on_compared(now, changes);
        }
    }

    /// Until the peer was heard in a session nobody knows whether it compares.
    fn settle_audit(&mut self) {
        let Some(speaks) = self.peer_speaks else { return };
        let audit = match (speaks.takes.include(Takes::AUDIT), self.teller.mode()) {
            (false, _) => Task::Idle,
            (true, Mode::Silent) => Task::Mirrors,
            (true, Mode::Telling | Mode::Draining) => Task::Tells,
        };
        if core::mem::replace(&mut self.audit, audit) != audit {
            self.outputs.push_back(Output::Table(TableJob::Audit(audit)));
        }
    }

    /// Brings out everything that follows from the state: called after every change of it.
    fn settle(&mut self, now: Instant) {
        while let Some(job) = self.receiver.next_job() {
            self.outputs.push_back(Output::Table(job));
        }
        self.statements.state(self.standing());
        self.teller.on_standing(self.statements.peer());
        self.teller.on_acknowledged(now);
        self.settle_audit();
        while let Some(event) = self.teller.repairs.next_event() {
            self.outputs.push_back(Output::Event(event));
        }
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
            self.send(now, session, Some(seq));
        }
        loop {
            while let Some(seq) = self.teller.next_batch(now) {
                self.send(now, session, Some(seq));
            }
            let Some(job) = self.teller.next_job() else { break };
            self.outputs.push_back(Output::Table(job));
        }
        if self.word_due().is_some_and(|at| at <= now) {
            self.send(now, session, None);
        }
    }

    /// When a message has to leave that carries no batch.
    fn word_due(&self) -> Option<Instant> {
        [self.receiver.ack_due(), self.statements.due()].into_iter().flatten().min()
    }

    fn head(&mut self, now: Instant, session: SessionId) -> Head {
        let (ack, statement) = (self.receiver.ack(), Some(self.statements.say(now)));
        Head { session, ack, speaks: Some(Speaks::OURS), statement }
    }

    fn send(&mut self, now: Instant, session: SessionId, seq: Option<Seq>) {
        let head = self.head(now, session);
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
            Input::Digests(digests) if self.audit == Task::Tells => {
                self.teller.on_digests(now, digests);
            }
            Input::Digests(_) => {}
            Input::Listing(listing) => self.tell_listing(now, &listing),
            Input::Compared(changes) => self.on_compared(now, changes),
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
        let ack = self.word_due().filter(|_| open);
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
