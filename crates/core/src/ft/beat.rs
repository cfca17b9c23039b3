//! A heartbeat: everything that the two boxes tell each other about roles.

use alloc::vec::Vec;
use core::time::Duration;

use hitless_model::{Epoch, Priority, Role, VlanId};
use serde::{Deserialize, Serialize};

use super::output::Malformed;
use crate::node::PathId;
use crate::wire::{CutShort, Reader, Writer};

/// Most paths told or taken.
const MAX_PATHS: usize = 128;

/// Number of a heartbeat in the sender's life; the first is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Seq(pub u64);

impl Seq {
    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// What a heartbeat is sent for; it is counted by that, and tells the same whatever it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Purpose {
    /// Life, at every interval.
    Heartbeat,
    /// An answer to a heartbeat that asked for one.
    Answer,
    /// The last question before a takeover.
    Query,
    /// The sender wants the active role.
    Coup,
    /// The sender looks for its role after start.
    Elect,
}

impl Purpose {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::Heartbeat, Self::Answer, Self::Query, Self::Coup, Self::Elect];

    /// Stable name: a counter's label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::Answer => "answer",
            Self::Query => "query",
            Self::Coup => "coup",
            Self::Elect => "elect",
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Heartbeat => 0,
            Self::Answer => 1,
            Self::Query => 2,
            Self::Coup => 3,
            Self::Elect => 4,
        }
    }

    /// A purpose that this release does not know changes nothing: the content is what counts.
    const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Answer,
            2 => Self::Query,
            3 => Self::Coup,
            4 => Self::Elect,
            _ => Self::Heartbeat,
        }
    }
}

/// Facts that are true or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flags(u16);

impl Flags {
    /// The receiver shall answer at once.
    pub const ASK: Self = Self(1);
    /// `preempt` is configured.
    pub const PREEMPT: Self = Self(1 << 1);
    /// The sender was active and its lease ran out: it yields to any active, and is the first to
    /// go on.
    pub const LAPSED: Self = Self(1 << 2);
    /// The sender is draining and offers the active role: everything is told and acknowledged.
    pub const DRAINED: Self = Self(1 << 3);
    /// The receiver holds every connection of the sender.
    pub const IN_STEP: Self = Self(1 << 4);
    /// The sender hears the receiver over the fault-tolerant VLAN.
    pub const FT_VLAN_UP: Self = Self(1 << 5);
    /// The sender has been active, or standby to an active, in this life: it holds state.
    pub const WARM: Self = Self(1 << 6);
    /// The sender wants the active role, because its priority is higher and both preempt.
    pub const COUP: Self = Self(1 << 7);
    /// The sender is about to stop: it wants no role.
    pub const STOPPING: Self = Self(1 << 8);

    /// Whether all of `flags` are set.
    pub const fn has(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// These and `flags`, if `when`.
    #[must_use]
    pub const fn with(self, flags: Self, when: bool) -> Self {
        if when { Self(self.0 | flags.0) } else { self }
    }
}

/// One heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// Its number.
    pub seq: Seq,
    /// What it is sent for.
    pub purpose: Purpose,
    /// The sender's role.
    pub role: Role,
    /// How long it has had this role.
    pub role_age: Duration,
    /// Newest epoch that the sender knows.
    pub epoch: Epoch,
    /// The sender's priority.
    pub priority: Priority,
    /// Facts.
    pub flags: Flags,
    /// The sender's time between heartbeats.
    pub heartbeat: Duration,
    /// The sender's failover time: the receiver waits at least as long.
    pub failover: Duration,
    /// Newest heartbeat that the sender heard of the receiver; zero for none.
    pub heard: Seq,
    /// The paths that the sender heard the receiver over lately.
    pub heard_paths: Vec<PathId>,
    /// Digest of the sender's configuration.
    pub config_digest: u64,
    /// The sender is about to be replaced: the receiver shall wait for so long.
    pub hold: Option<Duration>,
    /// The sender waits for so long after it heard the heartbeat that [`Self::heard`] names.
    pub holding: Option<Duration>,
}

mod tag {
    pub(super) const SEQ: u16 = 1;
    pub(super) const PURPOSE: u16 = 2;
    pub(super) const ROLE: u16 = 3;
    pub(super) const EPOCH: u16 = 4;
    pub(super) const PRIORITY: u16 = 5;
    pub(super) const FLAGS: u16 = 6;
    pub(super) const TIMERS: u16 = 7;
    pub(super) const HEARD: u16 = 8;
    pub(super) const HEARD_PATHS: u16 = 9;
    pub(super) const DIGEST: u16 = 10;
    pub(super) const HOLD: u16 = 11;
    pub(super) const HOLDING: u16 = 12;
}

