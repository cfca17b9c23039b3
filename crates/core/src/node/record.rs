//! The decision record: what the fault-tolerance machine was told before it decided.
//!
//! The machine is pure, so that a copy of it and everything that went in since give its decision
//! again. [`Recorder`] stands around the machine and keeps both, in segments: each begins with a
//! copy and takes what goes in, into memory that it has already. A segment that is long enough
//! stays beside the next one, so that at least twice the time in which a peer is given up lies
//! before every decision (less only if that were more than [`MAX_STEPS`] or [`MAX_OCTETS`]).
//!
//! A decision leaves as a [`Story`]. Writing that down ([`Story::recording`]) is for a thread that
//! has time; `docs/adr/0013-decision-record.md` has the reasons.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Deref;
use core::time::Duration;

use hitless_model::Instant;

use super::output::Decision;
use super::recording::{FORMAT, Octets, Origin, Recording, Step, Told};
use crate::ft::{Config, Ft, Input, Output};
use crate::machine::Machine;

/// Most inputs and deadlines of a segment: twice a failover time of 100 heartbeats over three paths.
pub(super) const MAX_STEPS: usize = 2_048;
/// Octets of heartbeats in a segment, after which the next one begins.
pub(super) const MAX_OCTETS: usize = 64 * 1_024;
/// A segment lasts for so many times the silence after which a peer is given up.
const PATIENCES: u32 = 2;

/// A decision and what led to it, as the core thread hands it out: cheap to make and to move.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    decision: Decision,
    before: Option<Arc<Segment>>,
    latest: Segment,
}

impl Story {
    /// The decision.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The record to write down.
    pub fn recording(&self) -> Recording {
        let segments = self.before.as_deref().into_iter().chain([&self.latest]);
        let mut segments = segments.peekable();
        let origin = segments.peek().map_or(&self.latest, |first| first).origin.clone();
        let mut recording =
            Recording { format: FORMAT, origin, bodies: Vec::new(), steps: Vec::new() };
        for segment in segments {
            segment.append_to(&mut recording);
        }
        recording
    }
}

/// A copy of the machine, and what went in since.
#[derive(Clone, Debug, PartialEq)]
struct Segment {
    origin: Origin,
    began: Instant,
    steps: Vec<Step>,
    /// Contents of heartbeats, one after the other, and where each ends.
    octets: Vec<u8>,
    ends: Vec<u32>,
}

impl Segment {
    fn new(began: Instant, origin: Origin) -> Self {
        Self { origin, began, steps: Vec::new(), octets: Vec::new(), ends: Vec::new() }
    }

    /// Begins anew in the same memory.
    fn restart(&mut self, began: Instant, origin: Origin) {
        (self.began, self.origin) = (began, origin);
        self.steps.clear();
        self.octets.clear();
        self.ends.clear();
    }

    fn is_over(&self, now: Instant, lasts: Duration) -> bool {
        now.saturating_since(self.began) >= lasts
            || self.steps.len() >= MAX_STEPS
            || self.octets.len() >= MAX_OCTETS
    }

    fn push(&mut self, at: Instant, told: Told) {
        self.steps.push(Step { at, told });
    }

    fn take(&mut self, at: Instant, input: &Input<'_>) {
        let told = match input {
            Input::Established { unit, software } => {
                Told::Established { unit: *unit, software: software.clone() }
            }
            Input::Sighted => Told::Sighted,
            Input::Beat { path, body } => Told::Beat { path: *path, body: self.body(body) },
            Input::Handover(cause) => Told::Handover(*cause),
            Input::Absence(lasts) => Told::Absence(*lasts),
            Input::Replication { in_step, drained } => {
                Told::Replication { in_step: *in_step, drained: *drained }
            }
            Input::Configure(config) => Told::Configure(Box::new((*config).clone())),
            Input::CaughtUp => Told::CaughtUp,
            Input::GatewayHeard => Told::GatewayHeard,
        };
        self.push(at, told);
    }

