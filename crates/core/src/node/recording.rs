//! A decision's record as it is written down, stored and exported, and how it is played again.
//!
//! ```text
//!  Origin (the machine as it was, or as it began) ─ Step ─ Step ─ … ─ Step that gave the decision
//! ```
//! No secret can be in it: the fault-tolerance machine holds no key, and what it is told has been
//! opened by the session before.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use hitless_model::{Instant, UnitId};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::input::{HandoverCause, PathId};
use super::output::Decision;
use crate::ft::{Beat, Config, Ft, Input, Output, Timer};
use crate::machine::Machine;

/// Number of the form that records have; another one cannot be read.
pub const FORMAT: u32 = 1;

/// Everything that `show module csm N ft history | json` exports. `S` is a record, read or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct History<S> {
    /// [`FORMAT`].
    pub format: u32,
    /// Oldest first, of earlier lives too.
    pub decisions: Vec<Kept<S>>,
}

/// A decision as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Kept<S> {
    /// Unix time in milliseconds, for people.
    pub unix_ms: u64,
    /// The release that decided.
    pub release: String,
    /// What was decided on what.
    pub decision: Decision,
    /// What led to it, in the form of a [`Recording`]; records are given up before decisions are.
    pub story: Option<S>,
}

/// A decision's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// [`FORMAT`].
    pub format: u32,
    /// What it begins with.
    pub(super) origin: Origin,
    /// Contents of heartbeats.
    pub(super) bodies: Vec<Octets>,
    /// What went in, oldest first; the last one made the decision.
    pub(super) steps: Vec<Step>,
}

/// What a record begins with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Origin {
    /// The start of a life.
    Start {
        /// When.
        at: Instant,
        /// With what configuration.
        config: Box<Config>,
    },
    /// The machine at some moment.
    Machine(Box<Ft>),
}

/// Something that went into the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub at: Instant,
    /// What.
    pub told: Told,
}

/// What went in: an input of the machine, or a deadline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// Something was due.
    Deadline,
    /// A session with a peer began.
    Established {
        /// The peer.
        unit: UnitId,
        /// Its release.
        software: String,
    },
    /// A peer was sighted.
    Sighted,
    /// A heartbeat came in.
    Beat {
        /// Over which path.
        path: PathId,
        /// Place of its content among the record's.
        body: u32,
    },
    /// A handover was asked for.
    Handover(HandoverCause),
    /// An absence was announced.
    Absence(Duration),
    /// How replication stood.
    Replication {
        /// The peer holds every connection of this box.
        in_step: bool,
        /// Nothing is left to tell.
        drained: bool,
    },
    /// The configuration changed.
    Configure(Box<Config>),
    /// The thread had stood still and has read everything since.
    CaughtUp,
    /// A gateway answered.
    GatewayHeard,
}

impl Step {
    /// The same in a record that has `earlier` contents of heartbeats before.
    pub(super) fn moved(&self, earlier: u32) -> Self {
        let mut step = self.clone();
        if let Told::Beat { body, .. } = &mut step.told {
            *body += earlier;
        }
        step
    }
}

/// A record that does not hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record names a heartbeat that it does not hold")]
pub struct Torn;

impl Recording {
    /// Number of inputs and deadlines.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether nothing went in: the decision was made at the start.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Begins to play it.
    pub fn play(&self) -> Result<Player<'_>, Torn> {
        let holds = |step: &Step| match step.told {
            Told::Beat { body, .. } => (body as usize) < self.bodies.len(),
            Told::Deadline
            | Told::Established { .. }
            | Told::Sighted
            | Told::Handover(_)
            | Told::Absence(_)
            | Told::Replication { .. }
            | Told::Configure(_)
            | Told::CaughtUp
            | Told::GatewayHeard => true,
        };
        if !self.steps.iter().all(holds) {
            return Err(Torn);
        }
        let ft = match &self.origin {
            Origin::Start { at, config } => Ft::new(*at, (**config).clone()),
            Origin::Machine(ft) => (**ft).clone(),
        };
        Ok(Player { recording: self, ft, played: 0 })
    }

    /// When it begins, if that is before the first step.
    pub fn begins(&self) -> Option<Instant> {
        match &self.origin {
            Origin::Start { at, .. } => Some(*at),
            Origin::Machine(_) => self.steps.first().map(|step| step.at),
        }
    }

    /// The content of a heartbeat, unless it does not add up.
    pub fn beat(&self, body: u32) -> Option<Beat> {
        Beat::parse(self.octets(body)).ok()
    }

    fn octets(&self, body: u32) -> &[u8] {
        self.bodies.get(body as usize).map_or(&[], |octets| octets.0.as_slice())
    }
}

/// A record being played by the real machine.
#[derive(Debug)]
pub struct Player<'a> {
    recording: &'a Recording,
    ft: Ft,
    played: usize,
}

/// What one step did.
#[derive(Debug)]
pub struct Played<'a> {
    /// The step.
    pub step: &'a Step,
    /// What was due, if it is a deadline.
    pub due: Option<Timer>,
    /// What came out.
    pub outputs: Vec<Output>,
}

impl<'a> Player<'a> {
    /// What the machine says before the first step.
    pub fn opening(&mut self) -> Vec<Output> {
        core::iter::from_fn(|| self.ft.poll_output()).collect()
    }

    /// The machine as it is.
    pub fn machine(&self) -> &Ft {
        &self.ft
    }

    /// Plays the next step.
    pub fn step(&mut self) -> Option<Played<'a>> {
        let step = self.recording.steps.get(self.played)?;
        self.played += 1;
        let mut due = None;
        if let Some(input) = self.input(&step.told) {
            self.ft.handle_input(step.at, input);
        } else {
            due = self.ft.next_deadline().map(|deadline| deadline.why);
            self.ft.handle_deadline(step.at);
        }
        Some(Played { step, due, outputs: self.opening() })
    }

    /// The input that was recorded; none for a deadline.
    fn input(&self, told: &'a Told) -> Option<Input<'a>> {
        Some(match told {
            Told::Deadline => return None,
            Told::Established { unit, software } => {
                Input::Established { unit: *unit, software: software.clone() }
            }
            Told::Sighted => Input::Sighted,
            Told::Beat { path, body } => {
                Input::Beat { path: *path, body: self.recording.octets(*body) }
            }
            Told::Handover(cause) => Input::Handover(*cause),
            Told::Absence(lasts) => Input::Absence(*lasts),
            Told::Replication { in_step, drained } => {
                Input::Replication { in_step: *in_step, drained: *drained }
            }
            Told::Configure(config) => Input::Configure(config),
            Told::CaughtUp => Input::CaughtUp,
            Told::GatewayHeard => Input::GatewayHeard,
        })
    }
}

/// Octets, written as hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Octets(pub(super) Vec<u8>);

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Digits)
    }
}

struct Digits;

impl Visitor<'_> for Digits {
    type Value = Octets;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pairs of hexadecimal digits")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Octets, E> {
        let pair = |pair: &[u8]| {
            let [high, low] = pair else { return None };
            let digit = |octet: u8| char::from(octet).to_digit(16);
            u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
        };
        let octets: Option<Vec<u8>> = text.as_bytes().chunks(2).map(pair).collect();
        octets.map(Octets).ok_or_else(|| E::custom("not pairs of hexadecimal digits"))
    }
}
