//! One fault, once: struck, measured, put right, measured again, judged.

use std::time::Duration;

use anyhow::{Context, Result};

use super::events::{Measured, measure};
use super::fault::{DualActive, Expect, Fault, Lost, Phase, Roles, Struck};
use crate::arena::Arena;
use crate::clock::millis;
use crate::config_text::Timers;

/// What no machine that is merely slow exceeds.
const BOUND_OVER_FAILOVER: Duration = Duration::from_millis(250);
/// A machine that keeps its most urgent threads waiting so long lets leases run out at the shortest
/// times. What follows from that is told, but is no fault of the pair.
pub(super) const STANDSTILL: Duration = Duration::from_millis(10);

/// What was measured of a fault.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The fault.
    pub fault: &'static Fault,
    /// The strike.
    pub strike: Measured,
    /// The healing.
    pub heal: Option<Measured>,
    /// What must hold and did not.
    pub violated: Vec<String>,
    /// What must hold and did not while the machine itself stood still; empty once judged.
    disturbed: Vec<String>,
}

impl Turn {
    /// What was measured, not judged yet.
    pub(super) fn of(fault: &'static Fault, strike: Measured, heal: Option<Measured>) -> Self {
        Self { fault, strike, heal, violated: Vec::new(), disturbed: Vec::new() }
    }
}

/// How often a fault is let happen before a machine that stands still is no excuse any more.
const ATTEMPTS: usize = 3;

/// Lets a fault happen; once more if something did not hold while the machine itself stood still.
/// What has to hold must have been seen to hold: the last attempt is judged without mercy.
pub fn turn(arena: &mut Arena, fault: &'static Fault, lasts: Duration) -> Result<Turn> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let mut turn = once(arena, fault, lasts)?;
        for line in &turn.disturbed {
            arena.console.say(format!("  disturbed: {line}"));
        }
        let is_excused = !turn.disturbed.is_empty() && turn.violated.is_empty();
        if !is_excused || attempt == ATTEMPTS {
            turn.violated.append(&mut turn.disturbed);
            return Ok(turn);
        }
    }
}

fn once(arena: &mut Arena, fault: &'static Fault, lasts: Duration) -> Result<Turn> {
    arena.pair.await_step()?;
    let struck = Struck { active: arena.pair.active()?, lasts };
    if let Some(prepare) = fault.prepare {
        prepare(arena, struck).context(fault.event)?;
    }
    let during = |arena: &mut Arena, phase: &Phase| {
        measure(arena, |arena| (phase.act)(arena, struck)).context(fault.event)
    };
    let strike = during(arena, &fault.strike)?;
    if let Some(tidy) = fault.tidy {
        tidy(arena, struck).context(fault.event)?;
    }
    let heal = fault.heal.as_ref().map(|phase| during(arena, phase)).transpose()?;
    let mut turn = Turn::of(fault, strike, heal);
    judge(&mut turn, arena.plan.timers);
    turn.violated.append(&mut arena.findings.violated);
    Ok(turn)
}

fn judge(turn: &mut Turn, timers: Timers) {
    let fault = turn.fault;
    let mut found = phase(fault, &fault.strike, &turn.strike, timers);
    if let (Some(healing), Some(heal)) = (&fault.heal, &turn.heal) {
        let after = phase(fault, healing, heal, timers);
        found.extend(
            after
                .into_iter()
                .map(|found| Finding { what: format!("put right again: {}", found.what), ..found }),
        );
    }
    if fault.dual_active == DualActive::AsConfigured && turn.strike.dual_active.is_zero() {
        found.push(Finding { what: "only one was active".to_owned(), stood_still: None });
    }
    for Finding { what, stood_still } in found {
        let what = format!("{}: {what}", fault.event);
        match stood_still {
            None => turn.violated.push(what),
            Some(gap) => {
                turn.disturbed.push(format!("{what}; the machine stood still for {gap:.0} ms"));
            }
        }
    }
}

/// Something that should hold and did not.
struct Finding {
    what: String,
    /// For how many milliseconds the machine kept the prober waiting, if that may be the cause.
    stood_still: Option<f64>,
}

