//! The table of faults: what happens to a pair, and what must follow.

use std::time::Duration;

use super::acts::{crowd, keys, links, power, processes, strain, weather};
use super::fault::{Act, DualActive, Expect, Lasts, Lost, Phase, Roles};
use crate::config_text::Manner;

pub use super::fault::Fault;

const UNDISTURBED: Expect = Expect { roles: Roles::Stay, lost: Lost::None };
const HANDED_OVER: Expect = Expect { roles: Roles::Move, lost: Lost::None };
const TAKEN_OVER: Expect = Expect { roles: Roles::Move, lost: Lost::UntilTakeover };
const RESUMED_OR_TAKEN_OVER: Expect = Expect { roles: Roles::Either, lost: Lost::UntilTakeover };
/// What a box that was asleep says first makes its peer doubt its own lease for a moment (ADR 8).
const WOKEN: Expect = Expect { roles: Roles::Stay, lost: Lost::UntilTakeover };
const SAME_ROLES: Expect = Expect { roles: Roles::Stay, lost: Lost::NotJudged };
const SPLIT: Expect = Expect { roles: Roles::Either, lost: Lost::NotJudged };

/// A fault with nothing around it; the rows of the table add what they need.
const NOTHING: Fault = Fault {
    scenario: "",
    event: "",
    about: "",
    manner: Manner::Usual,
    lasts: both(Duration::ZERO),
    prepare: None,
    strike: phase(power::hand_over, UNDISTURBED),
    tidy: None,
    heal: None,
    dual_active: DualActive::Forbidden,
};

