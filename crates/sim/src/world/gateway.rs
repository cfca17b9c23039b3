//! The gateways of each box, as one: it answers, unless the box is cut off from it.

use std::time::Duration;

use super::{Event, World};
use crate::pair::Side;
use crate::process::Inbound;
use crate::time::Moment;

/// The way to a box's gateways.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gateway {
    /// Nothing passes before.
    pub(super) cut_until: Moment,
}

impl World {
    pub(super) fn lose_gateways(&mut self, side: Side, lasts: Duration) {
        let until = self.now + lasts;
        let gateway = &mut self.hosts[side].gateway;
        gateway.cut_until = gateway.cut_until.max(until);
    }

    /// A question leaves; where it arrives it is answered.
    pub(super) fn ask_gateways(&mut self, side: Side) {
        self.stats.asked += 1;
        if self.now < self.hosts[side].gateway.cut_until {
            return;
        }
        let longest = self.plan.gateways_answer_within;
        let delay = self.rngs.links.duration(longest / 2, longest);
        let life = self.hosts[side].lives;
        self.after(delay, Event::GatewayAnswers(side, life));
    }

    /// A process that is stopped reads it when it goes on.
    pub(super) fn gateway_answers(&mut self, side: Side, life: u32) {
        let host = &self.hosts[side];
        if self.now < host.gateway.cut_until || !host.is_life(life) {
            return;
        }
        self.roles.reached(side, self.now);
        self.feed(side, Inbound::GatewayHeard);
    }
}
