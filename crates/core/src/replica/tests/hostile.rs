//! The codec round-trips, and no octets whatever make the machine panic or grow.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use hitless_model::{ConnKey, ConnRecord, Instant, Protocol, VlanId};
use proptest::prelude::*;

use super::world::{established, first_release};
use crate::audit::{Bucket, Digest, Fingerprint, Listing};
use crate::machine::Machine;
use crate::node::{Captured, Change, Snapshot};
use crate::replica::codec::{self, Ack, FULL_BATCH, Head, MAX_RECORDS, Seq};
use crate::replica::records::{self, MAX_RECORD};
use crate::replica::speaks::Speaks;
use crate::replica::standing::{Standing, Statement};
use crate::replica::{Input, MAX_MESSAGE, MAX_OUTPUTS, Mode, Output, Replica, SessionId};
use crate::wire::tests::assert_shown;
use crate::wire::{Reader, Writer};

fn endpoint() -> impl Strategy<Value = SocketAddrV4> {
    (any::<u32>(), any::<u16>()).prop_map(|(ip, port)| SocketAddrV4::new(Ipv4Addr::from(ip), port))
}

fn vlan() -> impl Strategy<Value = VlanId> {
    (2_u64..=4_094).prop_map(|number| VlanId::try_from(number).unwrap())
}

fn conn_key() -> impl Strategy<Value = ConnKey> {
    let protocol = prop_oneof![Just(Protocol::Tcp), Just(Protocol::Udp)];
    (endpoint(), endpoint(), protocol).prop_map(|(client, virtual_server, protocol)| ConnKey {
        client,
        virtual_server,
        protocol,
    })
}

fn conn_record() -> impl Strategy<Value = ConnRecord> {
    (conn_key(), endpoint(), vlan(), vlan(), any::<u8>(), any::<u32>()).prop_map(
        |(key, real, client_vlan, server_vlan, seen, idle)| ConnRecord {
            key,
            real,
            client_vlan,
            server_vlan,
            seen,
            idle: Duration::from_millis(u64::from(idle)),
        },
    )
}

fn digest() -> impl Strategy<Value = (Bucket, Digest)> {
    (0_u16..1_024, any::<u64>())
        .prop_map(|(number, sum)| (Bucket::new(number).unwrap(), Digest(sum)))
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        conn_record().prop_map(Change::Upsert),
        conn_key().prop_map(Change::Remove),
        Just(Change::DumpBegins),
        Just(Change::DumpEnds),
        any::<u64>().prop_map(|number| Change::Surplus(Fingerprint(number))),
        prop::collection::vec(digest(), 0..3).prop_map(Change::Digests),
    ]
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let ack = (0_u64..20, any::<u8>(), any::<u32>());
    (ack, 0_u64..80, prop::collection::vec(change(), 0..41)).prop_map(|(ack, seq, changes)| {
        let (applied, received, refused) = ack;
        let received = u64::from(received);
        let ack = Ack { applied: Seq(applied), received, refused };
        first_release(SessionId(1), ack, Some((Seq(seq), &encoded(&changes))))
    })
}

fn place() -> impl Strategy<Value = prop::sample::Index> {
    any::<prop::sample::Index>()
}

fn encoded(changes: &[Change]) -> Vec<u8> {
    let mut writer = Writer::new();
    for change in changes {
        records::put_change(&mut writer, change);
    }
    writer.finish()
}

/// A machine with batches in flight.
fn busy() -> Replica {
    let now = Instant::from_nanos(1);
    let mut replica = Replica::new();
    replica.handle_input(now, Input::SetMode(Mode::Telling));
    replica.handle_input(now, Input::PeerUp(SessionId(1)));
    let part =
        Snapshot { generation: 1, records: (0..900).map(established).collect(), last: true, of: 0 };
    replica.handle_input(now, Input::Snapshot(part));
    while replica.poll_output().is_some() {}
    replica
}

fn feed(replica: &mut Replica, now: u64, bytes: &[u8]) -> Result<(), TestCaseError> {
    replica.handle_input(Instant::from_nanos(now), Input::Message(bytes));
    let mut outputs = 0;
    while let Some(output) = replica.poll_output() {
        outputs += 1;
        if let Output::Send(bytes) = output {
            prop_assert!(bytes.len() <= MAX_MESSAGE);
        }
    }
    prop_assert!(outputs <= MAX_OUTPUTS);
    prop_assert!(replica.status(Instant::from_nanos(now)).in_flight <= 64);
    Ok(())
}

/// A message as this release says it.
fn said(ack: Ack, batch: Option<(Seq, &[u8])>) -> Vec<u8> {
    let (session, speaks) = (SessionId(0xa1b2), Some(Speaks::OURS));
    let standing = Standing::Whole;
    let statement = Some(Statement { number: 4, standing, asks: true, heard: 2 });
    let head = Head { session, ack, speaks, statement };
    codec::encode(&head, batch)
}

#[test]
fn a_full_batch_just_fits() {
    assert_eq!(FULL_BATCH, 41);
    let records = encoded(&vec![Change::Upsert(established(1)); FULL_BATCH]);
    assert_eq!(records.len(), FULL_BATCH * MAX_RECORD);
    let bytes = said(Ack::default(), Some((Seq(1), &records)));
    assert!(bytes.len() <= MAX_MESSAGE && bytes.len() + MAX_RECORD > MAX_MESSAGE);
    assert!(records.len() <= MAX_RECORDS);
    let longest = said(Ack::default(), Some((Seq(1), &[0; MAX_RECORDS])));
    assert_eq!(longest.len(), MAX_MESSAGE);
}

