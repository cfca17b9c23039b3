//! Brings inputs to the cores, and wakes them.

use hitless_core::machine::Machine;
use hitless_core::node::{Event as NodeEvent, Input, Lane, Output, PathId};
use hitless_model::Role;

use super::{Event, PATH_VLANS, World};
use crate::check::{Birth, Cause, Invariant};
use crate::link::Datagram;
use crate::pair::Side;
use crate::plane::vlan;
use crate::process::Inbound;
use crate::time::Moment;

/// How late a thread wakes up when nothing is wrong, in microseconds.
const WAKE_LATENCY: u64 = 150;

impl World {
    pub(super) fn start(&mut self, side: Side) {
        if self.hosts[side].process.is_some() {
            return;
        }
        let seed = self.rngs.boxes.octets();
        let disk = self.hosts[side].disk;
        self.hosts[side].begin_life(self.now, seed);
        let role = self.status(side).map_or(Role::Initializing, |status| status.role);
        self.outputs[side].begins(disk, role);
        self.stats.resumed += u64::from(role == Role::Active);
        let known = self.status(side).map_or(disk, |status| status.epoch);
        self.roles.starts(side, self.now, self.birth(side, role), known);
        self.trace.brief(self.now, || format!("{side} starts as {role}, epoch {disk} on disk"));
        self.drain(side, Cause::Start);
        let life = self.hosts[side].lives;
        self.look_for_losses(side, life);
        // What the data plane reported while nobody listened is read first.
        self.report(side);
    }

    /// What a life that begins in this role owes to the former one.
    fn birth(&self, side: Side, role: Role) -> Birth {
        let host = &self.hosts[side];
        let now = host.clock.read(self.now);
        match role {
            Role::Active if host.plane.gate.alone => Birth::Alone,
            Role::Active => Birth::Bound,
            Role::Initializing | Role::Standby | Role::Draining => {
                let has_promised = host.config.held_until.is_some_and(|until| until > now);
                if has_promised { Birth::Bound } else { Birth::Free }
            }
        }
    }

    /// A datagram reaches a box: its core at once, or a socket's queue while the process is stopped.
    pub(super) fn arrive(&mut self, side: Side, datagram: Datagram) {
        let Some(process) = &mut self.hosts[side].process else { return };
        if process.paused_until.is_some() {
            process.sockets.push(datagram);
        } else {
            self.feed_datagram(side, &datagram);
        }
    }

    fn feed_datagram(&mut self, side: Side, datagram: &Datagram) {
        let now = self.hosts[side].clock.read(self.now);
        let Some(process) = self.hosts[side].running() else { return };
        let path = PathId(vlan(PATH_VLANS[datagram.path]));
        let Datagram { lane, from, bytes, hostile, .. } = datagram;
        // What is due anyway may be done on this occasion: that is not the frame's effect.
        let is_due = process.node.next_deadline().is_some_and(|next| next.at <= now);
        process.node.handle_input(now, Input::Datagram { path, from: *from, bytes });
        self.stats.datagrams += 1;
        self.trace.full(self.now, || {
            let kind = if *hostile { "hostile " } else { "" };
            format!("{side} <- {kind}{lane:?} of {} over {path:?}", bytes.len())
        });
        let cause = if *hostile && !is_due { Cause::Hostile } else { Cause::Datagram };
        let was_accepted = self.drain(side, cause);
        if !hostile && was_accepted && datagram.is_about_roles() {
            self.roles.reached(side, self.now);
        }
        // A process that is stopped before it acts on a frame might as well not have heard it.
        if !hostile && was_accepted && self.hosts[side].running().is_some() {
            self.hostile.remember(side, datagram);
            if datagram.is_about_roles() {
                self.roles.heard(side, datagram.sent_at, self.now);
            }
        }
    }

    /// Any other input.
    pub(super) fn feed(&mut self, side: Side, inbound: Inbound) {
        let now = self.hosts[side].clock.read(self.now);
        let Some(process) = &mut self.hosts[side].process else { return };
        if process.paused_until.is_some() {
            process.inbox.push_back(inbound);
            return;
        }
        self.trace.full(self.now, || format!("{side} <- {}", brief(&inbound)));
        process.node.handle_input(now, inbound.as_input());
        self.drain(side, Cause::Input);
    }

    /// Takes the outputs of a call, has them judged and executed; false if something was rejected.
    fn drain(&mut self, side: Side, cause: Cause) -> bool {
        let Some(process) = self.hosts[side].running() else { return false };
        let outputs: Vec<Output> = std::iter::from_fn(|| process.node.poll_output()).collect();
        let is_rejection =
            |output: &Output| matches!(output, Output::Event(NodeEvent::Rejected { .. }));
        let was_accepted = !outputs.iter().any(is_rejection);
        if let Err((invariant, what)) = self.outputs[side].judge(self.now, cause, &outputs) {
            self.trace_outputs(side, &outputs);
            self.violated(invariant, format!("{side}: {what}"));
        }
        self.perform(side, outputs.into());
        self.plan_wake(side);
        was_accepted
    }

