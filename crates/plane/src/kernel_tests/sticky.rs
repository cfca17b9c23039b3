//! Clients that stick, from the configuration to the end of their entries.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use hitless_config::model::{
    ClientSticky, InService, Module, StickyAddress, StickyBy, StickyGroupConfig,
};
use hitless_model::{Counter, Instant, StickyClient, StickyOwner, StickyRecord};

use super::programs::{CLIENT, From, REAL, active_with, open_connection, send, wanted};
use super::sandbox::{Sandbox, sweep_all};
use crate::conn::SweepPolicy;
use crate::testing::{VIP, module, name};
use crate::{
    ConnEvent, DumpCursor, PeerWord, Plane, StickyCursor, StickyDetail, StickySweep, StickyTable,
    Which,
};

const MINUTES: u16 = 10;
const LASTS: Duration = Duration::from_mins(10);
const GROUP: u64 = 35;

/// [`module`] whose virtual servers have a group, of which only the web server replicates what sticks.
fn sticky_module() -> Module {
    let mut module = module();
    for server in module.virtual_servers.values_mut() {
        server.sticky = Some(ClientSticky {
            minutes: MINUTES,
            group: Some(GROUP.try_into().unwrap()),
            prefix: 32,
            by: StickyAddress::Source,
        });
    }
    module.virtual_servers.get_mut(&name("http")).unwrap().replicate_sticky = true;
    module
}

/// The same with the group configured.
fn grouped_module(timeout_min: u16) -> Module {
    let by = StickyBy::Address { prefix: 24, of: StickyAddress::Source };
    let mut module = sticky_module();
    module.sticky_groups.insert(GROUP.try_into().unwrap(), StickyGroupConfig { by, timeout_min });
    module
}

fn owner() -> StickyOwner {
    StickyOwner::Group(GROUP.try_into().unwrap())
}

fn client(address: impl Into<Ipv4Addr>) -> StickyClient {
    StickyClient { owner: owner(), source: address.into(), destination: Ipv4Addr::UNSPECIFIED }
}

fn record(host: u8, real: u8) -> StickyRecord {
    let real = SocketAddrV4::new(Ipv4Addr::new(10, 7, 0, real), 80);
    StickyRecord { client: client([172, 16, 0, host]), real, idle: Duration::ZERO }
}

/// The programs' clock.
fn now() -> Instant {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let since_boot = Duration::new(now.tv_sec.try_into().unwrap(), now.tv_nsec.try_into().unwrap());
    Instant::ZERO + since_boot
}

fn entries(table: &StickyTable) -> Vec<StickyDetail> {
    let (mut cursor, mut all) = (StickyCursor::default(), Vec::new());
    while !cursor.is_done() {
        all.append(&mut table.dump_detail((None, 2), &mut cursor, now()).unwrap());
    }
    all.sort_by_key(|detail| detail.record.client);
    all
}

fn swept(table: &StickyTable, at: Instant, active_since: Instant) -> Vec<StickyClient> {
    let (mut sweep, mut all) = (StickySweep::default(), Vec::new());
    loop {
        let (mut part, is_done) = table.sweep(&mut sweep, 3, (at, active_since)).unwrap();
        all.append(&mut part);
        if is_done {
            return all;
        }
    }
}

fn chosen_real(plane: &Plane, which: Which) -> SocketAddrV4 {
    let table = plane.connections();
    let found = table.dump_detail(which, 10, &mut DumpCursor::default(), now()).unwrap();
    assert_eq!(found.len(), 1);
    found[0].record.real
}

#[test]
fn a_connection_makes_an_entry_and_the_next_one_follows_it() {
    let sandbox = Sandbox::new();
    let mut plane = active_with(&sandbox, sticky_module());
    let mut events = plane.events().unwrap();
    open_connection(&mut plane);
    let real = SocketAddrV4::new(REAL.into(), 80);
    let all = entries(&plane.sticky());
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].record.client, all[0].record.real), (client(CLIENT.0), real));
    assert!(all[0].replicated && !all[0].from_peer);
    assert!(all[0].left.unwrap() <= LASTS);
    let told = std::iter::from_fn(|| events.next());
    let told: Vec<_> = told.filter(|event| matches!(event, ConnEvent::Sticks(_))).collect();
    let record = StickyRecord { client: client(CLIENT.0), real, idle: Duration::ZERO };
    assert_eq!(told, [ConnEvent::Sticks(record)]);
}