const DOCUMENT: &str = include_str!("../../../../../docs/protocol/replication.md");

#[test]
fn the_octets_of_messages_are_those_of_the_document() {
    let ack = Ack { applied: Seq(5), received: 0b10, refused: 3 };
    assert_shown(DOCUMENT, "acknowledgement", &said(ack, None));
    let changes = [Change::DumpBegins, Change::Upsert(established(1)), Change::DumpEnds];
    let (first, dump) = (first_release, encoded(&changes));
    let batch = Some((Seq(9), dump.as_slice()));
    assert_shown(DOCUMENT, "first release", &first(SessionId(0xa1b2), ack, batch));
    assert_shown(DOCUMENT, "message", &said(ack, batch));
}

#[test]
fn the_octets_of_records_are_those_of_the_document() {
    let fingerprint = Fingerprint::of(&established(1));
    let bucket = fingerprint.bucket();
    let digests = vec![(bucket, Digest(fingerprint.0)), (bucket.next(), Digest::default())];
    let shown = [
        ("upsert", Change::Upsert(established(1))),
        ("remove", Change::Remove(established(1).key)),
        ("dump begins", Change::DumpBegins),
        ("dump ends", Change::DumpEnds),
        ("surplus", Change::Surplus(fingerprint)),
        ("digests", Change::Digests(digests)),
    ];
    for (name, change) in shown {
        let octets = encoded(std::slice::from_ref(&change));
        assert_shown(DOCUMENT, name, &octets);
        let found = records::take_records(Reader::new(&octets)).unwrap();
        assert_eq!((found.changes, found.bad, found.skipped), (vec![change], 0, 0));
    }
}

#[test]
fn a_listing_goes_there_as_it_is() {
    let from = Fingerprint::of(&established(1)).bucket().first();
    let held: Vec<_> = (1..=160).map(|step| Fingerprint(from.0 + step)).collect();
    let listing = Listing { from, to: from.bucket().last(), held };
    let head = Head {
        session: SessionId(1),
        ack: Ack::default(),
        speaks: Some(Speaks::OURS),
        statement: Some(Statement::default()),
    };
    let bytes = codec::encode_listing(&head, &listing);
    assert!(bytes.len() <= MAX_MESSAGE);
    let message = codec::decode(&bytes).unwrap();
    assert_eq!((message.listing, message.head), (Some(listing), head));
    assert!(message.batch.is_none());
    assert!(codec::decode(&bytes[..bytes.len() - 1]).is_err());
}

#[test]
fn unknown_fields_and_records_and_longer_records_are_skipped() {
    let mut records = Writer::new();
    records.field(99, |w| {
        w.u64(1);
    });
    let known = encoded(&[Change::Upsert(established(1))]);
    records.field(1, |w| {
        w.bytes(&known[4..]).u32(0xffff_ffff);
    });
    let mut bytes = first_release(SessionId(1), Ack::default(), Some((Seq(1), &records.finish())));
    let mut extra = Writer::new();
    extra.field(4_711, |w| {
        w.u8(1);
    });
    bytes.extend(extra.finish());
    let (_, records) = codec::decode(&bytes).unwrap().batch.unwrap();
    let records = records::take_records(records).unwrap();
    let known = (vec![Change::Upsert(established(1))], 0, 1);
    assert_eq!((records.changes, records.bad, records.skipped), known);
}

#[test]
fn a_message_with_two_batches_or_no_acknowledgement_is_malformed() {
    let ack = first_release(SessionId(1), Ack::default(), None);
    let both = first_release(SessionId(1), Ack::default(), Some((Seq(1), &[])));
    let batch = &both[ack.len()..];
    assert!(codec::decode(batch).is_err());
    assert!(codec::decode(&[both.as_slice(), batch].concat()).is_err());
    assert!(codec::decode(&both).is_ok());
}

proptest! {
    #[test]
    fn changes_round_trip(
        changes in prop::collection::vec(change(), 0..41),
        seq: u64,
        session: u64,
    ) {
        let ack = Ack { applied: Seq(seq), received: session, refused: 7 };
        let records = encoded(&changes);
        let bytes = first_release(SessionId(session), ack, Some((Seq(seq), &records)));
        let message = codec::decode(&bytes).unwrap();
        prop_assert_eq!((message.head.session, message.head.ack), (SessionId(session), ack));
        let (found, records) = message.batch.unwrap();
        prop_assert_eq!(found, Seq(seq));
        prop_assert_eq!(records::take_records(records).unwrap().changes, changes);
    }

    #[test]
    fn any_octets_leave_the_machine_standing(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..20),
    ) {
        let mut replica = busy();
        for (now, bytes) in (2..).zip(&messages) {
            feed(&mut replica, now, bytes)?;
        }
    }

    #[test]
    fn damaged_and_lying_messages_leave_the_machine_standing(
        messages in prop::collection::vec((message(), place(), any::<u8>()), 1..40),
        step in 0_u64..5_000_000,
    ) {
        let mut replica = busy();
        for (count, (mut bytes, place, value)) in (1..).zip(messages) {
            if value & 1 == 1 {
                let place = place.index(bytes.len());
                bytes[place] ^= value;
            }
            if value & 0x82 == 0x82 {
                bytes.truncate(place.index(bytes.len()));
            }
            feed(&mut replica, count * step, &bytes)?;
            let change = Captured::Upsert(established(u32::from(value)));
            replica.handle_input(Instant::from_nanos(count * step), Input::Captured(&[change]));
            while replica.poll_output().is_some() {}
        }
    }
}
