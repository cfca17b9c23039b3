//! What there is to show.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use hitless_model::{Epoch, Instant, Role};

use super::beat::{Flags, Purpose, Seq};
use super::machine::Ft;
use super::peer::Contact;
use super::state::State;
use crate::node::{PathId, PeerStatus};

impl Ft {
    /// Role now.
    pub fn role(&self) -> Role {
        self.state.role()
    }

    /// Epoch now.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// When the role last changed.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// Number of role changes.
    pub fn role_changes(&self) -> u64 {
        self.role_changes
    }

    /// Number of leases that ran out while active.
    pub fn lease_expiries(&self) -> u64 {
        self.lease_expiries
    }

    /// The longest time by which this box was late itself.
    pub fn longest_delay(&self) -> Duration {
        self.delays.longest
    }

    /// How often it was late by more than half of a lease.
    pub fn delays(&self) -> u64 {
        self.delays.count
    }

    /// Until when the data plane may forward.
    pub fn lease_until(&self) -> Option<Instant> {
        self.state.lease_until()
    }

    /// Whether the peer was heard within the failover time.
    pub fn hears_peer(&self) -> bool {
        !self.is_alone()
    }

    /// How long the peer may be silent until it counts as gone.
    pub fn patience(&self) -> Duration {
        let own = self.config.failover;
        self.peer.as_ref().map_or(own, |peer| peer.patience(own))
    }

    /// Whether the peer is heard over a path.
    pub fn is_path_up(&self, path: PathId) -> bool {
        self.peer.as_ref().is_some_and(|peer| peer.is_up(path))
    }

    /// Whether both boxes say that they are active: one of them is about to yield.
    pub fn is_contested(&self) -> bool {
        self.role() == Role::Active && self.peer_role() == Some(Role::Active)
    }

    /// Whether both boxes hear each other over the fault-tolerant VLAN.
    pub fn is_ft_vlan_up(&self) -> bool {
        let ft_path = self.config.paths.first();
        ft_path.is_some_and(|path| self.is_path_up(*path)) && self.peer_says(Flags::FT_VLAN_UP)
    }

    /// What keeps this box from taking the role that its priority gives it.
    pub fn waiting(&self, now: Instant) -> Option<String> {
        if self.awaits_witness() {
            return Some("being active alone waits for a gateway to be heard".to_string());
        }
        let State::Standby { waiting_since: Some(since), .. } = self.state else { return None };
        let waited = now.saturating_since(since).as_secs();
        let why = if self.wants_role_now() { "the peer to hand over" } else { "being in step" };
        Some(format!("preempting waits for {why} ({waited} s)"))
    }

    /// The peer, if heard within the failover time.
    pub fn peer_status(&self) -> Option<PeerStatus> {
        let peer = self.peer.as_ref().filter(|peer| peer.contact < Contact::Lost)?;
        let beat = peer.newest.as_ref()?;
        Some(PeerStatus {
            unit: peer.unit,
            role: beat.role,
            epoch: beat.epoch,
            priority: beat.priority,
            preempt: beat.flags.has(Flags::PREEMPT),
            software: peer.software.clone(),
            config_agrees: beat.config_digest == self.config.config_digest,
        })
    }

    /// Heartbeats received, by purpose.
    pub fn received(&self) -> impl Iterator<Item = (Purpose, u64)> {
        Purpose::ALL.into_iter().zip(self.received)
    }

    /// What a decision is made on, for people and for replays.
    pub(super) fn facts(&self, now: Instant) -> Vec<(String, String)> {
        let mut facts = Vec::new();
        let mut fact = |name: &str, value: String| facts.push((name.to_string(), value));
        fact("priority", self.config.priority.to_string());
        fact("epoch", self.epoch.to_string());
        fact("in-step", self.replication.in_step.to_string());
        if let Some(until) = self.state.lease_until() {
            fact("lease-left-ms", until.saturating_since(now).as_millis().to_string());
        }
        let confirmed = self.confirmed_lease(now, Seq::default()).is_some();
        fact("peer-hears-us", confirmed.to_string());
        if let Some(at) = self.gateway_heard_at() {
            fact("gateway-heard-ms-ago", now.saturating_since(at).as_millis().to_string());
        }
        let Some(peer) = &self.peer else {
            fact("peer", "none".to_string());
            return facts;
        };
        fact("peer", peer.unit.to_string());
        let silent_for = now.saturating_since(peer.heard_at).as_millis();
        fact("peer-heard-ms-ago", silent_for.to_string());
        fact("paths-up", peer.paths_up().len().to_string());
        if let Some(beat) = &peer.newest {
            fact("peer-role", beat.role.to_string());
            fact("peer-epoch", beat.epoch.to_string());
            fact("peer-priority", beat.priority.to_string());
        }
        facts
    }
}
