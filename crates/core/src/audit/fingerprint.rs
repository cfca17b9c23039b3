//! Fingerprints of connections, the same on both boxes and in every release.
//!
//! Two hashes (FNV-1a, 64 bits, its bits mixed once more) over octets as they are on the wire: of the
//! key, and of key, real and client VLAN. The upper ten bits of the first are the bucket, and of the
//! fingerprint; the rest of the fingerprint is of the second. What changes all the time (idle times,
//! who said FIN) is left out.

use core::net::SocketAddrV4;

use hitless_model::{ConnKey, ConnRecord};
use serde::{Deserialize, Serialize};

/// Bits of a bucket's number.
const BUCKET_BITS: u32 = 10;
/// Number of buckets: a full default table has 128 connections in each.
pub const BUCKETS: u16 = 1 << BUCKET_BITS;
/// Bits of a fingerprint that are of the real.
const REST: u64 = u64::MAX >> BUCKET_BITS;

/// A bucket.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Bucket(u16);

impl Bucket {
    /// The bucket with a number, if there is one.
    pub const fn new(number: u16) -> Option<Self> {
        if number < BUCKETS { Some(Self(number)) } else { None }
    }

    /// The bucket of a connection.
    pub fn of(key: &ConnKey) -> Self {
        Fingerprint(hash_of_key(key)).bucket()
    }

    /// Its number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The one after it, round and round.
    #[must_use]
    pub const fn next(self) -> Self {
        Self((self.0 + 1) % BUCKETS)
    }

    /// The least fingerprint that is in it.
    pub const fn first(self) -> Fingerprint {
        Fingerprint((self.0 as u64) << (u64::BITS - BUCKET_BITS))
    }

    /// The greatest one.
    pub const fn last(self) -> Fingerprint {
        Fingerprint(self.first().0 | REST)
    }
}

/// A connection in a few octets: which one, and who carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// The fingerprint of a connection.
    pub fn of(record: &ConnRecord) -> Self {
        let key = hash_of_key(&record.key);
        let mut hash = Fnv(key);
        hash.endpoint(record.real);
        hash.octets(&record.client_vlan.get().to_be_bytes());
        Self(key & !REST | hash.finish() & REST)
    }

    /// The bucket that it is in.
    pub const fn bucket(self) -> Bucket {
        // Ten bits are left of 64.
        Bucket((self.0 >> (u64::BITS - BUCKET_BITS)) as u16)
    }
}

/// What a bucket holds: the sum of its fingerprints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub u64);

impl Digest {
    pub(super) const fn add(&mut self, fingerprint: Fingerprint) {
        self.0 = self.0.wrapping_add(fingerprint.0);
    }

    pub(super) const fn take(&mut self, fingerprint: Fingerprint) {
        self.0 = self.0.wrapping_sub(fingerprint.0);
    }
}

fn hash_of_key(key: &ConnKey) -> u64 {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    hash.octets(&[key.protocol.number()]);
    hash.endpoint(key.client);
    hash.endpoint(key.virtual_server);
    hash.finish()
}

struct Fnv(u64);

impl Fnv {
    fn octets(&mut self, octets: &[u8]) {
        for octet in octets {
            self.0 = (self.0 ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn endpoint(&mut self, endpoint: SocketAddrV4) {
        self.octets(&endpoint.ip().octets());
        self.octets(&endpoint.port().to_be_bytes());
    }

    /// FNV's upper bits hardly know its last octets: they are mixed as `MurmurHash3` does at its end.
    const fn finish(&self) -> u64 {
        let mut hash = self.0;
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^ (hash >> 33)
    }
}
