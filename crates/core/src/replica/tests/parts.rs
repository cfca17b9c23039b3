//! Single rules, one test each.

use std::time::Duration;

use hitless_model::tcp::seen;
use hitless_model::{ConnRecord, Instant};

use super::world::{ESTABLISHED, established, first_release, key, record};
use crate::machine::Machine;
use crate::node::{BatchId, Captured, Change, Snapshot, TableJob};
use crate::replica::codec::{self, Ack, Head, Seq};
use crate::replica::queue::Queue;
use crate::replica::records;
use crate::replica::speaks::{Speaks, Takes};
use crate::replica::{Event, Input, Mode, Output, Rejected, Replica, Sending, SessionId, Timer};
use crate::wire::Writer;

const SESSION: SessionId = SessionId(77);

fn at(millis: u64) -> Instant {
    Instant::from_nanos((1_000 + millis) * 1_000_000)
}

fn drain(replica: &mut Replica) -> Vec<Output> {
    std::iter::from_fn(|| replica.poll_output()).collect()
}

fn give(replica: &mut Replica, now: Instant, input: Input<'_>) -> Vec<Output> {
    replica.handle_input(now, input);
    drain(replica)
}

/// The batches among outputs, decoded.
fn batches(outputs: &[Output]) -> Vec<(u64, Vec<Change>)> {
    let decode = |output: &Output| {
        let Output::Send(bytes) = output else { return None };
        let (seq, records) = codec::decode(bytes).unwrap().batch?;
        Some((seq.0, records::take_records(records).unwrap().changes))
    };
    outputs.iter().filter_map(decode).collect()
}

fn told(outputs: &[Output]) -> Vec<Change> {
    batches(outputs).into_iter().flat_map(|(_, changes)| changes).collect()
}

fn message(applied: u64, received: u64, batch: Option<(u64, &[Change])>) -> Vec<u8> {
    let mut writer = Writer::new();
    for change in batch.iter().flat_map(|(_, changes)| changes.iter()) {
        records::put_change(&mut writer, change);
    }
    let records = writer.finish();
    let ack = Ack { applied: Seq(applied), received, refused: 0 };
    first_release(SESSION, ack, batch.map(|(seq, _)| (Seq(seq), records.as_slice())))
}

/// A machine that tells, with an empty table that the peer has.
fn teller() -> Replica {
    let mut replica = Replica::new();
    replica.handle_input(at(0), Input::SetMode(Mode::Telling));
    let outputs = give(&mut replica, at(0), Input::PeerUp(SESSION));
    assert!(outputs.contains(&Output::Table(TableJob::Dump { generation: 1, embryonic: false })));
    assert_eq!(told(&outputs), [Change::DumpBegins]);
    let empty = Snapshot { generation: 1, records: Vec::new(), last: true, of: 0 };
    let outputs = give(&mut replica, at(0), Input::Snapshot(empty));
    assert_eq!(told(&outputs), [Change::DumpEnds]);
    let outputs = give(&mut replica, at(1), Input::Message(&message(2, 0, None)));
    assert_eq!(outputs, [Output::InStep(true)]);
    replica
}

fn dumping(records: &[ConnRecord]) -> Replica {
    let mut replica = teller();
    let outputs = give(&mut replica, at(1), Input::CapturesLost);
    assert!(outputs.contains(&Output::Table(TableJob::Dump { generation: 2, embryonic: false })));
    assert!(outputs.contains(&Output::InStep(false)));
    let part = Snapshot { generation: 2, records: records.to_vec(), last: false, of: 0 };
    replica.handle_input(at(1), Input::Snapshot(part));
    replica
}

#[test]
fn an_established_connection_leaves_in_the_call_that_captured_it() {
    let mut replica = teller();
    let outputs = give(&mut replica, at(5), Input::Captured(&[Captured::Upsert(established(1))]));
    assert_eq!(told(&outputs), [Change::Upsert(established(1))]);
    assert_eq!(replica.status(at(5)).at_risk, 1);
}

