//! Tables that differ behind everybody's back become alike again, while clients go on.

use std::time::Duration;

use hitless_sim::World;
use hitless_sim::pair::Side;
use hitless_sim::plan::{Plan, Timers};
use hitless_sim::trace::{Detail, Trace};

fn world(timers: Timers, seed: u64) -> (World, Side) {
    let mut plan = Plan::fair(timers);
    plan.seed = seed;
    plan.traffic.clients = 150;
    let at = plan.warmed_up_at() + Duration::from_secs(3);
    plan.heal_at = at + Duration::from_secs(20);
    let mut world = World::new(plan, Trace::new(Detail::Brief));
    world.run_until(at);
    let active = world.forwarder().expect("one is active");
    let status = world.status(active).expect("it runs");
    assert_eq!((status.diverged, status.repaired), (0, 0), "live traffic makes no difference");
    (world, active)
}

fn finish(mut world: World) {
    world.run();
    if let Some(violation) = world.violation() {
        panic!("{violation}\n{}", world.trace().join("\n"));
    }
}

#[test]
fn connections_that_vanish_on_the_standby_are_found_and_told_within_seconds() {
    for seed in 0..10 {
        let (mut world, active) = world(Timers::millis(100, 300), seed);
        let lost = world.lose_entries(active.other(), 2);
        assert!(lost.len() > 30, "only {}", lost.len());
        let end = world.now() + Duration::from_secs(2);
        world.run_until(end);
        let status = world.status(active).expect("it runs");
        let all = u64::try_from(lost.len()).expect("few");
        assert!(status.repaired > 0 && status.repaired <= all, "seed {seed}: {status:?}");
        assert_eq!(status.diverged, 0, "seed {seed}");
        // Some of them were closed before they were found.
        let (here, there) = (world.established(active), world.established(active.other()));
        let open: Vec<_> = lost.iter().filter(|key| here.contains_key(key)).collect();
        assert!(open.len() > 5, "seed {seed}: only {} are open yet", open.len());
        for key in open {
            assert_eq!(there.get(key), here.get(key), "seed {seed}: {key:?}");
        }
        finish(world);
    }
}

#[test]
fn connections_that_vanish_on_the_active_are_gone_on_both() {
    let (mut world, active) = world(Timers::millis(100, 300), 3);
    let lost = world.lose_entries(active, 3);
    assert!(lost.len() > 20, "only {}", lost.len());
    let end = world.now() + Duration::from_secs(3);
    world.run_until(end);
    assert!(world.status(active).expect("it runs").in_step);
    finish(world);
}