    /// Keeps the content of a heartbeat; the same one over another path is kept once.
    fn body(&mut self, body: &[u8]) -> u32 {
        let last = self.ends.len().checked_sub(1);
        if let Some(last) = last.filter(|last| self.octets_of(*last) == body) {
            return number(last);
        }
        self.octets.extend_from_slice(body);
        self.ends.push(number(self.octets.len()));
        number(self.ends.len() - 1)
    }

    fn octets_of(&self, index: usize) -> &[u8] {
        let end_of = |index: usize| self.ends.get(index).map_or(0, |end| *end as usize);
        let start = index.checked_sub(1).map_or(0, end_of);
        self.octets.get(start..end_of(index)).unwrap_or_default()
    }

    fn append_to(&self, recording: &mut Recording) {
        let earlier = number(recording.bodies.len());
        let bodies = (0..self.ends.len()).map(|index| Octets(self.octets_of(index).to_vec()));
        recording.bodies.extend(bodies);
        recording.steps.extend(self.steps.iter().map(|step| step.moved(earlier)));
    }
}

/// A segment holds far fewer things than that.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The fault-tolerance machine with its record. It can be read like the machine itself; whatever
/// changes it goes through here.
#[derive(Debug)]
pub(super) struct Recorder {
    ft: Ft,
    outputs: VecDeque<Output>,
    stories: VecDeque<Story>,
    before: Option<Arc<Segment>>,
    latest: Segment,
}

impl Recorder {
    /// A machine that starts its life, and the record of that life.
    pub(super) fn new(now: Instant, config: Config) -> Self {
        let origin = Origin::Start { at: now, config: Box::new(config.clone()) };
        let mut recorder = Self {
            ft: Ft::new(now, config),
            outputs: VecDeque::new(),
            stories: VecDeque::new(),
            before: None,
            latest: Segment::new(now, origin),
        };
        recorder.collect();
        recorder
    }

    /// As [`Machine::handle_input`].
    pub(super) fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        self.turn_over(now);
        self.latest.take(now, &input);
        self.ft.handle_input(now, input);
        self.collect();
    }

    /// As [`Machine::handle_deadline`]; calls before the time change nothing and are not recorded.
    pub(super) fn handle_deadline(&mut self, now: Instant) {
        if self.ft.next_deadline().is_none_or(|next| next.at > now) {
            return;
        }
        self.turn_over(now);
        self.latest.push(now, Told::Deadline);
        self.ft.handle_deadline(now);
        self.collect();
    }

    /// As [`Machine::poll_output`].
    pub(super) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The next story: one for each decision among the outputs.
    pub(super) fn poll_story(&mut self) -> Option<Story> {
        self.stories.pop_front()
    }

    /// Begins another segment if this one has lasted.
    fn turn_over(&mut self, now: Instant) {
        if !self.latest.is_over(now, self.ft.patience() * PATIENCES) {
            return;
        }
        let origin = Origin::Machine(Box::new(self.ft.clone()));
        // Somebody may still be writing the last but one down.
        let next = match self.before.take().and_then(Arc::into_inner) {
            Some(mut done) => {
                done.restart(now, origin);
                done
            }
            None => Segment::new(now, origin),
        };
        self.before = Some(Arc::new(core::mem::replace(&mut self.latest, next)));
    }

    /// Takes the outputs of one call; each decision gets its story at once, before anything else
    /// goes in.
    fn collect(&mut self) {
        while let Some(output) = self.ft.poll_output() {
            if let Output::Decision(decision) = &output {
                let (before, latest) = (self.before.clone(), self.latest.clone());
                self.stories.push_back(Story { decision: decision.clone(), before, latest });
            }
            self.outputs.push_back(output);
        }
    }
}

impl Deref for Recorder {
    type Target = Ft;

    fn deref(&self) -> &Ft {
        &self.ft
    }
}