#[test]
fn what_becomes_of_known_connections_leaves_with_a_new_one_or_after_a_while() {
    let mut replica = teller();
    let changes = [Captured::Remove(key(1)), Captured::Upsert(closing(2))];
    assert_eq!(give(&mut replica, at(5), Input::Captured(&changes)), []);
    let outputs = give(&mut replica, at(6), Input::Captured(&[Captured::Upsert(established(3))]));
    let told_first = [Change::Upsert(established(3)), Change::Remove(key(1))];
    assert_eq!(told(&outputs)[..2], told_first);
    assert_eq!(told(&outputs).len(), 3);

    give(&mut replica, at(7), Input::Message(&message(3, 0, None)));
    give(&mut replica, at(7), Input::Captured(&[Captured::Remove(key(3))]));
    let deadline = replica.next_deadline().unwrap();
    assert_eq!((deadline.at, deadline.why), (at(11), Timer::Tell));
    replica.handle_deadline(at(11));
    assert_eq!(told(&drain(&mut replica)), [Change::Remove(key(3))]);
    assert!(replica.next_deadline().unwrap().at > at(11));
}

#[test]
fn what_fills_a_batch_does_not_wait_and_who_drains_waits_for_nothing() {
    let mut replica = teller();
    let full = u32::try_from(codec::FULL_BATCH).unwrap();
    let removals: Vec<_> = (0..full).map(|number| Captured::Remove(key(number))).collect();
    let outputs = give(&mut replica, at(5), Input::Captured(&removals));
    assert_eq!(told(&outputs).len(), removals.len());

    replica.handle_input(at(6), Input::Captured(&[Captured::Remove(key(100))]));
    drain(&mut replica);
    let outputs = give(&mut replica, at(6), Input::SetMode(Mode::Draining));
    assert_eq!(told(&outputs), [Change::Remove(key(100))]);
    let outputs = give(&mut replica, at(6), Input::Captured(&[Captured::Upsert(closing(3))]));
    assert_eq!(told(&outputs), [Change::Upsert(closing(3))]);
}

#[test]
fn a_connection_that_half_closes_before_it_was_told_is_still_a_new_one() {
    let mut queue = Queue::default();
    queue.push(at(0), &Captured::Upsert(established(1))).unwrap();
    let half = record(1, 101, ESTABLISHED | seen::FIN_CLIENT);
    queue.push(at(1), &Captured::Upsert(half)).unwrap();
    assert!(queue.has_fresh() && queue.oldest_later().is_none());
    queue.push(at(2), &Captured::Upsert(closing(1))).unwrap();
    assert!(!queue.has_fresh());
    assert_eq!((queue.len(), queue.oldest_later()), (1, Some(at(2))));
}

fn closing(number: u32) -> ConnRecord {
    record(number, 101, ESTABLISHED | seen::FIN_CLIENT | seen::FIN_REAL)
}

#[test]
fn a_received_batch_stays_at_risk_until_it_is_applied() {
    let mut replica = teller();
    replica.handle_input(at(5), Input::Captured(&[Captured::Upsert(established(1))]));
    replica.handle_input(at(6), Input::Message(&message(2, 0b1, None)));
    assert_eq!(replica.status(at(6)).at_risk, 1);
    replica.handle_input(at(7), Input::Message(&message(3, 0, None)));
    assert_eq!(replica.status(at(7)).at_risk, 0);
}

#[test]
fn a_batch_is_acknowledged_as_applied_only_when_the_table_has_it() {
    let mut replica = Replica::new();
    replica.handle_input(at(0), Input::PeerUp(SESSION));
    let upsert = [Change::Upsert(established(1))];
    let outputs = give(&mut replica, at(0), Input::Message(&message(0, 0, Some((1, &upsert)))));
    let apply = TableJob::Apply { batch: BatchId(1), changes: upsert.to_vec() };
    assert_eq!(outputs, [Output::Table(apply)]);
    replica.handle_deadline(at(2));
    let acks = acks(&drain(&mut replica));
    assert_eq!(acks, [Ack { applied: Seq(0), received: 1, refused: 0 }]);
    let applied = Input::Applied { batch: BatchId(1), refused: 4 };
    assert_eq!(give(&mut replica, at(3), applied), [], "the word may wait for more");
    assert_eq!(replica.next_deadline().unwrap().at, at(5));
    replica.handle_deadline(at(5));
    let acks = self::acks(&drain(&mut replica));
    assert_eq!(acks, [Ack { applied: Seq(1), received: 0, refused: 4 }]);
}

