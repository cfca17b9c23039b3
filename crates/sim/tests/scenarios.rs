//! Single faults, written down: what follows, and how soon.

use std::time::Duration;

use hitless_model::Role;
use hitless_sim::World;
use hitless_sim::fault::{Death, Fault, Paths, Weather};
use hitless_sim::pair::Side;
use hitless_sim::plan::{Plan, Profile, Timers};
use hitless_sim::time::Moment;
use hitless_sim::trace::{Detail, Trace};

const TIMERS: [Timers; 3] =
    [Timers::millis(10, 30), Timers::millis(100, 300), Timers::millis(1000, 3000)];

/// Both lanes of scheduling: a wake-up and a datagram's way take well under a millisecond.
const SLACK: Duration = Duration::from_millis(1);

/// When the fault of a scenario strikes.
fn strikes_at(plan: &Plan) -> Moment {
    plan.warmed_up_at() + plan.failover_max() * 4
}

/// A world just before the fault, with its active box.
fn world_before(plan: Plan, at: Moment) -> (World, Side) {
    let mut world = World::new(plan, Trace::new(Detail::Brief));
    world.run_until(at - Duration::from_nanos(1));
    let active = world.forwarder();
    let active = active.unwrap_or_else(|| panic!("nobody is active: {:?}", world.violation()));
    (world, active)
}

/// Runs until `condition` holds; how long after `since` that was.
fn time_until(
    world: &mut World,
    since: Moment,
    condition: impl Fn(&World) -> bool,
) -> Option<Duration> {
    while !condition(world) {
        if !world.step() {
            return None;
        }
    }
    Some(world.now().since(since))
}

/// Runs to the end; every invariant has to hold.
fn finish(mut world: World) -> World {
    world.run();
    if let Some(violation) = world.violation() {
        panic!("{violation}\n{}", world.trace().join("\n"));
    }
    world
}

fn power_loss(plan: &Plan, on: Side) -> Fault {
    let back_after = plan.failover_max() * 4;
    let death = Death::Power { disk_survives: true };
    Fault::Crash { on, after_outputs: 0, death, back_after }
}

#[test]
fn the_higher_priority_becomes_active_when_both_boxes_start_together() {
    for timers in TIMERS {
        let plan = Plan::fair(timers);
        let at = strikes_at(&plan);
        let (world, active) = world_before(plan, at);
        assert_eq!(active, Side::A);
        assert_eq!((world.role(Side::A), world.role(Side::B)), (Role::Active, Role::Standby));
        finish(world);
    }
}

#[test]
fn the_standby_is_active_a_failover_time_after_the_last_heartbeat_of_a_dead_active() {
    for timers in TIMERS {
        let plan = Plan::fair(timers);
        let at = strikes_at(&plan);
        let plan = plan.clone().with(at, power_loss(&plan, Side::A));
        let (mut world, active) = world_before(plan, at);
        assert_eq!(active, Side::A);
        let took = time_until(&mut world, at, |world| world.role(Side::B) == Role::Active)
            .expect("the standby takes over");
        let Timers { heartbeat, failover } = timers;
        assert!(took <= failover + SLACK, "{took:?} at {timers:?}");
        assert!(took + heartbeat + SLACK >= failover, "{took:?} at {timers:?}: too early");
        let world = finish(world);
        assert_eq!(world.stats().broken, 0);
        assert_eq!(world.stats().splits, 0);
    }
}

#[test]
fn the_death_of_a_standby_costs_nothing() {
    for timers in TIMERS {
        let plan = Plan::fair(timers);
        let at = strikes_at(&plan);
        let plan = plan.clone().with(at, power_loss(&plan, Side::B));
        let (mut world, active) = world_before(plan, at);
        let before = world.stats();
        while world.now() < at + timers.failover * 20 && world.step() {
            assert_eq!(world.forwarder(), Some(active), "at {}", world.now());
        }
        assert_eq!(world.stats().segments_lost, before.segments_lost);
        assert_eq!(world.stats().leases_expired, 0);
        assert_eq!(world.stats().broken, 0);
        finish(world);
    }
}

#[test]
fn a_planned_handover_loses_nothing() {
    for timers in TIMERS {
        let mut plan = Plan::fair(timers);
        plan.profile = Profile::Calm;
        let at = strikes_at(&plan);
        let (mut world, active) = world_before(plan.with(at, Fault::Handover), at);
        let before = world.stats();
        let took = time_until(&mut world, at, |world| {
            world.role(active.other()) == Role::Active
                && world.reached_by_clients() == Some(active.other())
        })
        .unwrap_or_else(|| panic!("no handover: {:?}", world.violation()));
        assert!(took <= timers.heartbeat + Duration::from_millis(50), "{took:?} at {timers:?}");
        let after = finish(world).stats();
        assert_eq!(after.segments_lost, before.segments_lost);
        assert_eq!((after.broken, after.drains, after.leases_expired), (0, 1, 0));
    }
}

#[test]
fn a_stopping_daemon_hands_over_first() {
    for timers in TIMERS {
        let mut plan = Plan::fair(timers);
        plan.profile = Profile::Calm;
        let at = strikes_at(&plan);
        let stop = Fault::Stop { on: Side::A, back_after: timers.failover * 3 };
        let (world, active) = world_before(plan.with(at, stop), at);
        assert_eq!(active, Side::A);
        let world = finish(world);
        let stats = world.stats();
        assert_eq!((stats.stops, stats.stops_forced, stats.broken), (1, 0, 0));
        assert_eq!(world.role(Side::B), Role::Active);
    }
}

