//! A dump is in the background: live changes do not wait for it.

use std::time::Duration;

use hitless_model::Instant;

use super::table::Entry;
use super::world::{Weather, World, established, key};
use crate::node::{Bulk, TableJob};
use crate::replica::Mode;

/// Connections that a fresh standby has to be told.
const MANY: u32 = 100_000;
/// What a dump may add to the time until a live change is in the peer's table.
const MOST: Duration = Duration::from_millis(5);

/// A calm link and a kernel that takes so long for each connection.
fn weather(record_ns: u32) -> Weather {
    Weather { record_ns, thread_us: 100, ..Weather::CALM }
}

/// Makes a connection each millisecond until `done`; how long each took to reach the peer's table.
fn live_changes(
    world: &mut World,
    first: u32,
    done: impl Fn(&World, u32) -> bool,
) -> Vec<Duration> {
    let mut waiting: Vec<(u32, Instant)> = Vec::new();
    let mut took = Vec::new();
    let mut number = 0;
    while !done(world, number) || !waiting.is_empty() {
        if !done(world, number) {
            world.carry(0, established(first + number));
            waiting.push((first + number, world.now));
            number += 1;
        }
        for _ in 0..10 {
            world.run_for(Duration::from_micros(100));
            let table = &world.tables[1].entries;
            waiting.retain(|(number, since)| {
                let arrived = table.contains_key(&key(*number));
                took.extend(arrived.then(|| world.now.saturating_since(*since)));
                !arrived
            });
        }
        assert!(number < 100_000, "{:#?}", world.statuses());
    }
    took
}

#[test]
fn a_dump_of_a_hundred_thousand_connections_delays_no_live_change_by_five_milliseconds() {
    for record_ns in [1_000, 3_000, 6_000] {
        let mut quiet = World::new(1, weather(record_ns));
        quiet.set_mode(0, Mode::Telling);
        quiet.meet(1);
        quiet.settle(Duration::from_secs(1));
        let alone = live_changes(&mut quiet, 500_000, |_, number| number == 200);
        let alone = alone.into_iter().max().unwrap();

        let mut world = World::new(1, weather(record_ns));
        world.set_mode(0, Mode::Telling);
        for number in 0..MANY {
            let record = established(number);
            world.tables[0].entries.insert(record.key, Entry { record, carried: true });
        }
        let began = world.now;
        world.meet(1);
        let beside = live_changes(&mut world, 500_000, |world, _| world.boxes[0].in_step());
        let lasted = world.now.saturating_since(began);
        let slowest = beside.iter().max().copied().unwrap();
        eprintln!(
            "{record_ns} ns: {lasted:?}, {} live, slowest {slowest:?}, alone {alone:?}",
            beside.len()
        );
        assert!(slowest < alone + MOST, "{record_ns} ns a record: {slowest:?}, alone {alone:?}");
        assert!(world.tables[1].established() >= MANY as usize);
    }
}

#[test]
fn a_dump_says_how_far_it_has_come() {
    let mut world = World::new(1, weather(3_000));
    world.set_mode(0, Mode::Telling);
    for number in 0..20_000 {
        let record = established(number);
        world.tables[0].entries.insert(record.key, Entry { record, carried: true });
    }
    world.meet(1);
    let mut seen = Vec::new();
    while !world.boxes[0].in_step() {
        world.run_for(Duration::from_millis(5));
        seen.extend(world.boxes[0].status(world.now).bulk);
    }
    assert!(seen.len() > 4 && seen.iter().all(|bulk| bulk.told <= bulk.of), "{seen:?}");
    assert!(seen.is_sorted_by_key(|bulk| bulk.told));
    assert!(seen.contains(&Bulk { told: seen[3].told, of: 20_000 }), "{seen:?}");
    assert_eq!(world.boxes[0].status(world.now).bulk, None);
}

#[test]
fn the_answer_to_a_job_takes_as_long_as_its_connections() {
    let weather = weather(1_000);
    let changes = vec![crate::node::Change::DumpEnds; 41];
    let job = TableJob::Apply { batch: crate::node::BatchId(1), changes };
    assert_eq!(weather.cost(&job), Duration::from_micros(41));
}
