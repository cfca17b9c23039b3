//! What a core gives out, call by call.

use std::time::Duration;

use hitless_core::node::{Event, Output};
use hitless_model::{Epoch, Role};

use super::Invariant;
use crate::time::Moment;

/// Outputs that one call may make: what a window of replication and a burst of heartbeats need.
const MAX_OUTPUTS: usize = 600;
/// Events (rejections apart) that a box may log within one failover time.
const MAX_EVENTS: u32 = 60;

/// What a core was called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A life begins.
    Start,
    /// A deadline.
    Deadline,
    /// A frame that must have no effect.
    Hostile,
    /// A datagram from the peer.
    Datagram,
    /// Anything else.
    Input,
}

/// Watches the outputs of one box over all its lives.
#[derive(Debug)]
pub(crate) struct OutputWatch {
    window: Duration,
    window_began: Moment,
    events: u32,
    epoch: Epoch,
    role: Role,
    /// Role changes of this call, and decisions that explain them.
    changes: u32,
    decisions: u32,
}

impl OutputWatch {
    pub(crate) fn new(window: Duration) -> Self {
        Self {
            window,
            window_began: Moment::START,
            events: 0,
            epoch: Epoch(0),
            role: Role::Initializing,
            changes: 0,
            decisions: 0,
        }
    }

    /// A life begins with what the disk remembers.
    pub(crate) fn begins(&mut self, epoch: Epoch, role: Role) {
        self.epoch = epoch;
        self.role = role;
    }

    /// Judges what one call gave out.
    pub(crate) fn judge(
        &mut self,
        now: Moment,
        cause: Cause,
        outputs: &[Output],
    ) -> Result<(), (Invariant, String)> {
        if outputs.len() > MAX_OUTPUTS {
            let what = format!("{} outputs after {cause:?}", outputs.len());
            return Err((Invariant::BoundedOutputs, what));
        }
        (self.changes, self.decisions) = (0, 0);
        for output in outputs {
            if cause == Cause::Hostile && !is_harmless(output) {
                let what = format!("it made the core say {output:?}");
                return Err((Invariant::HostileFramesHaveNoEffect, what));
            }
            self.one(now, output)?;
        }
        if self.changes > self.decisions {
            return Err((Invariant::ChangesAreExplained, format!("now {}", self.role)));
        }
        Ok(())
    }

    fn one(&mut self, now: Moment, output: &Output) -> Result<(), (Invariant, String)> {
        match output {
            Output::Gate { role, epoch, .. } => self.gate(*role, *epoch),
            Output::PersistEpoch(epoch) => self.epoch(*epoch),
            Output::Decision(decision) => {
                self.decisions += u32::from(decision.from != decision.to);
                Ok(())
            }
            Output::Event(event) => self.event(now, event),
            Output::Transmit(_)
            | Output::Announce
            | Output::AskGateways
            | Output::Neighbour { .. }
            | Output::Story(_)
            | Output::Table(_) => Ok(()),
        }
    }

    fn gate(&mut self, role: Role, epoch: Epoch) -> Result<(), (Invariant, String)> {
        if role != self.role {
            self.changes += 1;
            self.role = role;
        }
        self.epoch(epoch)
    }

    fn epoch(&mut self, epoch: Epoch) -> Result<(), (Invariant, String)> {
        if epoch < self.epoch {
            return Err((Invariant::EpochsGrow, format!("{epoch} after {}", self.epoch)));
        }
        self.epoch = epoch;
        Ok(())
    }

    fn event(&mut self, now: Moment, event: &Event) -> Result<(), (Invariant, String)> {
        if matches!(event, Event::Rejected { .. }) {
            return Ok(());
        }
        if now.since(self.window_began) > self.window {
            self.window_began = now;
            self.events = 0;
        }
        self.events += 1;
        if self.events > MAX_EVENTS {
            let what = format!("{} within {:?}, at last {event:?}", self.events, self.window);
            return Err((Invariant::NoEventStorm, what));
        }
        Ok(())
    }
}

/// What a hostile frame may cause: being counted, being told of, and an answer that says nothing.
fn is_harmless(output: &Output) -> bool {
    match output {
        Output::Event(event) => {
            matches!(
                event,
                Event::Rejected { .. } | Event::ForeignPair { .. } | Event::KeyDiffers { .. }
            )
        }
        Output::Transmit(_) => true,
        Output::Gate { .. }
        | Output::Announce
        | Output::AskGateways
        | Output::Neighbour { .. }
        | Output::Table(_)
        | Output::PersistEpoch(_)
        | Output::Decision(_)
        | Output::Story(_) => false,
    }
}
