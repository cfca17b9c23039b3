//! The wire format of replication; `docs/protocol/replication.md` draws it.
//!
//! A message is an acknowledgement of the other direction and at most one batch. A batch is a
//! sequence of records, each a length-prefixed field: unknown ones are skipped, and what a newer
//! release appends to a known one is not looked at.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use hitless_model::{ConnKey, ConnRecord, Protocol, VlanId};

use super::MAX_MESSAGE;
use super::input::SessionId;
use crate::node::Change;
use crate::wire::{CutShort, Reader, Writer};

/// Field of a message: session and acknowledgement.
const FIELD_ACK: u16 = 1;
/// Field of a message: a numbered batch of records.
const FIELD_BATCH: u16 = 2;

/// Record: make or update an IPv4 connection.
const RECORD_UPSERT: u16 = 1;
/// Record: remove an IPv4 connection.
const RECORD_REMOVE: u16 = 2;
/// Record: a full dump begins.
const RECORD_DUMP_BEGINS: u16 = 3;
/// Record: a full dump is complete.
const RECORD_DUMP_ENDS: u16 = 4;

/// Octets of tag and length.
const PREFIX: usize = 4;
/// Octets of an acknowledgement's value: session, applied, received, refused.
const ACK_VALUE: usize = 8 + 8 + 8 + 4;
/// Octets that a batch's records may take: all but the acknowledgement and the sequence number.
pub(super) const MAX_RECORDS: usize = MAX_MESSAGE - (PREFIX + ACK_VALUE) - (PREFIX + 8);
/// Octets of the longest record, an upsert.
pub(super) const MAX_RECORD: usize = PREFIX + 28;
/// Upserts that fill a batch.
pub(super) const FULL_BATCH: usize = MAX_RECORDS / MAX_RECORD;

/// The octets do not add up to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl From<CutShort> for Malformed {
    fn from(CutShort: CutShort) -> Self {
        Self
    }
}

/// Number of a batch within its session and direction; the first is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seq(pub(super) u64);

impl Seq {
    /// The number after this one. A session does not live long enough to overflow it; a hostile
    /// peer that pretends so is stopped at the end of the range.
    pub(super) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// How far ahead of `earlier` this one is, if it is.
    pub(super) const fn ahead_of(self, earlier: Self) -> Option<u64> {
        match self.0.checked_sub(earlier.0) {
            Some(0) | None => None,
            Some(distance) => Some(distance),
        }
    }
}

/// What a receiver has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ack {
    /// Every batch up to this one is in its kernel table.
    pub(super) applied: Seq,
    /// Bit i: it has received batch `applied + 1 + i`.
    pub(super) received: u64,
    /// Records that its table refused in this session.
    pub(super) refused: u32,
}

/// A message taken apart; the records are not decoded yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    /// The session that it belongs to.
    pub(super) session: SessionId,
    /// What the peer has.
    pub(super) ack: Ack,
    /// The batch, if it carries one.
    pub(super) batch: Option<(Seq, Reader<'a>)>,
}

/// The records of a batch.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Records {
    /// The valid ones.
    pub(super) changes: Vec<Change>,
    /// Known ones with impossible values.
    pub(super) bad: u32,
}

/// Builds a message; `records` as written by [`put_change`].
pub(super) fn encode(session: SessionId, ack: Ack, batch: Option<(Seq, &[u8])>) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.field(FIELD_ACK, |w| {
        w.u64(session.0).u64(ack.applied.0).u64(ack.received).u32(ack.refused);
    });
    if let Some((seq, records)) = batch {
        writer.field(FIELD_BATCH, |w| {
            w.u64(seq.0).bytes(records);
        });
    }
    writer.finish()
}

