//! Where gateways decide who is active alone: a pair that is torn apart, with and without them.
//!
//! That nobody who reaches neither peer nor gateway is active beyond its lease is watched in every
//! run here (`CutOffIsSilent`).

use std::time::Duration;

use hitless_core::node::SplitBrain;
use hitless_model::Role;
use hitless_sim::fault::{Fault, Paths, Weather};
use hitless_sim::pair::Side;
use hitless_sim::plan::{Plan, Timers, draw_with_gateways};
use hitless_sim::time::Moment;
use hitless_sim::trace::{Detail, Trace};
use hitless_sim::{Stats, World, run_plan};

const TIMERS: [Timers; 3] =
    [Timers::millis(10, 30), Timers::millis(100, 300), Timers::millis(1000, 3000)];

/// Wake-ups and ways of datagrams, and the answer of a gateway.
const SLACK: Duration = Duration::from_millis(2);

/// How long the two are apart, in failover times.
const APART: u32 = 8;

/// A pair that loses every path at `at`, and the sides in `cut_off` their gateways with them.
fn torn(timers: Timers, cut_off: &[Side]) -> (Plan, Moment) {
    let mut plan = Plan::fair(timers);
    plan.split_brain = SplitBrain::Gateway;
    let at = plan.warmed_up_at() + timers.failover * 4;
    let lasts = timers.failover * APART;
    for from in Side::BOTH {
        let weather = Weather::CUT;
        plan = plan.with(at, Fault::Weather { from, paths: Paths::All, weather, lasts });
    }
    for on in cut_off {
        plan = plan.with(at, Fault::LoseGateways { on: *on, lasts });
    }
    (plan, at)
}

/// The world of such a plan just before, where A is active.
fn before(plan: &Plan, at: Moment) -> World {
    let mut world = World::new(plan.clone(), Trace::new(Detail::Brief));
    world.run_until(at - Duration::from_nanos(1));
    assert_eq!(world.forwarder(), Some(Side::A), "{:?}", world.violation());
    world
}

/// Runs on to `until`; whether `holds` at every step.
fn holds_until(world: &mut World, until: Moment, holds: impl Fn(&World) -> bool) -> bool {
    while world.now() < until && world.step() {
        if !holds(world) {
            return false;
        }
    }
    true
}

/// Runs to the end, where exactly one is active; every invariant has to hold.
fn finish(mut world: World) -> Stats {
    world.run();
    if let Some(violation) = world.violation() {
        panic!("{violation}\n{}", world.trace().join("\n"));
    }
    world.stats()
}

#[test]
fn an_isolated_active_falls_silent_and_the_other_one_takes_over() {
    for timers in TIMERS {
        let (plan, at) = torn(timers, &[Side::A]);
        let mut world = before(&plan, at);
        let taken_over = at + timers.failover + SLACK;
        assert!(holds_until(&mut world, taken_over, |world| !world.is_split()));
        let apart = at + timers.failover * APART;
        assert!(holds_until(&mut world, apart, |world| world.forwarder() == Some(Side::B)));
        assert_eq!(world.role(Side::A), Role::Standby);
        let stats = finish(world);
        assert_eq!((stats.splits, stats.actives, stats.leases_expired), (0, 2, 1), "{timers:?}");
    }
}

#[test]
fn an_isolated_standby_changes_nothing() {
    for timers in TIMERS {
        let (plan, at) = torn(timers, &[Side::B]);
        let mut world = before(&plan, at);
        let roles = world.stats().role_changes;
        let apart = at + timers.failover * APART;
        assert!(holds_until(&mut world, apart, |world| world.forwarder() == Some(Side::A)));
        let stats = finish(world);
        assert_eq!((stats.role_changes, stats.leases_expired, stats.broken), (roles, 0, 0));
    }
}

#[test]
fn where_both_reach_a_gateway_both_are_active_until_they_meet() {
    for timers in TIMERS {
        let (plan, at) = torn(timers, &[]);
        let mut world = before(&plan, at);
        world.run_until(at + timers.failover * 4);
        assert!(world.is_split(), "no policy on two boxes can tell this from a dead peer");
        finish(world);
    }
}

#[test]
fn where_neither_reaches_a_gateway_nobody_is_active_until_they_meet() {
    for timers in TIMERS {
        let (plan, at) = torn(timers, &Side::BOTH);
        let mut world = before(&plan, at);
        world.run_until(at + timers.failover);
        let apart = at + timers.failover * APART;
        assert!(holds_until(&mut world, apart, |world| world.forwarder().is_none()));
        assert_eq!(finish(world).splits, 0);
    }
}

#[test]
fn a_gateway_that_comes_back_makes_a_waiting_box_active() {
    for timers in TIMERS {
        let (mut plan, at) = torn(timers, &Side::BOTH);
        let back = timers.failover * 4;
        plan.faults.retain(|(_, fault)| !matches!(fault, Fault::LoseGateways { on: Side::B, .. }));
        let plan = plan.with(at, Fault::LoseGateways { on: Side::B, lasts: back });
        let mut world = before(&plan, at);
        world.run_until(at + back);
        assert_eq!(world.forwarder(), None);
        world.run_until(at + back + timers.heartbeat * 2 + SLACK);
        assert_eq!(world.forwarder(), Some(Side::B), "{timers:?}");
        assert_eq!(finish(world).splits, 0);
    }
}

#[test]
fn a_dead_peer_costs_what_it_costs_without_the_policy() {
    for timers in TIMERS {
        for on in Side::BOTH {
            let (mut plan, at) = torn(timers, &[]);
            let death = hitless_sim::fault::Death::Power { disk_survives: true };
            let back_after = timers.failover * APART;
            plan.faults = vec![(at, Fault::Crash { on, after_outputs: 0, death, back_after })];
            let mut world = before(&plan, at);
            let survivor = on.other();
            let from = if on == Side::A { at + timers.failover + SLACK } else { at };
            assert!(holds_until(&mut world, from, |world| !world.is_split()));
            let alone = |world: &World| world.forwarder() == Some(survivor);
            assert!(holds_until(&mut world, at + back_after, alone), "{on} dies at {timers:?}");
            let stats = finish(world);
            assert_eq!((stats.leases_expired, stats.broken), (0, 0));
        }
    }
}

/// The faults of the other simulation, and gateways that come and go.
#[test]
fn every_invariant_holds_where_gateways_decide() {
    let mut all = Stats::default();
    for seed in 0..200 {
        let outcome = run_plan(draw_with_gateways(seed), Detail::None);
        if let Some(violation) = outcome.violation {
            let trace = run_plan(draw_with_gateways(seed), Detail::Brief).trace;
            let lines = trace.len().saturating_sub(60);
            panic!("seed {seed}: {violation}\n{}", trace[lines..].join("\n"));
        }
        all.add(&outcome.stats);
    }
    assert!(all.asked > 5_000, "{} questions", all.asked);
    assert!(all.leases_expired > 50 && all.actives > 200, "{all:?}");
}
