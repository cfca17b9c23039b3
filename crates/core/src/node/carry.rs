//! Levels that are carried from machine to machine: contact, role, in step.
//!
//! After every call each machine is told what changed in the others, until nothing does.

use hitless_model::{Instant, Role};

use super::machine::Node;
use crate::ft;
use crate::machine::Machine;
use crate::replica::{self, Mode, Sending, SessionId};

/// What one machine was told of the others last.
#[derive(Debug, Default)]
pub(super) struct Carried {
    pub(super) role: Option<Role>,
    pub(super) contact: Option<SessionId>,
    pub(super) sending: Sending,
    /// In step, drained.
    pub(super) replication: Option<(bool, bool)>,
    /// It was said that the fault-tolerant VLAN is trusted as it is.
    pub(super) unauthenticated: bool,
}

impl Node {
    /// Carries levels from machine to machine; `false` when all is told. The role comes first: what
    /// a contact brings must not be answered in a role that it has just ended.
    pub(super) fn carry(&mut self, now: Instant) -> bool {
        self.carry_role(now)
            || self.carry_sending(now)
            || self.carry_contact(now)
            || self.carry_replication(now)
    }

    fn carry_contact(&mut self, now: Instant) -> bool {
        let contact = self.session_id.filter(|_| self.ft.hears_peer());
        if self.carried.contact == contact {
            return false;
        }
        self.carried.contact = contact;
        let input = contact.map_or(replica::Input::PeerDown, replica::Input::PeerUp);
        self.replica.handle_input(now, input);
        true
    }

    /// Replication needs the fault-tolerant VLAN in both directions, and one box that tells: of two
    /// actives the one that stays tells everything once the other one has yielded. Without a peer
    /// the level stays as it was: there is nothing to send.
    fn carry_sending(&mut self, now: Instant) -> bool {
        let sending = match (self.ft.is_contested(), self.ft.is_ft_vlan_up()) {
            (true, _) => Sending::Contested,
            (false, true) => Sending::Open,
            (false, false) => Sending::Paused,
        };
        if self.carried.sending == sending || !self.ft.hears_peer() {
            return false;
        }
        self.carried.sending = sending;
        self.replica.handle_input(now, replica::Input::SetSending(sending));
        true
    }

    fn carry_role(&mut self, now: Instant) -> bool {
        let role = self.ft.role();
        if self.carried.role.replace(role) == Some(role) {
            return false;
        }
        let mode = match role {
            Role::Initializing | Role::Standby => Mode::Silent,
            Role::Active => Mode::Telling,
            Role::Draining => Mode::Draining,
        };
        self.replica.handle_input(now, replica::Input::SetMode(mode));
        self.carried.replication = None;
        true
    }

    fn carry_replication(&mut self, now: Instant) -> bool {
        let drained = !self.config.replicates || self.replica.is_drained();
        let replication = (self.is_in_step(), drained);
        if self.carried.replication.replace(replication) == Some(replication) {
            return false;
        }
        let (in_step, drained) = replication;
        self.ft.handle_input(now, ft::Input::Replication { in_step, drained });
        true
    }
}
