//! One session, current or candidate: its keys and what was received under it.

use alloc::string::String;
use alloc::vec::Vec;

use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit};

use super::config::Pair;
use super::error::Rejected;
use super::frame::{HEADER, Header, Kind};
use super::keyring::{Held, KeyId};
use super::keys::{self, Key, Party};
use super::window::Window;
use crate::node::Secret;

/// The cipher under one key.
pub(super) struct Cipher(ChaCha20Poly1305);

impl core::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Cipher(…)")
    }
}

impl Cipher {
    pub(super) fn new(key: &Key) -> Self {
        Self(ChaCha20Poly1305::new(&key.0.into()))
    }

    /// `open` in clear, then `body` sealed; both authenticated. `None` only for bodies that are
    /// longer than the cipher can take, which no frame is.
    pub(super) fn seal(&self, counter: u64, open: &[u8], mut body: Vec<u8>) -> Option<Vec<u8>> {
        self.0.encrypt_in_place(&nonce(counter).into(), open, &mut body).ok()?;
        let mut frame = open.to_vec();
        frame.append(&mut body);
        Some(frame)
    }

    /// The body of a frame whose first `open` octets are in clear.
    pub(super) fn open(
        &self,
        counter: u64,
        frame: &[u8],
        open: usize,
    ) -> Result<Vec<u8>, Rejected> {
        let (open, sealed) = frame.split_at_checked(open).ok_or(Rejected::Damaged)?;
        let mut body = sealed.to_vec();
        let opened = self.0.decrypt_in_place(&nonce(counter).into(), open, &mut body);
        opened.map(|()| body).map_err(|_| Rejected::Forged)
    }
}

fn nonce(counter: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&counter.to_be_bytes());
    nonce
}

/// Numbers seen, by kind: a burst of replication must not push late heartbeats out of the window.
#[derive(Debug, Default)]
struct Windows {
    greeting: Window,
    roles: Window,
    replication: Window,
}

impl Windows {
    fn take(&mut self, kind: Kind, counter: u64) -> Result<(), Rejected> {
        let window = match kind {
            Kind::Hello => return Err(Rejected::UnknownKind),
            Kind::Greeting => &mut self.greeting,
            Kind::Roles => &mut self.roles,
            Kind::Replication => &mut self.replication,
        };
        if window.take(counter) { Ok(()) } else { Err(Rejected::Replayed) }
    }
}

/// One session.
#[derive(Debug)]
pub(super) struct Link {
    /// This box and what it offered.
    pub(super) own: Party,
    /// The peer and what it offered.
    pub(super) peer: Party,
    pub(super) software: String,
    /// Public name of the session.
    pub(super) name: u64,
    /// The wire version that both speak.
    pub(super) version: u8,
    /// The key that it was made with.
    pub(super) key: KeyId,
    /// That key itself: it counts for contact as long as the session stands.
    secret: Option<Secret>,
    /// Name of the session that both held when this one was begun: it goes on under another key.
    pub(super) continues: Option<u64>,
    tx: Cipher,
    rx: Cipher,
    windows: Windows,
}

impl Link {
    pub(super) fn new(key: &Held<'_>, pair: Pair, parties: [&Party; 2], version: u8) -> Self {
        let [own, peer] = parties;
        let root = keys::session_root(key.secret, pair, parties);
        Self {
            own: *own,
            peer: *peer,
            software: String::new(),
            name: keys::session_name(&root),
            version,
            key: key.id,
            secret: key.secret.cloned(),
            continues: None,
            tx: Cipher::new(&keys::sender_key(&root, own.unit)),
            rx: Cipher::new(&keys::sender_key(&root, peer.unit)),
            windows: Windows::default(),
        }
    }

    /// The key that it was made with.
    pub(super) fn held(&self) -> Held<'_> {
        Held { id: self.key, secret: self.secret.as_ref() }
    }

    /// What the header carries of the session's name.
    pub(super) fn hint(&self) -> u32 {
        u32::try_from(self.name >> 32).unwrap_or(0)
    }

    /// A frame of this session.
    pub(super) fn seal(&self, header: &Header, body: Vec<u8>) -> Option<Vec<u8>> {
        debug_assert!(header.sender == self.own.unit && header.hint == self.hint());
        self.tx.seal(header.counter, &header.write(), body)
    }

    /// Whether a frame with this header claims to be of this session.
    pub(super) fn claims(&self, header: &Header) -> bool {
        header.hint == self.hint() && header.sender == self.peer.unit
    }

    /// The body of a frame of this session.
    pub(super) fn open(&mut self, header: &Header, frame: &[u8]) -> Result<Vec<u8>, Rejected> {
        if header.version != self.version {
            return Err(Rejected::WrongVersion);
        }
        let body = self.rx.open(header.counter, frame, HEADER)?;
        self.windows.take(header.kind, header.counter)?;
        Ok(body)
    }
}
