//! Bodies of hellos and greetings.

use alloc::string::String;
use alloc::vec::Vec;

use hitless_model::{Mac, VlanId};

use super::error::Rejected;
use super::keyring::KeyId;
use super::keys::Nonce;
use crate::node::PathId;
use crate::wire::{CutShort, Reader, Writer};

/// Longest software version told or taken.
const MAX_SOFTWARE: usize = 64;
/// Most keys taken: no box has more than two.
const MAX_KEYS: usize = 4;
/// Most paths told or taken: they have to fit into one frame, and no module has more VLANs in use.
const MAX_MACS: usize = 128;

mod tag {
    pub(super) const VERSIONS: u16 = 1;
    pub(super) const HEARD: u16 = 2;
    pub(super) const SOFTWARE: u16 = 3;
    pub(super) const ASKS: u16 = 4;
    pub(super) const MACS: u16 = 5;
    pub(super) const OFFER: u16 = 6;
    pub(super) const SESSION: u16 = 7;
    pub(super) const KEYS: u16 = 8;
}

/// First contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    /// Oldest and newest version that the sender speaks.
    pub(super) versions: (u8, u8),
    /// What the sender offers for the next session.
    pub(super) offer: Nonce,
    /// The receiver's offer, if the sender knows it: the receiver may then prove itself.
    pub(super) heard: Option<Nonce>,
    /// Name of the session that the sender holds, if any.
    pub(super) session: Option<u64>,
    /// The keys that the sender takes, the one it seals with first; none if it takes no other.
    pub(super) keys: Vec<KeyId>,
    /// The sender's release.
    pub(super) software: String,
}

impl Hello {
    pub(super) fn write(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.field(tag::VERSIONS, |w| {
            w.u8(self.versions.0).u8(self.versions.1);
        });
        writer.field(tag::OFFER, |w| {
            w.bytes(&self.offer.0);
        });
        if let Some(heard) = &self.heard {
            writer.field(tag::HEARD, |w| {
                w.bytes(&heard.0);
            });
        }
        if let Some(session) = self.session {
            writer.field(tag::SESSION, |w| {
                w.u64(session);
            });
        }
        if !self.keys.is_empty() {
            writer.field(tag::KEYS, |w| {
                for key in self.keys.iter().take(MAX_KEYS) {
                    w.u64(key.0);
                }
            });
        }
        write_software(&mut writer, &self.software);
        writer.finish()
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Rejected> {
        Self::read(Reader::new(bytes)).map_err(|CutShort| Rejected::Malformed)
    }

    fn read(mut reader: Reader<'_>) -> Result<Self, CutShort> {
        let mut versions = None;
        let mut offer = None;
        let mut heard = None;
        let mut session = None;
        let mut keys = Vec::new();
        let mut software = String::new();
        while !reader.is_empty() {
            let (tag, mut value) = reader.field()?;
            match tag {
                tag::VERSIONS => versions = Some((value.u8()?, value.u8()?)),
                tag::OFFER => offer = Some(Nonce(value.array()?)),
                tag::SESSION => session = Some(value.u64()?),
                tag::HEARD => heard = Some(Nonce(value.array()?)),
                tag::KEYS => keys = read_keys(value)?,
                tag::SOFTWARE => software = read_software(&value),
                _ => {}
            }
        }
        let (versions, offer) = (versions.ok_or(CutShort)?, offer.ok_or(CutShort)?);
        Ok(Self { versions, offer, heard, session, keys, software })
    }
}

/// What a box tells under the seal of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Greeting {
    /// The sender does not know yet whether the receiver holds the session.
    pub(super) asks: bool,
    /// The sender's MACs by path.
    pub(super) macs: Vec<(PathId, Mac)>,
}

impl Greeting {
    pub(super) fn write(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.field(tag::ASKS, |w| {
            w.u8(u8::from(self.asks));
        });
        writer.field(tag::MACS, |w| {
            for (path, mac) in self.macs.iter().take(MAX_MACS) {
                w.u16(path.0.get()).bytes(&mac.0);
            }
        });
        writer.finish()
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Rejected> {
        Self::read(Reader::new(bytes)).map_err(|CutShort| Rejected::Malformed)
    }

    fn read(mut reader: Reader<'_>) -> Result<Self, CutShort> {
        let mut asks = false;
        let mut macs = Vec::new();
        while !reader.is_empty() {
            let (tag, mut value) = reader.field()?;
            match tag {
                tag::ASKS => asks = value.u8()? != 0,
                tag::MACS => macs = read_macs(value)?,
                _ => {}
            }
        }
        Ok(Self { asks, macs })
    }
}

fn read_keys(mut reader: Reader<'_>) -> Result<Vec<KeyId>, CutShort> {
    let mut keys = Vec::new();
    while !reader.is_empty() && keys.len() < MAX_KEYS {
        keys.push(KeyId(reader.u64()?));
    }
    Ok(keys)
}

fn read_macs(mut reader: Reader<'_>) -> Result<Vec<(PathId, Mac)>, CutShort> {
    let mut macs = Vec::new();
    while !reader.is_empty() && macs.len() < MAX_MACS {
        let vlan = VlanId::try_from(u64::from(reader.u16()?));
        let mac = Mac(reader.array()?);
        if let Ok(vlan) = vlan {
            macs.push((PathId(vlan), mac));
        }
    }
    Ok(macs)
}

fn write_software(writer: &mut Writer, software: &str) {
    let bytes = software.as_bytes();
    writer.field(tag::SOFTWARE, |w| {
        w.bytes(bytes.get(..MAX_SOFTWARE).unwrap_or(bytes));
    });
}

/// It is printed in logs: anything but visible ASCII is replaced.
fn read_software(value: &Reader<'_>) -> String {
    let visible = |octet: &u8| if octet.is_ascii_graphic() { char::from(*octet) } else { '?' };
    value.rest().iter().take(MAX_SOFTWARE).map(visible).collect()
}