/// Every fault, in the order in which a demonstration plays them.
pub const FAULTS: &[Fault] = &[
    Fault {
        scenario: "planned",
        event: "planned handover",
        about: "clear module csm N ft active: the peer takes the role, no packet is lost",
        strike: phase(power::hand_over, HANDED_OVER),
        ..NOTHING
    },
    Fault {
        scenario: "power-loss",
        event: "power loss",
        about: "links down, processes killed: the peer is active failover after the last heartbeat",
        strike: phase(power::fail, TAKEN_OVER),
        tidy: Some(power::forget),
        heal: Some(named("its return", power::come_back, UNDISTURBED)),
        ..NOTHING
    },
    Fault {
        scenario: "return",
        event: "return of the preferred",
        about: "with preempt on, the one with the higher priority comes back, is filled, and takes \
                its role again without a packet lost",
        manner: Manner::Preempts,
        lasts: both(SOME_TIME),
        prepare: Some(power::fail_preferred),
        strike: phase(power::prefer, HANDED_OVER),
        ..NOTHING
    },
    Fault {
        scenario: "young",
        event: "power loss in openings",
        about: "1000 connections a second are opened until the power fails: those of 10 ms or more \
                go on",
        prepare: Some(power::begin_opening),
        strike: phase(power::fail_among_young, TAKEN_OVER),
        tidy: Some(power::forget),
        heal: Some(phase(power::come_back, UNDISTURBED)),
        ..NOTHING
    },
    Fault {
        scenario: "stop",
        event: "SIGTERM of the active",
        about: "the daemon hands over, whatever preempt says, and removes what it made",
        strike: phase(processes::stop, HANDED_OVER),
        heal: Some(phase(processes::start_again, UNDISTURBED)),
        ..NOTHING
    },
    Fault {
        scenario: "reload",
        event: "reload of the active",
        about: "supervisor and module are replaced by new processes: no role changes, no packet is \
                lost",
        strike: phase(processes::reload_active, UNDISTURBED),
        ..NOTHING
    },
    Fault {
        scenario: "reload",
        event: "reload of the standby",
        about: "the same on the other box",
        strike: phase(processes::reload_standby, UNDISTURBED),
        ..NOTHING
    },
    Fault {
        scenario: "supervisor-kill",
        event: "supervisor killed",
        about: "SIGKILL: the module goes on, and the next supervisor adopts it",
        lasts: both(SOME_TIME),
        strike: phase(processes::kill_supervisor, UNDISTURBED),
        heal: Some(phase(processes::start_again, UNDISTURBED)),
        ..NOTHING
    },
    Fault {
        scenario: "module-kill",
        event: "module killed",
        about: "SIGKILL: the supervisor starts it at once; it goes on as active if its lease still \
                runs, else the peer has taken over",
        lasts: both(SOME_TIME),
        strike: phase(processes::kill_module, RESUMED_OR_TAKEN_OVER),
        heal: Some(phase(processes::await_pair, UNDISTURBED)),
        ..NOTHING
    },
    Fault {
        scenario: "hang",
        event: "module hangs",
        about: "SIGSTOP for longer than the lease: it is silent by itself, the peer takes over, and \
                SIGCONT finds a standby",
        lasts: Lasts { usual: Duration::from_secs(3), short: SOME_TIME },
        strike: phase(processes::hang, TAKEN_OVER),
        heal: Some(phase(processes::go_on, WOKEN)),
        ..NOTHING
    },
    Fault {
        scenario: "ft-cut",
        event: "ft VLAN cut",
        about: "both live, and hear each other over the other VLANs: nothing follows",
        lasts: Lasts { usual: Duration::from_secs(5), short: SOME_TIME },
        strike: phase(links::cut_ft, UNDISTURBED),
        heal: Some(phase(links::mend_ft, UNDISTURBED)),
        ..NOTHING
    },
    Fault {
        scenario: "one-way",
        event: "active is not heard",
        about: "on no path: nobody confirms its lease, so it is silent before the peer takes over",
        lasts: Lasts { usual: Duration::from_secs(3), short: SOME_TIME },
        strike: phase(links::mute_active, TAKEN_OVER),
        heal: Some(phase(links::unmute_active, UNDISTURBED)),
        ..NOTHING
    },
    Fault {
        scenario: "one-way",
        event: "standby is not heard",
        about: "on no path: the active one goes on, the standby hears it and stays",
        lasts: Lasts { usual: Duration::from_secs(3), short: SOME_TIME },
        strike: phase(links::mute_standby, UNDISTURBED),
        heal: Some(phase(links::unmute_standby, UNDISTURBED)),
        ..NOTHING
    },
    Fault {
        scenario: "isolated",
        event: "every path cut",
        about: "clients and servers still reach both: both are active (the original's policy), and \
                exactly one once a path is back",
        lasts: Lasts { usual: Duration::from_secs(3), short: SOME_TIME },
        strike: phase(links::isolate, SPLIT),
        heal: Some(phase(links::join, SPLIT)),
        dual_active: DualActive::AsConfigured,
        ..NOTHING
    },
    Fault {
        scenario: "isolated-gateway",
        event: "standby cut off",
        about: "from its peer and from its gateway, with split-brain gateway: it stays standby",
        manner: Manner::KeepsToGateway,
        lasts: Lasts { usual: Duration::from_secs(3), short: SOME_TIME },
        strike: phase(links::cut_off_standby, UNDISTURBED),
        heal: Some(phase(links::reach_standby, UNDISTURBED)),
        ..NOTHING
    },
    Fault {
        scenario: "isolated-gateway",
        event: "active cut off",
        about: "from its peer and from its gateway, with split-brain gateway: it falls silent, the \
                peer takes over",
        manner: Manner::KeepsToGateway,
        lasts: Lasts { usual: Duration::from_secs(3), short: SOME_TIME },
        strike: phase(links::cut_off_active, TAKEN_OVER),
        heal: Some(phase(links::reach_active, UNDISTURBED)),
        ..NOTHING
    },
    Fault {
        scenario: "flap",
        event: "client link flaps",
        about: "the active one's, down 100 ms and up 150 ms: packets are lost, no connection, no \
                role",
        lasts: FLAPPING,
        strike: phase(links::flap_client, SAME_ROLES),
        ..NOTHING
    },
    Fault {
        scenario: "flap",
        event: "ft link flaps",
        about: "the active one's, down 100 ms and up 150 ms: nothing follows",
        lasts: FLAPPING,
        strike: phase(links::flap_ft, UNDISTURBED),
        ..NOTHING
    },
    Fault {
        scenario: "syn-flood",
        event: "100 k SYN/s",
        about: "from made-up sources: no connection is pushed out, none is slowed",
        lasts: Lasts { usual: Duration::from_secs(10), short: Duration::from_secs(3) },
        prepare: Some(strain::prepare_flood),
        strike: phase(strain::flood, SAME_ROLES),
        ..NOTHING
    },
    Fault {
        scenario: "stress",
        event: "8 busy loops",
        about: "for ten minutes: no role changes, no lease runs out",
        lasts: Lasts { usual: Duration::from_mins(10), short: Duration::from_secs(15) },
        strike: phase(strain::keep_busy, SAME_ROLES),
        ..NOTHING
    },
    Fault {
        scenario: "keys",
        event: "keys are changed",
        about: "on one box after the other, under load: nothing is lost, no frame is dropped, nobody \
                is restarted",
        manner: Manner::Keyed,
        lasts: Lasts { usual: Duration::from_secs(9), short: Duration::from_secs(6) },
        strike: phase(keys::rotate, UNDISTURBED),
        ..NOTHING
    },
    Fault {
        scenario: "million",
        event: "power loss in a crowd",
        about: "a million connections in the tables: the outage is that of an empty one, every one \
                goes on, and the one that comes back is told all of them",
        manner: Manner::Crowded,
        prepare: Some(crowd::gather),
        strike: phase(power::fail, TAKEN_OVER),
        tidy: Some(crowd::verify_and_forget),
        heal: Some(named("its return to a crowd", crowd::come_back, UNDISTURBED)),
        ..NOTHING
    },
    Fault {
        scenario: "bulk",
        event: "ft VLAN cut in bulk",
        about: "while a fresh standby is told a crowd of connections: it is told the rest later",
        manner: Manner::Crowded,
        lasts: both(SOME_TIME),
        prepare: Some(crowd::gather_and_empty),
        strike: phase(crowd::cut_in_bulk, UNDISTURBED),
        heal: Some(phase(crowd::mend_in_bulk, UNDISTURBED)),
        ..NOTHING
    },
    Fault {
        scenario: "bulk",
        event: "standby killed in bulk",
        about: "while it is told a crowd of connections: it is told all of them anew",
        manner: Manner::Crowded,
        lasts: both(SOME_TIME),
        prepare: Some(crowd::gather_and_empty),
        strike: phase(crowd::restart_in_bulk, UNDISTURBED),
        heal: Some(phase(crowd::await_restarted, UNDISTURBED)),
        ..NOTHING
    },
    Fault {
        scenario: "bulk",
        event: "handover after it",
        about: "the standby that was told in pieces holds every connection of the crowd",
        manner: Manner::Crowded,
        prepare: Some(crowd::gather),
        strike: phase(power::hand_over, HANDED_OVER),
        tidy: Some(crowd::verify),
        ..NOTHING
    },
    Fault {
        scenario: "storm",
        event: "30 % loss on the ft VLAN",
        about: "and frames that overtake others, while a crowd is opened: replication gets behind and \
                catches up",
        manner: Manner::Stormy,
        lasts: Lasts { usual: Duration::from_secs(5), short: Duration::from_secs(2) },
        strike: phase(weather::storm, UNDISTURBED),
        heal: Some(phase(weather::clear_up, UNDISTURBED)),
        ..NOTHING
    },
    Fault {
        scenario: "storm",
        event: "power loss after it",
        about: "what was told in the storm is with the standby",
        manner: Manner::Stormy,
        strike: phase(power::fail, TAKEN_OVER),
        tidy: Some(crowd::verify_and_forget),
        heal: Some(phase(crowd::come_back, UNDISTURBED)),
        ..NOTHING
    },
    Fault {
        scenario: "slow-link",
        event: "ft link slower than changes",
        about: "while a crowd is opened: what waits is bounded and shown, and told when the link can",
        manner: Manner::Stormy,
        lasts: Lasts { usual: Duration::from_secs(5), short: Duration::from_secs(2) },
        strike: phase(weather::slow, UNDISTURBED),
        heal: Some(phase(weather::clear_up, UNDISTURBED)),
        ..NOTHING
    },
    Fault {
        scenario: "slow-link",
        event: "power loss after that",
        about: "what could not be told at once is with the standby",
        manner: Manner::Stormy,
        strike: phase(power::fail, TAKEN_OVER),
        tidy: Some(crowd::verify_and_forget),
        heal: Some(phase(crowd::come_back, UNDISTURBED)),
        ..NOTHING
    },
];

