//! The wish to be away, while something stands in its way that may pass by itself.
//!
//! Two boxes are changed or upgraded one right after the other: the first has only just come back when the
//! second wants to go, and a heartbeat or two later it may. So a wish waits a little before it is refused.

use core::time::Duration;

use hitless_model::Instant;
use serde::{Deserialize, Serialize};

use super::absence::LONGEST;
use super::machine::Ft;
use super::peer::Contact;
use super::state::State;

/// An absence that was not begun yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wish {
    lasts: Duration,
    /// When to stop waiting for what is in the way to pass.
    until: Instant,
}

/// What stands in the way of being away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Objection {
    Stopping,
    HandoverUnderWay,
    NoRoleYet,
    PeerReplaced,
    PeerSilent,
    BothActive,
    FtVlanDown,
}

impl Objection {
    fn text(self) -> &'static str {
        match self {
            Self::Stopping => "this box is about to stop",
            Self::HandoverUnderWay => "a handover is under way",
            Self::NoRoleYet => "this box has no role yet",
            Self::PeerReplaced => "the peer is being replaced itself",
            Self::PeerSilent => "the peer is silent",
            Self::BothActive => "both boxes are active",
            Self::FtVlanDown => "the fault-tolerant vlan is down",
        }
    }

    /// Whether the peer's next heartbeats may end it.
    fn may_pass(self) -> bool {
        match self {
            Self::PeerReplaced | Self::PeerSilent | Self::FtVlanDown => true,
            Self::Stopping | Self::HandoverUnderWay | Self::NoRoleYet | Self::BothActive => false,
        }
    }
}

impl Ft {
    /// This process is about to be replaced; an absence of no length takes that back.
    pub(super) fn be_away(&mut self, now: Instant, lasts: Duration) {
        if lasts.is_zero() {
            self.wish = None;
            return self.stay(now);
        }
        let until = now + (self.config.interval() * 2).min(LONGEST);
        self.wish = Some(Wish { lasts, until });
        self.follow_wish(now);
    }

    /// Begins the absence that is wished for as soon as nothing is in its way.
    pub(super) fn follow_wish(&mut self, now: Instant) {
        let Some(wish) = self.wish else { return };
        match self.objection(now) {
            None => {
                self.wish = None;
                self.ask_to_be_away(now, wish.lasts);
            }
            Some(why) if why.may_pass() && now < wish.until => {}
            Some(why) => {
                self.wish = None;
                self.refuse_absence(why.text());
            }
        }
    }

    /// When a wish is refused at the latest.
    pub(super) fn wish_due(&self) -> Option<Instant> {
        self.wish.map(|wish| wish.until)
    }

    fn objection(&self, now: Instant) -> Option<Objection> {
        if self.stopping {
            return Some(Objection::Stopping);
        }
        match self.state {
            State::Draining { .. } | State::Leaving { .. } => {
                return Some(Objection::HandoverUnderWay);
            }
            State::Initializing { .. } | State::Lapsed { .. } => {
                return Some(Objection::NoRoleYet);
            }
            State::Active { .. } | State::Standby { .. } => {}
        }
        if self.is_alone() {
            return None;
        }
        if self.is_holding(now) {
            return Some(Objection::PeerReplaced);
        }
        if self.peer.as_ref().is_none_or(|peer| peer.contact != Contact::Heard) {
            return Some(Objection::PeerSilent);
        }
        if self.is_contested() {
            return Some(Objection::BothActive);
        }
        // The next life meets the peer over this VLAN and over no other.
        (!self.is_ft_vlan_up()).then_some(Objection::FtVlanDown)
    }
}
