//! Executes what the cores give out, as a process and its kernel would.

use std::collections::VecDeque;
use std::time::Duration;

use hitless_core::node::{Destination, Event as NodeEvent, Output, TableJob, Transmit};
use hitless_model::Role;

use super::{Event, PATH_VLANS, Stage, Vlan, World};
use crate::check::Invariant;
use crate::link::Datagram;
use crate::pair::Side;
use crate::plane::Gate;
use crate::process::Blow;

impl World {
    /// Executes outputs in order, until a trap springs.
    pub(super) fn perform(&mut self, side: Side, mut outputs: VecDeque<Output>) {
        while let Some(output) = outputs.pop_front() {
            if self.trap_springs(side) {
                outputs.push_front(output);
                self.stall(side, outputs);
                return;
            }
            self.execute(side, output);
        }
        self.leave_if_done(side);
    }

    /// A process was stopped on its way through these outputs.
    fn stall(&mut self, side: Side, mut outputs: VecDeque<Output>) {
        let was_active = self.hosts[side].plane.gate.role == Role::Active;
        let becomes_active =
            |output: &Output| matches!(output, Output::Gate { role: Role::Active, .. });
        if !was_active && outputs.iter().any(becomes_active) {
            self.roles.excuse.decides_late(side, self.now);
        }
        let Some(process) = &mut self.hosts[side].process else { return };
        process.stalled.append(&mut outputs);
    }

    /// Counts an output against the trap that a fault has set.
    fn trap_springs(&mut self, side: Side) -> bool {
        let Some(process) = &mut self.hosts[side].process else { return true };
        let Some(trap) = &mut process.trap else { return false };
        if trap.outputs_left > 0 {
            trap.outputs_left -= 1;
            return false;
        }
        let blow = trap.blow;
        process.trap = None;
        match blow {
            Blow::Pause { lasts } => self.pause(side, lasts),
            Blow::Crash { death, back_after } => self.crash(side, death, back_after),
        }
        true
    }

    fn execute(&mut self, side: Side, output: Output) {
        self.trace_output(side, &output);
        match output {
            Output::Transmit(transmit) => self.transmit(side, transmit),
            Output::Gate { role, epoch, lease_until, alone } => {
                let ends = self.hosts[side].clock.end_of_lease(lease_until);
                let before = self.hosts[side].plane.gate;
                let goes_on = role.forwards() && before.role.forwards();
                let since = if goes_on { before.since } else { self.now };
                self.set_gate(side, Gate { role, epoch, since, ends, lease_until, alone });
            }
            Output::Announce => self.announce(side),
            Output::AskGateways => self.ask_gateways(side),
            Output::Table(job) => self.take_job(side, job),
            Output::PersistEpoch(epoch) => self.hosts[side].disk = epoch,
            Output::Decision(decision) => self.stats.decided(&decision),
            Output::Story(story) => self.keep(*story),
            Output::Event(event) => {
                self.stats.happened(&event);
                if matches!(event, NodeEvent::PeerFound { .. }) {
                    self.roles.excuse.meets(side);
                }
                if matches!(event, NodeEvent::HandoverRefused { .. }) {
                    self.refused_at = Some(self.now);
                }
                let is_granted = matches!(event, NodeEvent::AbsenceGranted { .. });
                if is_granted || matches!(event, NodeEvent::AbsenceRefused { .. }) {
                    self.absence_decided(side, is_granted);
                }
            }
            Output::Neighbour { .. } => {}
        }
    }

    fn set_gate(&mut self, side: Side, gate: Gate) {
        let before = self.hosts[side].plane.gate;
        self.hosts[side].plane.gate = gate;
        if before.role == gate.role {
            return;
        }
        self.trace.brief(self.now, || {
            format!("{side} is {} (epoch {}, lease to {})", gate.role, gate.epoch, gate.ends)
        });
        self.stats.role_changes += 1;
        if before.role == Role::Active {
            self.roles.excuse.falls_silent(side, self.now);
        }
        if gate.role == Role::Active {
            self.stats.actives += 1;
            let new = self.roles.becomes_active(side, self.now, gate.epoch);
            if let Some(what) = new.err().filter(|_| before.role != Role::Draining) {
                self.violated(Invariant::NewActiveNewEpoch, what);
            }
            if self.hosts[side.other()].plane.gate.role == Role::Draining {
                self.takes_over_from_draining(side);
            }
        }
        // A new process of a standby looks for its role first.
        let matters = before.role.forwards() || gate.role.forwards();
        if matters && self.stage.is_settled() && !self.expects_changes() {
            let invariant = if self.stage == Stage::Quiet {
                Invariant::NoFlapping
            } else {
                Invariant::NoNeedlessChange
            };
            self.violated(invariant, format!("{side} went from {} to {}", before.role, gate.role));
        }
    }

    fn transmit(&mut self, side: Side, transmit: Transmit) {
        let Transmit { path, lane, to, bytes } = transmit;
        let number = u64::from(path.0);
        let Some(path) = PATH_VLANS.iter().position(|known| *known == number) else { return };
        let other = side.other();
        let reaches = match to {
            Destination::Multicast => path == 0,
            Destination::Peer(address) => self.hosts[other].addresses.get(path) == Some(&address),
        };
        let Some(link) = self.links[side].get_mut(path).filter(|_| reaches) else { return };
        let from = self.hosts[side].addresses[path];
        let datagram = Datagram { path, lane, from, bytes, sent_at: self.now, hostile: false };
        if datagram.is_about_roles() {
            self.roles.excuse.sent(side, self.now);
        }
        for at in link.arrivals(self.now, &mut self.rngs.links) {
            self.queue.push(at, Event::Arrive(other, datagram.clone()));
        }
    }

    /// Gratuitous ARP leaves only while the data plane forwards, whoever asks for it.
    fn announce(&mut self, side: Side) {
        if !self.hosts[side].plane.gate.forwards(self.now) {
            return;
        }
        for vlan in [Vlan::Client, Vlan::Server] {
            let delay = Duration::from_micros(self.rngs.links.between(30, 300));
            self.after(delay, Event::Learn(vlan, side));
        }
    }

    pub(super) fn learn(&mut self, vlan: Vlan, side: Side) {
        match vlan {
            Vlan::Client => self.switches.client = Some(side),
            Vlan::Server => self.switches.server = Some(side),
        }
    }

    fn take_job(&mut self, side: Side, job: TableJob) {
        let Some(process) = &mut self.hosts[side].process else { return };
        process.table_thread.jobs.push_back(job);
        self.plan_table_step(side);
    }
}
