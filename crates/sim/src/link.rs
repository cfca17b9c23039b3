//! A direction of a path between the two boxes.

use std::time::Duration;

use hitless_core::node::Lane;

use crate::fault::Weather;
use crate::rng::Rng;
use crate::time::Moment;

/// A datagram on its way.
#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    /// Position of the path; 0 is the fault-tolerant VLAN.
    pub(crate) path: usize,
    pub(crate) lane: Lane,
    pub(crate) from: [u8; 16],
    pub(crate) bytes: Vec<u8>,
    pub(crate) sent_at: Moment,
    /// Made by the injector, or by another pair: must have no effect.
    pub(crate) hostile: bool,
}

impl Datagram {
    /// Whether it is about roles: the sixth octet of a frame says what it is for.
    pub(crate) fn is_about_roles(&self) -> bool {
        const ROLES: u8 = 3;
        self.lane == Lane::Heartbeat && self.bytes.get(5) == Some(&ROLES)
    }
}

/// One direction of one path.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    usual: Weather,
    now: Weather,
    until: Moment,
}

impl Link {
    pub(crate) fn new(usual: Weather) -> Self {
        Self { usual, now: usual, until: Moment::START }
    }

    pub(crate) fn change(&mut self, weather: Weather, until: Moment) {
        self.now = weather;
        self.until = until;
    }

    /// From now on nothing is wrong with it.
    pub(crate) fn heal(&mut self) {
        *self = Self::new(Weather::FAIR);
    }

    /// When what is sent now arrives: never, once or twice.
    pub(crate) fn arrivals(&mut self, now: Moment, rng: &mut Rng) -> impl Iterator<Item = Moment> {
        if now >= self.until {
            self.now = self.usual;
        }
        let Weather { cut, loss, duplicates, delay, jitter } = self.now;
        let copies =
            if cut || rng.chance(loss) { 0 } else { 1 + usize::from(rng.chance(duplicates)) };
        let mut times = [Moment::NEVER; 2];
        for time in &mut times[..copies] {
            *time = now + delay + rng.duration(Duration::ZERO, jitter);
        }
        times.into_iter().take(copies)
    }
}