    /// Plans the wake-up that the core asks for, if it is sooner than the one planned.
    fn plan_wake(&mut self, side: Side) {
        let clock = self.hosts[side].clock;
        let now = self.now;
        let latency = std::time::Duration::from_micros(self.rngs.boxes.below(WAKE_LATENCY));
        let Some(process) = self.hosts[side].running() else { return };
        let Some(deadline) = process.node.next_deadline() else { return };
        let at = clock.moment_of(deadline.at).max(now);
        if process.wakes_at < at
            || (process.wakes_at != Moment::NEVER && at + latency >= process.wakes_at)
        {
            return;
        }
        process.wakes_at = at + latency;
        let life = process.life;
        self.queue.push(at + latency, Event::Wake(side, life));
    }

    pub(super) fn wake(&mut self, side: Side, life: u32) {
        let now = self.now;
        let Some(process) = self.hosts[side].running() else { return };
        if process.life == life && process.wakes_at == now {
            process.wakes_at = Moment::NEVER;
            self.call_deadline(side);
        }
    }

    /// Lets the core do what is due, if anything is.
    fn call_deadline(&mut self, side: Side) {
        let now = self.hosts[side].clock.read(self.now);
        let Some(process) = self.hosts[side].running() else { return };
        let Some(due) = process.node.next_deadline() else { return };
        if due.at > now {
            self.plan_wake(side);
            return;
        }
        process.node.handle_deadline(now);
        self.trace.full(self.now, || format!("{side} woke for {:?}", due.why));
        self.drain(side, Cause::Deadline);
        let Some(process) = self.hosts[side].running() else { return };
        if let Some(next) = process.node.next_deadline().filter(|next| next.at <= now) {
            let what = format!("{side}: {:?} is due again at once after {:?}", next.why, due.why);
            self.violated(Invariant::LaterDeadline, what);
        }
    }

    /// Calls a core before its time: nothing may happen.
    pub(super) fn call_early(&mut self, side: Side) {
        let now = self.hosts[side].clock.read(self.now);
        let Some(process) = self.hosts[side].running() else { return };
        let Some(deadline) = process.node.next_deadline().filter(|next| next.at > now) else {
            return;
        };
        process.node.handle_deadline(now);
        let output = process.node.poll_output();
        let after = process.node.next_deadline();
        if output.is_some() || after != Some(deadline) {
            let what = format!("{side}: {deadline:?} became {after:?}, first output {output:?}");
            self.violated(Invariant::EarlyDeadlineIsNothing, what);
        }
    }

    /// A stopped process goes on: it finishes what it was about to do, reads what has come in the
    /// meantime, and learns that it was late.
    pub(super) fn resume(&mut self, side: Side, life: u32) {
        let Some(process) = &mut self.hosts[side].process else { return };
        if process.life != life || process.paused_until.is_none_or(|until| until > self.now) {
            return;
        }
        process.paused_until = None;
        process.wakes_at = Moment::NEVER;
        let due = process.node.next_deadline();
        let stalled = std::mem::take(&mut process.stalled);
        self.roles.excuse.goes_on(side, self.now);
        self.hosts[side].went_on_at = self.now;
        self.trace.brief(self.now, || format!("{side} goes on"));
        self.perform(side, stalled);
        self.read_sockets(side, Lane::Heartbeat);
        let now = self.hosts[side].clock.read(self.now);
        let late = due.map(|due| now.saturating_since(due.at)).unwrap_or_default();
        if late > self.hosts[side].config.heartbeat / 2 {
            self.feed(side, Inbound::CaughtUp);
        }
        self.read_inbox(side);
        self.read_sockets(side, Lane::Replication);
        self.plan_ring(side);
        self.call_deadline(side);
    }

    fn read_sockets(&mut self, side: Side, lane: Lane) {
        let Some(process) = self.hosts[side].running() else { return };
        for datagram in process.sockets.read(lane) {
            self.arrive(side, datagram);
        }
    }

    fn read_inbox(&mut self, side: Side) {
        let Some(process) = self.hosts[side].running() else { return };
        for inbound in std::mem::take(&mut process.inbox) {
            self.feed(side, inbound);
        }
    }
}

fn brief(inbound: &Inbound) -> String {
    match inbound {
        Inbound::Captured(changes) => format!("{} captured", changes.len()),
        Inbound::Snapshot(part) => {
            format!("part of dump {}: {} records", part.generation, part.records.len())
        }
        Inbound::Configure(_) => "configuration".into(),
        Inbound::Digests(digests) => format!("{} digests", digests.len()),
        Inbound::Listing(listing) => format!("listing of {}", listing.held.len()),
        Inbound::Compared(changes) => format!("{} to repair", changes.len()),
        Inbound::CapturesLost
        | Inbound::Applied { .. }
        | Inbound::Command(_)
        | Inbound::CaughtUp
        | Inbound::GatewayHeard => format!("{inbound:?}"),
    }
}
