use std::time::{Duration, Instant as Wall};

use hitless_model::{ConnStage, Protocol};

use super::sandbox::{CAPACITY, Sandbox, at, dumped, in_use, sweep_all};
use crate::conn::{DumpCursor, Refusal, SweepPolicy, Which};
use crate::kernel_map::Position;
use crate::testing::{ESTABLISHED, VIP, record};
use crate::{Endpoint, Scope};

#[test]
fn a_hundred_thousand_connections_go_in_come_out_and_are_removed_exactly() {
    const MANY: u32 = 100_000;
    let sandbox = Sandbox::new();
    let mut table = sandbox.filled(131_072).connections();
    let mut records: Vec<_> = (0..MANY).map(record).collect();
    records.sort_by_key(|record| record.key);

    let start = Wall::now();
    assert_eq!(table.upsert(&records, at(1000)).unwrap().total(), 0);
    let inserted = start.elapsed();
    assert_eq!(in_use(&table), u64::from(MANY));

    let start = Wall::now();
    let mut cursor = DumpCursor::default();
    let mut read = 0;
    while !cursor.is_done() {
        let scope = (Which::Main, Scope::Replicated);
        read += table.dump(scope, 4096, &mut cursor, at(1000)).unwrap().len();
    }
    let dump_time = start.elapsed();
    assert_eq!(read, records.len());
    assert_eq!(dumped(&table, Which::Main, 1000), records);

    assert_eq!(table.upsert(&records, at(1001)).unwrap().total(), 0);
    assert_eq!(in_use(&table), u64::from(MANY), "told again, counted once");

    let keys: Vec<_> = records.iter().map(|record| record.key).collect();
    assert_eq!(table.remove(&keys[..MANY as usize / 2]).unwrap(), u64::from(MANY) / 2);
    assert_eq!(table.remove(&keys).unwrap(), u64::from(MANY) / 2);
    assert_eq!(in_use(&table), 0);
    println!(
        "per connection: {} ns to insert, {} ns to dump",
        inserted.as_nanos() / u128::from(MANY),
        dump_time.as_nanos() / u128::from(MANY),
    );
}

#[test]
fn a_full_table_refuses_new_connections_and_keeps_the_old_ones() {
    let sandbox = Sandbox::new();
    let mut table = sandbox.filled(CAPACITY).connections();
    let records: Vec<_> = (0..CAPACITY + 50).map(record).collect();
    let refused = table.upsert(&records, at(1000)).unwrap();
    assert_eq!(refused.0.get(&Refusal::TableFull), Some(&50));
    assert_eq!(in_use(&table), u64::from(CAPACITY));
    let kept = dumped(&table, Which::Main, 100);
    let mut first = records[..CAPACITY as usize].to_vec();
    first.sort_by_key(|record| record.key);
    assert_eq!(kept, first);
    assert_eq!(table.upsert(&first, at(1001)).unwrap().total(), 0, "renewing needs no room");
}

#[test]
fn the_walk_by_keys_finds_what_the_batch_finds() {
    let sandbox = Sandbox::new();
    let mut table = sandbox.filled(CAPACITY).connections();
    table.upsert(&(0..500).map(record).collect::<Vec<_>>(), at(1000)).unwrap();
    let forward = &table.table(Which::Main).forward;
    let mut batch = forward.entries().unwrap();
    let (first, mut position) = forward.walk(Position::Start, 100);
    let mut walked = first;
    while !matches!(position, Position::End) {
        walked.append(&mut forward.read_part(&mut position, 100).unwrap());
    }
    batch.sort();
    walked.sort();
    assert_eq!(walked, batch);
}

#[test]
fn a_small_part_makes_room_for_a_whole_bucket() {
    let sandbox = Sandbox::new();
    let mut table = sandbox.filled(CAPACITY).connections();
    let records: Vec<_> = (0..CAPACITY).map(record).collect();
    table.upsert(&records, at(1000)).unwrap();
    assert_eq!(dumped(&table, Which::Main, 1).len(), records.len());
}