const SOME_TIME: Duration = Duration::from_secs(1);
const FLAPPING: Lasts = Lasts { usual: Duration::from_secs(30), short: Duration::from_secs(5) };

const fn both(time: Duration) -> Lasts {
    Lasts { usual: time, short: time }
}

const fn phase(act: Act, expect: Expect) -> Phase {
    Phase { act, expect, event: None }
}

const fn named(event: &'static str, act: Act, expect: Expect) -> Phase {
    Phase { act, expect, event: Some(event) }
}

/// Names of the scenarios, each once, in the order of the table.
pub fn scenarios() -> Vec<&'static str> {
    let mut names: Vec<_> = FAULTS.iter().map(|fault| fault.scenario).collect();
    names.dedup();
    names
}

/// The faults of a scenario.
pub fn of(scenario: &str) -> Vec<&'static Fault> {
    FAULTS.iter().filter(|fault| fault.scenario == scenario).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_a_scenario_stand_together_and_want_the_same_pair() {
        let names = scenarios();
        for (at, name) in names.iter().enumerate() {
            assert!(!names[..at].contains(name), "{name}");
            let faults = of(name);
            assert!(faults.iter().all(|fault| fault.manner == faults[0].manner), "{name}");
        }
    }

    #[test]
    fn every_row_says_what_happens_and_no_short_form_is_longer() {
        for fault in FAULTS {
            assert!(!fault.event.is_empty() && !fault.about.is_empty());
            assert!(fault.lasts.short <= fault.lasts.usual, "{}", fault.event);
        }
    }
}