/// Appends one record.
pub(super) fn put_change(writer: &mut Writer, change: &Change) {
    match change {
        Change::Upsert(record) => writer.field(RECORD_UPSERT, |w| put_record(w, record)),
        Change::Remove(key) => writer.field(RECORD_REMOVE, |w| put_key(w, key)),
        Change::DumpBegins => writer.field(RECORD_DUMP_BEGINS, |_| {}),
        Change::DumpEnds => writer.field(RECORD_DUMP_ENDS, |_| {}),
    };
}

fn put_record(w: &mut Writer, record: &ConnRecord) {
    put_key(w, &record.key);
    put_endpoint(w, record.real);
    let idle_ms = u32::try_from(record.idle.as_millis()).unwrap_or(u32::MAX);
    w.u16(record.client_vlan.get()).u16(record.server_vlan.get()).u8(record.seen).u32(idle_ms);
}

fn put_key(w: &mut Writer, key: &ConnKey) {
    w.u8(key.protocol.number());
    put_endpoint(w, key.client);
    put_endpoint(w, key.virtual_server);
}

fn put_endpoint(w: &mut Writer, endpoint: SocketAddrV4) {
    w.bytes(&endpoint.ip().octets()).u16(endpoint.port());
}

/// Takes a message apart. Exactly one acknowledgement, at most one batch.
pub(super) fn decode(bytes: &[u8]) -> Result<Message<'_>, Malformed> {
    let mut reader = Reader::new(bytes);
    let mut ack = None;
    let mut batch = None;
    while !reader.is_empty() {
        let (tag, mut value) = reader.field()?;
        let doubled = match tag {
            FIELD_ACK => ack.replace(take_ack(&mut value)?).is_some(),
            FIELD_BATCH => batch.replace((Seq(value.u64()?), value)).is_some(),
            _ => false,
        };
        if doubled {
            return Err(Malformed);
        }
    }
    let (session, ack) = ack.ok_or(Malformed)?;
    Ok(Message { session, ack, batch })
}

fn take_ack(r: &mut Reader<'_>) -> Result<(SessionId, Ack), CutShort> {
    let session = SessionId(r.u64()?);
    let ack = Ack { applied: Seq(r.u64()?), received: r.u64()?, refused: r.u32()? };
    Ok((session, ack))
}

/// Decodes the records of a batch. Fails only if they do not add up to whole fields.
pub(super) fn take_records(mut reader: Reader<'_>) -> Result<Records, Malformed> {
    let mut records = Records::default();
    while !reader.is_empty() {
        let (tag, mut value) = reader.field()?;
        let change = match tag {
            RECORD_UPSERT => take_record(&mut value).map(Change::Upsert),
            RECORD_REMOVE => take_key(&mut value).map(Change::Remove),
            RECORD_DUMP_BEGINS => Some(Change::DumpBegins),
            RECORD_DUMP_ENDS => Some(Change::DumpEnds),
            _ => continue,
        };
        match change {
            Some(change) => records.changes.push(change),
            None => records.bad = records.bad.saturating_add(1),
        }
    }
    Ok(records)
}

fn take_record(r: &mut Reader<'_>) -> Option<ConnRecord> {
    Some(ConnRecord {
        key: take_key(r)?,
        real: take_endpoint(r)?,
        client_vlan: take_vlan(r)?,
        server_vlan: take_vlan(r)?,
        seen: r.u8().ok()?,
        idle: Duration::from_millis(u64::from(r.u32().ok()?)),
    })
}

fn take_key(r: &mut Reader<'_>) -> Option<ConnKey> {
    let protocol = Protocol::from_number(r.u8().ok()?)?;
    Some(ConnKey { client: take_endpoint(r)?, virtual_server: take_endpoint(r)?, protocol })
}

fn take_endpoint(r: &mut Reader<'_>) -> Option<SocketAddrV4> {
    let ip = Ipv4Addr::from(r.array::<4>().ok()?);
    Some(SocketAddrV4::new(ip, r.u16().ok()?))
}

fn take_vlan(r: &mut Reader<'_>) -> Option<VlanId> {
    VlanId::try_from(u64::from(r.u16().ok()?)).ok()
}