#[test]
fn without_the_fault_tolerant_vlan_second_paths_keep_the_roles() {
    for timers in TIMERS {
        let plan = Plan::fair(timers);
        let at = strikes_at(&plan);
        let cut = |from| Fault::Weather {
            from,
            paths: Paths::One(0),
            weather: Weather::CUT,
            lasts: timers.failover * 15,
        };
        let plan = plan.with(at, cut(Side::A)).with(at, cut(Side::B));
        let (mut world, active) = world_before(plan, at);
        let before = world.stats();
        while world.now() < at + timers.failover * 15 && world.step() {
            assert_eq!(world.forwarder(), Some(active), "at {}", world.now());
        }
        assert_eq!(world.stats().role_changes, before.role_changes);
        assert_eq!(world.stats().leases_expired, 0);
        assert_eq!(finish(world).stats().role_changes, before.role_changes);
    }
}

#[test]
fn an_active_that_nobody_hears_falls_silent_before_the_standby_takes_over() {
    for timers in TIMERS {
        let plan = Plan::fair(timers);
        let at = strikes_at(&plan);
        let lasts = timers.failover * 10;
        let cut = Fault::Weather { from: Side::A, paths: Paths::All, weather: Weather::CUT, lasts };
        let (mut world, active) = world_before(plan.with(at, cut), at);
        assert_eq!(active, Side::A);
        let took = time_until(&mut world, at, |world| world.forwarder() == Some(Side::B))
            .unwrap_or_else(|| panic!("nobody took over: {:?}", world.violation()));
        assert!(took <= timers.failover + SLACK, "{took:?} at {timers:?}");
        let stats = finish(world).stats();
        assert_eq!((stats.splits, stats.actives), (0, 2));
    }
}

#[test]
fn a_standby_that_cannot_be_heard_changes_nothing() {
    for timers in TIMERS {
        let plan = Plan::fair(timers);
        let at = strikes_at(&plan);
        let lasts = timers.failover * 10;
        let cut = Fault::Weather { from: Side::B, paths: Paths::All, weather: Weather::CUT, lasts };
        let (mut world, active) = world_before(plan.with(at, cut), at);
        let before = world.stats();
        while world.now() < at + lasts && world.step() {
            assert_eq!(world.forwarder(), Some(active), "at {}", world.now());
        }
        assert_eq!(finish(world).stats().role_changes, before.role_changes);
    }
}

#[test]
fn after_a_partition_the_higher_priority_stays_and_the_other_yields_at_once() {
    for timers in TIMERS {
        let plan = Plan::fair(timers);
        let at = strikes_at(&plan);
        let lasts = timers.failover * 8;
        let cut = |from| Fault::Weather { from, paths: Paths::All, weather: Weather::CUT, lasts };
        let plan = plan.with(at, cut(Side::A)).with(at, cut(Side::B));
        let (mut world, active) = world_before(plan, at);
        assert_eq!(active, Side::A);
        world.run_until(at + timers.failover * 4);
        assert_eq!((world.role(Side::A), world.role(Side::B)), (Role::Active, Role::Active));
        world.run_until(at + lasts);
        let healed = world.now();
        let took = time_until(&mut world, healed, |world| world.role(Side::B) == Role::Standby)
            .unwrap_or_else(|| panic!("nobody yields: {:?}", world.violation()));
        assert!(took <= timers.heartbeat * 2 + SLACK, "{took:?} at {timers:?}");
        assert_eq!(finish(world).role(Side::A), Role::Active);
    }
}

#[test]
fn a_stopped_active_stays_silent_when_it_goes_on() {
    for timers in TIMERS {
        let plan = Plan::fair(timers);
        let at = strikes_at(&plan);
        // Long enough for the socket's queue to lose the newest heartbeats.
        let lasts = timers.failover * 100;
        let pause = Fault::Pause { on: Side::A, after_outputs: 0, lasts };
        let mut plan = plan.with(at, pause);
        plan.heal_at = at + lasts + timers.failover * 10;
        let (mut world, active) = world_before(plan, at);
        assert_eq!(active, Side::A);
        world.run_until(at + timers.failover * 2);
        while world.now() < at + lasts + timers.failover * 5 && world.step() {
            assert_eq!(world.forwarder(), Some(Side::B), "at {}", world.now());
        }
        finish(world);
    }
}

#[test]
fn a_returning_box_preempts_only_when_it_holds_every_connection() {
    for timers in TIMERS {
        let mut plan = Plan::fair(timers);
        plan.boxes.a.preempt = true;
        plan.boxes.b.preempt = true;
        let at = strikes_at(&plan);
        let plan = plan.clone().with(at, power_loss(&plan, Side::A));
        let (mut world, active) = world_before(plan, at);
        assert_eq!(active, Side::A);
        time_until(&mut world, at, |world| world.role(Side::B) == Role::Active)
            .expect("the standby takes over");
        let took = time_until(&mut world, at, |world| world.role(Side::A) == Role::Active)
            .unwrap_or_else(|| panic!("no preemption: {:?}", world.violation()));
        assert!(took >= timers.failover * 4, "it is back only then");
        assert_eq!(finish(world).stats().broken, 0);
    }
}