#[test]
fn one_word_acknowledges_many_batches_and_the_eighth_does_not_wait() {
    let mut replica = Replica::new();
    replica.handle_input(at(0), Input::PeerUp(SESSION));
    let mut said = Vec::new();
    for seq in 1..=17 {
        let upsert = [Change::Upsert(established(1))];
        let bytes = message(0, 0, Some((seq, &upsert)));
        assert_eq!(acks(&give(&mut replica, at(0), Input::Message(&bytes))), []);
        let applied = Input::Applied { batch: BatchId(seq), refused: 0 };
        said.extend(acks(&give(&mut replica, at(0), applied)).iter().map(|ack| ack.applied));
    }
    assert_eq!(said, [Seq(8), Seq(16)]);
    assert_eq!(replica.next_deadline().unwrap().at, at(2), "the last one does not wait for ever");
}

fn acks(outputs: &[Output]) -> Vec<Ack> {
    let ack = |output: &Output| match output {
        Output::Send(bytes) => Some(codec::decode(bytes).unwrap().head.ack),
        Output::Table(_) | Output::InStep(_) | Output::Event(_) => None,
    };
    outputs.iter().filter_map(ack).collect()
}

#[test]
fn batches_are_applied_in_order_however_they_come() {
    let mut replica = Replica::new();
    replica.handle_input(at(0), Input::PeerUp(SESSION));
    for seq in [3, 2, 2, 4, 64] {
        let remove = [Change::Remove(key(seq))];
        let bytes = message(0, 0, Some((u64::from(seq), &remove)));
        let outputs = give(&mut replica, at(0), Input::Message(&bytes));
        assert!(matches!(outputs[..], [Output::Send(_)]), "only an acknowledgement");
    }
    let bytes = message(0, 0, Some((1, &[Change::Remove(key(1))])));
    let outputs = give(&mut replica, at(0), Input::Message(&bytes));
    let applied = outputs.iter().filter_map(|output| match output {
        Output::Table(TableJob::Apply { changes, .. }) => Some(changes[0].clone()),
        Output::Table(_) | Output::Send(_) | Output::InStep(_) | Output::Event(_) => None,
    });
    let expected: Vec<_> = (1..=4).map(|number| Change::Remove(key(number))).collect();
    assert_eq!(applied.collect::<Vec<_>>(), expected);
    assert_eq!(replica.status(at(0)).duplicates, 1);
}

#[test]
fn what_was_not_acknowledged_is_sent_again_ever_more_slowly() {
    let mut replica = teller();
    replica.handle_input(at(5), Input::Captured(&[Captured::Upsert(established(1))]));
    drain(&mut replica);
    let mut waits = Vec::new();
    let mut now = at(5);
    for _ in 0..12 {
        let deadline = loop {
            let deadline = replica.next_deadline().unwrap();
            replica.handle_deadline(deadline.at);
            let outputs = drain(&mut replica);
            if !batches(&outputs).is_empty() {
                assert_eq!(told(&outputs), [Change::Upsert(established(1))]);
                break deadline;
            }
        };
        waits.push(deadline.at.saturating_since(now));
        now = deadline.at;
    }
    assert!(waits[0] >= Duration::from_millis(5) && waits[0] < Duration::from_millis(50));
    assert!(waits.is_sorted(), "{waits:?}");
    assert_eq!(waits.last(), Some(&Duration::from_millis(500)));
}

#[test]
fn a_gap_is_filled_without_waiting_for_a_timeout() {
    let mut replica = teller();
    for number in 0..4 {
        replica.handle_input(at(5), Input::Captured(&[Captured::Upsert(established(number))]));
    }
    drain(&mut replica);
    // Batches 3-6 are in flight; 3 is missing at the peer.
    let outputs = give(&mut replica, at(9), Input::Message(&message(2, 0b1110, None)));
    assert_eq!(batches(&outputs), [(3, vec![Change::Upsert(established(0))])]);
}

