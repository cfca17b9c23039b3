//! Faults strike, and are healed.

use std::time::Duration;

use hitless_core::node::{Command, HandoverCause};
use hitless_model::{Epoch, Priority, Role};

use super::{Event, Stage, World};
use crate::check::Invariant;
use crate::fault::{Death, Fault, Paths, Weather};
use crate::pair::{Pair, Side};
use crate::process::{Blow, Inbound, Trap};

impl World {
    pub(super) fn strike(&mut self, fault: Fault) {
        self.trace.brief(self.now, || format!("fault: {fault:?}"));
        self.stats.faults += 1;
        match fault {
            Fault::Weather { from, paths, weather, lasts } => {
                self.change_weather(from, paths, weather, lasts);
            }
            Fault::Pause { on, after_outputs, lasts } => {
                self.trap(on, after_outputs, Blow::Pause { lasts });
            }
            Fault::Crash { on, after_outputs, death, back_after } => {
                self.trap(on, after_outputs, Blow::Crash { death, back_after });
            }
            Fault::Handover => self.ask_for_handover(),
            Fault::Stop { on, back_after } => self.stop(on, back_after),
            Fault::Reload { on, asks, back_after } => self.reload(on, asks, back_after),
            Fault::LoseCaptures { on, lasts } => {
                self.hosts[on].plane.break_ring_until(self.now + lasts);
            }
            Fault::LoseGateways { on, lasts } => self.lose_gateways(on, lasts),
            Fault::Priority { on, to } => self.configure_priority(on, to),
        }
    }

    fn change_weather(&mut self, from: Side, paths: Paths, weather: Weather, lasts: Duration) {
        let until = self.now + lasts;
        for (path, link) in self.links[from].iter_mut().enumerate() {
            let is_struck = match paths {
                Paths::One(one) => one == path,
                Paths::All => true,
            };
            if is_struck {
                link.change(weather, until);
            }
        }
    }

    fn trap(&mut self, on: Side, outputs_left: u32, blow: Blow) {
        let Some(process) = self.hosts[on].running() else { return };
        if outputs_left > 0 {
            process.trap = Some(Trap { outputs_left, blow });
            return;
        }
        match blow {
            Blow::Pause { lasts } => self.pause(on, lasts),
            Blow::Crash { death, back_after } => self.crash(on, death, back_after),
        }
    }

    pub(super) fn pause(&mut self, side: Side, lasts: Duration) {
        let until = self.now + lasts;
        let Some(process) = &mut self.hosts[side].process else { return };
        process.paused_until = Some(until);
        let life = process.life;
        self.stats.pauses += 1;
        self.roles.excuse.is_stopped(side, self.now);
        self.trace.brief(self.now, || format!("{side} is stopped for {lasts:?}"));
        self.queue.push(until, Event::Resume(side, life));
    }

    pub(super) fn crash(&mut self, side: Side, death: Death, back_after: Duration) {
        self.stats.crashes += 1;
        self.trace.brief(self.now, || format!("{side} dies: {death:?}"));
        self.hosts[side].process = None;
        self.roles.excuse.is_stopped(side, self.now);
        let mut back_after = back_after;
        match death {
            Death::Kill => {}
            Death::Power { disk_survives } => {
                back_after = back_after.max(self.promise_left(side));
                self.wipe(side);
                if !disk_survives {
                    self.hosts[side].disk = Epoch::default();
                }
            }
        }
        self.after(back_after, Event::Start(side));
    }

    /// How long a box that waits for its peer has promised to wait yet: only its gate remembers, so
    /// that one that loses it takes longer than that to come back.
    fn promise_left(&mut self, side: Side) -> Duration {
        let gate = self.hosts[side].plane.gate;
        if gate.role.forwards() {
            return Duration::ZERO;
        }
        // The heal may not wait for it.
        self.hosts[side].promised = Some(gate.lease_until);
        gate.ends.since(self.now)
    }

    fn reload(&mut self, side: Side, asks: Duration, back_after: Duration) {
        let Some(process) = &mut self.hosts[side].process else { return };
        process.reloading = Some(back_after);
        self.stats.reloads += 1;
        self.feed(side, Inbound::Command(Command::Absence(asks)));
    }

