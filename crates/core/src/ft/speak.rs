//! Heartbeats on their way out.

use alloc::vec::Vec;

use hitless_model::{Instant, Role};

use super::beat::{Beat, Flags, Purpose, Seq};
use super::machine::Ft;
use super::output::Output;
use super::peer::Peer;
use super::sent::Sent;
use super::state::{Stage, State};

impl Ft {
    /// The heartbeat of this moment; the next one is an interval away.
    pub(super) fn speak(&mut self, now: Instant, flags: Flags) {
        self.renew_alone();
        let purpose = match &self.state {
            State::Initializing { .. } => Purpose::Elect,
            State::Standby { .. } if self.wants_role_now() => Purpose::Coup,
            State::Standby { .. }
            | State::Lapsed { .. }
            | State::Active { .. }
            | State::Draining { .. }
            | State::Leaving { .. } => Purpose::Heartbeat,
        };
        let flags = flags.with(Flags::ASK, self.asks());
        self.send(now, purpose, flags);
        let usual = self.config.interval() / self.beats_per_interval();
        let interval = if self.asks_to_be_away() { usual.min(self.pace()) } else { usual };
        let next = self.beat_due + interval;
        self.beat_due = if next > now && next <= now + interval { next } else { now + interval };
    }

    /// A lease that is renewed alone counts from the heartbeat before: two in an interval leave as
    /// much time to be late as confirmations do.
    fn beats_per_interval(&self) -> u32 {
        if self.is_renewing_alone() { 2 } else { 1 }
    }

    /// A standby keeps quiet and answers; who forwards needs confirmations, and who looks for its
    /// role needs to know that it is heard.
    fn asks(&self) -> bool {
        if self.asks_to_be_away() {
            return true;
        }
        match &self.state {
            State::Standby { .. } => {
                let role = self.peer.as_ref().and_then(Peer::role);
                !role.is_some_and(Role::forwards)
            }
            State::Initializing { .. }
            | State::Lapsed { .. }
            | State::Active { .. }
            | State::Draining { .. }
            | State::Leaving { .. } => true,
        }
    }

    /// Answers a heartbeat that asked for it. A standby's next heartbeat then waits for the next
    /// question, and an eighth of an interval more: the two keep step, and confirmations are young.
    pub(super) fn answer(&mut self, now: Instant) {
        self.send(now, Purpose::Answer, Flags::default());
        if let State::Standby { .. } = self.state {
            let interval = self.config.interval();
            self.beat_due = now + interval + interval / 8;
        }
    }

    /// Sends a heartbeat over every path.
    pub(super) fn send(&mut self, now: Instant, purpose: Purpose, flags: Flags) {
        let seq = self.next_seq;
        self.next_seq = seq.next();
        let beat = self.compose(now, seq, purpose, flags);
        self.sent.push(Sent { seq, at: now, failover: self.config.failover });
        self.outputs.push_back(Output::Send { purpose, body: beat.write() });
    }

    fn compose(&self, now: Instant, seq: Seq, purpose: Purpose, flags: Flags) -> Beat {
        let peer = self.peer.as_ref();
        Beat {
            seq,
            purpose,
            role: self.state.role(),
            role_age: now.saturating_since(self.since),
            epoch: self.epoch,
            priority: self.config.priority,
            flags: self.flags(flags),
            heartbeat: self.config.heartbeat,
            failover: self.config.failover,
            heard: peer.map(Peer::heard).unwrap_or_default(),
            heard_paths: peer.map_or_else(Vec::new, Peer::paths_up),
            config_digest: self.config.config_digest,
            hold: self.hold_wanted(),
            holding: self.holding(now),
        }
    }

    fn flags(&self, flags: Flags) -> Flags {
        let offering = matches!(self.state, State::Draining { stage: Stage::Offered { .. }, .. });
        let ft_path = self.config.paths.first();
        let ft_up = ft_path.zip(self.peer.as_ref()).is_some_and(|(path, peer)| peer.is_up(*path));
        flags
            .with(Flags::PREEMPT, self.config.preempt)
            .with(Flags::LAPSED, matches!(self.state, State::Lapsed { .. }))
            .with(Flags::DRAINED, offering)
            .with(Flags::IN_STEP, self.replication.in_step)
            .with(Flags::FT_VLAN_UP, ft_up)
            .with(Flags::WARM, self.warm)
            .with(Flags::COUP, self.wants_role_now())
            .with(Flags::STOPPING, self.stopping)
    }

    /// The number that the next heartbeat will have.
    pub(super) fn coming(&self) -> Seq {
        self.next_seq
    }
}