impl Beat {
    /// The octets of the heartbeat.
    pub fn write(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.field(tag::SEQ, |w| put(w.u64(self.seq.0)));
        writer.field(tag::PURPOSE, |w| put(w.u8(self.purpose.number())));
        writer.field(tag::ROLE, |w| put(w.u8(self.role as u8).u64(nanos(self.role_age))));
        writer.field(tag::EPOCH, |w| put(w.u64(self.epoch.0)));
        writer.field(tag::PRIORITY, |w| put(w.u8(self.priority.get())));
        writer.field(tag::FLAGS, |w| put(w.u16(self.flags.0)));
        writer.field(tag::TIMERS, |w| {
            w.u64(nanos(self.heartbeat)).u64(nanos(self.failover));
        });
        writer.field(tag::HEARD, |w| put(w.u64(self.heard.0)));
        writer.field(tag::HEARD_PATHS, |w| {
            for path in self.heard_paths.iter().take(MAX_PATHS) {
                w.u16(path.0.get());
            }
        });
        writer.field(tag::DIGEST, |w| put(w.u64(self.config_digest)));
        for (tag, told) in [(tag::HOLD, self.hold), (tag::HOLDING, self.holding)] {
            if let Some(lasts) = told {
                writer.field(tag, |w| put(w.u64(nanos(lasts))));
            }
        }
        writer.finish()
    }

    /// Reads a heartbeat; skips what it does not know.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut fields = Fields::default();
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let (tag, value) = reader.field().map_err(|CutShort| Malformed)?;
            fields.take(tag, value).map_err(|CutShort| Malformed)?;
        }
        fields.beat().ok_or(Malformed)
    }
}

/// What was read so far.
#[derive(Default)]
struct Fields {
    seq: Option<Seq>,
    purpose: u8,
    role: Option<(u8, Duration)>,
    epoch: Option<Epoch>,
    priority: Option<u8>,
    flags: Flags,
    timers: Option<(Duration, Duration)>,
    heard: Seq,
    heard_paths: Vec<PathId>,
    digest: u64,
    hold: Option<Duration>,
    holding: Option<Duration>,
}

impl Fields {
    fn take(&mut self, tag: u16, mut value: Reader<'_>) -> Result<(), CutShort> {
        match tag {
            tag::SEQ => self.seq = Some(Seq(value.u64()?)),
            tag::PURPOSE => self.purpose = value.u8()?,
            tag::ROLE => self.role = Some((value.u8()?, Duration::from_nanos(value.u64()?))),
            tag::EPOCH => self.epoch = Some(Epoch(value.u64()?)),
            tag::PRIORITY => self.priority = Some(value.u8()?),
            tag::FLAGS => self.flags = Flags(value.u16()?),
            tag::TIMERS => {
                let heartbeat = Duration::from_nanos(value.u64()?);
                self.timers = Some((heartbeat, Duration::from_nanos(value.u64()?)));
            }
            tag::HEARD => self.heard = Seq(value.u64()?),
            tag::HEARD_PATHS => self.heard_paths = read_paths(value)?,
            tag::DIGEST => self.digest = value.u64()?,
            tag::HOLD => self.hold = Some(Duration::from_nanos(value.u64()?)),
            tag::HOLDING => self.holding = Some(Duration::from_nanos(value.u64()?)),
            _ => {}
        }
        Ok(())
    }

    fn beat(self) -> Option<Beat> {
        let (role, role_age) = self.role?;
        let (heartbeat, failover) = self.timers?;
        Some(Beat {
            seq: self.seq.filter(|seq| *seq > Seq::default())?,
            purpose: Purpose::from_number(self.purpose),
            role: Role::from_number(role)?,
            role_age,
            epoch: self.epoch?,
            priority: Priority::try_from(u64::from(self.priority?)).ok()?,
            flags: self.flags,
            heartbeat,
            failover,
            heard: self.heard,
            heard_paths: self.heard_paths,
            config_digest: self.digest,
            hold: self.hold,
            holding: self.holding,
        })
    }
}

fn read_paths(mut reader: Reader<'_>) -> Result<Vec<PathId>, CutShort> {
    let mut paths = Vec::new();
    while !reader.is_empty() && paths.len() < MAX_PATHS {
        if let Ok(vlan) = VlanId::try_from(u64::from(reader.u16()?)) {
            paths.push(PathId(vlan));
        }
    }
    Ok(paths)
}

/// Ends a writer's chain where nothing is to be returned.
fn put(_: &mut Writer) {}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
