//! What a fault is: what is done, how long it lasts, how it is put right, and what must follow.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;

use crate::arena::Arena;
use crate::config_text::Manner;

/// What an act is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Struck {
    /// The one that was active when the fault began.
    pub active: usize,
    /// How long the fault is to last.
    pub lasts: Duration,
}

impl Struck {
    /// The one that was standby when the fault began.
    pub const fn standby(self) -> usize {
        1 - self.active
    }
}

/// Does something to the pair, and returns when that is done and the pair has done its part.
pub type Act = fn(&mut Arena, Struck) -> Result<()>;

/// What becomes of the roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roles {
    /// Both keep theirs.
    Stay,
    /// The other one is active in the end.
    Move,
    /// Whichever is quicker: the active one by going on, or its peer by taking over.
    Either,
}

impl Roles {
    /// One word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stay => "stay",
            Self::Move => "move",
            Self::Either => "either",
        }
    }
}

/// What becomes of the probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Each is answered.
    None,
    /// Those of the failover time and some milliseconds more.
    UntilTakeover,
    /// That depends on what is done, not on the pair.
    NotJudged,
}

/// What must follow from an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expect {
    /// Of the roles.
    pub roles: Roles,
    /// Of the probes.
    pub lost: Lost,
}

/// An act that is measured, and what must follow from it.
#[derive(Clone, Copy, Debug)]
pub struct Phase {
    /// What is done.
    pub act: Act,
    /// What must follow.
    pub expect: Expect,
    /// How it is called if it has a row of its own in the table.
    pub event: Option<&'static str>,
}

/// How long a fault lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lasts {
    /// Usually.
    pub usual: Duration,
    /// In the short form, for every test run.
    pub short: Duration,
}

/// What two actives at the same time are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DualActive {
    /// Never.
    Forbidden,
    /// What the policy for a split pair asks for.
    AsConfigured,
}

/// One thing that happens to a pair.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// The scenario that it belongs to.
    pub scenario: &'static str,
    /// What happens, in a few words.
    pub event: &'static str,
    /// What happens and what must follow, in a sentence.
    pub about: &'static str,
    /// The pair that it happens to.
    pub manner: Manner,
    /// How long it lasts.
    pub lasts: Lasts,
    /// What comes before and is not measured.
    pub prepare: Option<Act>,
    /// The fault.
    pub strike: Phase,
    /// What comes between and is not measured.
    pub tidy: Option<Act>,
    /// How it is put right.
    pub heal: Option<Phase>,
    /// Two actives.
    pub dual_active: DualActive,
}

impl Fault {
    /// Whether nobody's role changes, so that no lease may run out either.
    pub fn keeps_roles(&self) -> bool {
        let mut phases = std::iter::once(&self.strike).chain(&self.heal);
        self.prepare.is_none() && phases.all(|phase| phase.expect.roles == Roles::Stay)
    }
}

/// What faults found out beside what is measured of every one.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Named figures.
    pub figures: BTreeMap<String, f64>,
    /// What must hold and does not.
    pub violated: Vec<String>,
}

impl Findings {
    /// Adds to a number of something.
    pub fn add(&mut self, name: &str, number: usize) {
        let number = f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        *self.figures.entry(name.to_owned()).or_default() += number;
    }

    /// Raises a figure to a value.
    pub fn raise(&mut self, name: &str, value: f64) {
        let figure = self.figures.entry(name.to_owned()).or_insert(value);
        *figure = figure.max(value);
    }
}