#[test]
fn many_changes_in_flight_make_the_next_ones_share_a_batch() {
    let mut replica = teller();
    for number in 0..30 {
        replica.handle_input(at(5), Input::Captured(&[Captured::Upsert(established(number))]));
    }
    assert_eq!(batches(&drain(&mut replica)).len(), 16);
    let outputs = give(&mut replica, at(6), Input::Message(&message(3, 0, None)));
    let rest: Vec<_> = (16..30).map(|number| Change::Upsert(established(number))).collect();
    assert_eq!(batches(&outputs), [(19, rest)]);
}

#[test]
fn the_window_shrinks_once_for_a_burst_of_losses_and_widens_once_for_each_arrival() {
    let mut replica = teller();
    assert_eq!(replica.status(at(1)).window, 34, "32 and two arrivals");
    for number in 0..10 {
        replica.handle_input(at(5), Input::Captured(&[Captured::Upsert(established(number))]));
    }
    replica.handle_deadline(at(100));
    assert_eq!(replica.status(at(100)).window, 17);
    let round_trip = replica.status(at(100)).round_trip;
    for _ in 0..3 {
        replica.handle_input(at(200), Input::Message(&message(2, 0b11, None)));
    }
    let status = replica.status(at(200));
    assert_eq!((status.window, status.retransmissions), (17 + 2, 10 + 8));
    assert_eq!(status.round_trip, round_trip, "which transmission was answered, nobody knows");
    replica.handle_input(at(201), Input::Message(&message(12, 0, None)));
    assert_eq!(replica.status(at(201)).window, 17 + 10);
}

#[test]
fn the_newest_change_of_a_connection_is_the_one_told() {
    let mut replica = teller();
    replica.handle_input(at(5), Input::SetSending(Sending::Paused));
    let closing = record(1, 101, ESTABLISHED | seen::FIN_CLIENT);
    let changes = [
        Captured::Upsert(established(1)),
        Captured::Upsert(established(2)),
        Captured::Upsert(closing),
        Captured::Remove(key(2)),
    ];
    assert_eq!(give(&mut replica, at(5), Input::Captured(&changes)), []);
    assert_eq!((replica.status(at(5)).queued, replica.status(at(5)).at_risk), (2, 1));
    let outputs = give(&mut replica, at(6), Input::SetSending(Sending::Open));
    let expected = [Change::Upsert(closing), Change::Remove(key(2))];
    assert_eq!(told(&outputs), expected, "and no dump");
}

#[test]
fn fresh_connections_are_told_before_everything_else() {
    let mut queue = Queue::default();
    queue.push(at(0), &Captured::Remove(key(1))).unwrap();
    queue.push(at(1), &Captured::Upsert(record(2, 101, seen::REAL_ANSWERED))).unwrap();
    queue.push(at(2), &Captured::Upsert(established(3))).unwrap();
    queue.push(at(3), &Captured::Upsert(established(4))).unwrap();
    queue.push(at(4), &Captured::Remove(key(3))).unwrap();
    assert_eq!((queue.len(), queue.upserts(), queue.oldest()), (4, 2, Some(at(0))));
    let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|popped| popped.change).collect();
    let expected = [
        Change::Upsert(established(4)),
        Change::Remove(key(1)),
        Change::Upsert(record(2, 101, seen::REAL_ANSWERED)),
        Change::Remove(key(3)),
    ];
    assert_eq!(order, expected);
    assert_eq!((queue.len(), queue.upserts(), queue.oldest()), (0, 0, None));
}

#[test]
fn a_removal_strikes_its_connection_out_of_a_part_that_waits() {
    let mut replica = dumping(&[]);
    replica.handle_input(at(1), Input::SetSending(Sending::Paused));
    let part = Snapshot {
        generation: 2,
        records: vec![established(1), established(2)],
        last: true,
        of: 0,
    };
    replica.handle_input(at(1), Input::Snapshot(part));
    replica.handle_input(at(1), Input::Captured(&[Captured::Remove(key(1))]));
    drain(&mut replica);
    let outputs = give(&mut replica, at(2), Input::SetSending(Sending::Open));
    assert_eq!(told(&outputs[..1]), [Change::DumpBegins], "which was on its way");
    let expected = [Change::Remove(key(1)), Change::Upsert(established(2)), Change::DumpEnds];
    assert_eq!(told(&outputs[1..]), expected);
}

