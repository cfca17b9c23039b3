//! The records of a batch on the wire; `docs/protocol/replication.md` draws them.
//!
//! Each is a length-prefixed field. A kind that this release does not know is skipped and counted, and
//! what a newer release appends to a known one is not looked at. A new kind needs a tag here, a bit of
//! [`Takes`](super::speaks::Takes), and nobody is told it who has not said that he takes it.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use hitless_model::{ConnKey, ConnRecord, Protocol, VlanId};

use super::codec::Malformed;
use crate::audit::{Bucket, Digest, Fingerprint};
use crate::node::Change;
use crate::wire::{Reader, Writer};

/// Record: make or update an IPv4 connection.
const RECORD_UPSERT: u16 = 1;
/// Record: remove an IPv4 connection.
const RECORD_REMOVE: u16 = 2;
/// Record: a full dump begins.
const RECORD_DUMP_BEGINS: u16 = 3;
/// Record: a full dump is complete.
const RECORD_DUMP_ENDS: u16 = 4;
/// Record: the receiver holds a connection that the sender does not.
const RECORD_SURPLUS: u16 = 5;
/// Record: digests of buckets.
const RECORD_DIGESTS: u16 = 6;

/// Octets of tag and length.
pub(super) const PREFIX: usize = 4;
/// Octets of the longest record that does not choose its own length, an upsert.
pub(super) const MAX_RECORD: usize = PREFIX + 28;
/// Octets of a digest with its bucket.
pub(super) const DIGEST: usize = 2 + 8;

/// The records of a batch.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Records {
    /// The valid ones.
    pub(super) changes: Vec<Change>,
    /// Known ones with impossible values.
    pub(super) bad: u32,
    /// Those of kinds that this release does not know.
    pub(super) skipped: u32,
}

/// Appends one record.
pub(super) fn put_change(writer: &mut Writer, change: &Change) {
    match change {
        Change::Upsert(record) => writer.field(RECORD_UPSERT, |w| put_record(w, record)),
        Change::Remove(key) => writer.field(RECORD_REMOVE, |w| put_key(w, key)),
        Change::DumpBegins => writer.field(RECORD_DUMP_BEGINS, |_| {}),
        Change::DumpEnds => writer.field(RECORD_DUMP_ENDS, |_| {}),
        Change::Surplus(fingerprint) => writer.field(RECORD_SURPLUS, |w| {
            w.u64(fingerprint.0);
        }),
        Change::Digests(digests) => writer.field(RECORD_DIGESTS, |w| {
            for (bucket, digest) in digests {
                w.u16(bucket.number()).u64(digest.0);
            }
        }),
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
            RECORD_SURPLUS => value.u64().ok().map(|number| Change::Surplus(Fingerprint(number))),
            RECORD_DIGESTS => take_digests(&mut value).map(Change::Digests),
            _ => {
                records.skipped = records.skipped.saturating_add(1);
                continue;
            }
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

fn take_digests(r: &mut Reader<'_>) -> Option<Vec<(Bucket, Digest)>> {
    let mut digests = Vec::new();
    while !r.is_empty() {
        digests.push((Bucket::new(r.u16().ok()?)?, Digest(r.u64().ok()?)));
    }
    Some(digests)
}