#[test]
fn the_sweep_removes_what_is_over_and_counts_it() {
    let sandbox = Sandbox::new();
    let mut table = sandbox.filled(CAPACITY).connections();
    let mut records: Vec<_> = (0..9).map(record).collect();
    records[1].idle = Duration::from_secs(200);
    records[2].idle = Duration::from_secs(20);
    records[2].seen = ESTABLISHED | hitless_model::tcp::seen::RESET;
    records[3].seen = 0;
    records[3].idle = Duration::from_secs(500);
    table.upsert(&records, at(1000)).unwrap();

    let policy = SweepPolicy::since(at(0));
    let swept = sweep_all(&table, at(1000), &policy);
    let mut expected = vec![records[1].key, records[2].key];
    expected.sort();
    let mut told = swept.replicated;
    told.sort();
    assert_eq!(told, expected);
    assert_eq!((swept.established, swept.embryonic), (2, 0));
    assert_eq!(in_use(&table), 6);

    let swept = sweep_all(&table, at(1030), &policy);
    assert_eq!((swept.established, swept.embryonic), (0, 1));
    assert!(dumped(&table, Which::Embryonic, 10).is_empty());

    let fresh = SweepPolicy::since(at(1090));
    assert_eq!(sweep_all(&table, at(1100), &fresh).established, 0);
    assert_eq!(sweep_all(&table, at(1190), &fresh).established, 6);
    assert_eq!(in_use(&table), 0);
}

#[test]
fn a_connection_that_is_busy_in_one_direction_only_is_kept() {
    let sandbox = Sandbox::new();
    let mut table = sandbox.filled(CAPACITY).connections();
    table.upsert(&[record(1)], at(1000)).unwrap();
    let reverse = table.table(Which::Main).reverse.clone();
    let (key, mut conn) = reverse.entries().unwrap()[0];
    conn.last_seen = at(1150).as_nanos();
    reverse.put(&key, &conn).unwrap();
    let policy = SweepPolicy::since(at(0));
    assert_eq!(sweep_all(&table, at(1200), &policy).established, 0);
    let detail =
        table.dump_detail(Which::Main, 10, &mut DumpCursor::default(), at(1200)).unwrap().remove(0);
    assert_eq!(detail.record.idle, Duration::from_secs(50));
    assert_eq!(detail.age, Duration::from_secs(200));
    assert_eq!(detail.stage, ConnStage::Established);
    assert!(detail.from_peer && detail.replicated);
    assert_eq!(sweep_all(&table, at(1250), &policy).established, 1);
}

#[test]
fn connections_are_tallied_by_virtual_server_and_real() {
    let sandbox = Sandbox::new();
    let mut table = sandbox.filled(CAPACITY).connections();
    let mut records: Vec<_> = (0..10).map(record).collect();
    records[0].seen = 0;
    table.upsert(&records, at(1000)).unwrap();
    let tally = table.tally().unwrap();
    let http = Endpoint::new(VIP, 80, Protocol::Tcp);
    let whole = tally.of_virtual_server(http);
    assert_eq!((whole.embryonic, whole.established, whole.current()), (1, 9, 10));
    let first = tally.of_real(http, records[0].real);
    assert_eq!((first.embryonic, first.established), (1, 4));
    assert_eq!(tally.of_virtual_server(Endpoint::new(VIP, 53, Protocol::Udp)).current(), 0);
}

#[test]
fn a_recount_repairs_what_a_killed_process_left_uncounted() {
    let sandbox = Sandbox::new();
    let mut table = sandbox.filled(CAPACITY).connections();
    table.upsert(&(0..10).map(record).collect::<Vec<_>>(), at(1000)).unwrap();
    assert_eq!(table.recount().unwrap(), Some(0));
    let main = table.table(Which::Main);
    let (key, conn) = main.forward.entries().unwrap()[0];
    main.forward.remove(&key).unwrap();
    main.reverse.remove(&crate::conn::entry::reverse_key(&key, &conn)).unwrap();
    assert_eq!(table.recount().unwrap(), Some(-1));
    assert_eq!(in_use(&table), 9);
}