#[test]
fn what_the_peer_told_is_live_and_goes_out_again() {
    let sandbox = Sandbox::new();
    let mut plane = active_with(&sandbox, sticky_module());
    let table = plane.sticky();
    let told = StickyRecord { client: client(CLIENT.0), ..record(0, 12) };
    assert_eq!(table.upsert(&[told], PeerWord::Undisturbed, now()).unwrap(), 0);
    assert!(entries(&table)[0].from_peer);
    send(&mut plane, From::Client, "S");
    assert_eq!(chosen_real(&plane, Which::Embryonic), told.real, "not the real whose turn it is");
    assert_eq!(plane.counters().unwrap().get(Counter::StuckToReal).unwrap(), 1);
    let again = table.dump(10, &mut StickyCursor::default(), now()).unwrap();
    assert_eq!(
        again.iter().map(|one| (one.client, one.real)).collect::<Vec<_>>(),
        [(told.client, told.real)]
    );
}

#[test]
fn an_active_box_keeps_its_own_and_takes_what_is_new() {
    let sandbox = Sandbox::new();
    let plane = active_with(&sandbox, sticky_module());
    let table = plane.sticky();
    let upsert = |records: &[StickyRecord], word| table.upsert(records, word, now()).unwrap();
    assert_eq!(upsert(&[record(1, 11)], PeerWord::Everything), 0);
    assert_eq!(upsert(&[record(1, 12), record(2, 12)], PeerWord::Additions), 0);
    let reals: Vec<_> = entries(&table).iter().map(|one| one.record.real).collect();
    assert_eq!(reals, [record(1, 11).real, record(2, 12).real]);
    assert_eq!(upsert(&[record(1, 12)], PeerWord::Everything), 0);
    assert_eq!(entries(&table)[0].record.real, record(1, 12).real);
    let stranger = StickyOwner::Group(9.try_into().unwrap());
    let unknown = StickyClient { owner: stranger, ..client([1, 2, 3, 4]) };
    assert_eq!(
        upsert(&[StickyRecord { client: unknown, ..record(1, 11) }], PeerWord::Everything),
        1
    );
}

#[test]
fn the_time_of_an_entry_counts_from_the_end_of_the_clients_last_connection() {
    let sandbox = Sandbox::new();
    let mut plane = active_with(&sandbox, sticky_module());
    open_connection(&mut plane);
    let (table, begun) = (plane.sticky(), now());
    let later = |times: u32| begun + LASTS * times + Duration::from_secs(1);
    assert_eq!(swept(&table, later(0), Instant::ZERO), []);
    assert_eq!(swept(&table, later(1), Instant::ZERO), [], "its connection is open");
    assert_eq!(entries(&table)[0].record.idle, Duration::ZERO, "used just now: in the future");
    // The client says good-bye; some seconds later the connection is forgotten.
    send(&mut plane, From::Client, "RA");
    let connections = plane.connections();
    let gone = sweep_all(&connections, later(2), &SweepPolicy::since(Instant::ZERO));
    assert_eq!((gone.established, gone.stuck.len()), (1, 1));
    table.ended(&gone.stuck).unwrap();
    assert_eq!(swept(&table, later(1), Instant::ZERO), []);
    assert_eq!(swept(&table, later(2), Instant::ZERO), [client(CLIENT.0)]);
    assert_eq!(entries(&table), []);
}

#[test]
fn the_end_of_a_connection_begins_the_time_anew() {
    let sandbox = Sandbox::new();
    let plane = active_with(&sandbox, sticky_module());
    let (table, connections) = (plane.sticky(), plane.connections());
    let begun = now();
    let old = StickyRecord { client: client([172, 16, 0, 0]), idle: LASTS / 2, ..record(0, 11) };
    table.upsert(&[old], PeerWord::Everything, begun).unwrap();
    let mut connections = connections;
    let closed = hitless_model::ConnRecord {
        seen: crate::testing::ESTABLISHED | hitless_model::tcp::seen::RESET,
        ..crate::testing::record(0)
    };
    connections.upsert(&[closed], begun).unwrap();
    let after = begun + Duration::from_secs(20);
    let gone = sweep_all(&connections, after, &SweepPolicy::since(Instant::ZERO));
    assert_eq!(gone.stuck.len(), 1);
    table.ended(&gone.stuck).unwrap();
    let second = Duration::from_secs(1);
    assert_eq!(swept(&table, (begun + LASTS).saturating_sub(second), Instant::ZERO), []);
    assert_eq!(swept(&table, begun + LASTS + second, Instant::ZERO), [old.client]);
}