#[test]
fn a_removal_strikes_its_connection_out_of_a_part_on_its_way() {
    let mut replica = dumping(&[established(9)]);
    let asked = drain(&mut replica);
    assert!(asked.contains(&Output::Table(TableJob::DumpMore { generation: 2 })));
    let outputs = give(&mut replica, at(1), Input::Captured(&[Captured::Remove(key(1))]));
    assert_eq!(told(&outputs), [], "it waits for company");
    let stale = Snapshot {
        generation: 2,
        records: vec![established(1), established(2)],
        last: true,
        of: 0,
    };
    let outputs = give(&mut replica, at(2), Input::Snapshot(stale));
    let expected = [Change::Remove(key(1)), Change::Upsert(established(2)), Change::DumpEnds];
    assert_eq!(told(&outputs), expected);
}

#[test]
fn a_dump_during_which_captures_were_lost_never_ends_but_another_begins() {
    let mut replica = dumping(&[established(9)]);
    drain(&mut replica);
    replica.handle_input(at(1), Input::CapturesLost);
    assert_eq!(drain(&mut replica), [], "this pass goes on");
    let last = Snapshot { generation: 2, records: vec![established(2)], last: true, of: 0 };
    let outputs = give(&mut replica, at(2), Input::Snapshot(last));
    assert_eq!(told(&outputs), [Change::Upsert(established(2)), Change::DumpBegins]);
    assert!(outputs.contains(&Output::Table(TableJob::Dump { generation: 3, embryonic: false })));
}

#[test]
fn what_waited_before_a_dump_is_not_told_after_it_was_removed() {
    let mut replica = teller();
    replica.handle_input(at(3), Input::PeerDown);
    replica.handle_input(at(3), Input::Captured(&[Captured::Upsert(established(1))]));
    replica.handle_input(at(3), Input::CapturesLost);
    replica.handle_input(at(3), Input::Captured(&[Captured::Remove(key(1))]));
    drain(&mut replica);
    let outputs = give(&mut replica, at(4), Input::PeerUp(SESSION));
    assert_eq!(told(&outputs), [Change::DumpBegins], "the dump reads a table without it");
}

#[test]
fn parts_of_an_older_dump_are_ignored() {
    let mut replica = dumping(&[]);
    drain(&mut replica);
    let old = Snapshot { generation: 1, records: vec![established(1)], last: true, of: 0 };
    assert_eq!(give(&mut replica, at(2), Input::Snapshot(old)), []);
}

#[test]
fn the_next_part_is_asked_for_only_when_little_is_left() {
    let many: Vec<_> = (0..20_000).map(established).collect();
    let mut replica = dumping(&many);
    let outputs = drain(&mut replica);
    assert!(!outputs.iter().any(|output| matches!(output, Output::Table(_))));
    assert!(replica.status(at(1)).in_flight <= 64);
}

#[test]
fn draining_from_in_step_tells_the_embryonic_connections_and_nothing_twice() {
    let mut replica = teller();
    let outputs = give(&mut replica, at(3), Input::SetMode(Mode::Draining));
    assert_eq!(outputs, [Output::Table(TableJob::Dump { generation: 2, embryonic: true })]);
    let embryonic = record(2, 101, seen::REAL_ANSWERED);
    let records = vec![established(1), embryonic];
    let part = Snapshot { generation: 2, records, last: true, of: 0 };
    let outputs = give(&mut replica, at(3), Input::Snapshot(part));
    assert_eq!(told(&outputs), [Change::Upsert(embryonic)]);
    assert!(!replica.is_drained());
    replica.handle_input(at(4), Input::Message(&message(3, 0, None)));
    assert!(replica.is_drained() && replica.in_step());
}

