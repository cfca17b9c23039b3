//! What a kernel table should hold, by bucket.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use hitless_model::{ConnKey, Instant};

use super::fingerprint::{BUCKETS, Bucket, Digest, Fingerprint};

/// What is known of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) fingerprint: Fingerprint,
    /// When the peer was told of it last, or told it.
    pub(super) told_at: Instant,
    /// The walk that met it last, as one of two.
    walk: bool,
    /// The dump of the peer that told it last, as one of two.
    dump: bool,
}

/// A table's connections as fingerprints.
#[derive(Debug)]
pub struct Ledger {
    buckets: Vec<BTreeMap<ConnKey, Line>>,
    digests: Vec<Digest>,
    len: usize,
    /// The present or latest walk, and the present or latest dump of the peer.
    walk: bool,
    dump: bool,
}

impl Default for Ledger {
    fn default() -> Self {
        let count = usize::from(BUCKETS);
        Self {
            buckets: (0..count).map(|_| BTreeMap::new()).collect(),
            digests: (0..count).map(|_| Digest::default()).collect(),
            len: 0,
            walk: false,
            dump: false,
        }
    }
}

impl Ledger {
    /// Connections in it.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What a bucket holds.
    pub fn digest(&self, bucket: Bucket) -> Digest {
        self.digests.get(index(bucket)).copied().unwrap_or_default()
    }

    /// What is known of a connection.
    pub(super) fn line(&mut self, key: &ConnKey, bucket: Bucket) -> Option<&mut Line> {
        self.buckets.get_mut(index(bucket))?.get_mut(key)
    }

    /// The lines of a bucket.
    pub(super) fn lines(&self, bucket: Bucket) -> impl Iterator<Item = (&ConnKey, &Line)> {
        self.buckets.get(index(bucket)).into_iter().flatten()
    }

    /// The connection with a fingerprint.
    pub(super) fn find(&self, fingerprint: Fingerprint) -> Option<ConnKey> {
        let mut lines = self.lines(fingerprint.bucket());
        lines.find(|(_, line)| line.fingerprint == fingerprint).map(|(key, _)| *key)
    }

    /// The table holds a connection; the peer knows it as of now.
    pub(super) fn insert(&mut self, now: Instant, key: ConnKey, fingerprint: Fingerprint) {
        let at = index(fingerprint.bucket());
        let (Some(bucket), Some(digest)) = (self.buckets.get_mut(at), self.digests.get_mut(at))
        else {
            return;
        };
        let line = Line { fingerprint, told_at: now, walk: self.walk, dump: self.dump };
        match bucket.insert(key, line) {
            Some(old) => digest.take(old.fingerprint),
            None => self.len += 1,
        }
        digest.add(fingerprint);
    }

    /// The table holds it no more.
    pub(super) fn remove(&mut self, key: &ConnKey) {
        let at = index(Bucket::of(key));
        let removed = self.buckets.get_mut(at).and_then(|bucket| bucket.remove(key));
        if let (Some(line), Some(digest)) = (removed, self.digests.get_mut(at)) {
            digest.take(line.fingerprint);
            self.len -= 1;
        }
    }

    /// A walk through the kernel table begins.
    pub(super) const fn begin_walk(&mut self) {
        self.walk = !self.walk;
    }

    /// The walk met it; says when the peer was told of it last, if it is known like this.
    pub(super) fn meet(&mut self, key: &ConnKey, fingerprint: Fingerprint) -> Option<&mut Line> {
        let walk = self.walk;
        let line = self.line(key, fingerprint.bucket())?;
        line.walk = walk;
        Some(line).filter(|line| line.fingerprint == fingerprint)
    }

    /// Connections of a bucket that the walk did not meet.
    pub(super) fn unmet(&self, bucket: Bucket) -> impl Iterator<Item = ConnKey> {
        self.lines(bucket).filter(|(_, line)| line.walk != self.walk).map(|(key, _)| *key)
    }

    /// The peer begins to tell all its connections.
    pub(super) const fn begin_dump(&mut self) {
        self.dump = !self.dump;
    }

    /// The peer has told all: what it did not tell is gone.
    pub(super) fn end_dump(&mut self) {
        let dump = self.dump;
        let untold: Vec<ConnKey> = self
            .buckets
            .iter()
            .flatten()
            .filter(|(_, line)| line.dump != dump)
            .map(|(key, _)| *key)
            .collect();
        for key in untold {
            self.remove(&key);
        }
    }
}

fn index(bucket: Bucket) -> usize {
    usize::from(bucket.number())
}
