//! The wire format of replication; `docs/protocol/replication.md` draws it.
//!
//! A message says what its sender has received and what it speaks, and carries at most one batch of
//! records ([`super::records`]). It is a list of length-prefixed fields: unknown ones are skipped, and
//! what a newer release appends to a known one is not looked at.

use alloc::vec::Vec;

use super::MAX_MESSAGE;
use super::input::SessionId;
use super::records::{MAX_RECORD, PREFIX};
use super::speaks::Speaks;
use super::standing::{Standing, Statement};
use crate::audit::{Fingerprint, Listing, MAX_LISTED};
use crate::wire::{CutShort, Reader, Writer};

/// Field of a message: session and acknowledgement.
const FIELD_ACK: u16 = 1;
/// Field of a message: a numbered batch of records.
const FIELD_BATCH: u16 = 2;
/// Field of a message: versions and kinds of records.
const FIELD_SPEAKS: u16 = 3;
/// Field of a message: what its sender's table is as a mirror.
const FIELD_STANDING: u16 = 4;
/// Field of a message: what its sender's table holds of a bucket.
const FIELD_LISTING: u16 = 5;
/// Flag of a statement: please say that it was heard.
const ASKS: u8 = 1;

/// Octets of an acknowledgement's value: session, applied, received, refused.
const ACK_VALUE: usize = 8 + 8 + 8 + 4;
/// Octets of the value that says what a box speaks.
const SPEAKS_VALUE: usize = 1 + 1 + 4;
/// Octets of a statement: number, number heard, standing, flags.
const STANDING_VALUE: usize = 4 + 4 + 1 + 1;
/// Octets that a batch's records may take: all but the other fields and the sequence number.
pub(super) const MAX_RECORDS: usize = MAX_MESSAGE
    - (PREFIX + ACK_VALUE)
    - (PREFIX + SPEAKS_VALUE)
    - (PREFIX + STANDING_VALUE)
    - (PREFIX + 8);
const _: () = assert!(8 + 8 + MAX_LISTED * 8 <= MAX_RECORDS, "a listing fits into a message");
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

/// What every message begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The session that it belongs to.
    pub(super) session: SessionId,
    /// What its sender has.
    pub(super) ack: Ack,
    /// What its sender speaks; the first release did not say.
    pub(super) speaks: Option<Speaks>,
    /// What its sender says of its table; the first release did not say.
    pub(super) statement: Option<Statement>,
}

/// A message taken apart; the records are not decoded yet.
#[derive(Clone, Debug)]
pub(super) struct Message<'a> {
    /// What it begins with.
    pub(super) head: Head,
    /// What the sender's table holds of a bucket, if it tells.
    pub(super) listing: Option<Listing>,
    /// The batch, if it carries one.
    pub(super) batch: Option<(Seq, Reader<'a>)>,
}

/// Builds a message; `records` as written by [`super::records::put_change`].
pub(super) fn encode(head: &Head, batch: Option<(Seq, &[u8])>) -> Vec<u8> {
    let mut writer = begin(head);
    if let Some((seq, records)) = batch {
        writer.field(FIELD_BATCH, |w| {
            w.u64(seq.0).bytes(records);
        });
    }
    writer.finish()
}

/// Builds a message with a listing.
pub(super) fn encode_listing(head: &Head, listing: &Listing) -> Vec<u8> {
    let mut writer = begin(head);
    writer.field(FIELD_LISTING, |w| {
        w.u64(listing.from.0).u64(listing.to.0);
        for fingerprint in listing.held.iter().take(MAX_LISTED) {
            w.u64(fingerprint.0);
        }
    });
    writer.finish()
}

fn begin(head: &Head) -> Writer {
    let mut writer = Writer::new();
    writer.field(FIELD_ACK, |w| put_ack(w, head.session, head.ack));
    if let Some(speaks) = head.speaks {
        writer.field(FIELD_SPEAKS, |w| {
            w.u8(speaks.oldest).u8(speaks.newest).u32(speaks.takes.bits());
        });
    }
    if let Some(statement) = head.statement {
        writer.field(FIELD_STANDING, |w| put_statement(w, statement));
    }
    writer
}

fn put_ack(w: &mut Writer, session: SessionId, ack: Ack) {
    w.u64(session.0).u64(ack.applied.0).u64(ack.received).u32(ack.refused);
}

fn put_statement(w: &mut Writer, statement: Statement) {
    w.u32(statement.number).u32(statement.heard).u8(statement.standing.number());
    w.u8(if statement.asks { ASKS } else { 0 });
}

/// Takes a message apart. Exactly one acknowledgement, at most one of everything else.
pub(super) fn decode(bytes: &[u8]) -> Result<Message<'_>, Malformed> {
    let mut reader = Reader::new(bytes);
    let (mut ack, mut batch, mut speaks, mut statement) = (None, None, None, None);
    let mut listing = None;
    while !reader.is_empty() {
        let (tag, mut value) = reader.field()?;
        let doubled = match tag {
            FIELD_ACK => ack.replace(take_ack(&mut value)?).is_some(),
            FIELD_BATCH => batch.replace((Seq(value.u64()?), value)).is_some(),
            FIELD_SPEAKS => speaks.replace(take_speaks(&mut value)?).is_some(),
            FIELD_STANDING => statement.replace(take_statement(&mut value)?).is_some(),
            FIELD_LISTING => listing.replace(take_listing(&mut value)?).is_some(),
            _ => false,
        };
        if doubled {
            return Err(Malformed);
        }
    }
    let (session, ack) = ack.ok_or(Malformed)?;
    Ok(Message { head: Head { session, ack, speaks, statement }, listing, batch })
}

fn take_ack(r: &mut Reader<'_>) -> Result<(SessionId, Ack), CutShort> {
    let session = SessionId(r.u64()?);
    let ack = Ack { applied: Seq(r.u64()?), received: r.u64()?, refused: r.u32()? };
    Ok((session, ack))
}

fn take_speaks(r: &mut Reader<'_>) -> Result<Speaks, CutShort> {
    Ok(Speaks { oldest: r.u8()?, newest: r.u8()?, takes: r.u32()?.into() })
}

fn take_statement(r: &mut Reader<'_>) -> Result<Statement, CutShort> {
    Ok(Statement {
        number: r.u32()?,
        heard: r.u32()?,
        standing: Standing::from_number(r.u8()?),
        asks: r.u8()? & ASKS != 0,
    })
}

fn take_listing(r: &mut Reader<'_>) -> Result<Listing, CutShort> {
    let (from, to) = (Fingerprint(r.u64()?), Fingerprint(r.u64()?));
    let mut held = Vec::new();
    while !r.is_empty() {
        held.push(Fingerprint(r.u64()?));
    }
    Ok(Listing { from, to, held })
}