#[test]
fn a_change_captured_while_the_supplement_was_on_its_way_keeps_from_being_drained() {
    let mut replica = teller();
    replica.handle_input(at(3), Input::SetMode(Mode::Draining));
    let records = vec![record(2, 101, seen::REAL_ANSWERED)];
    replica.handle_input(
        at(3),
        Input::Snapshot(Snapshot { generation: 2, records, last: true, of: 0 }),
    );
    replica.handle_input(at(4), Input::Captured(&[Captured::Upsert(established(1))]));
    replica.handle_input(at(5), Input::Message(&message(3, 0, None)));
    assert!(!replica.is_drained());
    replica.handle_input(at(6), Input::Captured(&[Captured::Upsert(established(2))]));
    replica.handle_input(at(7), Input::Message(&message(4, 0, None)));
    assert!(replica.is_drained(), "what came later is told, not waited for");
}

#[test]
fn a_box_that_handed_over_tells_what_it_captured_before_and_nothing_else() {
    let mut replica = teller();
    replica.handle_input(at(3), Input::SetMode(Mode::Draining));
    replica.handle_input(at(3), Input::SetMode(Mode::Silent));
    assert!(drain(&mut replica).contains(&Output::InStep(false)));
    let changes = [Captured::Upsert(established(1)), Captured::Remove(key(2))];
    let outputs = give(&mut replica, at(4), Input::Captured(&changes));
    assert_eq!(told(&outputs), [Change::Upsert(established(1))], "late by the ring");
    replica.handle_input(at(5), Input::Message(&message(3, 0, None)));
    assert_eq!(give(&mut replica, at(200), Input::Captured(&changes)), []);
    assert_eq!(give(&mut replica, at(200), Input::CapturesLost), []);
}

#[test]
fn a_box_whose_reign_ended_without_a_handover_waits_and_goes_on_where_it_stopped() {
    let mut replica = teller();
    replica.handle_input(at(3), Input::SetMode(Mode::Silent));
    drain(&mut replica);
    let changes = [Captured::Upsert(established(1)), Captured::Remove(key(2))];
    assert_eq!(told(&give(&mut replica, at(4), Input::Captured(&changes))), []);
    let outputs = give(&mut replica, at(5), Input::SetMode(Mode::Telling));
    assert_eq!(told(&outputs), [Change::Upsert(established(1)), Change::Remove(key(2))]);
    assert!(replica.in_step(), "nothing else happened meanwhile");
}

#[test]
fn a_box_whose_reign_ended_keeps_its_last_words_to_itself_once_the_peer_tells() {
    let mut replica = teller();
    replica.handle_input(at(3), Input::SetMode(Mode::Silent));
    drain(&mut replica);
    replica.handle_input(at(4), Input::Captured(&[Captured::Upsert(established(1))]));
    let word = [Change::Upsert(established(3))];
    replica.handle_input(at(5), Input::Message(&message(2, 0, Some((1, &word)))));
    drain(&mut replica);
    let outputs = give(&mut replica, at(6), Input::SetMode(Mode::Telling));
    let dump = Output::Table(TableJob::Dump { generation: 2, embryonic: false });
    assert!(outputs.contains(&dump), "the tables are not known to be equal: {outputs:?}");
    assert!(!told(&outputs).contains(&Change::Upsert(established(1))));
}

#[test]
fn numbers_whose_words_gave_way_are_told_empty_at_once() {
    let mut replica = teller();
    for number in 1..=2 {
        let change = [Captured::Upsert(established(number))];
        drain(&mut replica);
        replica.handle_input(at(3), Input::Captured(&change));
    }
    replica.handle_input(at(3), Input::SetMode(Mode::Silent));
    drain(&mut replica);
    let word = [Change::Upsert(established(3))];
    // Batch 4 arrived, and waits at the peer for batch 3.
    let outputs = give(&mut replica, at(4), Input::Message(&message(2, 0b10, Some((1, &word)))));
    assert_eq!(batches(&outputs), [(3, vec![])], "without waiting for a timeout: {outputs:?}");
}

#[test]
fn when_roles_swap_after_a_full_dump_nobody_dumps() {
    let mut old = teller();
    assert!(!old.peer_complete());
    old.handle_input(at(3), Input::SetMode(Mode::Silent));
    assert!(old.peer_complete(), "the peer has it all and tells its changes");
    drain(&mut old);
    let outputs = give(&mut old, at(4), Input::SetMode(Mode::Telling));
    assert_eq!(outputs, [Output::InStep(true)]);
}