    /// The process may be replaced, or may not.
    pub(super) fn absence_decided(&mut self, side: Side, granted: bool) {
        let Some(process) = &mut self.hosts[side].process else { return };
        let Some(back_after) = process.reloading.take() else { return };
        if granted {
            let delay = Duration::from_micros(self.rngs.boxes.between(10, 2000));
            let life = self.hosts[side].lives;
            self.after(delay, Event::Replace(side, life, back_after));
        } else if self.plan.promises_calm() && self.stage.is_settled() {
            self.violated(Invariant::ReloadsAreGranted, format!("{side} may not be away"));
        }
    }

    pub(super) fn replace(&mut self, side: Side, life: u32, back_after: Duration) {
        if self.hosts[side].is_life(life) {
            self.stats.replaced += 1;
            self.crash(side, Death::Kill, back_after);
        }
    }

    /// Gate and connection table are gone.
    fn wipe(&mut self, side: Side) {
        self.hosts[side].plane.clear();
        self.hosts[side].wiped_at = Some(self.now);
        for open in self.clients.iter_mut().filter_map(crate::client::Client::open_mut) {
            open.held_by[side] = false;
            open.is_safe_at[side] = false;
        }
    }

    fn ask_for_handover(&mut self) {
        let is_active = |side: &Side| self.hosts[*side].plane.gate.role == Role::Active;
        if let Some(side) = Side::BOTH.into_iter().find(is_active) {
            self.feed(side, Inbound::Command(Command::Handover(HandoverCause::Operator)));
        }
    }

    fn stop(&mut self, side: Side, back_after: Duration) {
        let longest = self.plan.failover_max() * 3 + Duration::from_secs(1);
        let Some(process) = &mut self.hosts[side].process else { return };
        process.stopping = Some(back_after);
        let life = process.life;
        self.after(longest, Event::StopTimeout(side, life));
        if self.hosts[side].plane.gate.role.forwards() {
            self.feed(side, Inbound::Command(Command::Handover(HandoverCause::Stop)));
        }
        self.leave_if_done(side);
    }

    /// A stopping daemon leaves as soon as it is not active any more.
    pub(super) fn leave_if_done(&mut self, side: Side) {
        let is_silent = !self.hosts[side].plane.gate.role.forwards();
        let Some(process) = self.hosts[side].running() else { return };
        if process.stopping.is_some() && is_silent {
            self.leave(side);
        }
    }

    pub(super) fn stop_timeout(&mut self, side: Side, life: u32) {
        if self.hosts[side].is_life(life) {
            self.stats.stops_forced += 1;
            self.leave(side);
        }
    }

    fn leave(&mut self, side: Side) {
        self.trace.brief(self.now, || format!("{side} leaves"));
        self.stats.stops += 1;
        let back_after = self.hosts[side].process.take().and_then(|process| process.stopping);
        let back_after = back_after.unwrap_or_default().max(self.promise_left(side));
        self.after(back_after, Event::Start(side));
        self.wipe(side);
    }

    fn configure_priority(&mut self, on: Side, to: u8) {
        let Ok(priority) = Priority::try_from(u64::from(to)) else { return };
        self.hosts[on].config.priority = priority;
        let config = Box::new(self.hosts[on].config.clone());
        self.feed(on, Inbound::Configure(config));
    }

    /// Everything works from now on.
    pub(super) fn heal(&mut self) {
        self.trace.brief(self.now, || "everything is healed".into());
        if self.plan.promises_calm() {
            return;
        }
        self.stage = Stage::Rough;
        Pair::of(|side| self.links[side].iter_mut().for_each(crate::link::Link::heal));
        for side in Side::BOTH {
            self.hosts[side].gateway.cut_until = self.now;
            self.hosts[side].plane.break_ring_until(self.now);
            if self.hosts[side].process.as_ref().is_some_and(|process| process.stopping.is_some()) {
                self.leave(side);
            }
            let now = self.now;
            if let Some(process) = &mut self.hosts[side].process {
                process.trap = None;
                process.paused_until = process.paused_until.map(|until| until.min(now));
                let life = process.life;
                self.resume(side, life);
            }
            self.start(side);
        }
    }
}
