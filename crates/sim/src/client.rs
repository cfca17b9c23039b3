//! Clients: each opens a connection, uses it, closes it, and opens the next.
//!
//! A client knows the truth about its connection: which real accepted it. The checks compare the
//! boxes' tables with that.

use std::net::{Ipv4Addr, SocketAddrV4};

use hitless_model::{ConnKey, Protocol};

use crate::pair::{Pair, Side};
use crate::rng::Rng;
use crate::time::Moment;

/// Where a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// About to send a SYN.
    Opening,
    /// This real got the SYN and answers.
    Answered(SocketAddrV4),
    /// The client is about to confirm.
    Confirming(SocketAddrV4),
    /// Both sides talk.
    Open(Open),
    /// About to open another one.
    Closed,
}

/// An open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    /// The real that carries it.
    pub(crate) real: SocketAddrV4,
    /// The box's table held it, with this real.
    pub(crate) held_by: Pair<bool>,
    /// The other box said that this box's table holds it, and was believed.
    pub(crate) is_safe_at: Pair<bool>,
    /// This life of this box was told of it by its data plane.
    pub(crate) reported_to: Option<(Side, u32)>,
    /// It is lost, and that is nobody's fault: who took over could not know it.
    pub(crate) is_forfeit: bool,
    /// Only words that are on their way, or were lost, tell the other box of it. Until an active
    /// holds it, it may get lost.
    pub(crate) is_in_doubt: bool,
    /// Since when its segments have been dropped as unknown.
    pub(crate) dropped_since: Option<Moment>,
}

/// A client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    pub(crate) key: ConnKey,
    pub(crate) phase: Phase,
    /// Segments of the handshake that got no answer.
    pub(crate) tries: u8,
}

impl Open {
    /// Just established through this box.
    pub(crate) fn through(side: Side, real: SocketAddrV4) -> Self {
        Self {
            real,
            held_by: Pair::of(|one| one == side),
            is_safe_at: Pair::default(),
            reported_to: None,
            is_forfeit: false,
            is_in_doubt: false,
            dropped_since: None,
        }
    }

    /// Whether the pair has to keep it.
    pub(crate) const fn is_owed(&self) -> bool {
        !self.is_forfeit && !self.is_in_doubt
    }
}

impl Client {
    pub(crate) fn new(number: usize) -> Self {
        let last = u8::try_from(number + 1).unwrap_or(u8::MAX);
        let key = ConnKey {
            client: SocketAddrV4::new(Ipv4Addr::new(172, 16, 0, last), 10_000),
            virtual_server: SocketAddrV4::new(Ipv4Addr::new(192, 158, 38, 30), 80),
            protocol: Protocol::Tcp,
        };
        Self { key, phase: Phase::Opening, tries: 0 }
    }

    /// The next connection; with the same address and port in `reuses` of a thousand cases.
    pub(crate) fn renew(&mut self, reuses: u64, rng: &mut Rng) {
        if !rng.chance(reuses) {
            let port = self.key.client.port();
            self.key.client.set_port(port.checked_add(1).unwrap_or(10_000));
        }
        self.phase = Phase::Opening;
        self.tries = 0;
    }

    pub(crate) fn open(&self) -> Option<&Open> {
        match &self.phase {
            Phase::Open(open) => Some(open),
            Phase::Opening | Phase::Answered(_) | Phase::Confirming(_) | Phase::Closed => None,
        }
    }

    pub(crate) fn open_mut(&mut self) -> Option<&mut Open> {
        match &mut self.phase {
            Phase::Open(open) => Some(open),
            Phase::Opening | Phase::Answered(_) | Phase::Confirming(_) | Phase::Closed => None,
        }
    }
}