#[test]
fn a_change_that_is_not_acknowledged_in_time_ends_being_in_step_until_it_is() {
    let mut replica = teller();
    replica.handle_input(at(10), Input::Captured(&[Captured::Upsert(established(1))]));
    drain(&mut replica);
    let mut in_step_until = None;
    while in_step_until.is_none() {
        let deadline = replica.next_deadline().unwrap();
        replica.handle_deadline(deadline.at);
        if drain(&mut replica).contains(&Output::InStep(false)) {
            in_step_until = Some(deadline.at);
        }
    }
    assert_eq!(in_step_until, Some(at(260)));
    let outputs = give(&mut replica, at(300), Input::Message(&message(3, 0, None)));
    assert_eq!(outputs, [Output::InStep(true)]);
}

#[test]
fn a_new_session_begins_with_a_dump_and_the_first_number() {
    let mut replica = teller();
    replica.handle_input(at(2), Input::Captured(&[Captured::Upsert(established(1))]));
    replica.handle_input(at(3), Input::PeerDown);
    drain(&mut replica);
    assert!(!replica.in_step());
    let outputs = give(&mut replica, at(4), Input::PeerUp(SessionId(78)));
    assert_eq!(batches(&outputs), [(1, vec![Change::DumpBegins])]);
    assert!(outputs.contains(&Output::Table(TableJob::Dump { generation: 2, embryonic: false })));
}

#[test]
fn a_session_that_comes_back_goes_on_where_it_stopped() {
    let mut replica = teller();
    replica.handle_input(at(3), Input::PeerDown);
    drain(&mut replica);
    let captured = [Captured::Upsert(established(1))];
    assert_eq!(give(&mut replica, at(4), Input::Captured(&captured)), []);
    let outputs = give(&mut replica, at(5), Input::PeerUp(SESSION));
    assert_eq!(batches(&outputs), [(3, vec![Change::Upsert(established(1))])]);
    assert!(replica.in_step());
}

#[test]
fn what_an_older_session_applied_acknowledges_nothing() {
    let mut replica = Replica::new();
    replica.handle_input(at(0), Input::PeerUp(SESSION));
    let begins = [Change::DumpBegins, Change::DumpEnds];
    replica.handle_input(at(0), Input::Message(&message(0, 0, Some((1, &begins)))));
    replica.handle_input(at(1), Input::PeerUp(SessionId(78)));
    let mut writer = Writer::new();
    records::put_change(&mut writer, &Change::Remove(key(1)));
    let batch = Some((Seq(1), writer.finish()));
    let batch = batch.as_ref().map(|(seq, records)| (*seq, records.as_slice()));
    let bytes = first_release(SessionId(78), Ack::default(), batch);
    replica.handle_input(at(1), Input::Message(&bytes));
    drain(&mut replica);
    let outputs = give(&mut replica, at(1), Input::Applied { batch: BatchId(1), refused: 0 });
    assert_eq!((outputs, replica.peer_complete()), (vec![], false));
    give(&mut replica, at(1), Input::Applied { batch: BatchId(2), refused: 0 });
    replica.handle_deadline(at(3));
    assert_eq!(acks(&drain(&mut replica))[0].applied, Seq(1));
}

#[test]
fn the_peers_dump_is_complete_when_its_end_is_applied() {
    let mut replica = Replica::new();
    replica.handle_input(at(0), Input::PeerUp(SESSION));
    let end_alone = message(0, 0, Some((1, &[Change::DumpEnds])));
    replica.handle_input(at(0), Input::Message(&end_alone));
    replica.handle_input(at(0), Input::Applied { batch: BatchId(1), refused: 0 });
    assert!(!replica.peer_complete(), "an end without a beginning is none");
    let whole = [Change::DumpBegins, Change::Upsert(established(1)), Change::DumpEnds];
    replica.handle_input(at(0), Input::Message(&message(0, 0, Some((2, &whole)))));
    assert!(!replica.peer_complete());
    replica.handle_input(at(0), Input::Applied { batch: BatchId(2), refused: 0 });
    assert!(replica.peer_complete());
    replica.handle_input(at(0), Input::Message(&message(0, 0, Some((3, &whole[..1])))));
    assert!(!replica.peer_complete(), "the next one has begun");
}

