//! Fingerprints as documented; walks, digests and listings one by one.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use hitless_model::tcp::seen;
use hitless_model::{ConnKey, ConnRecord, Instant, Protocol};

use super::*;
use crate::node::{Captured, Change};
use crate::wire::tests::assert_shown;

fn at(millis: u64) -> Instant {
    Instant::from_nanos((1_000 + millis) * 1_000_000)
}

fn record(number: u32) -> ConnRecord {
    let port = 1_024 + u16::try_from(number % 50_000).unwrap();
    let client = Ipv4Addr::from(0x0a00_0000 + number / 50_000);
    ConnRecord {
        key: ConnKey {
            client: SocketAddrV4::new(client, port),
            virtual_server: SocketAddrV4::new(Ipv4Addr::new(192, 158, 38, 30), 80),
            protocol: Protocol::Tcp,
        },
        real: SocketAddrV4::new(Ipv4Addr::new(192, 158, 39, 101), 8080),
        client_vlan: 136.try_into().unwrap(),
        server_vlan: 272.try_into().unwrap(),
        seen: seen::REAL_ANSWERED | seen::CLIENT_CONFIRMED,
        idle: Duration::ZERO,
    }
}

/// Walks through a whole table and asks about what was not met; returns what came out.
fn walk(audit: &mut Audit, now: Instant, table: &[ConnRecord]) -> (Walked, usize) {
    let walked = audit.walked(now, table, true);
    let mut gone = 0;
    for _ in 0..8 {
        for key in audit.unmet(now) {
            let record = table.iter().find(|record| record.key == key);
            if record.is_some() {
                audit.found(now, &key, record);
            } else {
                audit.is_gone(&key);
                gone += 1;
            }
        }
    }
    (walked, gone)
}

/// An audit that has walked through a table.
fn of(task: Task, table: &[ConnRecord]) -> Audit {
    let mut audit = Audit::default();
    audit.set(at(0), task);
    let first = walk(&mut audit, at(0), table);
    assert_eq!(first, (Walked::default(), 0), "what was there before is no news");
    assert_eq!(audit.ledger().len(), table.len());
    audit
}

/// Everything that a box tells of its digests in a second.
fn all_digests(audit: &mut Audit) -> Vec<(Bucket, Digest)> {
    (0..8).flat_map(|turn| audit.digests(at(turn * 125))).collect()
}

fn changes(teller: &Audit, mirror: &mut Audit, now: Instant) -> (usize, usize) {
    let mut found = (0, 0);
    loop {
        let listings = mirror.listings(now);
        for listing in &listings {
            let difference = teller.difference(listing);
            found.0 += difference.missing.len();
            found.1 += difference.surplus.len();
        }
        if listings.is_empty() {
            return found;
        }
    }
}

#[test]
fn fingerprints_are_those_of_the_document() {
    const DOCUMENT: &str = include_str!("../../../../docs/protocol/replication.md");
    let record = record(1);
    let bucket = Bucket::of(&record.key);
    let fingerprint = Fingerprint::of(&record);
    assert_eq!(fingerprint.bucket(), bucket);
    assert!((bucket.first()..=bucket.last()).contains(&fingerprint));
    let octets = [bucket.number().to_be_bytes().as_slice(), &fingerprint.0.to_be_bytes()].concat();
    assert_shown(DOCUMENT, "fingerprint", &octets);
}

#[test]
fn a_fingerprint_tells_key_real_and_vlan_apart_and_nothing_else() {
    let one = record(1);
    let mut others = [one; 4];
    others[0].key.client.set_port(9);
    others[1].real.set_port(9);
    others[2].client_vlan = 137.try_into().unwrap();
    others[3].key.protocol = Protocol::Udp;
    for other in others {
        assert_ne!(Fingerprint::of(&one), Fingerprint::of(&other));
    }
    let same = ConnRecord { seen: 0x1f, idle: Duration::from_secs(9), ..one };
    assert_eq!(Fingerprint::of(&one), Fingerprint::of(&same));
}

#[test]
fn connections_spread_over_all_buckets() {
    let table: Vec<_> = (0..102_400).map(record).collect();
    let audit = of(Task::Tells, &table);
    let counts = (0..BUCKETS).filter_map(Bucket::new).map(|b| audit.ledger().lines(b).count());
    let (least, most) = counts.fold((usize::MAX, 0), |(l, m), n| (l.min(n), m.max(n)));
    assert!(least > 50 && most < 170, "{least} to {most} in a bucket, a hundred on average");
}

#[test]
fn equal_tables_have_equal_digests_however_they_came_about() {
    let table: Vec<_> = (0..500).map(record).collect();
    let mut teller = of(Task::Tells, &table);
    let mut mirror = of(Task::Mirrors, &[]);
    mirror.applied(at(1), &Change::DumpBegins);
    for record in table.iter().rev().chain(&table) {
        mirror.applied(at(1), &Change::Upsert(*record));
    }
    mirror.applied(at(1), &Change::Upsert(record(999)));
    mirror.applied(at(1), &Change::Remove(record(999).key));
    mirror.applied(at(1), &Change::DumpEnds);
    mirror.compare(at(2), &all_digests(&mut teller));
    assert_eq!(changes(&teller, &mut mirror, at(2)), (0, 0));
    assert_eq!(mirror.listings(at(3)), []);
}

