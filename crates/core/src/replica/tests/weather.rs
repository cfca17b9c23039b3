//! Whatever the weather: once it is quiet, the tables are equal.

use std::time::Duration;

use hitless_model::tcp::seen;

use super::world::{Dice, ESTABLISHED, Side, Weather, World, established, key, record};
use crate::replica::queue::MAX_QUEUED;
use crate::replica::{Input, Mode, Sending};

const LONG: Duration = Duration::from_mins(10);

fn assert_equal(world: &World, seed: u64) {
    let [one, other] = &world.tables;
    assert_eq!(one.first_difference(other), None, "seed {seed}, {:?}", world.weather);
}

/// One change of a random connection out of `first..first + 300`.
fn change(world: &mut World, side: Side, first: u32) {
    let number = first + world.dice.below(300);
    let known = world.tables[side].entries.get(&key(number)).copied();
    let real = world.dice.pick(&[101, 102, 103]);
    match (known, world.dice.below(4)) {
        (None, _) | (Some(_), 1) => world.carry(side, record(number, real, ESTABLISHED)),
        (Some(entry), 0) => {
            let mut record = entry.record;
            record.seen |= seen::FIN_CLIENT;
            world.carry(side, record);
        }
        (Some(_), _) => world.close(side, key(number)),
    }
}

/// One accident.
fn accident(world: &mut World, session: &mut u64, teller: Side) {
    match world.dice.below(8) {
        0 => {
            *session += 1;
            world.meet(*session);
        }
        1 => {
            // Only one side learns of it, and the session stays.
            let side = world.dice.pick(&[0, 1]);
            world.input(side, Input::PeerDown);
            let pause = world.dice.micros(200_000);
            world.run_for(pause);
            world.meet(*session);
        }
        2 => {
            world.input(teller, Input::SetSending(Sending::Paused));
            let pause = world.dice.micros(300_000);
            world.run_for(pause);
            world.input(teller, Input::SetSending(Sending::Open));
        }
        3 => world.lose_captures(teller),
        4 => world.cut = true,
        _ => world.cut = false,
    }
}

#[test]
fn one_sides_table_reaches_the_other_through_any_weather() {
    for seed in 0..400 {
        let weather = Weather::random(&mut Dice(seed ^ 0xfeed));
        let mut world = World::new(seed, weather);
        let mut session = 1;
        world.set_mode(0, Mode::Telling);
        for _ in 0..world.dice.below(200) {
            change(&mut world, 0, 0);
        }
        world.meet(session);
        for _ in 0..world.dice.below(600) {
            change(&mut world, 0, 0);
            let pause = world.dice.micros(5_000);
            world.run_for(pause);
            if world.dice.below(60) == 0 {
                accident(&mut world, &mut session, 0);
            }
        }
        world.cut = false;
        world.settle(LONG);
        assert_equal(&world, seed);
        assert!(world.boxes[1].peer_complete(), "seed {seed}");
        assert_eq!(world.boxes[0].status(world.now).at_risk, 0, "seed {seed}");
    }
}

#[test]
fn two_sides_tell_each_other_at_once() {
    for seed in 0..150 {
        let mut world = World::new(seed, Weather::random(&mut Dice(seed ^ 0xbeef)));
        for side in [0, 1] {
            world.set_mode(side, Mode::Telling);
        }
        world.meet(1);
        world.settle(LONG);
        for _ in 0..300 {
            change(&mut world, 0, 0);
            change(&mut world, 1, 10_000);
            let pause = world.dice.micros(3_000);
            world.run_for(pause);
        }
        world.settle(LONG);
        assert_equal(&world, seed);
    }
}

#[test]
fn while_two_sides_dump_to_each_other_neither_loses_what_it_carries() {
    for seed in 0..150 {
        let mut world = World::new(seed, Weather::random(&mut Dice(seed ^ 0xd0d0)));
        for side in [0, 1] {
            world.set_mode(side, Mode::Telling);
        }
        for session in 1..4 {
            world.meet(session);
            for _ in 0..100 {
                change(&mut world, 0, 0);
                change(&mut world, 1, 10_000);
                let pause = world.dice.micros(3_000);
                world.run_for(pause);
            }
            let side = world.dice.pick(&[0, 1]);
            world.lose_captures(side);
        }
        world.settle(LONG);
        for (side, first) in [(0, 0), (1, 10_000)] {
            for number in first..first + 300 {
                let entry = |side: Side| world.tables[side].entries.get(&key(number));
                let carried = entry(side).filter(|entry| entry.carried);
                let there = entry(1 - side).map(|entry| entry.record);
                assert!(carried.is_none_or(|e| there == Some(e.record)), "seed {seed}, {number}");
            }
        }
    }
}

