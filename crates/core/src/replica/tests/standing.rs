//! Who tells believes the one who receives.

use std::time::Duration;

use hitless_model::Instant;

use super::world::{established, key};
use crate::machine::Machine;
use crate::node::{BatchId, Captured, Change, Snapshot, TableJob};
use crate::replica::codec::{self, Ack, Head, Seq};
use crate::replica::records;
use crate::replica::speaks::Speaks;
use crate::replica::standing::{Standing, Statement};
use crate::replica::{Input, Mode, Output, Replica, Sending, SessionId};
use crate::wire::Writer;

const SESSION: SessionId = SessionId(5);

fn at(millis: u64) -> Instant {
    Instant::from_nanos((1_000 + millis) * 1_000_000)
}

fn give(replica: &mut Replica, now: Instant, input: Input<'_>) -> Vec<Output> {
    replica.handle_input(now, input);
    std::iter::from_fn(|| replica.poll_output()).collect()
}

/// What the peer says: what it applied, a numbered statement, and changes.
fn said(
    applied: u64,
    (number, standing): (u32, Standing),
    batch: Option<(u64, &[Change])>,
) -> Vec<u8> {
    let mut writer = Writer::new();
    for change in batch.iter().flat_map(|(_, changes)| changes.iter()) {
        records::put_change(&mut writer, change);
    }
    let records = writer.finish();
    let statement = Some(Statement { number, standing, asks: false, heard: 0 });
    let ack = Ack { applied: Seq(applied), ..Ack::default() };
    let head = Head { session: SESSION, ack, speaks: Some(Speaks::OURS), statement };
    codec::encode(&head, batch.map(|(seq, _)| (Seq(seq), records.as_slice())))
}

fn statements(outputs: &[Output]) -> Vec<Standing> {
    let statement = |output: &Output| match output {
        Output::Send(bytes) => codec::decode(bytes).unwrap().head.statement,
        Output::Table(_) | Output::InStep(_) | Output::Event(_) => None,
    };
    outputs.iter().filter_map(statement).map(|statement| statement.standing).collect()
}

fn dump(generation: u64) -> Output {
    Output::Table(TableJob::Dump { generation, embryonic: false })
}

/// An active box whose dump of nothing was applied, whatever the peer says of it.
fn told(standing: Standing) -> Replica {
    let mut replica = Replica::new();
    replica.handle_input(at(0), Input::SetMode(Mode::Telling));
    replica.handle_input(at(0), Input::PeerUp(SESSION));
    let part = Snapshot { generation: 1, records: Vec::new(), last: true, of: 0 };
    replica.handle_input(at(0), Input::Snapshot(part));
    replica.handle_input(at(1), Input::Message(&said(2, (1, standing), None)));
    replica
}

#[test]
fn a_dump_that_was_applied_makes_in_step_only_if_the_peer_says_so() {
    assert!(told(Standing::Whole).in_step());
    let mut replica = told(Standing::Partial);
    assert!(!replica.in_step());
    let outputs = give(&mut replica, at(2), Input::CapturesLost);
    assert!(!outputs.contains(&dump(3)), "one is on its way already: {outputs:?}");
}

#[test]
fn a_peer_that_lacks_something_is_told_everything_again() {
    let mut replica = told(Standing::Whole);
    while replica.poll_output().is_some() {}
    let outputs = give(&mut replica, at(3), Input::Message(&said(2, (2, Standing::Partial), None)));
    assert!(outputs.contains(&dump(2)) && outputs.contains(&Output::InStep(false)));
    let late = said(2, (1, Standing::Whole), None);
    replica.handle_input(at(4), Input::Message(&late));
    assert!(!replica.in_step(), "an older word that comes late");
}