#[test]
fn a_dump_leaves_only_what_it_told() {
    let table: Vec<_> = (0..100).map(record).collect();
    let mut mirror = of(Task::Mirrors, &table);
    mirror.applied(at(1), &Change::DumpBegins);
    for record in &table[..40] {
        mirror.applied(at(1), &Change::Upsert(*record));
    }
    mirror.applied(at(1), &Change::DumpEnds);
    assert_eq!(mirror.ledger().len(), 40);
}

#[test]
fn differences_are_found_exactly_and_named_by_their_fingerprints() {
    let table: Vec<_> = (0..20_000).map(record).collect();
    let mut teller = of(Task::Tells, &table[..19_000]);
    let mut mirror = of(Task::Mirrors, &table[3_000..]);
    let mut moved = table[5_000];
    moved.real.set_port(1);
    mirror.applied(at(1), &Change::Upsert(moved));
    mirror.compare(at(2), &all_digests(&mut teller));
    assert_eq!(changes(&teller, &mut mirror, at(2)), (3_001, 1_001));
    assert_eq!(mirror.named(Fingerprint::of(&moved)), Some(moved.key));
    assert_eq!(mirror.named(Fingerprint::of(&table[5_000])), None);
}

#[test]
fn a_bucket_of_any_size_is_listed_without_a_gap() {
    let mut mirror = Audit::default();
    mirror.set(at(0), Task::Mirrors);
    let target = Bucket::of(&record(0).key);
    let in_bucket = (0..2_000_000).map(record).filter(|r| Bucket::of(&r.key) == target);
    let table: Vec<_> = in_bucket.take(3 * MAX_LISTED + 7).collect();
    walk(&mut mirror, at(0), &table);
    mirror.compare(at(1), &[(target, Digest(1))]);
    let listings = mirror.listings(at(1));
    assert_eq!(listings.len(), 4);
    assert_eq!((listings[0].from, listings[3].to), (target.first(), target.last()));
    for pair in listings.windows(2) {
        assert_eq!(pair[0].to.0 + 1, pair[1].from.0);
    }
    let teller = of(Task::Tells, &table);
    for listing in &listings {
        assert_eq!(teller.difference(listing), Difference::default());
    }
}

#[test]
fn the_walk_finds_what_vanished_from_a_mirror_without_a_digest() {
    let table: Vec<_> = (0..1_000).map(record).collect();
    let teller = of(Task::Tells, &table);
    let mut mirror = of(Task::Mirrors, &table);
    let (walked, gone) = walk(&mut mirror, at(900), &table[100..]);
    assert_eq!((walked, gone), (Walked::default(), 100));
    assert_eq!(changes(&teller, &mut mirror, at(901)), (100, 0));
}

#[test]
fn what_the_walk_meets_on_a_teller_is_unknown_only_if_no_event_follows() {
    let table: Vec<_> = (0..10).map(record).collect();
    let mut teller = of(Task::Tells, &table[..8]);
    assert_eq!(
        walk(&mut teller, at(900), &table),
        (Walked::default(), 0),
        "perhaps an event comes"
    );
    teller.captured(at(901), &Captured::Upsert(table[8]));
    let (walked, gone) = walk(&mut teller, at(1_800), &table);
    assert_eq!((walked.unknown, gone), (vec![table[9]], 0));
}

#[test]
fn connections_in_use_are_told_again_after_a_minute_and_idle_ones_are_not() {
    let mut table: Vec<_> = (0..2).map(record).collect();
    let mut teller = of(Task::Tells, &table);
    table[0].idle = Duration::from_secs(61);
    let (walked, _) = walk(&mut teller, at(60_500), &table);
    assert_eq!(walked.refreshed, [table[1]]);
    table[0].idle = Duration::from_secs(62);
    let (walked, _) = walk(&mut teller, at(61_500), &table);
    assert_eq!(walked.refreshed, [], "once a minute");
}

#[test]
fn what_cannot_be_repaired_is_tried_ever_more_rarely() {
    let mut mirror = of(Task::Mirrors, &[]);
    let told = [(Bucket::of(&record(1).key), Digest(1))];
    let mut tried = Vec::new();
    for second in 0..300 {
        mirror.compare(at(second * 1_000), &told);
        if !mirror.listings(at(second * 1_000)).is_empty() {
            tried.push(second);
        }
    }
    assert_eq!(tried, [0, 2, 6, 14, 30, 62, 126, 190, 254]);
    mirror.compare(at(300_000), &[(told[0].0, Digest::default())]);
    mirror.compare(at(301_000), &told);
    assert_eq!(mirror.listings(at(301_000)).len(), 1, "it was alike meanwhile");
}

#[test]
fn nothing_is_compared_before_the_table_was_walked_through() {
    let mut mirror = Audit::default();
    mirror.set(at(0), Task::Mirrors);
    mirror.compare(at(1), &[(Bucket::default(), Digest(1))]);
    assert_eq!(mirror.listings(at(1)), []);
    mirror.set(at(2), Task::Idle);
    assert_eq!(mirror.next_due(), None);
    mirror.captured(at(3), &Captured::Upsert(record(1)));
    assert!(mirror.ledger().is_empty(), "nobody to compare with");
}
