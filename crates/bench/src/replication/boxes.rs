//! What is measured: a box and its peer, whatever they are made of.

use std::path::PathBuf;

use anyhow::{Context, Result};
use hitless_lab::interrupt::Interrupt;
use hitless_lab::network::Network;
use hitless_lab::work::Work;

use super::conntrackd::Mirrors;
use super::lag::{self, Lookup, Table};
use crate::forward::daemons::{Lives, Pair};
use crate::forward::ground::Wiring;
use crate::forward::udp::Aim;
use crate::forward::{Kind, Subject};

/// A pair in operation.
pub(super) enum Boxes {
    /// Of this project.
    Hitless(Box<Subject>),
    /// nftables and conntrackd.
    Conntrackd(Box<Mirrors>),
}

/// Which pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Hitless,
    Conntrackd,
}

impl Which {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Hitless => "hitless",
            Self::Conntrackd => "nftables, conntrackd FT-FW",
        }
    }

    /// Starts it; `forgets` has it forget connections within seconds.
    pub(super) fn start(self, forgets: bool) -> Result<Boxes> {
        Ok(match self {
            Self::Hitless => {
                let lives = if forgets { Lives::Short } else { Lives::Many };
                let subject = Subject::build(Kind::HitlessTc, Wiring::Direct, lives)?;
                subject.direct_buffers()?;
                Boxes::Hitless(Box::new(subject))
            }
            Self::Conntrackd => Boxes::Conntrackd(Box::new(Mirrors::start(forgets)?)),
        })
    }
}

impl Boxes {
    pub(super) fn network(&self) -> &Network {
        match self {
            Self::Hitless(subject) => &subject.network,
            Self::Conntrackd(mirrors) => &mirrors.network,
        }
    }

    /// Where clients and the real send to.
    pub(super) fn aim(&self) -> Result<Aim> {
        match self {
            Self::Hitless(subject) => subject.aim(),
            Self::Conntrackd(mirrors) => mirrors.aim(),
        }
    }

    /// What the processes of each have done so far.
    pub(super) fn work(&self) -> Result<Vec<Work>> {
        match self {
            Self::Hitless(subject) => pair(subject)?.work(),
            Self::Conntrackd(mirrors) => mirrors.work(),
        }
    }

    /// Connections that each of the two holds.
    pub(super) fn entries(&self) -> Result<[u64; 2]> {
        match self {
            Self::Hitless(subject) => {
                let pins = pins(subject)?;
                Ok([lag::entries(&pins[0])?, lag::entries(&pins[1])?])
            }
            Self::Conntrackd(mirrors) => mirrors.entries(),
        }
    }

    /// Connections that the peer holds; none while it has no table.
    pub(super) fn at_peer(&self) -> u64 {
        match self {
            Self::Hitless(subject) => {
                pins(subject).and_then(|pins| lag::entries(&pins[1])).unwrap_or(0)
            }
            Self::Conntrackd(mirrors) => mirrors.entries().map_or(0, |[_, peer]| peer),
        }
    }

    /// To look for single connections in the peer's table.
    pub(super) fn look_at_peer(&self) -> Result<Box<dyn Lookup>> {
        Ok(match self {
            Self::Hitless(subject) => Box::new(Table::open(&pins(subject)?[1])?),
            Self::Conntrackd(mirrors) => Box::new(mirrors.look_at_peer()?),
        })
    }

    /// Where the box's maps are pinned, if it has some.
    pub(super) fn maps(&self) -> Result<Option<PathBuf>> {
        match self {
            Self::Hitless(subject) => Ok(Some(pins(subject)?[0].clone())),
            Self::Conntrackd(_) => Ok(None),
        }
    }

    /// Octets of kernel memory for each connection.
    pub(super) fn memory_per_connection(&self) -> Result<f64> {
        match self {
            Self::Hitless(subject) => pair(subject)?.memory_per_connection(),
            Self::Conntrackd(mirrors) => mirrors.memory_per_connection(),
        }
    }

    /// The peer stops and forgets everything.
    pub(super) fn stop_peer(&mut self) -> Result<()> {
        match self {
            Self::Hitless(subject) => subject.pair.as_mut().context("a pair")?.stop_peer(),
            Self::Conntrackd(mirrors) => mirrors.stop_peer(),
        }
    }

    /// The peer starts again, and asks to be told everything.
    pub(super) fn start_peer(&mut self) -> Result<()> {
        match self {
            Self::Hitless(subject) => {
                let Subject { pair, network, .. } = subject.as_mut();
                pair.as_mut().context("a pair")?.start_peer(network)
            }
            Self::Conntrackd(mirrors) => mirrors.start_peer(),
        }
    }

    /// Waits until the box says that its peer holds everything, if it can say so.
    pub(super) fn await_step(&mut self, interrupt: &Interrupt) -> Result<()> {
        interrupt.check()?;
        match self {
            Self::Hitless(subject) => subject.pair.as_mut().context("a pair")?.await_step(),
            Self::Conntrackd(_) => Ok(()),
        }
    }

    /// What both say of themselves, for whoever looks for the cause of a failure.
    pub(super) fn say(&self) -> String {
        match self {
            Self::Hitless(subject) => subject.pair.as_ref().map(Pair::say).unwrap_or_default(),
            Self::Conntrackd(mirrors) => mirrors.say(),
        }
    }
}

fn pair(subject: &Subject) -> Result<&Pair> {
    subject.pair.as_ref().context("a pair")
}

fn pins(subject: &Subject) -> Result<[PathBuf; 2]> {
    pair(subject)?.pins()?.try_into().ok().context("a pair")
}