#[test]
fn nothing_leaves_while_sending_is_paused() {
    let mut replica = teller();
    replica.handle_input(at(2), Input::Captured(&[Captured::Upsert(established(1))]));
    replica.handle_input(at(2), Input::SetSending(Sending::Paused));
    let remove = [Change::Remove(key(1))];
    replica.handle_input(at(2), Input::Message(&message(2, 0, Some((1, &remove)))));
    drain(&mut replica);
    replica.handle_deadline(at(100));
    assert_eq!(drain(&mut replica), []);
    let late = replica.next_deadline().unwrap();
    replica.handle_deadline(late.at);
    assert_eq!(drain(&mut replica), [Output::InStep(false)]);
    assert_eq!(replica.next_deadline(), None);
}

/// An acknowledgement of a box that speaks these versions.
fn of_versions(oldest: u8, newest: u8) -> Vec<u8> {
    let speaks = Speaks { oldest, newest, takes: Takes::NONE };
    let ack = Ack { applied: Seq(2), ..Ack::default() };
    codec::encode(&Head { session: SESSION, ack, speaks: Some(speaks), statement: None }, None)
}

#[test]
fn the_boxes_speak_the_newest_version_that_both_know() {
    let mut replica = teller();
    assert_eq!(
        replica.status(at(3)).version,
        Some(1),
        "a release that does not say speaks the first"
    );
    assert_eq!(give(&mut replica, at(3), Input::Message(&of_versions(1, 7))), []);
    assert_eq!(replica.status(at(3)).version, Some(1));
    replica.handle_input(at(4), Input::PeerUp(SessionId(78)));
    assert_eq!(replica.status(at(4)).version, None, "the next session may be with another release");
}

#[test]
fn records_of_unknown_kinds_are_skipped_counted_and_acknowledged() {
    let mut replica = Replica::new();
    replica.handle_input(at(0), Input::PeerUp(SESSION));
    let mut records = Writer::new();
    records.field(4_711, |w| {
        w.u64(1);
    });
    records::put_change(&mut records, &Change::Remove(key(1)));
    let records = records.finish();
    let bytes = first_release(SESSION, Ack::default(), Some((Seq(1), &records)));
    let outputs = give(&mut replica, at(0), Input::Message(&bytes));
    let changes = vec![Change::Remove(key(1))];
    assert_eq!(outputs, [Output::Table(TableJob::Apply { batch: BatchId(1), changes })]);
    assert_eq!(replica.status(at(0)).skipped, 1);
}

#[test]
fn each_reason_for_rejection_has_its_case() {
    let foreign = first_release(SessionId(1), Ack::default(), None);
    let long = [message(2, 0, None), vec![0; 1_380]].concat();
    let ahead = message(2, 0, Some((65, &[])));
    let mut bad_vlan = message(2, 0, Some((1, &[Change::Upsert(established(1))])));
    let length = bad_vlan.len();
    bad_vlan[length - 9..length - 7].copy_from_slice(&4095_u16.to_be_bytes());
    let cases = [
        (foreign, Rejected::ForeignSession),
        (long, Rejected::TooLong),
        (b"garbage".to_vec(), Rejected::Malformed),
        (of_versions(2, 3), Rejected::WrongVersion),
        (message(3, 0, None), Rejected::AckBeyondSent),
        (message(2, 1, None), Rejected::AckBeyondSent),
        (ahead, Rejected::BeyondWindow),
        (bad_vlan, Rejected::BadRecord),
    ];
    for (bytes, reason) in cases {
        let outputs = give(&mut teller(), at(3), Input::Message(&bytes));
        assert!(outputs.contains(&Output::Event(Event::Rejected(reason))), "{reason:?}");
    }
    let outputs = give(&mut Replica::new(), at(3), Input::Message(&message(0, 0, None)));
    assert_eq!(outputs, [Output::Event(Event::Rejected(Rejected::NoSession))]);
}