#[test]
fn time_before_this_box_was_active_does_not_count() {
    let sandbox = Sandbox::new();
    let plane = active_with(&sandbox, sticky_module());
    let (table, start) = (plane.sticky(), now());
    table.upsert(&[record(1, 11)], PeerWord::Everything, start).unwrap();
    let second = Duration::from_secs(1);
    let took_over = start + LASTS * 3;
    assert_eq!(swept(&table, (took_over + LASTS).saturating_sub(second), took_over), []);
    assert_eq!(swept(&table, took_over + LASTS, took_over), [record(1, 11).client]);
}

#[test]
fn the_time_of_a_configured_group_counts_from_the_last_beginning_unless_a_variable_says_otherwise()
{
    for (variable, kept) in [("0", 0), ("1", 1)] {
        let sandbox = Sandbox::new();
        let mut module = grouped_module(MINUTES);
        let variable = ("NO_TIMEOUT_IP_STICKY_ENTRIES".to_owned(), variable.to_owned());
        module.variables.extend([variable]);
        let mut plane = active_with(&sandbox, module);
        open_connection(&mut plane);
        let table = plane.sticky();
        assert_eq!(entries(&table)[0].record.client, client([172, 16, 0, 0]), "the group's mask");
        let over = now() + LASTS + Duration::from_secs(1);
        swept(&table, over, Instant::ZERO);
        assert_eq!(entries(&table).len(), kept, "its connection is open");
    }
}

#[test]
fn a_timeout_of_zero_is_none() {
    let sandbox = Sandbox::new();
    let plane = active_with(&sandbox, grouped_module(0));
    let table = plane.sticky();
    table.upsert(&[record(0, 11)], PeerWord::Everything, now()).unwrap();
    assert_eq!(swept(&table, Instant::FAR_FUTURE, Instant::ZERO), []);
    assert_eq!(entries(&table)[0].left, None);
}

#[test]
fn entries_that_the_configuration_has_no_use_for_are_swept() {
    let sandbox = Sandbox::new();
    let plane = active_with(&sandbox, sticky_module());
    let table = plane.sticky();
    table.upsert(&[record(1, 11)], PeerWord::Everything, now()).unwrap();
    assert!(!table.is_idle());
    plane.apply(&wanted(module())).unwrap();
    assert!(table.is_idle());
    assert_eq!(swept(&table, now(), Instant::ZERO), [record(1, 11).client]);
}

#[test]
fn a_real_out_of_service_lets_its_clients_go() {
    let sandbox = Sandbox::new();
    let mut plane = active_with(&sandbox, sticky_module());
    let table = plane.sticky();
    let told = StickyRecord { client: client(CLIENT.0), ..record(0, 12) };
    table.upsert(&[told], PeerWord::Everything, now()).unwrap();
    let mut without = sticky_module();
    without.farms.get_mut(&name("web")).unwrap().reals[1].in_service = InService::No;
    plane.apply(&wanted(without)).unwrap();
    open_connection(&mut plane);
    let real = SocketAddrV4::new(REAL.into(), 80);
    assert_eq!(chosen_real(&plane, Which::Main), real);
    assert_eq!(entries(&table)[0].record.real, real);
}

#[test]
fn entries_are_cleared_by_group_and_shown_by_client() {
    let sandbox = Sandbox::new();
    let plane = active_with(&sandbox, sticky_module());
    let table = plane.sticky();
    table.upsert(&[record(1, 11), record(2, 12)], PeerWord::Everything, now()).unwrap();
    let about = |address: Ipv4Addr| {
        let mut cursor = StickyCursor::default();
        table.dump_detail((Some(address), 10), &mut cursor, now()).unwrap()
    };
    assert_eq!(about([172, 16, 0, 2].into()).len(), 1);
    assert_eq!(about(VIP), []);
    let other = StickyOwner::Group(9.try_into().unwrap());
    assert_eq!(table.clear(|owner| *owner == other).unwrap(), (0, vec![]));
    assert_eq!(table.clear(|asked| *asked == owner()).unwrap().0, 2);
    assert_eq!(entries(&table), []);
    table.upsert(&[record(1, 11), record(2, 12)], PeerWord::Everything, now()).unwrap();
    assert_eq!(table.remove(&[record(2, 0).client, record(3, 0).client]).unwrap(), 1);
    assert_eq!(entries(&table).len(), 1);
}