fn phase(fault: &Fault, phase: &Phase, measured: &Measured, timers: Timers) -> Vec<Finding> {
    let Expect { roles, lost } = phase.expect;
    let Measured { window, broken, dual_active, .. } = measured;
    let bound = 2 * timers.failover + BOUND_OVER_FAILOVER;
    let (outage, dual) = (millis(window.outage), millis(*dual_active));
    let is_forbidden = fault.dual_active == DualActive::Forbidden;
    let promises = [
        (*broken > 0, format!("{broken} connections broke")),
        (is_forbidden && dual > 0.0, format!("both were active for {dual:.0} ms")),
        (
            lost == Lost::UntilTakeover && window.outage > bound,
            format!("the outage of {outage:.0} ms is over {:.0} ms", millis(bound)),
        ),
        (roles == Roles::Move && roles_differ(roles, measured), "the roles should move".to_owned()),
    ];
    // Whoever is late for that reason says what is true of the machine, not of the pair.
    let punctual = [
        (lost == Lost::None && window.lost > 0, measured.loss()),
        (roles == Roles::Stay && roles_differ(roles, measured), "the roles should stay".to_owned()),
    ];
    let stood_still = (window.sender_gap >= STANDSTILL).then(|| millis(window.sender_gap));
    let found = |stood_still: Option<f64>| {
        move |(is_violated, what): (bool, String)| {
            is_violated.then_some(Finding { what, stood_still })
        }
    };
    let promises = promises.into_iter().filter_map(found(None));
    promises.chain(punctual.into_iter().filter_map(found(stood_still))).collect()
}

fn roles_differ(roles: Roles, measured: &Measured) -> bool {
    match roles {
        Roles::Stay => measured.before != measured.after || !measured.takeovers.is_empty(),
        Roles::Move => measured.before == measured.after,
        Roles::Either => false,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use hitless_model::Instant;

    use super::*;
    use crate::load::clients::Tally;
    use crate::pair::Drops;
    use crate::probe::Window;
    use crate::scenario::table::FAULTS;

    pub(in crate::scenario) fn quiet() -> Measured {
        Measured {
            window: Window::default(),
            tally: Tally::default(),
            broken: 0,
            dual_active: Duration::ZERO,
            takeovers: Vec::new(),
            longest_exchange: Duration::ZERO,
            before: 0,
            after: 0,
            drops: [Drops::new(), Drops::new()],
            began: Instant::from_nanos(0),
            ended: Instant::from_nanos(1),
            took: Duration::ZERO,
        }
    }

    fn timers() -> Timers {
        "10,30".parse().unwrap()
    }

    fn judged(event: &str, strike: Measured) -> Vec<String> {
        let fault = FAULTS.iter().find(|fault| fault.event == event).unwrap();
        let heal = fault.heal.map(|_| quiet());
        let mut turn = Turn::of(fault, strike, heal);
        judge(&mut turn, timers());
        turn.violated
    }

    #[test]
    fn what_must_not_be_lost_is_missed() {
        assert!(judged("ft VLAN cut", quiet()).is_empty());
        let lost = Measured { window: Window { lost: 2, ..Window::default() }, ..quiet() };
        assert_eq!(judged("ft VLAN cut", lost), ["ft VLAN cut: 2 probes were lost"]);
    }

    #[test]
    fn a_machine_that_stood_still_excuses_a_lost_probe_and_nothing_that_broke() {
        let window = Window { lost: 2, sender_gap: STANDSTILL, ..Window::default() };
        assert!(judged("ft VLAN cut", Measured { window, ..quiet() }).is_empty());
        let broken = Measured { broken: 1, window, ..quiet() };
        assert_eq!(judged("ft VLAN cut", broken), ["ft VLAN cut: 1 connections broke"]);
    }

    #[test]
    fn a_role_that_went_there_and_back_did_not_stay() {
        let takeovers = vec![Instant::from_nanos(1)];
        let there_and_back = Measured { takeovers, ..quiet() };
        assert_eq!(judged("ft VLAN cut", there_and_back).len(), 1);
        assert_eq!(judged("planned handover", quiet()).len(), 1);
        assert!(judged("planned handover", Measured { after: 1, ..quiet() }).is_empty());
    }

    #[test]
    fn two_actives_are_forbidden_where_they_are_not_asked_for() {
        let both = Measured { dual_active: Duration::from_millis(1), ..quiet() };
        assert_eq!(judged("ft VLAN cut", both.clone()).len(), 1);
        assert!(judged("every path cut", both).is_empty());
        assert_eq!(judged("every path cut", quiet()), ["every path cut: only one was active"]);
    }

    #[test]
    fn a_takeover_may_be_slow_on_a_slow_machine_but_not_without_bound() {
        let outage = |ms| Window { outage: Duration::from_millis(ms), ..Window::default() };
        let after = |ms| Measured { window: outage(ms), after: 1, ..quiet() };
        assert!(judged("power loss", after(310)).is_empty());
        assert_eq!(judged("power loss", after(311)).len(), 1);
    }
}
