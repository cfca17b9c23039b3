//! Processes are replaced, announced or not, while their data planes go on: what follows.

use std::time::Duration;

use hitless_model::Role;
use hitless_sim::World;
use hitless_sim::fault::{Death, Fault};
use hitless_sim::pair::Side;
use hitless_sim::plan::{Plan, Profile, Timers};
use hitless_sim::time::Moment;
use hitless_sim::trace::{Detail, Trace};

const TIMERS: [Timers; 3] =
    [Timers::millis(10, 30), Timers::millis(100, 300), Timers::millis(1000, 3000)];

const AWAY: Duration = Duration::from_millis(145);

/// A fair pair in which `faults` strike at a moment at which A has been active for long.
fn world_with(timers: Timers, profile: Profile, faults: &[Fault]) -> (World, Moment) {
    let mut plan = Plan::fair(timers);
    plan.profile = profile;
    let at = plan.warmed_up_at() + timers.failover * 4;
    plan.heal_at = at + timers.failover * 30 + Duration::from_secs(10);
    plan.faults.extend(faults.iter().map(|fault| (at, *fault)));
    let mut world = World::new(plan, Trace::new(Detail::Brief));
    world.run_until(at - Duration::from_nanos(1));
    assert_eq!(world.forwarder(), Some(Side::A), "{:?}", world.violation());
    (world, at)
}

fn reload(on: Side, asks: Duration, back_after: Duration) -> Fault {
    Fault::Reload { on, asks, back_after }
}

fn story(world: &World) -> String {
    format!("{:?}\n{}", world.violation(), world.trace().join("\n"))
}

/// Runs on; A forwards all the time.
fn goes_on(world: &mut World, until: Moment) {
    while world.now() < until && world.step() {
        assert_eq!(world.forwarder(), Some(Side::A), "{}", story(world));
    }
    assert_eq!(world.violation(), None, "{}", story(world));
}

#[test]
fn a_reload_of_either_box_changes_no_role_and_loses_no_packet() {
    for timers in TIMERS {
        for on in Side::BOTH {
            let fault = reload(on, Duration::from_secs(2), AWAY);
            let (mut world, at) = world_with(timers, Profile::Calm, &[fault]);
            let before = world.stats();
            goes_on(&mut world, at + timers.failover * 20 + Duration::from_secs(3));
            let after = world.stats();
            assert_eq!((after.replaced, after.broken), (1, 0), "{}", story(&world));
            assert_eq!(after.segments_lost, before.segments_lost);
            assert_eq!(after.leases_expired, before.leases_expired);
            assert_eq!(after.actives, before.actives);
            assert_eq!(after.resumed, u64::from(on == Side::A));
            world.run();
            assert_eq!(world.violation(), None, "{}", story(&world));
        }
    }
}

#[test]
fn of_two_reloads_at_once_the_actives_goes_first_and_the_other_one_is_refused() {
    for timers in TIMERS {
        for first in Side::BOTH {
            let asks = Duration::from_secs(2);
            let both = [first, first.other()].map(|on| reload(on, asks, AWAY));
            let (mut world, at) = world_with(timers, Profile::Swarm, &both);
            goes_on(&mut world, at + timers.failover * 10 + Duration::from_secs(3));
            let stats = world.stats();
            assert_eq!((stats.reloads, stats.replaced, stats.resumed), (2, 1, 1));
        }
    }
}

#[test]
fn a_box_that_does_not_come_back_is_followed_when_its_time_is_over_and_not_before() {
    for timers in TIMERS {
        let asks = Duration::from_secs(4);
        let fault = reload(Side::A, asks, Duration::from_mins(10));
        let (mut world, at) = world_with(timers, Profile::Swarm, &[fault]);
        while world.role(Side::B) != Role::Active && world.step() {}
        let took = world.now().since(at);
        let slack = Duration::from_millis(20);
        assert!(took + slack >= asks && took <= asks + slack, "{took:?} {}", story(&world));
        assert_eq!(world.stats().splits, 0);
    }
}

#[test]
fn a_killed_process_that_is_back_within_its_lease_goes_on() {
    for timers in TIMERS {
        for on in Side::BOTH {
            let back_after = timers.failover / 3;
            let kill = Fault::Crash { on, after_outputs: 0, death: Death::Kill, back_after };
            let (mut world, at) = world_with(timers, Profile::Swarm, &[kill]);
            let before = world.stats();
            goes_on(&mut world, at + timers.failover * 20);
            let after = world.stats();
            assert_eq!((after.actives, after.broken), (before.actives, 0), "{}", story(&world));
            assert_eq!(after.segments_lost, before.segments_lost);
        }
    }
}

#[test]
fn a_killed_process_that_is_back_too_late_stands_by() {
    for timers in TIMERS {
        let back_after = timers.failover * 2;
        let kill = Fault::Crash { on: Side::A, after_outputs: 0, death: Death::Kill, back_after };
        let (mut world, at) = world_with(timers, Profile::Swarm, &[kill]);
        world.run_until(at + timers.failover * 10);
        assert_eq!((world.role(Side::A), world.role(Side::B)), (Role::Standby, Role::Active));
        assert_eq!(world.stats().splits, 0);
        world.run();
        assert_eq!(world.violation(), None, "{}", story(&world));
    }
}