#[test]
fn a_dump_that_met_an_active_box_made_nothing_whole() {
    let mut replica = Replica::new();
    replica.handle_input(at(0), Input::SetMode(Mode::Telling));
    replica.handle_input(at(0), Input::PeerUp(SESSION));
    let changes = [Change::DumpBegins, Change::Upsert(established(1)), Change::DumpEnds];
    let word = said(0, (1, Standing::Tells), Some((1, &changes)));
    replica.handle_input(at(1), Input::Message(&word));
    // It yields before its table has the batch.
    replica.handle_input(at(2), Input::SetMode(Mode::Silent));
    let outputs = give(&mut replica, at(3), Input::Applied { batch: BatchId(1), refused: 0 });
    assert!(!replica.peer_complete());
    assert_eq!(
        statements(&outputs).last().copied().unwrap_or(Standing::Partial),
        Standing::Partial
    );
    let again = said(0, (1, Standing::Tells), Some((2, &changes)));
    replica.handle_input(at(4), Input::Message(&again));
    let outputs = give(&mut replica, at(5), Input::Applied { batch: BatchId(2), refused: 0 });
    assert_eq!(
        statements(&outputs).last(),
        Some(&Standing::Whole),
        "one that met a silent box did"
    );
}

#[test]
fn of_two_that_told_each_other_the_one_that_yields_is_not_whole() {
    let mut replica = told(Standing::Whole);
    let word = said(2, (2, Standing::Tells), Some((1, &[Change::Remove(key(1))])));
    replica.handle_input(at(3), Input::Message(&word));
    replica.handle_input(at(3), Input::Applied { batch: BatchId(1), refused: 0 });
    assert!(!replica.in_step(), "nobody mirrors");
    let outputs = give(&mut replica, at(4), Input::SetMode(Mode::Silent));
    assert_eq!(statements(&outputs).last(), Some(&Standing::Partial));
    assert!(!replica.peer_complete());
}

#[test]
fn a_link_that_comes_back_goes_on_where_it_stopped() {
    let mut replica = told(Standing::Whole);
    replica.handle_input(at(2), Input::Captured(&[Captured::Upsert(established(1))]));
    replica.handle_input(at(2), Input::SetSending(Sending::Paused));
    replica.handle_input(at(9), Input::Captured(&[Captured::Upsert(established(2))]));
    while replica.poll_output().is_some() {}
    let outputs = give(&mut replica, at(900), Input::SetSending(Sending::Open));
    let sent = outputs.iter().filter(|output| matches!(output, Output::Send(_))).count();
    assert_eq!(sent, 2, "what was lost and what waited: {outputs:?}");
    assert!(!outputs.iter().any(|output| matches!(output, Output::Table(_))), "{outputs:?}");
    replica.handle_input(at(901), Input::Message(&said(4, (1, Standing::Whole), None)));
    assert!(replica.in_step() && replica.status(at(901)).generation == 1);
}

#[test]
fn after_two_actives_everything_is_told_once_more() {
    let mut replica = told(Standing::Whole);
    replica.handle_input(at(2), Input::SetSending(Sending::Contested));
    while replica.poll_output().is_some() {}
    assert!(give(&mut replica, at(50), Input::SetSending(Sending::Open)).contains(&dump(2)));
}

#[test]
fn a_statement_that_may_be_lost_is_said_again() {
    let mut replica = told(Standing::Whole);
    while replica.poll_output().is_some() {}
    replica.handle_input(at(3), Input::SetMode(Mode::Silent));
    let mut said_at = Vec::new();
    for millis in 3..200 {
        replica.handle_deadline(at(millis));
        let outputs: Vec<_> = std::iter::from_fn(|| replica.poll_output()).collect();
        said_at.extend(statements(&outputs).iter().map(|standing| (millis, *standing)));
    }
    let times: Vec<u64> = said_at.iter().map(|(millis, _)| *millis).collect();
    assert!(said_at.iter().all(|(_, standing)| *standing == Standing::Whole), "{said_at:?}");
    let pause = Duration::from_millis(times[1] - times[0]);
    assert!(times.len() >= 3 && pause == Duration::from_millis(50), "{times:?}");
}
