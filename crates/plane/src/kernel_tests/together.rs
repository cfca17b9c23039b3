//! The peer's word taken together is the peer's word taken one by one.

use hitless_model::abi::{Conn, FlowKey};
use hitless_model::tcp::seen;
use hitless_model::{ConnKey, ConnRecord, Protocol};

use super::sandbox::{CAPACITY, Sandbox, at, dumped, in_use};
use crate::conn::{ConnTable, PeerWord, Refusal, Which};
use crate::testing::{module, name, ports, record, virtual_server};

/// Two sandboxes with a second virtual server, so that reverse keys can collide.
fn table(sandbox: &Sandbox, word: PeerWord) -> ConnTable {
    let plane = sandbox.filled(CAPACITY);
    let mut with_second = module();
    let second = virtual_server("web", Protocol::Tcp, 8080);
    with_second.virtual_servers.insert(name("second"), second);
    plane.apply(&crate::desired(&with_second, &ports())).unwrap();
    let mut table = plane.connections();
    table.take(word);
    table
}

/// SplitMix64.
fn dice(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One of a few connections in some state, so that they meet often.
fn some_record(state: &mut u64) -> ConnRecord {
    let number = u32::try_from(dice(state) % 24).unwrap();
    let mut record = record(number);
    if dice(state).is_multiple_of(4) {
        record.key.virtual_server.set_port(8080);
    }
    if dice(state).is_multiple_of(3) {
        record.real = self::record(number + 1).real;
    }
    record.seen = match dice(state) % 6 {
        0 => seen::REAL_ANSWERED,
        1 => record.seen | seen::FIN_CLIENT,
        2 => record.seen | seen::RESET,
        _ => record.seen,
    };
    record
}

/// Everything that is in a table, but for when it was made.
fn contents(table: &ConnTable) -> Vec<Vec<(FlowKey, Conn)>> {
    let maps = [Which::Main, Which::Embryonic].map(|which| table.table(which).clone());
    let maps = maps.iter().flat_map(|table| [&table.forward, &table.reverse]);
    maps.map(|map| {
        let mut entries = map.entries().unwrap();
        for (_, conn) in &mut entries {
            conn.created = 0;
        }
        entries.sort_unstable();
        entries
    })
    .collect()
}

#[test]
fn many_at_once_leave_the_same_as_one_by_one() {
    let (one, other) = (Sandbox::new(), Sandbox::new());
    let mut single = table(&one, PeerWord::Everything);
    let mut together = table(&other, PeerWord::Undisturbed);
    let mut state = 1;
    for round in 0..400 {
        let count = dice(&mut state) % 12;
        let records: Vec<_> = (0..count).map(|_| some_record(&mut state)).collect();
        let gone: Vec<ConnKey> = (0..count / 2).map(|_| some_record(&mut state).key).collect();
        for table in [&mut single, &mut together] {
            assert_eq!(table.upsert(&records, at(1000)).unwrap().total(), 0);
        }
        assert_eq!(contents(&single), contents(&together), "round {round}: {records:?}");
        let removed = single.remove(&gone).unwrap();
        assert_eq!(together.remove(&gone).unwrap(), removed, "round {round}");
        assert_eq!(contents(&single), contents(&together), "round {round}: {gone:?}");
        assert_eq!(in_use(&single), in_use(&together), "round {round}");
    }
}

#[test]
fn what_finds_no_room_is_refused_and_half_of_it_is_not_left() {
    let sandbox = Sandbox::new();
    let mut table = sandbox.filled(CAPACITY).connections();
    table.take(PeerWord::Undisturbed);
    let records: Vec<_> = (0..CAPACITY + 100).map(record).collect();
    let refused = table.upsert(&records, at(1000)).unwrap();
    assert_eq!(refused.0.get(&Refusal::TableFull).copied(), Some(refused.total()));
    let kept = CAPACITY + 100 - refused.total();
    assert_eq!(in_use(&table), u64::from(kept));
    let main = table.table(Which::Main);
    assert_eq!(main.forward.count().unwrap(), main.reverse.count().unwrap());
    assert_eq!(table.upsert(&records[..10], at(1001)).unwrap().total(), 0, "known ones need none");
    let keys: Vec<_> = records.iter().map(|record| record.key).collect();
    assert_eq!(table.remove(&keys).unwrap(), u64::from(kept), "unknown ones are no error");
    assert_eq!((in_use(&table), dumped(&table, Which::Main, 100)), (0, vec![]));
}
