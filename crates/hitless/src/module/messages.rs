//! Log messages of a module, in the form of the original (csm-spec section 3).

use std::time::Duration;

use hitless_core::node::{Decision, Event};
use hitless_core::session::{KeyInUse, KeyTrouble};
use hitless_model::{Role, Slot, UnitId, VlanId};

/// How much a message matters: the digit in its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Function lost.
    Error,
    /// Someone should look.
    Warning,
    /// Good to know.
    Info,
}

/// One log message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// How much it matters.
    pub(crate) severity: Severity,
    /// The whole line.
    pub(crate) text: String,
}

impl Message {
    fn info(slot: Slot, text: &str) -> Self {
        let text = format!("%CSM_SLB-6-REDUNDANCY_INFO: Module {slot} FT info: {text}");
        Self { severity: Severity::Info, text }
    }

    fn warning(slot: Slot, text: &str) -> Self {
        let text = format!("%CSM_SLB-4-REDUNDANCY_WARN: Module {slot} FT warning: {text}");
        Self { severity: Severity::Warning, text }
    }

    fn error(slot: Slot, text: &str) -> Self {
        let text = format!("%CSM_SLB-3-REDUNDANCY: Module {slot} FT error: {text}");
        Self { severity: Severity::Error, text }
    }
}

/// The messages of a decision: a transition, then why.
pub(crate) fn of_decision(slot: Slot, decision: &Decision) -> Vec<Message> {
    let why = Message::info(slot, &format!("{} (epoch {})", decision.reason, decision.epoch));
    if decision.from == decision.to {
        return vec![why];
    }
    let (from, to) = (word(decision.from), word(decision.to));
    vec![Message::info(slot, &format!("State Transition {from} -> {to}")), why]
}

/// The message of an event; rejected frames are counted, and told by [`super::chores`] now and then.
pub(crate) fn of_event(slot: Slot, event: &Event) -> Option<Message> {
    let message = match event {
        Event::PeerFound { unit, software } => {
            Message::info(slot, &format!("peer {unit} found, release {software}"))
        }
        Event::PeerLost => Message::warning(slot, "no response from peer on any path"),
        Event::PathState { path, up } => of_path(slot, path.0, *up),
        Event::LeaseExpired => Message::error(
            slot,
            "lease expired: the peer did not confirm in time, this box fell silent",
        ),
        Event::Delayed { by, lease } => of_delay(slot, *by, *lease),
        Event::Unauthenticated => Message::warning(
            slot,
            "no key-string: whoever is on the fault-tolerant vlan is trusted; keep it private",
        ),
        Event::Rekeyed { unit, key } => of_rekeying(slot, *unit, *key),
        Event::KeyDiffers { unit, trouble } => of_key(slot, *unit, *trouble),
        Event::ConfigDiffers(true) => {
            Message::warning(slot, "FT configurations might be out of sync.")
        }
        Event::ConfigDiffers(false) => Message::info(slot, "configurations agree"),
        Event::TimersDiffer => {
            Message::warning(slot, "heartbeat or failover time differs from the peer's")
        }
        Event::ForeignPair { group, unit } => Message::warning(
            slot,
            &format!("frames of group {group} from {unit} on this fault-tolerant vlan, ignored"),
        ),
        Event::InStep(true) => Message::info(slot, "the peer holds every replicated connection"),
        Event::InStep(false) => Message::info(slot, "the peer does not hold every connection yet"),
        Event::Diverged { connections } => of_divergence(slot, *connections),
        Event::Repaired { connections } => of_repair(slot, *connections),
        Event::HandoverRefused { why, .. } => {
            Message::warning(slot, &format!("handover refused: {why}"))
        }
        Event::AbsenceGranted { .. } => {
            Message::info(slot, "this process is replaced: the peer waits, the data plane goes on")
        }
        Event::AbsenceRefused { why } => {
            Message::warning(slot, &format!("this process cannot be replaced now: {why}"))
        }
        Event::Gateway { heard } => of_gateway(slot, *heard),
        Event::Rejected { .. } => return None,
    };
    Some(message)
}

fn of_rekeying(slot: Slot, unit: UnitId, key: KeyInUse) -> Message {
    let key = match key {
        KeyInUse::Own => "this box's key-string",
        KeyInUse::Accepted => "the key-string that this box accepts besides its own",
        KeyInUse::Former => "a key-string that this box does not have any more",
        KeyInUse::Clear => "no key-string",
    };
    Message::info(slot, &format!("the session with peer {unit} goes on under {key}"))
}

/// What to do about it as well: who reads this may not know the other box's log.
fn of_key(slot: Slot, unit: UnitId, trouble: KeyTrouble) -> Message {
    let (what, way_out) = match trouble {
        KeyTrouble::Other => (
            "has another key-string",
            "give both boxes the same; while it is changed, `key-string KEY accept` takes the other one too",
        ),
        KeyTrouble::Missing => {
            ("has no key-string, this box has one", "configure it on both boxes, or on none")
        }
        KeyTrouble::Unexpected => {
            ("has a key-string, this box has none", "configure it on both boxes, or on none")
        }
    };
    let text = format!("{unit} of this pair {what}: no session is made with it; {way_out}");
    Message::warning(slot, &text)
}

fn of_path(slot: Slot, vlan: VlanId, up: bool) -> Message {
    if up {
        return Message::info(slot, &format!("peer heard over vlan {vlan}"));
    }
    Message::warning(slot, &format!("peer not heard over vlan {vlan} any more"))
}

fn of_divergence(slot: Slot, connections: u64) -> Message {
    let text =
        format!("{connections} connections differ between the two tables: they are repaired");
    Message::warning(slot, &text)
}

fn of_repair(slot: Slot, connections: u64) -> Message {
    Message::info(slot, &format!("{connections} connections repaired: the tables are alike"))
}

fn of_delay(slot: Slot, by: Duration, lease: Duration) -> Message {
    let text = format!(
        "this machine or process stood still for {} ms, and a lease lasts {} ms: longer failover \
         times, or processors of its own, keep its role from moving",
        by.as_millis(),
        lease.as_millis()
    );
    Message::warning(slot, &text)
}

fn of_gateway(slot: Slot, heard: bool) -> Message {
    if heard {
        return Message::info(
            slot,
            "a gateway hears this box, which is active without its peer: if that lives and is heard \
             by one too, both are active",
        );
    }
    Message::error(slot, "neither the peer nor a gateway is heard: this box is not active alone")
}

/// The warning about frames that were dropped.
pub(crate) fn of_rejections(slot: Slot, reason: &str, count: u64) -> Message {
    Message::warning(slot, &format!("{count} frames dropped: {reason}"))
}

fn word(role: Role) -> &'static str {
    match role {
        Role::Initializing => "Initializing",
        Role::Standby => "Standby",
        Role::Active => "Active",
        Role::Draining => "Draining",
    }
}

#[cfg(test)]
mod tests {
    use hitless_model::{Epoch, Instant};

    use super::*;

    #[test]
    fn a_transition_reads_as_in_the_original() {
        let decision = Decision {
            at: Instant::ZERO,
            from: Role::Standby,
            to: Role::Active,
            epoch: Epoch(7),
            reason: "the peer was silent for the failover time".to_owned(),
            inputs: Vec::new(),
        };
        let slot = Slot::try_from(3).unwrap();
        let messages = of_decision(slot, &decision);
        assert_eq!(
            messages[0].text,
            "%CSM_SLB-6-REDUNDANCY_INFO: Module 3 FT info: State Transition Standby -> Active"
        );
        assert!(messages[1].text.ends_with("failover time (epoch 7)"));
    }
}
