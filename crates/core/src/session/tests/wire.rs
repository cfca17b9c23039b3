//! Two sessions and what they say to each other.

use std::time::Duration;

use hitless_model::{GroupId, Instant, Mac, UnitId, VlanId};

use crate::machine::Machine;
use crate::node::{PathId, Secret};
use crate::session::{Config, Input, Kind, Output, Pair, Rejected, Session};

pub(super) fn path(number: u64) -> PathId {
    PathId(VlanId::try_from(number).unwrap())
}

pub(super) const FT: u64 = 9;

pub(super) fn secret(key: &str) -> Secret {
    Secret::new(key.as_bytes().to_vec())
}

pub(super) fn config(unit: u64, key: Option<&str>) -> Config {
    Config {
        pair: Pair { group: GroupId::try_from(90).unwrap(), ft_vlan: path(FT).0 },
        unit: UnitId(unit),
        key: key.map(secret),
        accepted_key: None,
        seed: [unit.to_le_bytes()[0]; 32],
        software: "1.2.3".into(),
        macs: vec![(path(136), Mac([6, 0, 0, 0, 0, unit.to_le_bytes()[0]]))],
        heartbeat: Duration::from_millis(10),
        peer_timeout: Duration::from_millis(30),
    }
}

/// A session and everything that it said.
pub(super) struct End {
    pub(super) session: Session,
    pub(super) said: Vec<Output>,
}

impl End {
    pub(super) fn new(config: Config) -> Self {
        Self { session: Session::new(Instant::ZERO, config), said: Vec::new() }
    }

    /// Hands over a frame; the frames that it says in return.
    pub(super) fn hear(&mut self, now: Instant, over: u64, frame: &[u8]) -> Vec<Vec<u8>> {
        self.session.handle_input(now, Input::Datagram { path: path(over), bytes: frame });
        self.listen()
    }

    pub(super) fn tick(&mut self, now: Instant) -> Vec<Vec<u8>> {
        self.session.handle_deadline(now);
        self.listen()
    }

    fn listen(&mut self) -> Vec<Vec<u8>> {
        let outputs: Vec<_> = std::iter::from_fn(|| self.session.poll_output()).collect();
        let frames = outputs.iter().filter_map(|output| match output {
            Output::Send(frame) => Some(frame.clone()),
            Output::Established { .. }
            | Output::Sighted
            | Output::Rekeyed { .. }
            | Output::KeyDiffers { .. }
            | Output::Macs(_)
            | Output::Opened { .. }
            | Output::Rejected(_)
            | Output::Foreign { .. } => None,
        });
        let frames = frames.collect();
        self.said.extend(outputs);
        frames
    }

    pub(super) fn seal(&mut self, body: &[u8]) -> Vec<u8> {
        self.session.seal(Kind::Roles, body.to_vec()).unwrap()
    }

    pub(super) fn opened(&self) -> Vec<&[u8]> {
        let bodies = self.said.iter().filter_map(|output| match output {
            Output::Opened { body, .. } => Some(body.as_slice()),
            Output::Send(_)
            | Output::Sighted
            | Output::Rekeyed { .. }
            | Output::KeyDiffers { .. }
            | Output::Established { .. }
            | Output::Macs(_)
            | Output::Rejected(_)
            | Output::Foreign { .. } => None,
        });
        bodies.collect()
    }

    pub(super) fn established(&self) -> Vec<u64> {
        let ids = self.said.iter().filter_map(|output| match output {
            Output::Established { id, .. } => Some(*id),
            Output::Send(_)
            | Output::Sighted
            | Output::Rekeyed { .. }
            | Output::KeyDiffers { .. }
            | Output::Opened { .. }
            | Output::Macs(_)
            | Output::Rejected(_)
            | Output::Foreign { .. } => None,
        });
        ids.collect()
    }

    pub(super) fn rejected(&self) -> Vec<Rejected> {
        let reasons = self.said.iter().filter_map(|output| match output {
            Output::Rejected(reason) => Some(*reason),
            Output::Send(_)
            | Output::Sighted
            | Output::Rekeyed { .. }
            | Output::KeyDiffers { .. }
            | Output::Opened { .. }
            | Output::Macs(_)
            | Output::Established { .. }
            | Output::Foreign { .. } => None,
        });
        reasons.collect()
    }
}

/// Carries frames to and fro until nobody answers; everything that went over the wire.
pub(super) fn talk(now: Instant, a: &mut End, b: &mut End) -> Vec<Vec<u8>> {
    let mut tape = Vec::new();
    let mut to_b = a.tick(now);
    let mut to_a = b.tick(now);
    while !to_a.is_empty() || !to_b.is_empty() {
        tape.extend(to_a.iter().chain(&to_b).cloned());
        let from_b = to_b.iter().flat_map(|frame| b.hear(now, FT, frame)).collect();
        let from_a = to_a.iter().flat_map(|frame| a.hear(now, FT, frame)).collect();
        (to_a, to_b) = (from_b, from_a);
    }
    tape
}

/// Two that have met.
pub(super) fn met(key: Option<&str>) -> (End, End, Vec<Vec<u8>>) {
    let (mut a, mut b) = (End::new(config(1, key)), End::new(config(2, key)));
    let tape = talk(Instant::ZERO, &mut a, &mut b);
    assert!(a.session.is_established() && b.session.is_established());
    (a, b, tape)
}
