//! What is known of the peer.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use hitless_model::{Instant, Role, UnitId};
use serde::{Deserialize, Serialize};

use super::beat::{Beat, Flags, Seq};
use crate::node::PathId;

/// Paths remembered, configured ones and others: no peer has more than a module has VLANs.
const MAX_PATHS: usize = 256;

/// How the peer was heard over one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Heard {
    seq: Seq,
    pub(super) at: Instant,
    pub(super) up: bool,
}

/// How sure this box is that the peer lives. It gets worse only when deadlines are handled, and
/// better only when the peer is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Contact {
    /// Heard.
    Heard,
    /// Silent for so long that the active goes on by itself.
    Silent,
    /// Silent for the failover time.
    Lost,
}

/// The peer, in the life that the session is with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Peer {
    pub(super) unit: UnitId,
    pub(super) software: String,
    /// Its newest heartbeat by number.
    pub(super) newest: Option<Beat>,
    /// When anything was heard last.
    pub(super) heard_at: Instant,
    /// Since when it has been heard without getting lost.
    pub(super) heard_since: Instant,
    pub(super) contact: Contact,
    /// Asked, in this silence, over every path.
    pub(super) queried: bool,
    /// This box was late, in this silence, and has granted the peer one more interval.
    pub(super) excused: bool,
    pub(super) paths: BTreeMap<PathId, Heard>,
    /// The newest heartbeat that asked for an answer.
    #[serde(default)]
    asked: Seq,
}

/// What a heartbeat is to the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Newer than all before.
    Newest,
    /// Heard over another path before.
    Known,
    /// Overtaken on its own path: says nothing.
    Overtaken,
}

impl Peer {
    /// A peer whose first frame was just opened.
    pub(super) fn new(now: Instant, unit: UnitId, software: String) -> Self {
        Self {
            unit,
            software,
            newest: None,
            heard_at: now,
            heard_since: now,
            contact: Contact::Heard,
            queried: false,
            excused: false,
            paths: BTreeMap::new(),
            asked: Seq::default(),
        }
    }

    /// Keeps which paths are up, and forgets numbers: a new life starts them anew.
    pub(super) fn inherit_paths(&mut self, before: Self) {
        self.paths = before.paths;
        for heard in self.paths.values_mut() {
            heard.seq = Seq::default();
        }
    }

    /// Takes a heartbeat; tells whether it is new and whether its path came up with it.
    pub(super) fn hear(&mut self, now: Instant, path: PathId, beat: &Beat) -> (Arrival, bool) {
        if self.paths.len() >= MAX_PATHS && !self.paths.contains_key(&path) {
            return (Arrival::Overtaken, false);
        }
        let never = Heard { seq: Seq::default(), at: now, up: false };
        let heard = self.paths.entry(path).or_insert(never);
        if beat.seq <= heard.seq {
            return (Arrival::Overtaken, false);
        }
        let came_up = !heard.up;
        *heard = Heard { seq: beat.seq, at: now, up: true };
        self.heard_at = now;
        if self.contact == Contact::Lost {
            self.heard_since = now;
        }
        self.contact = Contact::Heard;
        (self.queried, self.excused) = (false, false);
        if self.newest.as_ref().is_some_and(|newest| beat.seq <= newest.seq) {
            return (Arrival::Known, came_up);
        }
        self.newest = Some(beat.clone());
        (Arrival::Newest, came_up)
    }

    /// Whether a heartbeat asks for an answer that no newer one has asked for. It may have been
    /// overtaken, on its path or over another, by one that does not ask.
    pub(super) fn asks(&mut self, beat: &Beat) -> bool {
        let asks = beat.flags.has(Flags::ASK) && beat.seq > self.asked;
        if asks {
            self.asked = beat.seq;
        }
        asks
    }

    /// How long the peer may be silent until it counts as gone: never less than it was told that
    /// it has, because its lease is made for that.
    pub(super) fn patience(&self, own: Duration) -> Duration {
        self.newest.as_ref().map_or(own, |beat| own.max(beat.failover))
    }

    /// Newest heartbeat heard; zero for none.
    pub(super) fn heard(&self) -> Seq {
        self.newest.as_ref().map(|beat| beat.seq).unwrap_or_default()
    }

    /// Its role, once it told one.
    pub(super) fn role(&self) -> Option<Role> {
        self.newest.as_ref().map(|beat| beat.role)
    }

    /// Whether it says that it forwards.
    pub(super) fn forwards(&self) -> bool {
        self.role().is_some_and(Role::forwards)
    }

    /// Whether its newest heartbeat has these flags.
    pub(super) fn says(&self, flags: Flags) -> bool {
        self.newest.as_ref().is_some_and(|beat| beat.flags.has(flags))
    }

    /// The paths over which it is heard.
    pub(super) fn paths_up(&self) -> Vec<PathId> {
        self.paths.iter().filter(|(_, heard)| heard.up).map(|(path, _)| *path).collect()
    }

    /// Whether it is heard over this path.
    pub(super) fn is_up(&self, path: PathId) -> bool {
        self.paths.get(&path).is_some_and(|heard| heard.up)
    }
}