#[test]
fn a_handover_carries_everything_and_the_old_one_follows() {
    for seed in 0..150 {
        let mut world = World::new(seed, Weather::random(&mut Dice(seed ^ 0xcafe)));
        world.set_mode(0, Mode::Telling);
        world.meet(1);
        for _ in 0..200 {
            change(&mut world, 0, 0);
        }
        for number in 5_000..5_100 {
            let embryonic = record(number, 101, seen::REAL_ANSWERED);
            world.tables[0]
                .entries
                .insert(embryonic.key, super::table::Entry { record: embryonic, carried: true });
        }
        let early = world.dice.percent(50);
        if !early {
            world.settle(LONG);
            assert!(!world.tables[1].entries.contains_key(&key(5_000)), "embryonic stay here");
        }
        world.set_mode(0, Mode::Draining);
        let (limit, busy_until) = (world.now + LONG, world.now + Duration::from_secs(5));
        while !world.boxes[0].is_drained() {
            assert!(world.now < limit, "seed {seed}: {:#?}", world.statuses());
            if world.dice.percent(20) && world.now < busy_until {
                change(&mut world, 0, 0);
            }
            world.run_for(Duration::from_millis(1));
        }
        world.settle(LONG);
        assert_equal(&world, seed);

        world.set_mode(1, Mode::Telling);
        for _ in 0..100 {
            change(&mut world, 1, 0);
            let pause = world.dice.micros(1_000);
            world.run_for(pause);
        }
        world.set_mode(0, Mode::Silent);
        world.settle(LONG);
        assert_equal(&world, seed);
    }
}

#[test]
fn a_draining_box_is_drained_although_connections_keep_coming() {
    let mut world = World::new(1, Weather::CALM);
    world.set_mode(0, Mode::Telling);
    world.meet(1);
    world.settle(LONG);
    world.set_mode(0, Mode::Draining);
    assert!(!world.boxes[0].is_drained());
    let mut drained_after = None;
    for number in 0..1_000 {
        world.carry(0, established(number));
        world.run_for(Duration::from_micros(100));
        if world.boxes[0].is_drained() && drained_after.is_none() {
            drained_after = Some(number);
        }
    }
    assert!(drained_after.is_some_and(|number| number < 100), "{drained_after:?}");
}

#[test]
fn a_hundred_thousand_connections_reach_a_fresh_standby_in_full_datagrams() {
    let mut world = World::new(7, Weather::CALM);
    world.set_mode(0, Mode::Telling);
    for number in 0..100_000 {
        let record = established(number);
        world.tables[0].entries.insert(record.key, super::table::Entry { record, carried: true });
    }
    world.meet(1);
    let took = world.settle(LONG);
    assert_eq!(world.tables[1].established(), 100_000);
    let status = world.boxes[0].status(world.now);
    assert_eq!(status.retransmissions, 0);
    assert!(status.batches_sent <= 100_000 / 41 + 20, "{}", status.batches_sent);
    assert!(world.tallies[0].datagrams < 2_500, "{}", world.tallies[0].datagrams);
    assert!(world.tallies[0].most_waiting < 10_000, "{}", world.tallies[0].most_waiting);
    assert!(took < Duration::from_secs(2), "{took:?}");
    eprintln!("100,000 connections: {took:?}, {} datagrams", world.tallies[0].datagrams);
}

#[test]
fn a_third_of_the_datagrams_lost_still_converges() {
    let weather = Weather { loss: 33, ..Weather::CALM };
    let mut world = World::new(8, weather);
    world.set_mode(0, Mode::Telling);
    for number in 0..20_000 {
        let record = established(number);
        world.tables[0].entries.insert(record.key, super::table::Entry { record, carried: true });
    }
    world.meet(1);
    let took = world.settle(LONG);
    assert_equal(&world, 0);
    assert!(took < Duration::from_secs(10), "{took:?}");
    eprintln!("20,000 connections, 33 % lost: {took:?}");
}

#[test]
fn a_queue_that_overflows_is_counted_and_made_good_by_a_dump() {
    let mut world = World::new(9, Weather::CALM);
    world.set_mode(0, Mode::Telling);
    world.meet(1);
    world.settle(LONG);
    world.input(0, Input::SetSending(Sending::Paused));
    let many = u32::try_from(MAX_QUEUED).unwrap() + 50_000;
    for number in 0..many {
        let record = established(number);
        world.tables[0].entries.insert(record.key, super::table::Entry { record, carried: true });
        let captured = crate::node::Captured::Upsert(record);
        world.input(0, Input::Captured(&[captured]));
    }
    let status = world.boxes[0].status(world.now);
    assert_eq!((status.overflows, world.tallies[0].overflows), (1, 1));
    assert!(!status.in_step && status.at_risk <= MAX_QUEUED as u64);
    world.input(0, Input::SetSending(Sending::Open));
    world.settle(LONG);
    assert_eq!(world.tables[1].established(), many as usize);
}
